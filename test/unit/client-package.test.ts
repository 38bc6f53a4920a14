/** What an app downloads: how much, of what, and nothing that only Node has. */
import { mkdtemp, readdir, readFile, rm } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { build } from 'esbuild'
import { buildSdk, measure } from '../../scripts/sdk/bundle.ts'
import { ENTRIES, exportsMap, PEERS } from '../../scripts/sdk/entries.ts'
import { CORE_LIMIT_BYTES } from '../../scripts/sdk/limit.ts'

const root = join(__dirname, '../..')
/** cborg asks `globalThis` whether there is a Buffer, and does without. */
const NODE = /['"]node:|\brequire\(|(?<!globalThis\.|\/\/ )\b(?:process|Buffer)\./

test('the core is under its limit, brings no chain, and loads nothing later', async () => {
  const { first, later } = await measure({ root, entry: 'client/connect.ts' })
  process.stdout.write(`SDK core: ${first} bytes minified and gzipped\n`)
  expect(first).toBeLessThan(CORE_LIMIT_BYTES)
  expect(first).toBeGreaterThan(10_000) // it measures something
  expect(later).toBe(0)
  const plain = await build({ absWorkingDir: root, entryPoints: ['client/connect.ts'], bundle: true, write: false, format: 'esm', platform: 'browser', metafile: true, logLevel: 'silent' })
  expect(Object.keys(plain.metafile.inputs).filter((path) => /micro-eth-signer|@scure|@noble|lib\/chains\/(ethereum|bitcoin|solana|kaia)/.test(path))).toEqual([])
})

test('the entry that knows every chain begins no larger, and loads them when needed', async () => {
  const { first, later } = await measure({ root, entry: 'client/index.ts' })
  expect(first).toBeLessThan(CORE_LIMIT_BYTES)
  expect(later).toBeGreaterThan(first)
})

test('every entry is bundled for browsers with no module of Node’s; only its peers stay outside', async () => {
  const outDir = await mkdtemp(join(tmpdir(), 'cloister-sdk-'))
  try {
    const { metafile } = await buildSdk({ root, outDir })
    const outside = Object.values(metafile.outputs).flatMap(({ imports }) => imports.filter(({ external }) => external).map(({ path }) => path))
    expect(outside.filter((path) => !PEERS.some((peer) => path === peer || path.startsWith(`${peer}/`)))).toEqual([])
    const files = (await readdir(outDir, { recursive: true })).filter((name) => name.endsWith('.js'))
    expect(files.length).toBeGreaterThanOrEqual(Object.keys(ENTRIES).length)
    for (const file of files) expect(await readFile(join(outDir, file), 'utf8')).not.toMatch(NODE)
  } finally {
    await rm(outDir, { recursive: true })
  }
}, 60_000)

test('a module of Node’s would not be bundled', async () => {
  const stdin = { contents: "import { readFileSync } from 'node:fs'; console.log(readFileSync)", resolveDir: root }
  await expect(build({ stdin, bundle: true, platform: 'browser', write: false, logLevel: 'silent' })).rejects.toThrow(/node:fs/)
})

test('package.json exports the entries, and lists the peers as optional', async () => {
  const manifest = JSON.parse(await readFile(join(root, 'package.json'), 'utf8')) as {
    exports: unknown; peerDependencies: Record<string, string>; peerDependenciesMeta: Record<string, { optional: boolean }>; sideEffects: boolean; files: string[]
  }
  expect(manifest.exports).toEqual(exportsMap())
  expect(Object.keys(manifest.peerDependencies).sort()).toEqual([...PEERS].sort())
  expect(PEERS.every((name) => manifest.peerDependenciesMeta[name]?.optional)).toBe(true)
  expect([manifest.sideEffects, manifest.files]).toEqual([false, ['dist']])
})
