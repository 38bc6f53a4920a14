/** The SDK as browsers get it. */
import { build, type BuildResult } from 'esbuild'
import { gzipSync } from 'node:zlib'
import { join } from 'node:path'
import { ENTRIES, PEERS } from './entries.ts'

/** No Node built-in is external here: one that is imported anywhere fails the build. */
const COMMON = { bundle: true, format: 'esm', platform: 'browser', target: 'es2022', logLevel: 'silent', metafile: true } as const

/** Every entry, sharing its chunks, into `<outDir>/client/…`; packages go in, but for those that are the app's own. */
export function buildSdk({ root, outDir }: { readonly root: string; readonly outDir: string }): Promise<BuildResult<{ metafile: true }>> {
  return build({
    ...COMMON, absWorkingDir: root, entryPoints: Object.values(ENTRIES), outbase: '.', outdir: outDir, splitting: true, chunkNames: 'client/chunks/[name]-[hash]',
    external: PEERS.flatMap((name) => [name, `${name}/*`]), legalComments: 'linked',
  })
}

/** Bytes, minified and gzipped (level 9), of one module with all that it imports; what it loads later is counted apart. */
export async function measure({ root, entry }: { readonly root: string; readonly entry: string }): Promise<{ readonly first: number; readonly later: number }> {
  const { outputFiles, metafile } = await build({
    ...COMMON, absWorkingDir: root, entryPoints: [entry], outdir: join(root, 'dist-size'), splitting: true, minify: true, write: false,
    external: PEERS.flatMap((name) => [name, `${name}/*`]),
  })
  const start = Object.keys(metafile.outputs).find((path) => metafile.outputs[path]?.entryPoint === entry) as string
  const eager = new Set<string>()
  const visit = (path: string): void => {
    if (eager.has(path)) return
    eager.add(path)
    for (const { path: next, kind } of metafile.outputs[path]?.imports ?? []) if (kind === 'import-statement') visit(next)
  }
  visit(start)
  const sizes = outputFiles.map(({ path, contents }) => ({ isFirst: [...eager].some((name) => join(root, name) === path), bytes: gzipSync(contents, { level: 9 }).length }))
  const sum = (isFirst: boolean): number => sizes.filter((one) => one.isFirst === isFirst).reduce((total, { bytes }) => total + bytes, 0)
  return { first: sum(true), later: sum(false) }
}
