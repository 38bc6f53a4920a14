/** Whatever reaches the emulators: an error that AWS has a name for, never a crash. */
import { fuzzAll } from '../support/fuzz/run.ts'
import { localRows } from '../support/fuzz/local.ts'

fuzzAll(localRows, 0.1)
