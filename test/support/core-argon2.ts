import { createHash } from 'node:crypto'
import type { Argon2id } from '../../enclave-sim/core/ports.ts'

/** In place of Argon2id where its price is of no interest: SHA-256 of salt and password. */
export function createTestArgon2(): Argon2id {
  return async (password, salt) => new Uint8Array(createHash('sha256').update(salt).update(password).digest())
}
