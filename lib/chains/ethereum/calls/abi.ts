/**
 * Solidity's ABI, decoding: the canonical encoding alone, in which every tail follows the one before it and nothing is left over. Contracts read
 * more than that; what they would read from another layout, nobody should have to guess.
 */
import { addr } from 'micro-eth-signer'
import { toHex } from '../../../protocol/bytes.ts'
import { Malformed } from '../../../protocol/fields.ts'
import { toBigInt } from '../values.ts'

export type AbiType =
  | { readonly kind: 'uint'; readonly bits: number }
  | { readonly kind: 'address' | 'bool' | 'bytes' }
  | { readonly kind: 'fixedBytes'; readonly length: number }
  | { readonly kind: 'array'; readonly item: AbiType }
  | { readonly kind: 'tuple'; readonly items: readonly AbiType[] }

/** `bigint`: integers; text: addresses, with checksum; bytes; lists: arrays and tuples. */
export type AbiValue = bigint | boolean | string | Uint8Array | readonly AbiValue[]

const WORD = 32
const MAX_ITEMS = 1024

/** Reads a list of types, as `address,(uint256,bytes)[]`; only for the project's own signatures. @throws Error for a type that isn't used here */
export function parseTypes(text: string): readonly AbiType[] {
  const parts: string[] = []
  let depth = 0
  let start = 0
  for (let at = 0; at <= text.length; at++) {
    const char = text[at]
    if (char === '(') depth += 1
    if (char === ')') depth -= 1
    if (depth === 0 && (char === ',' || char === undefined)) {
      parts.push(text.slice(start, at))
      start = at + 1
    }
  }
  return text === '' ? [] : parts.map(parseType)
}

function parseType(text: string): AbiType {
  if (text.endsWith('[]')) return { kind: 'array', item: parseType(text.slice(0, -2)) }
  if (text.startsWith('(') && text.endsWith(')')) return { kind: 'tuple', items: parseTypes(text.slice(1, -1)) }
  if (text === 'address' || text === 'bool' || text === 'bytes') return { kind: text }
  const [, name, size] = /^(uint|bytes)(\d+)$/.exec(text) ?? []
  if (name === 'uint') return { kind: 'uint', bits: Number(size) }
  if (name === 'bytes') return { kind: 'fixedBytes', length: Number(size) }
  throw new Error('a type that is not used here')
}

/** Decodes arguments, to the last byte. @throws Malformed */
export function decodeArguments(types: readonly AbiType[], data: Uint8Array): readonly AbiValue[] {
  const { values, end } = decodeSequence(types, data, 0)
  if (end !== data.length) throw new Malformed()
  return values
}

interface Sequence {
  readonly values: readonly AbiValue[]
  /** Where the last tail ends. */
  readonly end: number
}

/** Heads from `base` on; each dynamic one is the offset from there of a tail, which must be where the last tail ended. */
function decodeSequence(types: readonly AbiType[], data: Uint8Array, base: number): Sequence {
  let head = base
  let end = base + types.reduce((sum, type) => sum + headSize(type), 0)
  if (end > data.length) throw new Malformed()
  const values: AbiValue[] = []
  for (const type of types) {
    if (isDynamic(type)) {
      if (readNumber(data, head) !== end - base) throw new Malformed()
      const tail = decodeDynamic(type, data, end)
      values.push(tail.value)
      end = tail.end
    } else {
      values.push(decodeStatic(type, data, head))
    }
    head += headSize(type)
  }
  return { values, end }
}

function decodeStatic(type: AbiType, data: Uint8Array, at: number): AbiValue {
  if (type.kind === 'tuple') return decodeSequence(type.items, data, at).values
  const word = readWord(data, at)
  switch (type.kind) {
    case 'uint':
      return narrow(word, type.bits)
    case 'bool':
      return narrow(word, 1) === 1n
    case 'address':
      narrow(word, 160)
      return addr.addChecksum(`0x${toHex(word.subarray(12))}`)
    case 'fixedBytes':
      checkZero(word.subarray(type.length))
      return word.slice(0, type.length)
    case 'bytes':
    case 'array':
      break
  }
  throw new Error('not a static type')
}

function decodeDynamic(type: AbiType, data: Uint8Array, at: number): { readonly value: AbiValue; readonly end: number } {
  if (type.kind === 'tuple') {
    const { values, end } = decodeSequence(type.items, data, at)
    return { value: values, end }
  }
  const length = readNumber(data, at)
  const start = at + WORD
  if (type.kind === 'bytes') {
    const end = start + Math.ceil(length / WORD) * WORD
    if (end > data.length) throw new Malformed()
    checkZero(data.subarray(start + length, end))
    return { value: data.slice(start, start + length), end }
  }
  if (type.kind !== 'array') throw new Error('not a dynamic type')
  if (length > MAX_ITEMS) throw new Malformed()
  const { values, end } = decodeSequence(Array<AbiType>(length).fill(type.item), data, start)
  return { value: values, end }
}

function isDynamic(type: AbiType): boolean {
  return type.kind === 'bytes' || type.kind === 'array' || (type.kind === 'tuple' && type.items.some(isDynamic))
}

function headSize(type: AbiType): number {
  return type.kind === 'tuple' && !isDynamic(type) ? type.items.reduce((sum, item) => sum + headSize(item), 0) : WORD
}

function readWord(data: Uint8Array, at: number): Uint8Array {
  if (at + WORD > data.length) throw new Malformed()
  return data.subarray(at, at + WORD)
}

/** An offset or a length: more than the data could hold is refused right here. */
function readNumber(data: Uint8Array, at: number): number {
  const number = toBigInt(readWord(data, at))
  if (number > BigInt(data.length)) throw new Malformed()
  return Number(number)
}

function narrow(word: Uint8Array, bits: number): bigint {
  const number = toBigInt(word)
  if (number >> BigInt(bits) !== 0n) throw new Malformed()
  return number
}

function checkZero(padding: Uint8Array): void {
  if (padding.some((byte) => byte !== 0)) throw new Malformed()
}
