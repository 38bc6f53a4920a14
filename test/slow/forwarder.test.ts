/** The enclave without a network: one socket in, and out only through the forwarder, to KMS, the table and the token issuer. */
import { spawn, spawnSync, type ChildProcess } from 'node:child_process'
import { once } from 'node:events'
import { existsSync } from 'node:fs'
import { mkdtemp, readdir, readFile, rm } from 'node:fs/promises'
import { createServer as createHttpsServer, request, type Agent, type Server as HttpsServer } from 'node:https'
import { connect, createServer, type AddressInfo, type Server, type Socket } from 'node:net'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { createInterface } from 'node:readline'
import type { TLSSocket } from 'node:tls'
import { createAgent } from '../../enclave-sim/platform/egress.ts'
import { createEnclaveClient } from '../../lib/enclave/client.ts'
import { readSettings } from '../../lib/relay/settings.ts'
import { createFetchJwks } from '../../lib/tokens/fetch-jwks.ts'
import { buildEnclave } from '../../local/enclave.ts'
import { anyFreePort } from '../../local/ports.ts'
import { createLocalCa, type LocalCa } from '../../local/tls.ts'
import { startCloud, type Cloud } from '../support/cloud.ts'
import { CHAIN, transfer } from '../support/transactions.ts'

const root = process.cwd()
const PIN = '493817'
const children: ChildProcess[] = []
let dir: string

beforeAll(async () => {
  dir = await mkdtemp(join(tmpdir(), 'cloister-forward-'))
})
afterAll(async () => {
  await Promise.all(children.map(end))
  await rm(dir, { recursive: true, force: true })
})

async function end(child: ChildProcess): Promise<void> {
  if (child.exitCode !== null || child.signalCode !== null) return
  const gone = once(child, 'exit')
  child.kill('SIGTERM')
  await gone
}

function start([command = '', ...args]: readonly string[]): ChildProcess {
  const child = spawn(command, args, { stdio: ['ignore', 'pipe', 'pipe'] })
  children.push(child)
  return child
}

async function firstLine(child: ChildProcess): Promise<Record<string, unknown>> {
  let errors = ''
  child.stderr?.on('data', (chunk: Buffer) => (errors += chunk.toString()))
  const lines = createInterface({ input: child.stdout as NodeJS.ReadableStream })
  const [line] = (await Promise.race([once(lines, 'line'), once(child, 'exit').then(() => [])])) as [string?]
  if (line === undefined) throw new Error(errors)
  return JSON.parse(line) as Record<string, unknown>
}

async function startForwarder(directory: string, allow: readonly string[]): Promise<ChildProcess> {
  const child = start([process.execPath, join(root, 'local', 'forwarder.ts'), '--directory', directory, ...allow.flatMap((to) => ['--allow', to])])
  expect(await firstLine(child)).toEqual({ forwarding: allow })
  return child
}

/** A network namespace of its own, with nothing in it, where the system lets us have one. */
const isolate = [['unshare', '--net'], ['unshare', '--map-root-user', '--net']].find(([command = '', ...args]) => spawnSync(command, [...args, 'true']).status === 0) ?? []
if (isolate.length === 0) console.warn('forwarder: no network namespace can be made here; the enclave keeps its network, and is only not told of it')

