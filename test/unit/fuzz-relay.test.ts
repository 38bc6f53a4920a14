/** Whatever a stranger sends to the relay, and whatever a relay answers to an app: one of the codes, or what the types promise. */
import { relayRows } from '../support/fuzz/relay.ts'
import { fuzzAll } from '../support/fuzz/run.ts'

fuzzAll(relayRows, 0.1)
