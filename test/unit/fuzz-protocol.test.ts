/** Whatever bytes arrive, lib/protocol refuses them in its own words, and what it takes is what it would have written. */
import { protocolRows } from '../support/fuzz/protocol.ts'
import { fuzzAll } from '../support/fuzz/run.ts'

fuzzAll(protocolRows, 0.3)
