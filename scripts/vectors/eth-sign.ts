/** Signatures for vectors that come with a bare private key: by the enclave's own signer. */
import { getPublicKey, recoverPublicKey } from '@noble/secp256k1'
import { signEcdsa, type EcdsaSignature } from '../../enclave-sim/core/signing.ts'
import { chainOf } from '../../lib/chains/registry.ts'
import { concat } from '../../lib/protocol/bytes.ts'

export function signAsEnclave(digest: Uint8Array, privateKey: Uint8Array): EcdsaSignature {
  return signEcdsa(privateKey, getPublicKey(privateKey, true), digest)
}

/** The address that a signature is from. @throws Error when it is from none */
export function addressOf(compact: Uint8Array, recovery: number, digest: Uint8Array): string {
  return chainOf('eip155').address({ path: 'm', publicKey: recoverPublicKey(concat(Uint8Array.of(recovery), compact), digest, { prehash: false }), chainCode: null })
}
