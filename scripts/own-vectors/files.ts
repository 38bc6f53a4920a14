/** How vectors are written: bytes are `{"bytes": hex}` where text could stand as well, and plain hex where only bytes can. */
import { readFile, writeFile } from 'node:fs/promises'
import { join } from 'node:path'
import { toHex } from '../../lib/protocol/bytes.ts'

export const ROOT = join(import.meta.dirname, '..', '..')
const folder = join(ROOT, 'test', 'vectors', 'own')

export function count(from: number, length: number): Uint8Array<ArrayBuffer> {
  return Uint8Array.from({ length }, (_, i) => from + i)
}

/** JSON that tells bytes from text. */
export function plain(value: unknown): unknown {
  if (value instanceof Uint8Array) return { bytes: toHex(value) }
  if (Array.isArray(value)) return value.map(plain)
  if (typeof value !== 'object' || value === null) return value
  return Object.fromEntries(Object.entries(value).map(([name, field]) => [name, plain(field)]))
}

export async function write(name: string, about: string, vectors: readonly object[]): Promise<void> {
  const meta = { about, madeBy: 'scripts/make-vectors.ts' }
  await writeFile(join(folder, `${name}.json`), `${JSON.stringify({ meta, vectors }, null, 2)}\n`)
}

/** What the last run wrote in a field of a vector, for signatures that are random each time. */
export async function kept(name: string, id: string, field: string): Promise<Uint8Array<ArrayBuffer>> {
  const text = await readFile(join(folder, `${name}.json`), 'utf8').catch(() => '{"vectors":[]}')
  const { vectors } = JSON.parse(text) as { vectors: Readonly<Record<string, unknown>>[] }
  const value = vectors.find((vector) => vector['id'] === id)?.[field]
  return new Uint8Array(Buffer.from(typeof value === 'string' ? value : '', 'hex'))
}

export const codec = (id: string, format: string, value: unknown, encoded: Uint8Array) => ({ id, format, value: plain(value), encoded: toHex(encoded) })
