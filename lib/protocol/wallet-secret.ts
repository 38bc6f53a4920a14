/**
 * What a record's `seed`, a recovery seal and a backup file hold. Raw bytes, not CBOR: each copy that a codec made would have to be wiped.
 *
 * ```
 *   01 ‖ n ‖ BIP-39 entropy (n = 16, 20, 24, 28 or 32 bytes) ‖ m ‖ BIP-39 passphrase (m bytes, UTF-8) ‖ BIP-39 seed (64)
 *   02 ‖ secp256k1 private key (32)
 *   03 ‖ ed25519 seed (32, RFC 8032 §5.1.5)
 * ```
 *
 * Zeros fill it up to {@link SECRET_BYTES}, the most that it can take: kind, words and passphrase don't show in the length of what it is sealed as.
 *
 * The seed is kept beside its entropy so that no signature waits for PBKDF2.
 */
import { secretBytes } from './bytes.ts'
import { LIMITS } from './limits.ts'
import type { WalletKind } from './wallet-view.ts'

export type WalletSecret =
  | { readonly kind: 'mnemonic'; readonly entropy: Uint8Array; readonly passphrase: Uint8Array; readonly seed: Uint8Array }
  | { readonly kind: 'secp256k1' | 'ed25519'; readonly key: Uint8Array }

const KINDS: Readonly<Record<number, WalletKind>> = { 1: 'mnemonic', 2: 'secp256k1', 3: 'ed25519' }
const CODES: Readonly<Record<WalletKind, number>> = { mnemonic: 1, secp256k1: 2, ed25519: 3 }
const SEED_BYTES = 64
const KEY_BYTES = 32
const SECRET_BYTES = 3 + 32 + LIMITS.maxPassphraseBytes + SEED_BYTES

/** A copy of every part in one buffer. Wipe it, and the parts. */
export function joinSecret(secret: WalletSecret): Uint8Array<ArrayBuffer> {
  const parts =
    secret.kind === 'mnemonic'
      ? [Uint8Array.of(secret.entropy.length), secret.entropy, Uint8Array.of(secret.passphrase.length), secret.passphrase, secret.seed]
      : [secret.key]
  const joined = secretBytes(SECRET_BYTES)
  joined[0] = CODES[secret.kind]
  let at = 1
  for (const part of parts) {
    joined.set(part, at)
    at += part.length
  }
  return joined
}

/** The parts as views into `joined`: wiping that wipes them. Returns `undefined` for what {@link joinSecret} would not have written. */
export function splitSecret(joined: Uint8Array): WalletSecret | undefined {
  const kind = KINDS[joined[0] ?? 0]
  if (kind === undefined || joined.length !== SECRET_BYTES) return undefined
  const endsAt = (end: number): boolean => joined.subarray(end).every((byte) => byte === 0)
  if (kind !== 'mnemonic') return endsAt(1 + KEY_BYTES) ? { kind, key: joined.subarray(1, 1 + KEY_BYTES) } : undefined
  const entropyBytes = joined[1] ?? 0
  if (![16, 20, 24, 28, 32].includes(entropyBytes)) return undefined
  const passphraseAt = 2 + entropyBytes
  const passphraseBytes = joined[passphraseAt] ?? 0
  const seedAt = passphraseAt + 1 + passphraseBytes
  const end = seedAt + SEED_BYTES
  if (!endsAt(end)) return undefined
  return { kind, entropy: joined.subarray(2, passphraseAt), passphrase: joined.subarray(passphraseAt + 1, seedAt), seed: joined.subarray(seedAt, end) }
}
