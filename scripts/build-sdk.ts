/** Program: `npm run build`. The SDK as the package has it: dist/, JavaScript modules and their types. */
import { execFile } from 'node:child_process'
import { chmod, readdir, readFile, rm, writeFile } from 'node:fs/promises'
import { createRequire } from 'node:module'
import { join } from 'node:path'
import { promisify } from 'node:util'
import { build } from 'esbuild'
import { buildSdk } from './sdk/bundle.ts'
import { ENTRIES } from './sdk/entries.ts'

const root = join(import.meta.dirname, '..')
const outDir = join(root, 'dist')

await rm(outDir, { recursive: true, force: true })
await buildSdk({ root, outDir })
await buildCli()
await declare()
await renameImports()
console.log(`dist: ${Object.keys(ENTRIES).length} entries`)

/** `npx cloister recover`: one file that needs nothing but Node, so that it still runs when everything else is gone. */
async function buildCli(): Promise<void> {
  await build({
    entryPoints: [join(root, 'client', 'cli', 'main.ts')], outfile: join(outDir, 'cli.js'), bundle: true, platform: 'node', target: 'node20', format: 'esm', legalComments: 'external',
  })
  await chmod(join(outDir, 'cli.js'), 0o755)
}

/** Declarations of the entries and of what they import, in the folders that the sources have. */
async function declare(): Promise<void> {
  const project = join(root, 'tsconfig.sdk.json')
  const compiler = join(createRequire(import.meta.url).resolve('typescript/package.json'), '..', 'bin', 'tsc')
  const options = {
    extends: './tsconfig.json',
    compilerOptions: { noEmit: false, emitDeclarationOnly: true, declaration: true, rootDir: '.', outDir: 'dist', types: [], skipLibCheck: true, stripInternal: true },
    include: [], files: Object.values(ENTRIES),
  }
  await writeFile(project, JSON.stringify(options))
  try {
    await promisify(execFile)(process.execPath, [compiler, '-p', project], { cwd: root })
  } catch (error) {
    throw new Error(`the declarations can not be made:\n${(error as { stdout?: string }).stdout ?? ''}`, { cause: error })
  } finally {
    await rm(project, { force: true })
  }
}

/** To the names of the files beside them: not every reader of declarations looks for `x.d.ts` behind `x.ts`. */
async function renameImports(): Promise<void> {
  const names = (await readdir(outDir, { recursive: true })).filter((name) => name.endsWith('.d.ts'))
  await Promise.all(
    names.map(async (name) => {
      const path = join(outDir, name)
      const text = await readFile(path, 'utf8')
      await writeFile(path, text.replace(/((?:from |import\()['"]\.[^'"]*)\.ts(?=['"])/g, '$1.js'))
    }),
  )
}
