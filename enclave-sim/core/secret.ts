/** What a record's `seed` holds: BIP-39 entropy, and the seed made from it, so that no signature waits for PBKDF2. */
import { concat } from '../../lib/protocol/bytes.ts'

const SEED_BYTES = 64

/** entropy (16 or 32 bytes) ‖ seed (64 bytes). Raw bytes, not CBOR: each copy that a codec made would have to be wiped. */
export function joinSecret(entropy: Uint8Array, seed: Uint8Array): Uint8Array {
  return concat(entropy, seed)
}

/** The seed as a view into `secret`; wiping that wipes both. */
export function seedOf(secret: Uint8Array): Uint8Array {
  return secret.subarray(secret.length - SEED_BYTES)
}
