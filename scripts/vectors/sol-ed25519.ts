/** Ed25519, as enclave-sim/core makes signatures (node:crypto) and lib/chains/solana verifies them (noble, RFC 8032 alone). */
import { ed25519 } from '@noble/curves/ed25519.js'
import { publicKeyOf } from '../../enclave-sim/core/hd.ts'
import { signEd25519 } from '../../enclave-sim/core/signing.ts'
import { equal } from '../../lib/protocol/bytes.ts'
import type { Wycheproof } from './crypto.ts'
import { hexField, text, type Json } from './fields.ts'
import { must } from './report.ts'

/** djb's `sign.input` and its like: seed, public key, message, signature. */
export function checkSignInput(vector: Json): void {
  const [seed, publicKey] = [hexField(vector, 'seed').slice(0, 32), hexField(vector, 'pub')]
  const [message, signature] = [hexField(vector, 'msg'), hexField(vector, 'sig').slice(0, 64)]
  must(equal(publicKeyOf('ed25519', seed), publicKey), 'another public key')
  must(signs(seed, publicKey, message, signature), 'another signature')
  must(isValidEd25519(publicKey, message, signature), 'a valid signature is refused')
}

export function signs(seed: Uint8Array, publicKey: Uint8Array, message: Uint8Array, signature: Uint8Array): boolean {
  return equal(signEd25519(seed, publicKey, message).compact, signature)
}

export function isValidEd25519(publicKey: Uint8Array, message: Uint8Array, signature: Uint8Array): boolean {
  try {
    return ed25519.verify(signature, message, publicKey, { zip215: false })
  } catch {
    return false // not of the right length
  }
}

/** Wycheproof's `EddsaVerify`. */
export function checkEddsaVerify({ group, test, expected }: Wycheproof): void {
  const key = group['publicKey'] as Json
  const isValid = isValidEd25519(hexField(key, 'pk'), hexField(test, 'msg'), hexField(test, 'sig'))
  must(isValid === (expected === 'valid'), isValid ? 'an invalid signature is accepted' : 'a valid signature is refused')
  must(text(group, 'type') === 'EddsaVerify', 'another type')
}
