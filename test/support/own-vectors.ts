/** Reading test/vectors/own. */
import { readFileSync } from 'node:fs'
import { join } from 'node:path'
import { fromHex } from '../../lib/protocol/bytes.ts'

export const OWN_VECTORS = join(__dirname, '..', 'vectors', 'own')

export function loadVectors<T>(name: string): T[] {
  return (JSON.parse(readFileSync(join(OWN_VECTORS, `${name}.json`), 'utf8')) as { vectors: T[] }).vectors
}

export const hex = (text: string | undefined): Uint8Array<ArrayBuffer> => fromHex(text ?? '?') as Uint8Array<ArrayBuffer>

/** `{"bytes": hex}` is a byte string. */
export function revive(value: unknown): unknown {
  if (Array.isArray(value)) return value.map(revive)
  if (typeof value !== 'object' || value === null) return value
  const entries = Object.entries(value)
  if (entries.length === 1 && entries[0]?.[0] === 'bytes') return hex(entries[0][1] as string)
  return Object.fromEntries(entries.map(([name, field]) => [name, revive(field)]))
}

/** Each byte of `bytes` changed, one at a time; each seventh of long padding. */
export function* altered(bytes: Uint8Array): Generator<Uint8Array<ArrayBuffer>> {
  for (let i = 0; i < bytes.length; i += i < 1000 ? 1 : 7) {
    const copy = new Uint8Array(bytes)
    copy[i] = (copy[i] as number) ^ (1 << i % 8)
    yield copy
  }
}
