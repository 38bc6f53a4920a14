/** Reads a QR code of byte mode and one block back from its modules, as a scanner would: written from ISO/IEC 18004, not from the writer's code. */

const MASKED: readonly ((row: number, column: number) => boolean)[] = [
  (i, j) => (i + j) % 2 === 0, (i) => i % 2 === 0, (_, j) => j % 3 === 0, (i, j) => (i + j) % 3 === 0,
  (i, j) => ((i >> 1) + Math.trunc(j / 3)) % 2 === 0, (i, j) => ((i * j) % 2) + ((i * j) % 3) === 0,
  (i, j) => (((i * j) % 2) + ((i * j) % 3)) % 2 === 0, (i, j) => (((i + j) % 2) + ((i * j) % 3)) % 2 === 0,
]

/** @throws Error when a pattern is not where it belongs */
export function decode(rows: readonly (readonly boolean[])[]): Uint8Array {
  const size = rows.length
  const at = (row: number, column: number): boolean => rows[row]?.[column] ?? false
  for (const [row, column] of [[0, 0], [0, size - 7], [size - 7, 0]] as const) checkFinder(at, row, column)
  for (let i = 8; i < size - 8; i++) if (at(6, i) !== (i % 2 === 0) || at(i, 6) !== (i % 2 === 0)) throw new Error('timing')
  if (!at(size - 8, 8)) throw new Error('dark module')
  // Figure 25: most significant bit first, along row 8 to the corner and up column 8.
  const first = [[8, 0], [8, 1], [8, 2], [8, 3], [8, 4], [8, 5], [8, 7], [8, 8], [7, 8], [5, 8], [4, 8], [3, 8], [2, 8], [1, 8], [0, 8]] as const
  const second = [...Array.from({ length: 7 }, (_, i) => [size - 1 - i, 8] as const), ...Array.from({ length: 8 }, (_, i) => [8, size - 8 + i] as const)]
  const read = (places: readonly (readonly [number, number])[]): number => places.reduce((bits, [row, column]) => (bits << 1) | Number(at(row, column)), 0)
  if (read(first) !== read(second)) throw new Error('format')
  const format = (read(first) ^ 0b101010000010010) >> 10
  if (format >> 3 !== 0b01) throw new Error('level')
  const mask = MASKED[format & 7] as (row: number, column: number) => boolean

  const bits: boolean[] = []
  let row = size - 1
  let direction = -1
  for (let column = size - 1; column > 0; column -= column === 8 ? 3 : 2) {
    for (; row >= 0 && row < size; row += direction) {
      for (const c of [column, column - 1]) if (!isFunction(size, row, c)) bits.push(at(row, c) !== mask(row, c))
    }
    direction = -direction
    row += direction
  }
  const number = (start: number, length: number): number => bits.slice(start, start + length).reduce((value, bit) => (value << 1) | Number(bit), 0)
  if (number(0, 4) !== 0b0100) throw new Error('mode')
  return Uint8Array.from({ length: number(4, 8) }, (_, index) => number(12 + 8 * index, 8))
}

function checkFinder(at: (row: number, column: number) => boolean, top: number, left: number): void {
  const drawn = Array.from({ length: 7 }, (_, r) => Array.from({ length: 7 }, (_, c) => (at(top + r, left + c) ? '#' : '.')).join('')).join(' ')
  if (drawn !== '####### #.....# #.###.# #.###.# #.###.# #.....# #######') throw new Error('finder')
}

function isFunction(size: number, row: number, column: number): boolean {
  if (row === 6 || column === 6) return true
  if ((row < 9 && column < 9) || (row < 9 && column >= size - 8) || (row >= size - 8 && column < 9)) return true
  return size > 21 && Math.abs(row - (size - 7)) <= 2 && Math.abs(column - (size - 7)) <= 2
}
