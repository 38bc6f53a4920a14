/** Error correction of QR codes: Reed and Solomon's over GF(2^8) with x^8+x^4+x^3+x^2+1 (ISO/IEC 18004 §7.5). */
const POLYNOMIAL = 0x11d

export function multiply(a: number, b: number): number {
  let product = 0
  for (let factor = a, rest = b; rest > 0; rest >>= 1) {
    if (rest & 1) product ^= factor
    factor = factor & 0x80 ? (factor << 1) ^ POLYNOMIAL : factor << 1
  }
  return product
}

/** The generator (x-1)(x-α)…, highest power first and left out. */
function generator(degree: number): Uint8Array {
  let out = Uint8Array.of(1)
  let root = 1
  for (let i = 0; i < degree; i++) {
    const next = new Uint8Array(out.length + 1)
    for (const [at, coefficient] of out.entries()) {
      next[at] = (next[at] as number) ^ coefficient
      next[at + 1] = (next[at + 1] as number) ^ multiply(coefficient, root)
    }
    out = next
    root = multiply(root, 2)
  }
  return out.slice(1)
}

/** The codewords to append: the remainder of the data divided by the generator. */
export function correction(data: Uint8Array, degree: number): Uint8Array {
  const divisor = generator(degree)
  const remainder = new Uint8Array(degree)
  for (const byte of data) {
    const factor = byte ^ (remainder[0] as number)
    remainder.copyWithin(0, 1)
    remainder[degree - 1] = 0
    for (const [at, coefficient] of divisor.entries()) remainder[at] = (remainder[at] as number) ^ multiply(coefficient, factor)
  }
  return remainder
}
