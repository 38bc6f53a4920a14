/** The three signatures there are. Each is verified before it is returned: a fault while signing could give the key away. */
import { createPrivateKey, createPublicKey, sign as signNative, verify as verifyNative } from 'node:crypto'
import { hashes, recoverPublicKey, schnorr, verify } from '@noble/secp256k1'
import { sha256 } from '@noble/hashes/sha2.js'
import type { Signature } from '../../lib/chains/chain.ts'
import { concat, equal, fromHex, secretBytes, utf8, wipe } from '../../lib/protocol/bytes.ts'
import { signEcdsa as sign } from './ecdsa.ts'
import { addModN, publicKeyOf } from './hd.ts'

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
 * BIP-340 with auxiliary randomness of zeros, so that a repeat gets the same bytes; what protects against faults is the verification.
 * @param merkleRoot tweak the key as BIP-341 does for this Merkle root (empty: none); `null`: sign with the key as it is
 */
export function signSchnorr(privateKey: Uint8Array, digest: Uint8Array, merkleRoot: Uint8Array | null): Signature {
  if (digest.length !== 32) throw new Error('a digest is 32 bytes')
  const key = secretBytes(32)
  try {
    key.set(privateKey)
    if (merkleRoot !== null) tweak(key, merkleRoot)
    const compact = schnorr.sign(digest, key, new Uint8Array(32))
    if (!schnorr.verify(compact, digest, publicKeyOf('secp256k1', key).subarray(1))) throw new Error('the signature does not verify')
    return { compact, recovery: null }
  } finally {
    wipe(key)
  }
}

/** Tag of BIP-340's tagged hash; it comes twice in front. */
const TAP_TWEAK = sha256(utf8('TapTweak'))
const ORDER = fromHex('fffffffffffffffffffffffffffffffebaaedce6af48a03bbfd25e8cd0364141') as Uint8Array

/** `taproot_tweak_seckey` (BIP-341), in place: the key whose point has an even y, plus the tweak. */
function tweak(key: Uint8Array, merkleRoot: Uint8Array): void {
  const publicKey = publicKeyOf('secp256k1', key)
  if (publicKey[0] === 3) negate(key)
  const t = sha256(concat(TAP_TWEAK, TAP_TWEAK, publicKey.subarray(1), merkleRoot))
  addModN(t, key)
  key.set(t)
  wipe(t)
}

/** key := n − key, for 0 < key < n. */
function negate(key: Uint8Array): void {
  let borrow = 0
  for (let i = 31; i >= 0; i--) {
    const difference = (ORDER[i] as number) - (key[i] as number) - borrow
    key[i] = difference & 0xff
    borrow = (difference >> 8) & 1
  }
}

const PKCS8_ED25519 = fromHex('302e020100300506032b657004220420') as Uint8Array
const SPKI_ED25519 = fromHex('302a300506032b6570032100') as Uint8Array

/** Ed25519 (RFC 8032 §5.1.6), pure, of the whole message. */
export function signEd25519(privateKey: Uint8Array, publicKey: Uint8Array, message: Uint8Array): Signature {
  const der = concat(PKCS8_ED25519, privateKey)
  try {
    const compact = new Uint8Array(signNative(null, message, createPrivateKey({ key: Buffer.from(der.buffer), format: 'der', type: 'pkcs8' })))
    const verifying = createPublicKey({ key: Buffer.from(concat(SPKI_ED25519, publicKey)), format: 'der', type: 'spki' })
    if (!verifyNative(null, message, verifying, compact)) throw new Error('the signature does not verify')
    return { compact, recovery: null }
  } finally {
    wipe(der)
  }
}
