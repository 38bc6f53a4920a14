/**
 * Deterministic CBOR (RFC 8949 §4.2.1), for our own formats.
 *
 * Accepted: unsigned and negative integers within ±2^53, byte strings, text strings, arrays, maps with text
 * keys, false, true, null. Everything else is refused: floats, tags, undefined, indefinite lengths, lengths or integers not
 * in shortest form, unsorted or duplicate map keys, trailing bytes.
 */
import { decode, encode, type DecodeOptions, type EncodeOptions } from 'cborg'
import { equal, wipe } from './bytes.ts'

export type CborValue =
  | number
  | string
  | boolean
  | null
  | Uint8Array
  | readonly CborValue[]
  | { readonly [key: string]: CborValue }

const decodeOptions: DecodeOptions = {
  strict: true,
  allowIndefinite: false,
  allowUndefined: false,
  allowInfinity: false,
  allowNaN: false,
  allowBigInt: false,
  rejectDuplicateMapKeys: true,
}

const encodeOptions: EncodeOptions = { float64: true }

/** Encodes a value. Map keys are sorted by the bytes of their encoding (RFC 8949 §4.2.1: bytewise lexicographic). */
export function encodeCbor(value: CborValue): Uint8Array<ArrayBuffer> {
  return new Uint8Array(encode(value, encodeOptions))
}

/**
 * Decodes one value that fills `bytes` exactly. Returns `undefined` for anything that {@link encodeCbor} would not
 * have written: since cborg's strict mode lets unsorted maps and half floats through, the bytes are encoded again and compared.
 */
export function decodeCbor(bytes: Uint8Array): CborValue | undefined {
  let again: Uint8Array | undefined
  try {
    const value = decode(bytes, decodeOptions) as CborValue
    if (!isAllowed(value)) return undefined
    again = encodeCbor(value)
    return equal(again, bytes) ? value : undefined
  } catch {
    return undefined
  } finally {
    wipe(again) // a request's body holds a PIN
  }
}

function isAllowed(value: unknown): value is CborValue {
  if (value === null || typeof value === 'string' || typeof value === 'boolean' || value instanceof Uint8Array) return true
  if (typeof value === 'number') return Number.isSafeInteger(value)
  if (Array.isArray(value)) return value.every(isAllowed)
  if (typeof value !== 'object') return false
  return Object.values(value).every(isAllowed)
}
