/** Whatever is to be signed: what can't be read is refused by a code, and what can has a summary. */
import { chainsRows } from '../support/fuzz/chains.ts'
import { fuzzAll } from '../support/fuzz/run.ts'

fuzzAll(chainsRows, 0.3)
