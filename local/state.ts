/** Files that hold the local cloud's state: readable by their owner only, replaced whole or not at all. */
import { randomBytes } from 'node:crypto'
import { chmod, mkdir, open, readdir, readFile, rename, rm } from 'node:fs/promises'
import { dirname, join } from 'node:path'

/** Creates a state directory with mode 0700; an existing one is narrowed to it. */
export async function ensureDir(dir: string): Promise<void> {
  await mkdir(dir, { recursive: true, mode: 0o700 })
  await chmod(dir, 0o700)
}

/** Writes beside the file, syncs, then renames over it: after a crash there is the old content or the new. */
async function writeFileAtomic(file: string, content: string): Promise<void> {
  await ensureDir(dirname(file))
  const temporary = `${file}.${randomBytes(6).toString('hex')}.tmp`
  try {
    const handle = await open(temporary, 'wx', 0o600)
    try {
      await handle.writeFile(content)
      await handle.sync()
    } finally {
      await handle.close()
    }
    await rename(temporary, file)
  } catch (error) {
    await rm(temporary, { force: true })
    throw error
  }
}

export async function writeJson(file: string, value: unknown): Promise<void> {
  await writeFileAtomic(file, `${JSON.stringify(value, null, 2)}\n`)
}

/** Resolves to `undefined` when there is no such file. What is there but is no JSON throws: state is never silently made anew. */
export async function readJson(file: string): Promise<unknown> {
  const text = await readFile(file, 'utf8').catch((error: NodeJS.ErrnoException) => {
    if (error.code === 'ENOENT') return undefined
    throw error
  })
  return text === undefined ? undefined : (JSON.parse(text) as unknown)
}

/** Paths of the `.json` files of a directory, sorted. */
export async function listJson(dir: string): Promise<string[]> {
  await ensureDir(dir)
  const names = await readdir(dir)
  return names.filter((name) => name.endsWith('.json')).sort().map((name) => join(dir, name))
}
