/** The vectors folder beside the repository. Where it is missing, tests say so and skip. */
import { existsSync, readFileSync } from 'node:fs'
import { join } from 'node:path'

const folder = join(__dirname, '../../../shared/vectors')

interface VectorFile<T> {
  readonly meta: { readonly groups?: readonly unknown[] }
  readonly vectors: readonly T[]
}

/** `describe`, or `describe.skip` where the folder (a name below it) is not there. */
export function describeVectors(name: string): jest.Describe {
  if (existsSync(join(folder, name))) return describe
  process.stdout.write(`vectors are not here: ${name} is skipped\n`)
  return describe.skip
}

/** The vectors of a file; none where it is not there. */
export function vectors<T>(name: string): readonly T[] {
  return vectorFile<T>(name).vectors
}

export function vectorFile<T>(name: string): VectorFile<T> {
  const path = join(folder, name)
  return existsSync(path) ? (JSON.parse(readFileSync(path, 'utf8')) as VectorFile<T>) : { meta: {}, vectors: [] }
}

export function vectorBytes(name: string): Uint8Array<ArrayBuffer> {
  return new Uint8Array(readFileSync(join(folder, name)))
}

export function vectorJson<T>(name: string): T | undefined {
  const path = join(folder, name)
  return existsSync(path) ? (JSON.parse(readFileSync(path, 'utf8')) as T) : undefined
}

export const hex = (text: string): Uint8Array<ArrayBuffer> => new Uint8Array(Buffer.from(text.replace(/^0x/, ''), 'hex'))
export const toHex = (bytes: Uint8Array): string => Buffer.from(bytes).toString('hex')
