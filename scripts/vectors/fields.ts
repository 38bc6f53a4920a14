/**
 * Reads vectors: JSON of which nothing is certain. Whatever has another shape than expected throws {@link
 * UnknownShape}, and is skipped.
 */
import { fromBase64url, fromHex } from '../../lib/protocol/bytes.ts'

export type Json = Readonly<Record<string, unknown>>

export class UnknownShape extends Error {
  constructor(what: string) {
    super(`unknown shape: ${what}`)
  }
}

export function isObject(value: unknown): value is Json {
  return typeof value === 'object' && value !== null && !Array.isArray(value)
}

export function object(value: unknown, what: string): Json {
  if (!isObject(value)) throw new UnknownShape(`${what} is not an object`)
  return value
}

export function list(value: unknown, what: string): readonly unknown[] {
  if (!Array.isArray(value)) throw new UnknownShape(`${what} is not a list`)
  return value
}

export function text(from: Json, name: string): string {
  const value = from[name]
  if (typeof value !== 'string') throw new UnknownShape(`${name} is not text`)
  return value
}

/** A non-negative integer; wycheproof writes some of them as text. */
export function integer(from: Json, name: string): number {
  const value = from[name]
  const number = typeof value === 'string' && /^\d{1,15}$/.test(value) ? Number(value) : value
  if (typeof number !== 'number' || !Number.isSafeInteger(number) || number < 0) throw new UnknownShape(`${name} is not a count`)
  return number
}

/** Hex, with or without 0x. */
export function hex(value: unknown, what: string): Uint8Array<ArrayBuffer> {
  const bytes = typeof value === 'string' ? fromHex(value.replace(/^0x/i, '')) : undefined
  if (bytes === undefined) throw new UnknownShape(`${what} is not hex`)
  return bytes
}

export function hexField(from: Json, name: string): Uint8Array<ArrayBuffer> {
  return hex(from[name], name)
}

export function base64urlField(from: Json, name: string): Uint8Array<ArrayBuffer> {
  const bytes = fromBase64url(text(from, name))
  if (bytes === undefined) throw new UnknownShape(`${name} is not base64url`)
  return bytes
}

/** A big-endian number, from a number, a decimal text or hex with 0x; absent, `null` and empty count as zero. */
export function bigint(value: unknown, what: string): bigint {
  if (value === undefined || value === null || value === '' || value === '0x') return 0n
  if (typeof value === 'number' && Number.isSafeInteger(value) && value >= 0) return BigInt(value)
  if (typeof value === 'string' && /^(0x[0-9a-f]+|\d+)$/i.test(value)) return BigInt(value)
  throw new UnknownShape(`${what} is not a number`)
}

/** The vector's own name, or its place in the file. */
export function idOf(vector: unknown, index: number): string {
  if (!isObject(vector)) return `#${index}`
  for (const name of ['id', 'tcId', 'name', 'test', 'title']) {
    const value = vector[name]
    if (typeof value === 'string' || typeof value === 'number') return String(value)
  }
  return `#${index}`
}
