/** Whatever the host, the device or AWS says to the enclave, and whatever a document claims: it is read whole or refused. */
import { attestationRows } from '../support/fuzz/attestation.ts'
import { enclaveRows } from '../support/fuzz/enclave.ts'
import { fuzzAll } from '../support/fuzz/run.ts'

fuzzAll([...attestationRows, ...enclaveRows], 0.2)
