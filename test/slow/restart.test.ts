/** State survives a restart; ports that are taken are said; a function without its settings says nothing of the inside. */
import { spawn } from 'node:child_process'
import { once } from 'node:events'
import { mkdtemp, rm, writeFile } from 'node:fs/promises'
import { createServer, type AddressInfo } from 'node:net'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { connect } from '../../client/connect.ts'
import { localApp } from '../../local/app.ts'
import { anyFreePort } from '../../local/ports.ts'
import { startApi } from '../../scripts/local-api.ts'
import { startCloud, type Cloud } from '../support/cloud.ts'
import { CHAIN, transfer } from '../support/transactions.ts'

const ROOT = process.cwd()
const PIN = '493817'
let dir: string

beforeAll(async () => {
  dir = await mkdtemp(join(tmpdir(), 'cloister-test-'))
})
afterAll(() => rm(dir, { recursive: true, force: true }))

interface Started {
  readonly output: () => string
  stop(): Promise<number | null>
}

/** `npm start` as a person would have it, without npm. */
async function start(args: readonly string[], until: RegExp): Promise<Started> {
  const child = spawn(process.execPath, [join(ROOT, 'scripts', 'start.ts'), ...args], { cwd: ROOT, stdio: ['ignore', 'pipe', 'pipe'] })
  let output = ''
  for (const stream of [child.stdout, child.stderr]) stream.on('data', (chunk: Buffer) => (output += chunk.toString()))
  const exit = once(child, 'exit') as Promise<[number | null]>
  while (!until.test(output) && child.exitCode === null) await Promise.race([once(child.stdout, 'data'), once(child.stderr, 'data'), exit])
  return {
    output: () => output,
    async stop() {
      if (child.exitCode === null) child.kill('SIGINT')
      return (await exit)[0]
    },
  }
}

test('npm start: a wallet made before a restart signs after it; taken ports move, aloud, except the issuer’s', async () => {
  const state = join(dir, 'state')
  const issuerPort = String(await anyFreePort())
  const taken = createServer()
  await new Promise<void>((resolve) => taken.listen({ port: 0, host: '127.0.0.1' }, resolve))
  const port = (taken.address() as AddressInfo).port
  const args = ['--state', state, '--issuer-port', issuerPort, '--port', String(port)]

  const first = await start(args, /Ctrl-C stops everything/)
  expect(first.output()).toMatch(`Port ${port} is taken: the API listens on ${port + 1}.`)
  const wallet = await (await connect(await localApp('alice', state))).wallets.create({ pin: PIN })
  const second = await start([...args, '--port', '0'], /already running/)
  expect(second.output()).toMatch('already running on this state')
  expect(await second.stop()).toBe(1)
  expect(await first.stop()).toBe(0)
  expect(first.output()).toMatch('Stopped.')

  const blocked = createServer()
  await new Promise<void>((resolve) => blocked.listen({ port: Number(issuerPort), host: '127.0.0.1' }, resolve))
  const refused = await start(args, /is taken, and/)
  expect(await refused.stop()).toBe(1)
  expect(refused.output()).toMatch(`port ${issuerPort} is taken, and the OpenID provider needs that one`)
  await new Promise((resolve) => blocked.close(resolve))

  const again = await start(args, /Ctrl-C stops everything/)
  const found = await (await connect(await localApp('alice', state))).wallets.get(wallet.id)
  expect(found.last.accounts).toEqual(wallet.last.accounts)
  await expect(found.signTransaction({ chain: CHAIN, transaction: transfer() }, { pin: PIN })).resolves.toMatchObject({ guessesLeft: 5 })
  expect(await again.stop()).toBe(0)
  await new Promise((resolve) => taken.close(resolve))
}, 120_000)

describe('the API around the handlers', () => {
  let cloud: Cloud
  beforeAll(async () => {
    cloud = await startCloud()
  }, 60_000)
  afterAll(() => cloud?.close())

  test('a handler that throws: 500 problem details, and no word of why', async () => {
    const stackFile = join(dir, 'broken.json')
    await writeFile(stackFile, JSON.stringify({ ...cloud.stack.env, CLOISTER_TABLE: 'no table name!' }))
    // Health needs the settings too, so this API never becomes ready by itself: it is asked while it starts.
    const port = await anyFreePort()
    const api = startApi({ root: ROOT, stateDir: join(dir, 'broken'), port, stackFile, readyWhen: 'answering' })
    const { url, close } = await api
    const response = await fetch(new URL('/v1/wallets', url), { headers: { authorization: 'Bearer a.b.c' } })
    expect(response.status).toBe(500)
    expect(response.headers.get('content-type')).toBe('application/problem+json')
    const body = await response.text()
    expect(JSON.parse(body)).toEqual({ type: 'urn:cloister:error:internal', title: 'Internal error', status: 500, code: 'internal' })
    expect(body).not.toMatch(/settings|stack|\.ts|at /)
    await close()
  }, 60_000)

  test('CORS: only an origin of the allow-list finds its own name', async () => {
    for (const [method, path, init] of [['OPTIONS', '/v1/wallets', {}], ['GET', '/v1/health', {}], ['GET', '/v1/wallets', {}]] as const) {
      const ours = await cloud.call(method, path, { ...init, headers: { origin: 'http://app.example' } })
      expect(ours.headers.get('access-control-allow-origin')).toBe('http://app.example')
      // (serverless-offline adds access-control-allow-credentials by itself; our handlers never do, and AWS adds nothing.)
      for (const origin of ['http://evil.example', 'http://app.example.evil.example', 'null', 'https://app.example']) {
        const theirs = await cloud.call(method, path, { ...init, headers: { origin } })
        expect(theirs.headers.get('access-control-allow-origin')).toBe('http://app.example')
      }
    }
  })
})
