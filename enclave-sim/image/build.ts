/**
 * Builds the enclave image: one bundle of all its code, and the native Argon2 beside it. The same sources and packages give the same bytes, in
 * whatever folder and at whatever time, so that anybody can rebuild a release and compare measurements.
 */
import { createHash } from 'node:crypto'
import { mkdir, readdir, rm, copyFile } from 'node:fs/promises'
import { join, resolve } from 'node:path'
import { build, type Metafile } from 'esbuild'
import { toHex } from '../../lib/protocol/bytes.ts'
import { ARGON2_FILE, argon2Addon, findArgon2Addon } from './argon2-addon.ts'
import { ENCLAVE_PROGRAM } from './args.ts'
import { readImageFiles } from './files.ts'

interface BuiltImage {
  /** Sorted by name; SHA-384 in lowercase hex. */
  readonly files: readonly { readonly name: string; readonly sha384: string; readonly bytes: number }[]
  /** What the bundle was made of, sorted by path: what `npm run tcb` counts. */
  readonly sources: readonly BundledSource[]
}

/** A source file that has something in the bundle, or passes on what does. */
export interface BundledSource {
  /** Relative to the project; `addon:<package>` for code that stands in for a native package. */
  readonly path: string
  /** How much of the bundle comes from it. */
  readonly bytes: number
  /** Paths of the files that it imports, Node's own modules left out. */
  readonly imports: readonly string[]
}

/** CommonJS packages in the bundle `require` Node's modules. */
const BANNER = "import { createRequire as __createRequire } from 'node:module'; const require = __createRequire(import.meta.url);"

/**
 * @param options.entry the enclave's program, TypeScript or JavaScript.
 * @param options.outDir where the image goes. What an earlier build left there is replaced; a folder with anything else in it is refused.
 * @param options.root the project: its packages are used, and the paths in the bundle's comments are relative to it. Default: the working directory.
 */
export async function buildImage(options: { readonly entry: string; readonly outDir: string; readonly root?: string }): Promise<BuiltImage> {
  const root = resolve(options.root ?? process.cwd())
  const outDir = resolve(options.outDir)
  await emptyImageFolder(outDir)
  const { metafile } = await build({
    absWorkingDir: root,
    entryPoints: [resolve(root, options.entry)],
    outfile: join(outDir, ENCLAVE_PROGRAM),
    bundle: true,
    platform: 'node',
    format: 'esm',
    target: 'node24',
    mainFields: ['module', 'main'],
    charset: 'utf8',
    legalComments: 'none',
    sourcemap: false,
    banner: { js: BANNER },
    // Instead of whatever tsconfig.json lies around, or a folder above.
    tsconfigRaw: { compilerOptions: { target: 'es2024', verbatimModuleSyntax: true } },
    nodePaths: [],
    logLevel: 'silent',
    // Beside the bundle, in memory: the bundle's own bytes are the same with it and without.
    metafile: true,
    plugins: [argon2Addon],
  })
  await copyFile(findArgon2Addon(root), join(outDir, ARGON2_FILE))
  const files = await readImageFiles(outDir)
  return {
    files: files.map(({ name, bytes }) => ({ name, sha384: toHex(createHash('sha384').update(bytes).digest()), bytes: bytes.length })),
    sources: sourcesOf(metafile),
  }
}

function sourcesOf({ inputs, outputs }: Metafile): BundledSource[] {
  return Object.values(outputs)
    .flatMap((output) => Object.entries(output.inputs))
    .map(([path, { bytesInOutput }]) => ({ path, bytes: bytesInOutput, imports: (inputs[path]?.imports ?? []).filter(({ external }) => external !== true).map((one) => one.path) }))
    .sort((a, b) => (a.path < b.path ? -1 : 1))
}

async function emptyImageFolder(dir: string): Promise<void> {
  await mkdir(dir, { recursive: true })
  const names = await readdir(dir)
  if (names.some((name) => name !== ENCLAVE_PROGRAM && name !== ARGON2_FILE)) throw new Error('The output folder holds something else than an image')
  for (const name of names) await rm(join(dir, name))
}