describe('an enclave behind the forwarder', () => {
  let cloud: Cloud
  let forwarder: ChildProcess
  let ports: { kms: number; dynamodb: number; issuer: number }
  let launcher: ChildProcess
  const allowed = (): string[] => [`127.0.0.1:${ports.kms}`, `127.0.0.1:${ports.dynamodb}`, `localhost:${ports.issuer}`]

  beforeAll(async () => {
    ports = { kms: await anyFreePort(), dynamodb: await anyFreePort(), issuer: await anyFreePort() }
    forwarder = await startForwarder(join(dir, 'out'), allowed())
    const image = await buildEnclave(root, join(dir, 'image'))
    const service = `unix:${join(dir, 'service.sock')}`
    const host = `unix:${join(dir, 'host.sock')}`
    const pkiDir = join(dir, 'pki')
    const program = [...isolate, process.execPath, join(root, 'enclave-sim', 'platform', 'simulator', 'launch.ts')]
    launcher = start([...program, '--image', image, '--pki', pkiDir, '--service', service, '--host', host, '--forwarder', join(dir, 'out')])
    expect(await firstLine(launcher)).toMatchObject({ listening: { service, host } })
    const manifest = join(dir, 'image', 'measurements.json')
    cloud = await startCloud({ ports, attach: { enclaves: [{ service, host, manifest }], pkiDir } })
  }, 60_000)
  afterAll(() => cloud?.close())

  test('creates and signs as any other', async () => {
    expect(cloud.stack.env['CLOISTER_ENCLAVES']).toBe(`unix:${join(dir, 'service.sock')}`)
    const wallet = await (await cloud.connect('alice')).wallets.create({ pin: PIN })
    const signature = await wallet.signTransaction({ chain: CHAIN, transaction: transfer() }, { pin: PIN })
    expect(signature.address).toBe(wallet.last.accounts[0]?.address)
    await expect(wallet.signTransaction({ chain: CHAIN, transaction: transfer() }, { pin: '000000' })).rejects.toMatchObject({ code: 'pin_wrong' })
  })

  test('has no network: its namespace holds an idle loopback and no route', async () => {
    if (isolate.length === 0) return
    const pids = [launcher.pid as number, ...(await childrenOf(launcher.pid as number))]
    expect(pids).toHaveLength(2)
    for (const pid of pids) {
      const devices = (await readFile(`/proc/${pid}/net/dev`, 'utf8')).split('\n').slice(2).filter(Boolean)
      expect(devices.map((line) => line.trim().split(':')[0])).toEqual(expect.arrayContaining(['lo']))
      expect(devices.every((line) => / 0 +0 +0 /.test(line))).toBe(true)
      expect((await readFile(`/proc/${pid}/net/route`, 'utf8')).trim().split('\n')).toHaveLength(1)
    }
  })

  test('answers 503 while the forwarder is gone, and the guess is not lost; then goes on', async () => {
    const wallet = await (await cloud.connect('bob')).wallets.create({ pin: PIN })
    await end(forwarder)
    expect(existsSync(join(dir, 'out', `127.0.0.1:${ports.kms}`))).toBe(false)
    await expect(wallet.signTransaction({ chain: CHAIN, transaction: transfer() }, { pin: PIN })).rejects.toMatchObject({ code: 'unavailable' })
    forwarder = await startForwarder(join(dir, 'out'), allowed())
    await expect(wallet.signTransaction({ chain: CHAIN, transaction: transfer() }, { pin: PIN })).resolves.toMatchObject({ guessesLeft: 5 })
  })
})

async function childrenOf(pid: number): Promise<number[]> {
  const text = await readFile(`/proc/${pid}/task/${pid}/children`, 'utf8')
  return text.trim().split(' ').filter(Boolean).map(Number)
}

describe('the forwarder', () => {
  let echo: Server
  let to: string
  beforeAll(async () => {
    echo = createServer({ allowHalfOpen: true }, (socket) => socket.pipe(socket)).listen(0, '127.0.0.1')
    await once(echo, 'listening')
    to = `127.0.0.1:${(echo.address() as AddressInfo).port}`
  })
  afterAll(() => void echo.close())

  const dial = async (path: string): Promise<Socket> => {
    const socket = connect({ path, allowHalfOpen: true })
    await once(socket, 'connect')
    return socket
  }

  test('passes every byte on, both ways, also after one side has said its last', async () => {
    await startForwarder(join(dir, 'echo'), [to])
    const socket = await dial(join(dir, 'echo', to))
    const sent = Buffer.alloc(3_000_000, 'cloister')
    socket.end(sent)
    const got: Buffer[] = []
    for await (const chunk of socket as AsyncIterable<Buffer>) got.push(chunk)
    expect(Buffer.concat(got).equals(sent)).toBe(true)
  })

  test('has a socket for each allowed destination, and nothing else', async () => {
    await startForwarder(join(dir, 'two'), [to, 'kms.us-east-1.amazonaws.com:443'])
    expect((await readdir(join(dir, 'two'))).sort()).toEqual([to, 'kms.us-east-1.amazonaws.com:443'].sort())
  })

  test('drops the connection when nobody is behind it', async () => {
    const nobody = `127.0.0.1:${await anyFreePort()}`
    await startForwarder(join(dir, 'nobody'), [nobody])
    const socket = await dial(join(dir, 'nobody', nobody))
    socket.resume()
    await once(socket, 'end')
    socket.destroy()
  })

  test('takes over the socket of one that was killed', async () => {
    const first = await startForwarder(join(dir, 'killed'), [to])
    first.kill('SIGKILL')
    await once(first, 'exit')
    expect(existsSync(join(dir, 'killed', to))).toBe(true)
    await startForwarder(join(dir, 'killed'), [to])
    const socket = await dial(join(dir, 'killed', to))
    socket.end('x')
    expect(String((await once(socket, 'data'))[0])).toBe('x')
  })

  test.each([[], ['127.0.0.1'], ['127.0.0.1:0'], ['127.0.0.1:65536'], ['../x:443'], ['a/b:443'], ['a..b:443'], ['*:443'], ['[::1]:443'], ['-x:443'], ['EXAMPLE.com:443'], [':443']])(
    'rejects %p as a destination',
    async (...allow) => {
      const child = start([process.execPath, join(root, 'local', 'forwarder.ts'), '--directory', join(dir, 'bad'), ...allow.flatMap((one) => [`--allow=${one}`])])
      await expect(firstLine(child)).rejects.toThrow(/^forwarder: --/)
      expect(existsSync(join(dir, 'bad'))).toBe(false)
    },
  )
})

