/**
 * Strict DER (ITU-T X.690 §8, §10 and §11), reading only.
 *
 * Accepted: one-byte tags (numbers 0 to 30); definite lengths in shortest form, up to 65,535; BOOLEAN only as TRUE
 * (FALSE is the default wherever we read one, and DER leaves defaults out); INTEGER in shortest form and not negative; OBJECT IDENTIFIER
 * with subidentifiers in shortest form; BIT STRING with zeroed padding; UTCTime and GeneralizedTime to the second, in Z. A value fills its
 * bytes exactly. Everything else is refused, with {@link DerError}.
 */
import { toHex } from '../protocol/bytes.ts'

/** What the reader throws, and all that it throws. It carries nothing of the input. */
export class DerError extends Error {
  constructor() {
    super('malformed DER')
    this.name = 'DerError'
  }
}

export const TAG = {
  boolean: 0x01,
  integer: 0x02,
  bitString: 0x03,
  octetString: 0x04,
  oid: 0x06,
  utcTime: 0x17,
  generalizedTime: 0x18,
  sequence: 0x30,
  set: 0x31,
} as const

export interface DerValue {
  /** The identifier octet: class, constructed bit and number together, so that comparing it checks all three. */
  readonly tag: number
  readonly content: Uint8Array
  /** Identifier, length and content, as received. */
  readonly bytes: Uint8Array
}

/** Reads the one value that fills `bytes` exactly. `tag`: the identifier octet it must have. */
export function readDer(bytes: Uint8Array, tag: number): DerValue {
  const value = readFirst(bytes)
  if (value.bytes.length !== bytes.length || value.tag !== tag) throw new DerError()
  return value
}

/** The values inside a constructed one: any number, of any tags. */
export function readChildren(value: DerValue): DerValue[] {
  const children: DerValue[] = []
  let rest = value.content
  while (rest.length > 0) {
    const child = readFirst(rest)
    children.push(child)
    rest = rest.subarray(child.bytes.length)
  }
  return children
}

/** The values inside a constructed one, which must have exactly these tags in this order. */
export function readFields<const T extends readonly number[]>(value: DerValue, ...tags: T): { [K in keyof T]: DerValue } {
  const children = readChildren(value)
  if (children.length !== tags.length || children.some((child, i) => child.tag !== tags[i])) throw new DerError()
  return children as unknown as { [K in keyof T]: DerValue }
}

function readFirst(bytes: Uint8Array): DerValue {
  const [tag, first] = bytes
  if (tag === undefined || first === undefined || (tag & 0x1f) === 0x1f) throw new DerError()
  let length = first
  let start = 2
  if (first > 0x7f) {
    const size = first & 0x7f
    // Zero would be the indefinite form. Two bytes are more than any certificate here needs.
    if (size < 1 || size > 2 || bytes.length < 2 + size) throw new DerError()
    start = 2 + size
    length = bytes.subarray(2, start).reduce((sum, byte) => sum * 256 + byte, 0)
    if (length < (size === 1 ? 0x80 : 0x100)) throw new DerError()
  }
  if (bytes.length < start + length) throw new DerError()
  return { tag, content: bytes.subarray(start, start + length), bytes: bytes.subarray(0, start + length) }
}

/** Checks a BOOLEAN that is there at all, so it must be TRUE (X.690 §11.1, §11.5). */
export function readTrue(value: DerValue): true {
  if (value.tag !== TAG.boolean || value.content.length !== 1 || value.content[0] !== 0xff) throw new DerError()
  return true
}

/** A non-negative INTEGER as its magnitude, big-endian and without leading zeros: zero is the empty string (X.690 §8.3). */
export function readUnsigned(value: DerValue): Uint8Array {
  const [first, second] = value.content
  if (value.tag !== TAG.integer || first === undefined || first > 0x7f) throw new DerError()
  if (first !== 0) return value.content
  if (second !== undefined && second < 0x80) throw new DerError()
  return value.content.subarray(1)
}

/** An OBJECT IDENTIFIER, as the hex of its content: with one encoding each, that is as good as the dotted form (X.690 §8.19). */
export function readOid(value: DerValue): string {
  if (value.tag !== TAG.oid || (value.content.at(-1) ?? 0x80) > 0x7f) throw new DerError()
  let fresh = true
  for (const byte of value.content) {
    if (fresh && byte === 0x80) throw new DerError()
    fresh = byte < 0x80
  }
  return toHex(value.content)
}

/** A BIT STRING: whole bytes, and how many bits of the last are padding, which must be zero (X.690 §8.6, §11.2.1). */
export function readBits(value: DerValue): { readonly bytes: Uint8Array; readonly padding: number } {
  const padding = value.content[0]
  const bytes = value.content.subarray(1)
  if (value.tag !== TAG.bitString || padding === undefined || padding > 7) throw new DerError()
  const last = bytes.at(-1)
  if (last === undefined ? padding !== 0 : (last & ((1 << padding) - 1)) !== 0) throw new DerError()
  return { bytes, padding }
}

/** A time as RFC 5280 §4.1.2.5 writes it, in milliseconds since 1970: UTCTime until 2049, GeneralizedTime from 2050. */
export function readTimeMs(value: DerValue): number {
  const text = String.fromCharCode(...value.content.subarray(0, 16))
  const short = value.tag === TAG.utcTime
  if (!short && value.tag !== TAG.generalizedTime) throw new DerError()
  const match = (short ? /^(\d{2})(\d{2})(\d{2})(\d{2})(\d{2})(\d{2})Z$/ : /^(\d{4})(\d{2})(\d{2})(\d{2})(\d{2})(\d{2})Z$/).exec(text)
  if (match === null) throw new DerError()
  const [year, month, day, hour, minute, second] = match.slice(1).map(Number) as [number, number, number, number, number, number]
  const full = short ? year + (year < 50 ? 2000 : 1900) : year
  if (!short && full < 2050) throw new DerError()
  const timeMs = Date.UTC(full, month - 1, day, hour, minute, second)
  // Date.UTC carries over: a 31st of February or a 25th hour would come back as another text.
  const digits = new Date(timeMs).toISOString().replace(/[-:T]|\.000/g, '')
  if (digits.slice(short ? 2 : 0) !== text) throw new DerError()
  return timeMs
}
