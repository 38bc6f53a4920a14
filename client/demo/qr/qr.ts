/**
 * QR codes (ISO/IEC 18004), as small as an `otpauth:` URI needs: byte mode, error correction level L, versions 1 to 5, which have one block each.
 * Written here so that a secret goes through nobody else's code.
 */
import { correction } from './reed-solomon.ts'

/** Of each version: data codewords and error correction codewords. */
const BLOCKS = [[19, 7], [34, 10], [55, 15], [80, 20], [108, 26]] as const
const LEVEL_L = 0b01

const MASKS: readonly ((row: number, column: number) => boolean)[] = [
  (r, c) => (r + c) % 2 === 0,
  (r) => r % 2 === 0,
  (_, c) => c % 3 === 0,
  (r, c) => (r + c) % 3 === 0,
  (r, c) => (Math.floor(r / 2) + Math.floor(c / 3)) % 2 === 0,
  (r, c) => ((r * c) % 2) + ((r * c) % 3) === 0,
  (r, c) => (((r * c) % 2) + ((r * c) % 3)) % 2 === 0,
  (r, c) => (((r + c) % 2) + ((r * c) % 3)) % 2 === 0,
]

/** Rows of modules, dark ones true, without the quiet zone. Returns `undefined` for more than 106 bytes. */
export function qrCode(content: Uint8Array): readonly (readonly boolean[])[] | undefined {
  const version = BLOCKS.findIndex(([data]) => content.length <= data - 2) + 1
  const block = BLOCKS[version - 1]
  if (block === undefined) return undefined
  const data = dataCodewords(content, block[0])
  const codewords = new Uint8Array([...data, ...correction(data, block[1])])
  const drawn = MASKS.map((_, mask) => draw(version, codewords, mask))
  return drawn.reduce((best, one) => (penalty(one) < penalty(best) ? one : best))
}

/** Mode 0100, the length in eight bits, the bytes, and 0xec, 0x11 in turn up to the block's length (§7.4). */
function dataCodewords(content: Uint8Array, length: number): Uint8Array {
  const out = new Uint8Array(length)
  const nibbles = [4, content.length >> 4, content.length & 15, ...[...content].flatMap((byte) => [byte >> 4, byte & 15]), 0]
  for (let i = 0; i < nibbles.length; i += 2) out[i / 2] = ((nibbles[i] as number) << 4) | (nibbles[i + 1] as number)
  for (let at = nibbles.length / 2, i = 0; at < length; at++, i++) out[at] = i % 2 === 0 ? 0xec : 0x11
  return out
}

function draw(version: number, codewords: Uint8Array, mask: number): boolean[][] {
  const size = 17 + 4 * version
  const rows: (boolean | undefined)[][] = Array.from({ length: size }, () => Array.from({ length: size }, () => undefined))
  const set = (row: number, column: number, dark: boolean): void => {
    if (row >= 0 && row < size && column >= 0 && column < size) (rows[row] as (boolean | undefined)[])[column] = dark
  }
  drawPatterns(size, version, set)
  drawFormat(size, formatBits(mask), set)
  let bit = 0
  for (const [row, column] of zigzag(size)) {
    if (rows[row]?.[column] !== undefined) continue
    const dark = (((codewords[bit >> 3] ?? 0) >> (7 - (bit & 7))) & 1) === 1
    set(row, column, dark !== (MASKS[mask] as (typeof MASKS)[number])(row, column))
    bit++
  }
  return rows as boolean[][]
}

type Set = (row: number, column: number, dark: boolean) => void

/** Finders in three corners, timing between them, from version 2 on one alignment pattern in the fourth (§6.3). */
function drawPatterns(size: number, version: number, set: Set): void {
  for (let i = 0; i < size; i++) {
    set(6, i, i % 2 === 0)
    set(i, 6, i % 2 === 0)
  }
  for (const [row, column] of [[3, 3], [3, size - 4], [size - 4, 3]] as const) square(row, column, 4, [0, 1, 3], set)
  if (version > 1) square(size - 7, size - 7, 2, [0, 2], set)
}

/** Rings around a centre; those of the distances named are dark. */
function square(row: number, column: number, radius: number, dark: readonly number[], set: Set): void {
  for (let r = -radius; r <= radius; r++) {
    for (let c = -radius; c <= radius; c++) set(row + r, column + c, dark.includes(Math.max(Math.abs(r), Math.abs(c))))
  }
}

/** Level and mask with their BCH code, masked itself (§7.9). */
export function formatBits(mask: number): number {
  const data = (LEVEL_L << 3) | mask
  let rest = data << 10
  for (let bit = 14; bit >= 10; bit--) if ((rest >> bit) & 1) rest ^= 0x537 << (bit - 10)
  return ((data << 10) | rest) ^ 0x5412
}

/** Twice: around the finder above left, and split between the two others. */
function drawFormat(size: number, bits: number, set: Set): void {
  for (let i = 0; i < 15; i++) {
    const dark = ((bits >> i) & 1) === 1
    // Bit 0 above right of the corner, bit 14 at its left; the timing row and column are stepped over.
    if (i < 8) set(i < 6 ? i : i + 1, 8, dark)
    else set(8, i === 8 ? 7 : 14 - i, dark)
    if (i < 8) set(8, size - 1 - i, dark)
    else set(size - 15 + i, 8, dark)
  }
  set(size - 8, 8, true)
}

/** Two columns at a time from the right, up and down in turn, without the timing column (§7.7.3). */
function* zigzag(size: number): Generator<readonly [number, number]> {
  let upward = true
  for (let right = size - 1; right > 0; right -= 2) {
    if (right === 6) right = 5
    for (let i = 0; i < size; i++) {
      const row = upward ? size - 1 - i : i
      yield [row, right]
      yield [row, right - 1]
    }
    upward = !upward
  }
}

/** Long runs and blocks of one colour make a code hard to read (§7.8.3, its first two rules). */
function penalty(rows: readonly (readonly boolean[])[]): number {
  let total = 0
  const at = (row: number, column: number): boolean | undefined => rows[row]?.[column]
  for (let i = 0; i < rows.length; i++) {
    for (const line of [(j: number) => at(i, j), (j: number) => at(j, i)]) {
      let run = 0
      for (let j = 0; j < rows.length; j++) {
        run = j > 0 && line(j) === line(j - 1) ? run + 1 : 1
        if (run === 5) total += 3
        else if (run > 5) total += 1
      }
    }
    for (let j = 0; j + 1 < rows.length; j++) {
      if (i + 1 < rows.length && at(i, j) === at(i, j + 1) && at(i, j) === at(i + 1, j) && at(i, j) === at(i + 1, j + 1)) total += 3
    }
  }
  return total
}
