/** Program: `npm run check:package`, after `npm run build`. What would be published: nothing but the SDK, and importable as an app imports it. */
import { execFile } from 'node:child_process'
import { mkdir, mkdtemp, readFile, rm, symlink, writeFile } from 'node:fs/promises'
import { createRequire } from 'node:module'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { promisify } from 'node:util'
import { exportsMap } from './sdk/entries.ts'

const run = promisify(execFile)
const root = join(import.meta.dirname, '..')
const manifest = JSON.parse(await readFile(join(root, 'package.json'), 'utf8')) as { readonly exports: unknown }
if (JSON.stringify(manifest.exports) !== JSON.stringify(exportsMap())) fail('package.json exports something else than scripts/sdk/entries.ts says')

const { stdout } = await run('npm', ['pack', '--dry-run', '--json', '--ignore-scripts'], { cwd: root, maxBuffer: 2 ** 24 })
const [{ files, size }] = JSON.parse(stdout) as [{ readonly files: readonly { readonly path: string }[]; readonly size: number }]
const strangers = files.map(({ path }) => path).filter((path) => !/^(dist\/.+\.(js|d\.ts|LEGAL\.txt)|README\.md|LICENSE|package\.json)$/.test(path))
if (strangers.length > 0) fail(`not for publishing: ${strangers.join(', ')}`)
console.log(`${files.length} files, ${(size / 1000).toFixed(0)} kB packed`)

const app = await mkdtemp(join(tmpdir(), 'cloister-app-'))
try {
  await mkdir(join(app, 'node_modules'))
  await symlink(root, join(app, 'node_modules', 'cloister'))
  await writeFile(join(app, 'package.json'), JSON.stringify({ type: 'module' }))
  await writeFile(join(app, 'tsconfig.json'), JSON.stringify({
    compilerOptions: { strict: true, module: 'nodenext', target: 'es2022', lib: ['es2022', 'dom'], types: [], noEmit: true, skipLibCheck: false }, files: ['app.ts'],
  }))
  await writeFile(join(app, 'app.ts'), `
import { connect, CloisterError, type Pin } from 'cloister/client'
import { ethereum, type SignedTransaction } from 'cloister/client/ethereum'
import { cloisterProvider } from 'cloister/client/adapters/eip1193'
import { cloisterConnector } from 'cloister/client/adapters/wagmi'
import { discoverAccounts } from 'cloister/client/discover'

export async function app(url: string, root: Uint8Array, login: (request: { nonce: string }) => Promise<string>, pin: Pin): Promise<SignedTransaction> {
  const cloister = await connect({ url, trust: { root, measurements: [] }, login })
  const wallet = await cloister.wallets.create({ pin })
  const account = wallet.account('ethereum')
  await discoverAccounts(wallet, ethereum, { isUsed: async () => false })
  cloisterConnector({ provider: cloisterProvider({ accounts: async () => [account], chains: [{ chainId: 1 }] }) })
  // @ts-expect-error there is no such chain
  wallet.account('dogecoin')
  // @ts-expect-error a chain id is needed
  account.signTransaction({ nonce: 0, gas: 1 }).catch((error: unknown) => error instanceof CloisterError && error.code === 'pin_wrong')
  return account.signTransaction({ chainId: 1, nonce: 0, gas: 21_000, to: '0x00', value: 1n, maxFeePerGas: 1n, maxPriorityFeePerGas: 1n }, { pin })
}
`)
  const compiler = join(createRequire(import.meta.url).resolve('typescript/package.json'), '..', 'bin', 'tsc')
  await run(process.execPath, [compiler, '-p', app]).catch((error: { stdout?: string }) => fail(`an app's types do not check:\n${error.stdout ?? ''}`))
  await writeFile(join(app, 'app.js'), `${Object.keys(exportsMap()).filter((name) => name.startsWith('./client')).map((name) => `await import('cloister${name.slice(1)}')`).join('\n')}\n`)
  await run(process.execPath, [join(app, 'app.js')]).catch((error: { stderr?: string }) => fail(`an app can not import it:\n${error.stderr ?? ''}`))
  const help = await run(process.execPath, [join(app, 'node_modules', 'cloister', 'dist', 'cli.js'), '--help']).catch((error: { stderr?: string }) => fail(`the command line does not start:\n${error.stderr ?? ''}`))
  if (!help.stderr.includes('cloister recover')) fail('the command line does not say what it does')
  console.log('an app compiles against it and loads every entry; the command line starts')
} finally {
  await rm(app, { recursive: true, force: true })
}

function fail(message: string): never {
  console.error(message)
  process.exit(1)
}
