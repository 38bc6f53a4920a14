/**
 * BIP-340 over bytes, for the same reason as ecdsa.ts: neither a private key nor a nonce is ever in a BigInt or a string. Points are OpenSSL's;
 * arithmetic modulo n is scalars.ts's.
 */
import { createHash } from 'node:crypto'
import { concat, secretBytes, utf8, wipe } from '../../lib/protocol/bytes.ts'
import { isScalar, pointOf } from './hd.ts'
import { add, fromLimbs, limbs, multiply, negate, reduceOnce, toLimbs, type Limbs } from './scalars.ts'

/**
 * Signs as BIP-340's "Default Signing" has it. The caller verifies what comes back before it leaves: a fault while signing could give the key away.
 * @param privateKey 32 bytes; left as it is
 * @param message of any length
 * @param aux auxiliary randomness, 32 bytes
 * @returns R's x ‖ s, 64 bytes
 * @throws Error when the key is none, or in one of 2^127 cases, when its nonce can't be used
 */
export function signSchnorr(privateKey: Uint8Array, message: Uint8Array, aux: Uint8Array): Uint8Array<ArrayBuffer> {
  if (privateKey.length !== 32 || !isScalar(privateKey) || aux.length !== 32) throw new Error('a private key and its randomness are 32 bytes each')
  const { d, x } = evenKey(privateKey)
  const masked = fromLimbs(d)
  const mask = tagged('BIP0340/aux', aux)
  for (let i = 0; i < 32; i++) masked[i] = (masked[i] as number) ^ (mask[i] as number)
  const random = tagged('BIP0340/nonce', masked, x, message)
  const k = reduced(random)
  const nonce = fromLimbs(k)
  const s = limbs()
  try {
    if (!isScalar(nonce)) throw new Error('unusable nonce')
    const point = pointOf(nonce, 'uncompressed')
    if (((point[64] as number) & 1) === 1) negate(k)
    const r = point.subarray(1, 33)
    multiply(s, reduced(tagged('BIP0340/challenge', r, x, message)), d)
    add(s, k)
    return concat(r, fromLimbs(s))
  } finally {
    for (const number of [d, k, s]) number.fill(0)
    wipe(masked, mask, random, nonce)
  }
}

/**
 * `taproot_tweak_seckey` (BIP-341): the key whose point has an even y, plus the tweak.
 * @param merkleRoot empty: none
 * @returns 32 bytes. Wipe them
 */
export function tweakPrivateKey(privateKey: Uint8Array, merkleRoot: Uint8Array): Uint8Array<ArrayBuffer> {
  const { d, x } = evenKey(privateKey)
  const t = tagged('TapTweak', x, merkleRoot)
  try {
    if (!isScalar(t)) throw new Error('unusable tweak')
    add(d, toLimbs(t))
    return fromLimbs(d)
  } finally {
    d.fill(0)
  }
}

/** The key or its negative, whichever has a point with even y, and that point's x. */
function evenKey(privateKey: Uint8Array): { readonly d: Limbs; readonly x: Uint8Array } {
  const point = pointOf(privateKey, 'compressed')
  const d = toLimbs(privateKey)
  if (point[0] === 3) negate(d)
  return { d, x: point.subarray(1) }
}

function reduced(bytes: Uint8Array): Limbs {
  const number = toLimbs(bytes)
  reduceOnce(number, 0)
  return number
}

/** SHA-256(SHA-256(tag) ‖ SHA-256(tag) ‖ parts). */
function tagged(tag: string, ...parts: readonly Uint8Array[]): Uint8Array<ArrayBuffer> {
  const prefix = createHash('sha256').update(utf8(tag)).digest()
  const hash = createHash('sha256').update(prefix).update(prefix)
  for (const part of parts) hash.update(part)
  const [digest, out] = [hash.digest(), secretBytes(32)]
  out.set(digest)
  wipe(digest)
  return out
}
