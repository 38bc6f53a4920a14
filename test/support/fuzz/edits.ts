/** What a fuzzer does to bytes and text. Edits are plain numbers, so that fast-check can shrink them; whatever they are, there is an edit that they stand for. */
import fc from 'fast-check'
import { concat } from '../../../lib/protocol/bytes.ts'

export interface Edit {
  /** Which edit, modulo how many there are. */
  readonly how: number
  /** Where, modulo how many places there are. */
  readonly at: number
  readonly to: number
  readonly length: number
  readonly value: number
}

const length = fc.oneof({ weight: 6, arbitrary: fc.nat(8) }, { weight: 2, arbitrary: fc.nat(80) }, { weight: 1, arbitrary: fc.nat(2000) })
export const edit: fc.Arbitrary<Edit> = fc.record({ how: fc.nat(0xffff), at: fc.nat(0xffffff), to: fc.nat(0xffffff), length, value: fc.nat(0xffff) })

/** Where the lengths and the numbers of a format are, its ends are tried. */
const EXTREMES: readonly (readonly number[])[] = [
  [0], [1], [0x17], [0x18], [0x7f], [0x80], [0xff], [0, 0], [0x01, 0x00], [0x80, 0x00], [0xff, 0xff], [0, 0, 0, 0], [0x7f, 0xff, 0xff, 0xff], [0x80, 0, 0, 0],
  [0xff, 0xff, 0xff, 0xff], [0, 0x1f, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff], [0, 0x20, 0, 0, 0, 0, 0, 0], [0x7f, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff],
  [0x80, 0, 0, 0, 0, 0, 0, 0], [0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff],
]

const sized = (size: number, value: number): Uint8Array => Uint8Array.from({ length: size }, (_, index) => (value % 3 === 0 ? value : value + index * 31) & 0xff)

type ByteEdit = (bytes: Uint8Array, at: number, edit: Edit, other: Uint8Array) => Uint8Array

/** `at` is within the bytes, or at their end. */
const BYTE_EDITS: readonly ByteEdit[] = [
  (bytes, at, { value }) => overwrite(bytes, at, [(bytes[at] ?? 0) ^ (1 << value % 8)]),
  (bytes, at, { value }) => overwrite(bytes, at, [value & 0xff]),
  // A length or a count, off by a little.
  (bytes, at, { value }) => overwrite(bytes, at, [((bytes[at] ?? 0) + (value % 2 === 0 ? 1 : -1) * (1 + (value % 5))) & 0xff]),
  (bytes, at, { value }) => overwrite(bytes, at, EXTREMES[value % EXTREMES.length] as readonly number[]),
  (bytes, at, { value }) => overwrite(bytes, at, (EXTREMES[value % EXTREMES.length] as readonly number[]).toReversed()),
  (bytes, at, { length: size, value }) => concat(bytes.subarray(0, at), sized(size, value), bytes.subarray(at)),
  (bytes, at, { length: size }) => concat(bytes.subarray(0, at), bytes.subarray(at + size)),
  (bytes, at, { to, length: size }) => concat(bytes.subarray(0, to % (bytes.length + 1)), bytes.subarray(at, at + size), bytes.subarray(to % (bytes.length + 1))),
  (bytes, at, { to, length: size }) => swapped(bytes, at, to % (bytes.length + 1), size),
  (bytes, at) => bytes.slice(0, at),
  (bytes, at) => bytes.slice(at),
  (bytes, at, { to }, other) => concat(bytes.subarray(0, at), other.subarray(to % (other.length + 1))),
  (bytes, at, { to, length: size }, other) => concat(bytes.subarray(0, at), other.subarray(to % (other.length + 1)).subarray(0, size), bytes.subarray(at + size)),
]

export function editBytes(bytes: Uint8Array, edit: Edit, other: Uint8Array): Uint8Array<ArrayBuffer> {
  const how = BYTE_EDITS[edit.how % BYTE_EDITS.length] as ByteEdit
  return new Uint8Array(how(bytes, edit.at % (bytes.length + 1), edit, other))
}

function overwrite(bytes: Uint8Array, at: number, by: readonly number[]): Uint8Array {
  const out = bytes.slice()
  by.forEach((byte, index) => at + index < out.length && (out[at + index] = byte))
  return out
}

function swapped(bytes: Uint8Array, one: number, other: number, size: number): Uint8Array {
  const [first, second] = [Math.min(one, other), Math.max(one, other)]
  const width = Math.min(size, second - first)
  const parts = [[0, first], [second, second + width], [first + width, second], [first, first + width], [second + width, bytes.length]] as const
  return concat(...parts.map(([from, to]) => bytes.subarray(from, to)))
}

/** What parsers of text trip over. */
const PIECES: readonly string[] = [
  '', ' ', '\n', '\r\n', '\t', '\0', '.', '..', ',', ':', ';', '/', '\\', '"', "'", '%00', '%', '=', '==', '&', '#', '{', '}', '[', ']', '(', ')', '<', '>', '*', '?', '$', '${', '-', '+', '_',
  '0', '-1', '1e9', '0x', '4294967296', '9007199254740993', 'NaN', 'null', 'true', '[]', '{}', '__proto__', 'constructor', 'AND', 'Bearer ', 'é', 'ſ', 'ß', '\u202e', '\u{1f680}', '\ud800', '\ufeff',
]

type TextEdit = (text: string, at: number, edit: Edit, other: string) => string
const TEXT_EDITS: readonly TextEdit[] = [
  (text, at, { value }) => text.slice(0, at) + (PIECES[value % PIECES.length] as string) + text.slice(at),
  (text, at, { value }) => text.slice(0, at) + (PIECES[value % PIECES.length] as string) + text.slice(at + 1),
  (text, at, { length: size, value }) => text.slice(0, at) + (PIECES[value % PIECES.length] as string).repeat(size) + text.slice(at),
  (text, at, { value }) => text.slice(0, at) + String.fromCharCode(value) + text.slice(at + 1),
  (text, at, { value }) => text.slice(0, at) + String.fromCharCode(value % 128) + text.slice(at),
  (text, at, { length: size }) => text.slice(0, at) + text.slice(at + size),
  (text, at, { to, length: size }) => text.slice(0, to % (text.length + 1)) + text.slice(at, at + size) + text.slice(to % (text.length + 1)),
  (text, at) => text.slice(0, at),
  (text, at) => text.slice(at),
  (text, at, { to }, other) => text.slice(0, at) + other.slice(to % (other.length + 1)),
  (text, at, { length: size }) => text.slice(0, at) + text.slice(at, at + size).toUpperCase() + text.slice(at + size),
  (text, at, { length: size }) => text.slice(0, at) + text.slice(at, at + size).toLowerCase() + text.slice(at + size),
]

export function editText(text: string, edit: Edit, other: string): string {
  const how = TEXT_EDITS[edit.how % TEXT_EDITS.length] as TextEdit
  return how(text, edit.at % (text.length + 1), edit, other)
}
