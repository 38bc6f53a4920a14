/** Strict reading of decoded CBOR and JSON: each reader returns the value or throws {@link Malformed}. */
import { fromBase64url } from './bytes.ts'

/** Internal: turned into a code by whoever knows what was being read. */
export class Malformed extends Error {}

type Fields = Readonly<Record<string, unknown>>

/** An object with exactly these keys: none missing, none more. */
export function object(value: unknown, keys: readonly string[]): Fields {
  if (typeof value !== 'object' || value === null || Array.isArray(value) || value instanceof Uint8Array) throw new Malformed()
  const names = Object.keys(value)
  if (names.length !== keys.length || !keys.every((key) => Object.hasOwn(value, key))) throw new Malformed()
  return value as Fields
}

export function bytes(value: unknown, min: number, max = min): Uint8Array {
  if (!(value instanceof Uint8Array) || value.length < min || value.length > max) throw new Malformed()
  return value
}

export function text(value: unknown, pattern: RegExp): string {
  if (typeof value !== 'string' || !pattern.test(value)) throw new Malformed()
  return value
}

export function integer(value: unknown, min: number, max: number): number {
  if (typeof value !== 'number' || !Number.isSafeInteger(value) || value < min || value > max) throw new Malformed()
  return value
}

export function boolean(value: unknown): boolean {
  if (typeof value !== 'boolean') throw new Malformed()
  return value
}

export function array<T>(value: unknown, max: number, read: (item: unknown) => T): readonly T[] {
  if (!Array.isArray(value) || value.length > max) throw new Malformed()
  return value.map(read)
}

export function oneOf<const T extends string>(value: unknown, options: readonly T[]): T {
  const found = options.find((option) => option === value)
  if (found === undefined) throw new Malformed()
  return found
}

export function nullable<T>(value: unknown, read: (value: unknown) => T): T | null {
  return value === null ? null : read(value)
}

/** base64url text without padding, as bytes. */
export function base64url(value: unknown, min: number, max = min): Uint8Array<ArrayBuffer> {
  const decoded = typeof value === 'string' ? fromBase64url(value) : undefined
  if (decoded === undefined || decoded.length < min || decoded.length > max) throw new Malformed()
  return decoded
}

/** Runs a reader; whatever is malformed becomes `undefined`. */
export function attempt<T>(read: () => T): T | undefined {
  try {
    return read()
  } catch (error) {
    if (error instanceof Malformed) return undefined
    throw error
  }
}
