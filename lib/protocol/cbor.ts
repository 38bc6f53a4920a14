/**
 * Deterministic CBOR (RFC 8949 §4.2.1), for our own formats.
 *
 * Accepted: unsigned and negative integers within ±2^53, byte strings, text strings, arrays, maps with text
 * keys, false, true, null. Everything else is refused: floats, tags, undefined, indefinite lengths, lengths or integers not
 * in shortest form, unsorted or duplicate map keys, more than {@link MAX_DEPTH} levels, trailing bytes.
 */
import { decode, encodeInto, type DecodeOptions, type EncodeOptions } from 'cborg'
import { concat, equal, secretBytes, wipe } from './bytes.ts'

export type CborValue =
  | number
  | string
  | boolean
  | null
  | Uint8Array
  | readonly CborValue[]
  | { readonly [key: string]: CborValue }

/** Levels of arrays and maps in one another. Without a bound, how deep is too deep would be a matter of the stack's size. */
const MAX_DEPTH = 32

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
  // Secrets pass through here, and the codec's own buffers would stay as they are.
  const room = secretBytes(roomFor(value))
  try {
    const { written } = encodeInto(value, room, encodeOptions)
    return concat(room.subarray(0, written))
  } finally {
    wipe(room)
  }
}

/** At least as many bytes as the value takes: a head is 9 at most, a UTF-16 unit 3. */
function roomFor(value: CborValue): number {
  if (value instanceof Uint8Array) return 9 + value.length
  if (typeof value === 'string') return 9 + 3 * value.length
  if (typeof value !== 'object' || value === null) return 9
  return Object.entries(value).reduce((sum, [key, item]) => sum + 9 + 3 * key.length + roomFor(item), 9)
}

/**
 * Decodes one value that fills `bytes` exactly. Returns `undefined` for anything that {@link encodeCbor} would not
 * have written: since cborg's strict mode lets unsorted maps and half floats through, the bytes are encoded again and compared.
 */
export function decodeCbor(bytes: Uint8Array): CborValue | undefined {
  let value: unknown
  let again: Uint8Array | undefined
  try {
    value = decode(withOwnSlices(bytes), decodeOptions)
    if (isAllowed(value, MAX_DEPTH)) {
      again = encodeCbor(value)
      if (equal(again, bytes)) return value
    }
  } catch {
    // refused below
  } finally {
    wipe(again) // a request's body holds a PIN
  }
  wipeDeep(value)
  return undefined
}

/** The codec takes byte strings out with `slice`, which puts short ones (a PIN) where they can't be wiped. Here each gets a buffer of its own. */
function withOwnSlices(bytes: Uint8Array): Uint8Array {
  const view = new Uint8Array(bytes.buffer, bytes.byteOffset, bytes.length)
  const slice = (from: number, to: number): Uint8Array => {
    const out = secretBytes(to - from)
    out.set(view.subarray(from, to))
    return out
  }
  return Object.assign(view, { slice })
}

/** Overwrites every byte string in a decoded value: for values that are refused, and may hold a secret. */
export function wipeDeep(value: unknown): void {
  const open: unknown[] = [value] // no recursion: what is refused may be as deep as the stack
  for (let at = 0; at < open.length; at++) {
    const item = open[at]
    if (item instanceof Uint8Array) item.fill(0)
    else if (typeof item === 'object' && item !== null) for (const inner of Object.values(item)) open.push(inner)
  }
}

function isAllowed(value: unknown, levels: number): value is CborValue {
  if (value === null || typeof value === 'string' || typeof value === 'boolean' || value instanceof Uint8Array) return true
  if (typeof value === 'number') return Number.isSafeInteger(value)
  if (typeof value !== 'object' || levels === 0) return false
  return Object.values(value).every((item) => isAllowed(item, levels - 1))
}
