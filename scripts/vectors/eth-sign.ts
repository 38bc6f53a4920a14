/**
 * Signatures for vectors that come with a bare private key, which enclave-sim/core/keys.ts never takes: the same call,
 * with the same options.
 */
import { recoverPublicKey, sign } from '@noble/secp256k1'
import '../../enclave-sim/core/keys.ts' // gives noble its hashes
import type { EcdsaSignature } from '../../lib/chains/ethereum/signature.ts'
import { chainOf } from '../../lib/chains/registry.ts'
import { concat } from '../../lib/protocol/bytes.ts'
import { Failure } from './report.ts'

export function signAsEnclave(digest: Uint8Array, privateKey: Uint8Array): EcdsaSignature {
  const recovered = sign(digest, privateKey, { prehash: false, lowS: true, format: 'recovered' })
  const recovery = recovered[0]
  if (recovery !== 0 && recovery !== 1) throw new Failure('unusable recovery id')
  return { compact: recovered.slice(1), recovery }
}

/** The address that a signature is from. @throws Error when it is from none */
export function addressOf(compact: Uint8Array, recovery: number, digest: Uint8Array): string {
  return chainOf('eip155').address({ path: 'm', publicKey: recoverPublicKey(concat(Uint8Array.of(recovery), compact), digest, { prehash: false }), chainCode: null })
}