test.each([
  ['unix:/run/enclave.sock', true],
  ['http://127.0.0.1:1,unix:/run/enclave.sock', true],
  ['unix:enclave.sock', false],
  ['unix:', false],
  [`unix:/${'x'.repeat(107)}`, false],
  ['/run/enclave.sock', false],
])('the relay takes %s for the address of its enclaves: %p', (enclaves, accepted) => {
  const tenancy = { issuers: [{ issuer: 'https://login.example', jwksUri: 'https://login.example/jwks' }], tenants: [{ id: 'demo', issuer: 'https://login.example', audiences: ['a'], algorithms: ['RS256'], proofs: ['nonce'] }] }
  const env = { CLOISTER_TENANCY: JSON.stringify({ ...tenancy, readRoles: { demo: 'arn:aws:iam::000000000000:role/r' } }), CLOISTER_TABLE: 'table', CLOISTER_ENCLAVES: enclaves }
  if (accepted) expect(readSettings(env).enclaves).toEqual(enclaves.split(','))
  else expect(() => readSettings(env)).toThrow('CLOISTER_')
})

describe('the way out, seen from inside', () => {
  let server: HttpsServer
  let ca: LocalCa
  let connections = 0
  const out = (): string => join(dir, 'agent')
  const name = (): string => `localhost:${(server.address() as AddressInfo).port}`

  beforeAll(async () => {
    ca = await createLocalCa({ dir: join(dir, 'ca') })
    server = createHttpsServer(ca.serverOptions, (incoming, response) => response.end(`${incoming.url} ${String((incoming.socket as TLSSocket & { servername?: unknown }).servername)}`)).listen(0, '127.0.0.1')
    server.on('connection', () => (connections += 1))
    await once(server, 'listening')
    await startForwarder(out(), [name()])
  })
  afterAll(() => {
    server.closeAllConnections()
    server.close()
  })

  const get = async (path: string, agent: Agent): Promise<string> => {
    const response = await createFetchJwks(agent)(`https://${name()}${path}`, { signal: AbortSignal.timeout(5_000) })
    return response.text()
  }

  test('TLS ends in here: the name is asked for and checked, and the connection is kept', async () => {
    const agent = createAgent({ kind: 'forwarder', directory: out() }, ca.caPem)
    expect(await get('/jwks', agent)).toBe('/jwks localhost')
    expect(await get('/again', agent)).toBe('/again localhost')
    expect(connections).toBe(1)
    agent.destroy()
  })

  test('a host that answers in the place of another has no certificate that counts', async () => {
    const before = connections
    const other = await createLocalCa({ dir: join(dir, 'other-ca') })
    const agent = createAgent({ kind: 'forwarder', directory: out() }, other.caPem)
    await expect(get('/jwks', agent)).rejects.toMatchObject({ code: 'UNABLE_TO_VERIFY_LEAF_SIGNATURE' })
    await expect(get('/jwks', createAgent({ kind: 'forwarder', directory: out() }, null))).rejects.toMatchObject({ code: 'UNABLE_TO_VERIFY_LEAF_SIGNATURE' })
    expect(connections).toBe(before + 2)
  })

  test('the agent fails at once for a destination that has no socket, and tries no network', async () => {
    let reached = 0
    const server = createServer(() => (reached += 1)).listen(0, '127.0.0.1')
    await once(server, 'listening')
    const agent = createAgent({ kind: 'forwarder', directory: join(dir, 'none') }, null)
    const outgoing = request(`https://127.0.0.1:${(server.address() as AddressInfo).port}/`, { agent })
    outgoing.end()
    const [error] = (await once(outgoing, 'error').catch((caught: unknown) => [caught])) as [NodeJS.ErrnoException]
    expect(error.code).toBe('ENOENT')
    expect(reached).toBe(0)
    server.close()
  })

  test.each(['unix:/nowhere/service.sock', 'http://127.0.0.1:1'])('the relay gets `unavailable` from %s', async (url) => {
    const client = createEnclaveClient(url)
    await expect(client.channels()).rejects.toMatchObject({ code: 'unavailable' })
    expect(await client.phase()).toBe(undefined)
  })
})
