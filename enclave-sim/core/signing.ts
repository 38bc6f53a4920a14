/** The three signatures there are. Each is verified before it is returned: a fault while signing could give the key away. */
import { hashes, recoverPublicKey, schnorr, verify } from '@noble/secp256k1'
import { sha256 } from '@noble/hashes/sha2.js'
import type { Signature } from '../../lib/chains/chain.ts'
import { concat, equal, secretBytes, wipe } from '../../lib/protocol/bytes.ts'
import { signEcdsa as sign } from './ecdsa.ts'
import { signEd25519 as sign25519, verifyEd25519 } from './ed25519.ts'
import { publicKeyOf } from './hd.ts'
import { signSchnorr as sign340, tweakPrivateKey } from './schnorr.ts'

hashes.sha256 = (message) => sha256(message)

/** r ‖ s and the parity of R's y coordinate. */
export type EcdsaSignature = Signature & { readonly recovery: 0 | 1 }

/**
 * ECDSA over secp256k1, RFC 6979, low s (EIP-2, BIP-62), by our own code over bytes (ecdsa.ts). That the signature verifies, and that the public key
 * recovered from it is this one, is @noble/secp256k1's to say.
 * @param publicKey compressed, 33 bytes
 * @param digest 32 bytes
 */
export function signEcdsa(privateKey: Uint8Array, publicKey: Uint8Array, digest: Uint8Array): EcdsaSignature {
  const { compact, recovery } = sign(privateKey, digest)
  const valid = verify(compact, digest, publicKey, { prehash: false, lowS: true })
  if (!valid || !equal(recoverPublicKey(concat(new Uint8Array([recovery]), compact), digest, { prehash: false }), publicKey)) {
    throw new Error('the signature does not verify')
  }
  return { compact, recovery }
}

/**
 * BIP-340 by our own code over bytes (schnorr.ts), with auxiliary randomness of zeros, so that a repeat gets the same bytes; what protects
 * against faults is the verification, by @noble/secp256k1.
 * @param merkleRoot tweak the key as BIP-341 does for this Merkle root (empty: none); `null`: sign with the key as it is
 */
export function signSchnorr(privateKey: Uint8Array, digest: Uint8Array, merkleRoot: Uint8Array | null): Signature {
  if (digest.length !== 32) throw new Error('a digest is 32 bytes')
  const key = merkleRoot === null ? secretBytes(32) : tweakPrivateKey(privateKey, merkleRoot)
  try {
    if (merkleRoot === null) key.set(privateKey)
    const compact = sign340(key, digest, new Uint8Array(32))
    if (!schnorr.verify(compact, digest, publicKeyOf('secp256k1', key).subarray(1))) throw new Error('the signature does not verify')
    return { compact, recovery: null }
  } finally {
    wipe(key)
  }
}

/** Ed25519 (RFC 8032 §5.1.6), pure, of the whole message. That it verifies says as well that the private key is the public key's. */
export function signEd25519(privateKey: Uint8Array, publicKey: Uint8Array, message: Uint8Array): Signature {
  const compact = sign25519(privateKey, message)
  if (!verifyEd25519(publicKey, message, compact)) throw new Error('the signature does not verify')
  return { compact, recovery: null }
}
