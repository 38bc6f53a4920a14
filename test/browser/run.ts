/**
 * Program: `node test/browser/run.ts <chromium> <folder of vectors>`. Bundles lib/attestation with the vectors' own checks for a browser, lets a
 * headless Chromium run them on a page of 127.0.0.1, and prints `N passed, N failed, N skipped` last. Exits with 1 when one failed.
 */
import { spawn } from 'node:child_process'
import { once } from 'node:events'
import { mkdtemp, readdir, readFile, rm } from 'node:fs/promises'
import { createServer, type IncomingMessage, type ServerResponse } from 'node:http'
import type { AddressInfo } from 'node:net'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { buffer } from 'node:stream/consumers'
import { build } from 'esbuild'
import type { PageResult } from './result.ts'

const TIMEOUT_MS = 120_000
const ROOT = 'aws_nitro_root_g1.der'
// Nothing but what is asked for: no profile of somebody's, no network but the page's own server.
const FLAGS = [
  '--headless', '--no-sandbox', '--disable-gpu', '--disable-quic', '--no-first-run', '--disable-background-networking', '--disable-component-update', '--disable-sync',
  '--disable-extensions', '--disable-dev-shm-usage', '--host-resolver-rules=MAP * ~NOTFOUND, EXCLUDE 127.0.0.1', '--remote-debugging-port=0',
]
const PAGE = '<!doctype html><meta charset="utf-8"><title>attestation</title><script type="module" src="/page.js"></script>'
// As strict as a careful app's own page: no inline script, no evaluation of text.
const POLICY = "default-src 'none'; script-src 'self'; connect-src 'self'"

const [browser, folder] = process.argv.slice(2)
if (browser === undefined || folder === undefined) {
  console.error('usage: node test/browser/run.ts <chromium> <folder of vectors>')
  process.exit(2)
}
const failed = (error: unknown): PageResult => ({ lines: [`FAIL ${String(error)}`], passed: 0, failed: 1, skipped: 0, userAgent: 'no answer from a browser' })
const result = await run(browser, folder).catch(failed)
for (const line of result.lines) console.log(line)
console.log(result.userAgent)
console.log(`${result.passed} passed, ${result.failed} failed, ${result.skipped} skipped`)
process.exitCode = result.failed === 0 && result.passed > 0 ? 0 : 1

async function run(executable: string, from: string): Promise<PageResult> {
  return runPage(executable, await bundle(), await vectors(from))
}

/** For browsers: an import of one of Node's modules would fail in here. */
async function bundle(): Promise<Uint8Array> {
  const root = join(import.meta.dirname, '..', '..')
  const entry = join(import.meta.dirname, 'page.ts')
  const { outputFiles } = await build({ absWorkingDir: root, entryPoints: [entry], bundle: true, platform: 'browser', format: 'esm', target: 'es2022', write: false })
  return outputFiles[0]?.contents ?? new Uint8Array()
}

/** JSON: path → base64url. */
async function vectors(from: string): Promise<string> {
  const files: Record<string, string> = { [ROOT]: (await readFile(join(from, ROOT))).toString('base64url') }
  for (const name of ['attestation', 'attestation-invalid']) {
    for (const file of (await readdir(join(from, name))).sort()) files[`${name}/${file}`] = (await readFile(join(from, name, file))).toString('base64url')
  }
  return JSON.stringify(files)
}

async function runPage(executable: string, script: Uint8Array, json: string): Promise<PageResult> {
  const told = Promise.withResolvers<PageResult>()
  const answer = async (request: IncomingMessage, response: ServerResponse): Promise<void> => {
    const body = await buffer(request)
    const send = (type: string, content: string | Uint8Array): void => void response.writeHead(200, { 'content-type': type, 'content-security-policy': POLICY }).end(content)
    if (request.url === '/') send('text/html', PAGE)
    else if (request.url === '/page.js') send('text/javascript', script)
    else if (request.url === '/vectors.json') send('application/json', json)
    else if (request.url === '/result' && request.method === 'POST') {
      send('text/plain', '')
      told.resolve(JSON.parse(body.toString('utf8')) as PageResult)
    } else response.writeHead(404).end()
  }
  const server = createServer((request, response) => void answer(request, response).catch(told.reject))
  await new Promise<void>((resolve) => server.listen({ port: 0, host: '127.0.0.1' }, resolve))
  const profile = await mkdtemp(join(tmpdir(), 'cloister-browser-'))
  const url = `http://127.0.0.1:${(server.address() as AddressInfo).port}/`
  // A group of its own: Debian's command is a script around the browser, which has children itself, and all of them must go.
  const child = spawn(executable, [...FLAGS, `--user-data-dir=${profile}`, url], { stdio: ['ignore', 'ignore', 'pipe'], detached: true })
  let said = ''
  child.stderr.on('data', (chunk: Buffer) => (said = (said + chunk.toString()).slice(-4000)))
  // 'close', not 'exit': when all who hold its standard error have gone.
  const gone = once(child, 'close').catch((error: unknown) => told.reject(error))
  const timer = setTimeout(() => told.reject(new Error(`no result within ${TIMEOUT_MS / 1000} s: ${said}`)), TIMEOUT_MS)
  void gone.then(() => told.reject(new Error(`the browser ended without a result: ${said}`)))
  try {
    return await told.promise
  } finally {
    clearTimeout(timer)
    if (child.pid !== undefined) endGroup(child.pid)
    await gone
    server.closeAllConnections()
    server.close()
    await rm(profile, { recursive: true, force: true, maxRetries: 5 })
  }
}

function endGroup(leader: number): void {
  try {
    process.kill(-leader, 'SIGKILL')
  } catch {
    // gone by itself
  }
}
