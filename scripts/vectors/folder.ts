/** One folder of vectors, and the walk over its files that most kinds share. */
import { idOf, isObject, list, object, UnknownShape, type Json } from './fields.ts'
import type { Report } from './report.ts'

export interface Folder {
  readonly name: string
  /** Paths of its files within the whole, as `folder/file`, sorted. */
  readonly files: readonly string[]
  /** Bytes of any file of the whole, by its path; `undefined` where there is none. */
  read(path: string): Uint8Array | undefined
}

export interface VectorFile {
  /** As `folder/file`. */
  readonly path: string
  readonly meta: Json
  readonly vectors: readonly unknown[]
}

export type RunFolder = (folder: Folder, report: Report) => Promise<void>

/** @throws UnknownShape */
export function readJson(folder: Folder, path: string): unknown {
  const bytes = folder.read(path)
  if (bytes === undefined) throw new UnknownShape('no such file')
  try {
    return JSON.parse(new TextDecoder('utf-8', { fatal: true }).decode(bytes))
  } catch {
    throw new UnknownShape('not JSON')
  }
}

/** Like `readJson`, where nobody minds if there is none. */
export function readJsonObject(folder: Folder, path: string): Json | undefined {
  try {
    const value = readJson(folder, path)
    return isObject(value) ? value : undefined
  } catch {
    return undefined
  }
}

/** Runs `run` on each file that is `{meta, vectors}`, and says of each other one that it was skipped. */
export async function eachFile(folder: Folder, report: Report, run: (file: VectorFile) => Promise<void>): Promise<void> {
  for (const path of folder.files) {
    const file = readVectors(folder, path, report)
    if (file === undefined) continue
    try {
      await run(file)
    } catch (error) {
      if (!(error instanceof UnknownShape)) throw error
      report.skip(path, error.message, file.vectors.length)
    }
    report.flush()
  }
}

/** One check for each vector of a file, which must be an object. */
export async function checkEach(report: Report, file: VectorFile, check: (vector: Json) => void | Promise<void>): Promise<void> {
  const { path, vectors } = file
  for (const [index, vector] of vectors.entries()) {
    await report.check(path, idOf(vector, index), () => check(object(vector, 'the vector')))
  }
}

function readVectors(folder: Folder, path: string, report: Report): VectorFile | undefined {
  try {
    if (!path.endsWith('.json')) throw new UnknownShape('not a vector file')
    const file = object(readJson(folder, path), 'the file')
    return { path, meta: isObject(file['meta']) ? file['meta'] : {}, vectors: list(file['vectors'], 'vectors') }
  } catch (error) {
    if (!(error instanceof UnknownShape)) throw error
    report.skip(path, error.message)
    return undefined
  }
}
