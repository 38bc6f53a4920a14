/** Arithmetic modulo secp256k1's n over bytes: sixteen limbs of 16 bits, little end first, in buffers that can be wiped; the same steps whatever the values. */
import { secretBytes } from '../../lib/protocol/bytes.ts'

/** A number below 2^256. Wipe it (`fill(0)`) when it was secret. */
export type Limbs = Uint16Array<ArrayBuffer>

const LIMBS = 16
/** n = 2^256 − C; C has 129 bits, nine limbs. */
const C = Uint16Array.of(0xbebf, 0x2fc9, 0xa173, 0x402d, 0x5fc4, 0x50b7, 0x2319, 0x4551, 1)
const N = Uint16Array.of(0x4141, 0xd036, 0x5e8c, 0xbfd2, 0xa03b, 0xaf48, 0xdce6, 0xbaae, 0xfffe, 0xffff, 0xffff, 0xffff, 0xffff, 0xffff, 0xffff, 0xffff)
/** Scratch of `multiply` and `reduceOnce`, zero in between: hundreds of calls make one signature. */
const WIDE = new Uint16Array(new ArrayBuffer(64))
const HIGH = new Uint16Array(new ArrayBuffer(32))
const REDUCED = new Uint16Array(new ArrayBuffer(32))

export function limbs(): Limbs {
  return new Uint16Array(new ArrayBuffer(2 * LIMBS))
}

/** From 32 bytes, big-endian. */
export function toLimbs(bytes: Uint8Array): Limbs {
  const out = limbs()
  for (let i = 0; i < LIMBS; i++) out[i] = ((bytes[30 - 2 * i] as number) << 8) | (bytes[31 - 2 * i] as number)
  return out
}

/** 32 bytes, big-endian. */
export function fromLimbs(a: Limbs): Uint8Array<ArrayBuffer> {
  const out = secretBytes(32)
  for (let i = 0; i < LIMBS; i++) {
    out[30 - 2 * i] = (a[i] as number) >> 8
    out[31 - 2 * i] = (a[i] as number) & 0xff
  }
  return out
}

/** a := a − n where a + carry·2^256 is n or more; for values below 2n. */
export function reduceOnce(a: Limbs, carry: number): void {
  const reduced = REDUCED
  let borrow = 0
  for (let i = 0; i < LIMBS; i++) {
    const difference = (a[i] as number) - (N[i] as number) - borrow
    reduced[i] = difference & 0xffff
    borrow = (difference >> 16) & 1
  }
  const mask = -(carry | (borrow ^ 1)) & 0xffff
  for (let i = 0; i < LIMBS; i++) a[i] = ((reduced[i] as number) & mask) | ((a[i] as number) & ~mask)
  reduced.fill(0)
}

/** a := a + b mod n */
export function add(a: Limbs, b: Limbs): void {
  let carry = 0
  for (let i = 0; i < LIMBS; i++) {
    const sum = (a[i] as number) + (b[i] as number) + carry
    a[i] = sum & 0xffff
    carry = sum >> 16
  }
  reduceOnce(a, carry)
}

/** a := n − a, for 0 < a < n */
export function negate(a: Limbs): void {
  let borrow = 0
  for (let i = 0; i < LIMBS; i++) {
    const difference = (N[i] as number) - (a[i] as number) - borrow
    a[i] = difference & 0xffff
    borrow = (difference >> 16) & 1
  }
}

/** out := a · b mod n. Since 2^256 is C modulo n, what lies above is multiplied by C and added below, until nothing lies above. */
export function multiply(out: Limbs, a: Limbs, b: Limbs): void {
  const wide = WIDE.fill(0)
  const high = HIGH
  addProduct(wide, a, b, LIMBS)
  // How many limbs can lie above: 256 bits, then 130, then 3, then 1.
  for (const above of [LIMBS, 9, 1, 1]) {
    high.set(wide.subarray(LIMBS))
    wide.fill(0, LIMBS)
    addProduct(wide, high, C, above)
  }
  out.set(wide.subarray(0, LIMBS))
  reduceOnce(out, 0)
  wide.fill(0)
  high.fill(0)
}

/** wide := wide + a · b for the first `used` limbs of a; it fits. Each step's sum is below 2^32: (2^16 − 1)^2 + 2 · (2^16 − 1). */
function addProduct(wide: Limbs, a: Limbs, b: Limbs, used: number): void {
  for (let i = 0; i < used; i++) {
    let carry = 0
    for (let j = 0; j < b.length; j++) {
      const sum = (wide[i + j] as number) + (a[i] as number) * (b[j] as number) + carry
      wide[i + j] = sum & 0xffff
      carry = sum >>> 16
    }
    for (let at = i + b.length; at < wide.length; at++) {
      const sum = (wide[at] as number) + carry
      wide[at] = sum & 0xffff
      carry = sum >>> 16
    }
  }
}
