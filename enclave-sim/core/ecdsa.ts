/**
 * ECDSA over secp256k1 with RFC 6979's nonces, over bytes: neither the private key nor a nonce (which gives the key away) is ever in a
 * BigInt or a string, which can't be overwritten (a random multiple of the nonce is, once). Points are OpenSSL's; arithmetic modulo n is scalars.ts's.
 */
import { createHmac, randomFillSync } from 'node:crypto'
import { concat, fromHex, secretBytes, toHex, wipe } from '../../lib/protocol/bytes.ts'
import { isScalar, pointOf } from './hd.ts'
import { add, fromLimbs, limbs, multiply, negate, reduceOnce, toLimbs, type Limbs } from './scalars.ts'

const ORDER = 2n ** 256n - 0x14551231950b75fc4402da1732fc9bebfn
/** n / 2, big-endian: s above it is replaced by n − s (EIP-2, BIP-62). */
const HALF_N = Uint8Array.from(Buffer.from('7fffffffffffffffffffffffffffffff5d576e7357a4501ddfe92f46681b20a0', 'hex'))

/**
 * Signs a 32-byte digest; s is low. The caller verifies what comes back before it leaves: a fault while signing could give the key away.
 * @param privateKey 32 bytes; left as it is
 * @returns r ‖ s, and the parity of R's y
 * @throws Error when the key is none, or the digest not 32 bytes; or in one of 2^127 cases, when R's x is n or more
 */
export function signEcdsa(privateKey: Uint8Array, digest: Uint8Array): { readonly compact: Uint8Array<ArrayBuffer>; readonly recovery: 0 | 1 } {
  if (privateKey.length !== 32 || !isScalar(privateKey) || digest.length !== 32) throw new Error('a private key and a digest are 32 bytes each')
  const z = toLimbs(digest)
  reduceOnce(z, 0)
  const nonces = createNonces(privateKey, fromLimbs(z))
  const d = toLimbs(privateKey)
  try {
    for (;;) {
      const k = nonces.next()
      try {
        const signature = signWith(k, d, z)
        if (signature !== undefined) return signature
      } finally {
        wipe(k)
      }
    }
  } finally {
    nonces.end()
    d.fill(0)
  }
}

/** `undefined` for the nonces, next to none, that give no signature. */
function signWith(nonce: Uint8Array, d: Limbs, z: Limbs): { compact: Uint8Array<ArrayBuffer>; recovery: 0 | 1 } | undefined {
  const point = pointOf(nonce, 'uncompressed')
  const r = point.subarray(1, 33)
  if (!isScalar(r)) throw new Error('unusable nonce')
  const k = toLimbs(nonce)
  const s = limbs()
  try {
    multiply(s, toLimbs(r), d)
    add(s, z)
    invert(k)
    multiply(s, s, k)
    const bytes = fromLimbs(s)
    if (!isScalar(bytes)) return undefined
    const parity = (point[64] as number) & 1
    const isHigh = Buffer.compare(bytes, HALF_N) > 0
    if (isHigh) negate(s)
    return { compact: concat(r, isHigh ? fromLimbs(s) : bytes), recovery: (isHigh ? parity ^ 1 : parity) as 0 | 1 }
  } finally {
    k.fill(0)
    s.fill(0)
  }
}

/** RFC 6979 §3.2 with HMAC-SHA256. `digest` is already reduced modulo n. */
function createNonces(privateKey: Uint8Array, digest: Uint8Array): { next(): Uint8Array; end(): void } {
  const [key, value] = [secretBytes(32), secretBytes(32).fill(1)]
  const hmac = (out: Uint8Array, ...parts: readonly Uint8Array[]): void => {
    const mac = createHmac('sha256', key)
    for (const part of parts) mac.update(part)
    const result = mac.digest()
    out.set(result)
    wipe(result)
  }
  for (const round of [0, 1]) {
    hmac(key, value, new Uint8Array([round]), privateKey, digest)
    hmac(value, value)
  }
  return {
    next() {
      for (;;) {
        hmac(value, value)
        const nonce = concat(value)
        hmac(key, value, new Uint8Array([0]))
        hmac(value, value)
        if (isScalar(nonce)) return nonce
      }
    },
    end: () => wipe(key, value),
  }
}

/**
 * a := 1/a mod n. Only the product with a fresh random number is ever a BigInt: without that number, which is wiped, it says nothing of a.
 * (Fermat's power in limbs would take longer than all the rest of a signature.)
 */
function invert(a: Limbs): void {
  const random = secretBytes(32)
  do randomFillSync(random)
  while (!isScalar(random))
  const blind = toLimbs(random)
  try {
    multiply(a, a, blind)
    const inverse = inverseOf(BigInt(`0x${toHex(fromLimbs(a))}`))
    multiply(a, toLimbs(fromHex(inverse.toString(16).padStart(64, '0')) as Uint8Array), blind)
  } finally {
    wipe(random)
    blind.fill(0)
  }
}

/** 1/value mod n, by the extended Euclidean algorithm. */
function inverseOf(value: bigint): bigint {
  let [r, next, t, nextT] = [ORDER, value, 0n, 1n]
  while (next > 0n) {
    const quotient = r / next
    ;[r, next] = [next, r - quotient * next]
    ;[t, nextT] = [nextT, t - quotient * nextT]
  }
  return t < 0n ? t + ORDER : t
}
