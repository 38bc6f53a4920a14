/** docs/guide.md, followed: the files that it writes out, the package as npm packs it, Vite, a browser, a local stack. */
import { execFile, spawn, type ChildProcess } from 'node:child_process'
import { once } from 'node:events'
import { cp, mkdir, mkdtemp, readdir, readFile, rm, symlink, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { dirname, join } from 'node:path'
import { setTimeout as sleep } from 'node:timers/promises'
import { promisify } from 'node:util'
import { chromium, type Page } from 'playwright-core'
import { parseTransaction, recoverTransactionAddress } from 'viem'
import { anyFreePort } from '../../local/ports.ts'
import { startLocalApi, type LocalApi } from '../../scripts/local-api.ts'
import { CHROMIUM_ARGS, findChromium } from '../support/browser.ts'

jest.setTimeout(180_000)
const ROOT = process.cwd()
const run = promisify(execFile)
const browser = findChromium()
let api: LocalApi
let dir: string
let app: string
let guide: string

beforeAll(async () => {
  dir = await mkdtemp(join(tmpdir(), 'cloister-guide-'))
  app = join(dir, 'my-app')
  guide = await readFile(join(ROOT, 'docs', 'guide.md'), 'utf8')
  const stateDir = join(dir, 'cloister', '.local')
  api = await startLocalApi({ root: ROOT, stateDir, port: 0 })
  // As `npm start` writes it.
  const { url, lambdaUrl, stack } = api
  const trust = { url, lambdaUrl, root: stack.rootBase64, measurements: stack.measurements, issuer: stack.issuerUrl, clientId: stack.clientId }
  await writeFile(join(stateDir, 'trust.json'), JSON.stringify(trust))
  for (const [path, content] of filesOf(guide)) {
    await mkdir(dirname(join(app, path)), { recursive: true })
    await writeFile(join(app, path), content)
  }
  expect(guide).toContain('\ncp ../cloister/.local/trust.json src/trust.json\n')
  await cp(join(stateDir, 'trust.json'), join(app, 'src', 'trust.json'))
  await installPackage()
})
afterAll(async () => {
  await api?.close()
  await rm(dir, { recursive: true, force: true })
})

/** A name on a line of its own, and the block below it. */
function filesOf(text: string): [string, string][] {
  return [...text.matchAll(/^`([\w./-]+)`\n```\w+\n([\s\S]*?)^```$/gm)].map(([, path, content]) => [path as string, content as string])
}

/** What `npm install` would do with the tarball, without a registry. */
async function installPackage(): Promise<void> {
  await run(process.execPath, [join(ROOT, 'scripts', 'build-sdk.ts')], { cwd: ROOT })
  await run('npm', ['pack', '--ignore-scripts', '--pack-destination', dir], { cwd: ROOT })
  const { dependencies } = JSON.parse(await readFile(join(app, 'package.json'), 'utf8')) as { dependencies: { cloister: string } }
  const tarball = join(dir, dependencies.cloister.replace('file:../cloister/', ''))
  const modules = join(app, 'node_modules')
  await mkdir(join(modules, 'cloister'), { recursive: true })
  await run('tar', ['-xzf', tarball, '-C', join(modules, 'cloister'), '--strip-components=1'])
  for (const name of ['vite', 'typescript']) await symlink(join(ROOT, 'node_modules', name), join(modules, name))
}

const vite = (...args: string[]): [string, string[]] => [process.execPath, [join(ROOT, 'node_modules', 'vite', 'bin', 'vite.js'), ...args]]

test('the guide writes out every file that its app has, and its commands are there', () => {
  expect(filesOf(guide).map(([path]) => path)).toEqual(['package.json', 'tsconfig.json', 'index.html', 'vite.config.ts', 'src/login.ts', 'src/pin.ts', 'src/main.ts'])
  for (const command of ['npm run build && npm pack', 'npm start', 'npm install\nnpm run dev']) expect(guide).toContain(`\n${command}\n`)
})

test('the app type-checks, and Vite builds it; the chains stay in files of their own', async () => {
  const { scripts } = JSON.parse(await readFile(join(app, 'package.json'), 'utf8')) as { scripts: Record<string, string> }
  expect(scripts).toEqual({ dev: 'vite', build: 'tsc && vite build' })
  await run(process.execPath, [join(ROOT, 'node_modules', 'typescript', 'bin', 'tsc')], { cwd: app }).catch((error: { stdout: string }) => {
    throw new Error(error.stdout)
  })
  await run(...vite('build', '--logLevel', 'error'), { cwd: app })
  const assets = await readdir(join(app, 'dist', 'assets'))
  for (const chain of ['ethereum', 'bitcoin', 'solana']) expect(assets.some((name) => name.startsWith(`${chain}-`))).toBe(true)
})

test('the types are the package’s: a mistake in the app is found', async () => {
  const main = join(app, 'src', 'main.ts')
  const text = await readFile(main, 'utf8')
  await writeFile(main, text.replace("account('ethereum')", "account('dogecoin')"))
  const failed = await run(process.execPath, [join(ROOT, 'node_modules', 'typescript', 'bin', 'tsc')], { cwd: app }).then(() => '', (error: { stdout: string }) => error.stdout)
  await writeFile(main, text)
  expect(failed).toMatch(/^src\/main\.ts.*account|^src\/main\.ts.*No overload/)
})

/** `npm run dev`, and a page of a browser at it. */
async function withPage(use: (page: Page) => Promise<void>): Promise<void> {
  const port = await anyFreePort()
  // Without Node's options of this process: the app is nobody's test.
  const server = spawn(...vite('--port', String(port), '--strictPort', '--host', '127.0.0.1'), { cwd: app, stdio: 'ignore' })
  const url = `http://127.0.0.1:${port}`
  const running = await chromium.launch({ executablePath: browser as string, args: CHROMIUM_ARGS })
  try {
    await answering(url, server)
    const page = await running.newPage()
    page.setDefaultTimeout(30_000)
    await page.goto(url)
    await use(page)
  } finally {
    await running.close()
    server.kill()
    if (server.exitCode === null && server.signalCode === null) await once(server, 'exit')
  }
}

async function answering(url: string, server: ChildProcess): Promise<void> {
  while (!(await fetch(url).then(({ ok }) => ok, () => false))) {
    if (server.exitCode !== null) throw new Error('Vite ended')
    await sleep(100)
  }
}

async function enterPin(page: Page, title: string, pin: string): Promise<void> {
  await page.locator('dialog[open] #ask', { hasText: title }).waitFor()
  await page.locator('#pin').fill(pin)
  await page.getByRole('button', { name: 'OK' }).click()
}

if (browser === undefined) {
  process.stdout.write('SKIP the guide in a browser: no Chromium here (.ci/browser.sh installs one)\n')
  test.todo('the guide in a browser')
} else {
  test('in a browser it logs in, makes a wallet, and shows a transaction that its address has signed', async () => {
    await withPage(async (page) => {
      await page.getByRole('button', { name: 'Sign a transaction' }).click()
      await page.getByLabel('User name').fill('alice')
      await page.getByRole('button', { name: 'Log in' }).click()
      await enterPin(page, 'Choose a PIN for a new wallet', '493817')
      expect(await page.locator('#recovery').textContent()).toMatch(/^recovery: ([0-9A-HJKMNP-TV-Z]{4}-){6}[0-9A-HJKMNP-TV-Z]{4}$/)
      await page.locator('#ask', { hasText: 'Your PIN, to sign this' }).waitFor()
      expect(await page.locator('dialog pre').textContent()).toContain('0x000000000000000000000000000000000000dEaD')
      await enterPin(page, 'Your PIN, to sign this', '493817')
      await page.locator('#signed').waitFor()
      const shown = async (name: string): Promise<string> => ((await page.locator(`#${name}`).textContent()) ?? '').replace(`${name}: `, '')
      const signed = (await shown('signed')) as `0x02${string}`
      expect(await recoverTransactionAddress({ serializedTransaction: signed })).toBe(await shown('from'))
      expect(parseTransaction(signed)).toMatchObject({ chainId: 31337, value: 10n ** 15n, to: '0x000000000000000000000000000000000000dead' })

      // The second time: the wallet is known, the PIN is wrong.
      await page.getByRole('button', { name: 'Sign a transaction' }).click()
      await enterPin(page, 'Your PIN, to sign this', '0000')
      expect(await page.locator('#error').textContent()).toBe('error: pin_wrong')
    })
  })

  test('an enclave that the app does not pin gets nothing', async () => {
    const file = join(app, 'src', 'trust.json')
    const text = await readFile(file, 'utf8')
    const trust = JSON.parse(text) as { measurements: { pcr0: string }[] }
    await writeFile(file, JSON.stringify({ ...trust, measurements: trust.measurements.map((pins) => ({ ...pins, pcr0: '11'.repeat(48) })) }))
    try {
      await withPage(async (page) => {
        const posts: string[] = []
        page.on('request', (request) => void (request.method() === 'POST' && posts.push(new URL(request.url()).pathname)))
        await page.getByRole('button', { name: 'Sign a transaction' }).click()
        await page.getByLabel('User name').fill('alice')
        await page.getByRole('button', { name: 'Log in' }).click()
        expect(await page.locator('#error').textContent()).toBe('error: attestation_measurements')
        expect(posts.filter((path) => path.startsWith('/v1/'))).toEqual([])
      })
    } finally {
      await writeFile(file, text)
    }
  })
}
