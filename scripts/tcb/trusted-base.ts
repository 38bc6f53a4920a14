/** What runs inside the enclave, counted: every file that its bundle is made of, ours and the packages'. */
import { readFile } from 'node:fs/promises'
import { join } from 'node:path'
import { buildImage, type BundledSource } from '../../enclave-sim/image/build.ts'

export interface Count {
  readonly files: number
  /** Of the source files as they are: more than what is left of them in the bundle. */
  readonly lines: number
  /** In the bundle. */
  readonly bytes: number
}

export interface Package extends Count {
  readonly name: string
  readonly version: string
  /** Imported by our own code; else brought along by another package. */
  readonly direct: boolean
  /** Names of the packages that it imports. */
  readonly imports: readonly string[]
}

export interface TrustedBase {
  /** Our own files, by folder. */
  readonly rooms: readonly (Count & { readonly room: string })[]
  /** Largest first. */
  readonly packages: readonly Package[]
  readonly bundleBytes: number
  /** What is in the image beside the bundle: native code. */
  readonly beside: readonly { readonly name: string; readonly bytes: number }[]
  /** Every file, by its path in the project. */
  readonly sources: readonly { readonly path: string; readonly lines: number; readonly bytes: number }[]
}

/** Code that stands in for a package whose native file is in the image. */
const NATIVE = 'addon:'
const MODULES = 'node_modules/'
/** Greedy: of nested ones the innermost. */
const PACKAGE_FOLDER = /^(?:.*\/)?node_modules\/(?:@[^/]+\/)?[^/]+(?=\/)/

/**
 * Builds the image and counts it.
 * @param options as for `buildImage`
 */
export async function readTrustedBase(options: { readonly root: string; readonly entry: string; readonly outDir: string }): Promise<TrustedBase> {
  const { files, sources } = await buildImage(options)
  const counted = await Promise.all(sources.map(async (source) => ({ ...source, lines: await linesOf(options.root, source) })))
  const ours = counted.filter(({ path }) => folderOf(path) === undefined)
  const direct = new Set(ours.flatMap(({ imports }) => imports).map(folderOf))
  const nameOf = (folder: string): string => folder.slice(folder.lastIndexOf(MODULES) + MODULES.length)
  const packages = [...groupBy(counted, ({ path }) => folderOf(path))].map(async ([folder, members]): Promise<Package> => {
    const { version } = JSON.parse(await readFile(join(options.root, folder, 'package.json'), 'utf8')) as { version: string }
    const others = members.flatMap(({ imports }) => imports).map(folderOf).filter((other) => other !== undefined && other !== folder)
    return { name: nameOf(folder), version, direct: direct.has(folder), imports: [...new Set(others.map((other) => nameOf(other as string)))], ...sum(members) }
  })
  return {
    rooms: [...groupBy(ours, ({ path }) => roomOf(path))].map(([room, members]) => ({ room, ...sum(members) })),
    packages: (await Promise.all(packages)).sort((a, b) => b.bytes - a.bytes),
    bundleBytes: files.find(({ name }) => name.endsWith('.mjs'))?.bytes ?? 0,
    beside: files.filter(({ name }) => !name.endsWith('.mjs')).map(({ name, bytes }) => ({ name, bytes })),
    sources: counted.map(({ path, lines, bytes }) => ({ path, lines, bytes })),
  }
}

/** The packages that would go if our own code no longer imported any of those that `match`: they, and what only they bring along. */
export function shareOf(packages: readonly Package[], match: (name: string) => boolean): readonly Package[] {
  const staying = new Set<string>()
  const stay = (name: string): void => {
    if (staying.has(name) || match(name)) return
    staying.add(name)
    packages.find((one) => one.name === name)?.imports.forEach(stay)
  }
  packages.filter(({ direct }) => direct).forEach(({ name }) => stay(name))
  return packages.filter(({ name }) => !staying.has(name))
}

/** Adds up. */
export function sum(counts: readonly (Pick<Count, 'lines' | 'bytes'> & { readonly files?: number })[]): Count {
  const total = { files: 0, lines: 0, bytes: 0 }
  for (const { files = 1, lines, bytes } of counts) {
    total.files += files
    total.lines += lines
    total.bytes += bytes
  }
  return total
}

/** Of the package that a file belongs to, relative to the project; `undefined`: it is our own. Two versions of one package are two folders. */
function folderOf(path: string): string | undefined {
  if (path.startsWith(NATIVE)) return MODULES + path.slice(NATIVE.length)
  return PACKAGE_FOLDER.exec(path)?.[0]
}

/** The two upper folders, as in the import table. */
function roomOf(path: string): string {
  return path.split('/').slice(0, -1).slice(0, 2).join('/') || '.'
}

async function linesOf(root: string, { path }: BundledSource): Promise<number> {
  if (path.startsWith(NATIVE)) return 0
  return (await readFile(join(root, path), 'utf8')).trimEnd().split('\n').length
}

function groupBy<T>(items: readonly T[], keyOf: (item: T) => string | undefined): Map<string, T[]> {
  const groups = new Map<string, T[]>()
  for (const item of items) {
    const key = keyOf(item)
    if (key !== undefined) groups.set(key, [...(groups.get(key) ?? []), item])
  }
  return groups
}
