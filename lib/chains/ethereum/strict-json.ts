/**
 * JSON (RFC 8259) of which each text means one thing only: no name twice in an object, no number but whole ones that a double holds exactly, no half
 * of a surrogate pair, no more than {@link MAX_DEPTH} levels and {@link MAX_NODES} values. `JSON.parse` would take the last of two equal names, where
 * another reader takes the first, and round what it can't hold.
 */
import { Malformed } from '../../protocol/fields.ts'

export type Json = null | boolean | string | number | readonly Json[] | JsonObject
export type JsonObject = ReadonlyMap<string, Json>

export const MAX_DEPTH = 32
export const MAX_NODES = 4096

/** Where a string ends; what may be in it, `JSON.parse` knows. */
const STRING = /"(?:[^"\\]|\\[^])*"/uy
const INTEGER = /(?:0|-?[1-9][0-9]{0,15})(?![0-9.eE])/y
const SPACE = /[ \t\n\r]*/y
const LITERAL = /true|false|null/y
/** With the flag `u`, only what has no other half. */
const LONE_SURROGATE = /[\u{d800}-\u{dfff}]/u

/** @throws Malformed */
export function parseStrictJson(text: string): Json {
  let at = 0
  let nodes = 0

  const token = (pattern: RegExp): string | undefined => {
    pattern.lastIndex = at
    const found = pattern.exec(text)?.[0]
    if (found !== undefined) at += found.length
    return found
  }
  /** Takes a character of punctuation, and the space around it. */
  const take = (char: string): boolean => {
    token(SPACE)
    if (text[at] !== char) return false
    at += 1
    token(SPACE)
    return true
  }
  const string = (): string => {
    const value = parseString(token(STRING))
    if (LONE_SURROGATE.test(value)) throw new Malformed()
    return value
  }
  const number = (): number => {
    const value = Number(token(INTEGER) ?? Number.NaN)
    if (!Number.isSafeInteger(value)) throw new Malformed()
    return value
  }
  const literal = (): boolean | null => {
    const found = token(LITERAL)
    if (found === undefined) throw new Malformed()
    return found === 'null' ? null : found === 'true'
  }
  const list = (depth: number): Json[] => {
    const items: Json[] = []
    if (take(']')) return items
    do items.push(value(depth + 1))
    while (take(','))
    if (!take(']')) throw new Malformed()
    return items
  }
  const object = (depth: number): JsonObject => {
    const members = new Map<string, Json>()
    if (take('}')) return members
    do {
      const name = string()
      if (members.has(name) || !take(':')) throw new Malformed()
      members.set(name, value(depth + 1))
    } while (take(','))
    if (!take('}')) throw new Malformed()
    return members
  }
  const value = (depth: number): Json => {
    nodes += 1
    if (depth > MAX_DEPTH || nodes > MAX_NODES) throw new Malformed()
    token(SPACE)
    if (take('{')) return object(depth)
    if (take('[')) return list(depth)
    const first = text[at] ?? ''
    if (first === '"') return string()
    return /[-0-9]/.test(first) ? number() : literal()
  }

  const result = value(1)
  token(SPACE)
  if (at !== text.length) throw new Malformed()
  return result
}

/** A single token, quotes and all. */
function parseString(token: string | undefined): string {
  try {
    return JSON.parse(token ?? '') as string
  } catch {
    throw new Malformed()
  }
}

/** An object with these members, and those only. @throws Malformed */
export function exactObject(value: Json | undefined, names: readonly string[]): JsonObject {
  const members = jsonObject(value)
  if (members.size !== names.length || !names.every((name) => members.has(name))) throw new Malformed()
  return members
}

/** @throws Malformed */
export function jsonObject(value: Json | undefined): JsonObject {
  if (!(value instanceof Map)) throw new Malformed()
  return value as JsonObject
}

/** @throws Malformed */
export function jsonString(value: Json | undefined): string {
  if (typeof value !== 'string') throw new Malformed()
  return value
}
