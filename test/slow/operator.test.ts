/** The operator's command line against the local cloud, by what it does to those who sign; and that nothing of it is reached over HTTP. */
import { spawn } from 'node:child_process'
import { once } from 'node:events'
import { readFile, writeFile } from 'node:fs/promises'
import { join } from 'node:path'
import type { Measurements } from '../../lib/attestation/policy.ts'
import { operatorCommand } from '../../scripts/operator/command.ts'
import { startCloud, type Cloud } from '../support/cloud.ts'
import { owned } from '../support/owned.ts'

jest.setTimeout(60_000)

let cloud: Cloud
let simulatorRoot: string

const environment = { AWS_ACCESS_KEY_ID: 'local', AWS_SECRET_ACCESS_KEY: 'local' }

beforeAll(async () => {
  cloud = await startCloud({ enclaves: 2 })
  // Not before: the API's process has its own.
  Object.assign(process.env, environment)
  simulatorRoot = join(cloud.stateDir, 'root.der')
  await writeFile(simulatorRoot, cloud.stack.trust.root)
}, 120_000)
afterAll(() => cloud?.close())

interface Ran {
  readonly code: number | null
  readonly output: string
  /** Of `--json`: a line for each enclave. */
  readonly json: readonly Record<string, unknown>[]
}

const to = (): string[] => ['--function', 'cloister-dev-operator', '--region', 'us-east-1', '--endpoint-url', cloud.lambdaUrl, '--json']

/** In this process: to start one takes longer than what it does. */
async function operator(...args: readonly string[]): Promise<Ran> {
  const lines: string[] = []
  const add = (line: string): void => void lines.push(line)
  const code = await operatorCommand([...to(), ...args], { out: add, err: add })
  return { code, output: lines.join('\n'), json: lines.filter((line) => line.startsWith('{')).map((line) => JSON.parse(line) as Record<string, unknown>) }
}

interface Status {
  readonly phase: string
  readonly reason: string | null
  readonly version: string
  readonly work: { readonly channelKeys: readonly { readonly id: string }[]; readonly open: number } | null
}
const statuses = (ran: Ran): readonly Status[] => ran.json.map((line) => line['status'] as Status)
const keysIn = (ran: Ran): readonly (readonly string[])[] => statuses(ran).map(({ work }) => work?.channelKeys.map(({ id }) => id) ?? [])
const pins = (measurements: readonly Measurements[] = cloud.stack.trust.measurements): string[] => ['--insecure-root', simulatorRoot, '--measurements', JSON.stringify(measurements)]

describe('status', () => {
  test('of each enclave', async () => {
    const ran = await operator('status')
    expect(ran.code).toBe(0)
    expect(ran.json.map((line) => line['enclave'])).toEqual([1, 2])
    for (const status of statuses(ran)) expect(status).toMatchObject({ phase: 'serving', reason: null, version: '0.1.0', work: { open: 0, running: 0, waiting: 0, clock: { driftMs: expect.any(Number) as number } } })
    expect(keysIn(await operator('status', '--enclave', '2'))).toHaveLength(1)
  })
})

describe('measurements', () => {
  test('are attested afresh, and verified here', async () => {
    const ran = await operator('measurements', ...pins())
    expect({ code: ran.code, json: ran.json }).toEqual({ code: 0, json: [1, 2].map((enclave) => ({ enclave, verified: true, measurements: cloud.stack.trust.measurements[0] })) })
  })

  test.each(['pcr0', 'pcr1', 'pcr2', 'pcr16'] as const)('of another release, by %s, are refused', async (pcr) => {
    const [pinned] = cloud.stack.trust.measurements as [Measurements]
    const ran = await operator('measurements', '--enclave', '1', ...pins([{ ...pinned, [pcr]: 'a'.repeat(96) }]))
    expect({ code: ran.code, json: ran.json }).toEqual({ code: 1, json: [{ enclave: 1, error: 'attestation_measurements' }] })
  })

  test('say nothing without pins, nor under a root that is taken for AWS\'s', async () => {
    expect(await operator('measurements')).toMatchObject({ code: 1, json: [] })
    const [, ...rest] = pins()
    expect(await operator('measurements', '--root', ...rest)).toMatchObject({ code: 1, json: [], output: expect.stringContaining('attestation_chain') as string })
  })
})

describe('rotate', () => {
  test('one must be named where there are two', async () => {
    for (const command of ['rotate', 'drain', 'resume']) {
      const ran = await operator(command)
      expect(ran).toMatchObject({ code: 1, json: [], output: expect.stringContaining('--enclave') as string })
    }
    expect(await operator('rotate', '--enclave', '3')).toMatchObject({ code: 1, output: expect.stringContaining('no such enclave') as string })
  })

  test('a new key; who attested the earlier one goes on', async () => {
    const { sign } = await owned(cloud)
    const before = keysIn(await operator('status'))
    expect((await operator('rotate', '--enclave', 'all')).code).toBe(0)
    const after = keysIn(await operator('status'))
    for (const [index, keys] of after.entries()) {
      expect(before[index]).not.toContain(keys[0])
      expect(keys).toContain(before[index]?.[0])
    }
    expect((await sign()).http.status).toBe(200)
  })

  test('now: the earlier keys are gone; a client attests again and signs', async () => {
    const cloister = await cloud.connect('rotating')
    const wallet = await cloister.wallets.create({ pin: '493817' })
    const held = (await cloister.attest()).key
    const ran = await operator('rotate', '--enclave', 'all', '--now')
    expect(ran.code).toBe(0)
    expect(keysIn(ran).map((keys) => keys.length)).toEqual([1, 1])
    expect(keysIn(ran).flat()).not.toContain(Buffer.from(held).toString('hex'))
    expect((await wallet.view()).wallet).toBe(wallet.id)
    expect(keysIn(ran).flat()).toContain(Buffer.from((await cloister.attest()).key).toString('hex'))
  })
})

describe('drain', () => {
  afterEach(() => operator('resume', '--enclave', 'all'))

  test('all: nothing is attested, nothing is taken in, with 503 and Retry-After; resumed, all is as before', async () => {
    const { sign } = await owned(cloud)
    const cloister = await cloud.connect('draining')
    const wallet = await cloister.wallets.create({ pin: '493817' })
    const ran = await operator('drain', '--enclave', 'all')
    expect([ran.code, statuses(ran).map(({ phase }) => phase)]).toEqual([0, ['draining', 'draining']])
    const health = await cloud.call('GET', '/v1/health')
    expect([health.status, health.json, Number(health.headers.get('retry-after'))]).toEqual([503, { status: 'unavailable', phase: 'draining' }, 5])
    const attest = await cloud.call('GET', `/v1/enclave?nonce=${'A'.repeat(43)}`)
    expect([attest.status, attest.json['code'], Number(attest.headers.get('retry-after')) > 0]).toEqual([503, 'unavailable', true])
    await expect(wallet.view()).rejects.toMatchObject({ code: 'unavailable' })
    const refused = await sign()
    expect([refused.http.status, refused.http.json['code'], Number(refused.http.headers.get('retry-after'))]).toEqual([503, 'unavailable', 5])
    // Drained, they still say what they are.
    expect((await operator('measurements', ...pins())).code).toBe(0)
    expect((await operator('resume', '--enclave', 'all')).code).toBe(0)
    expect((await cloud.call('GET', '/v1/health')).json).toEqual({ status: 'ok', phase: 'serving' })
    expect((await wallet.view()).wallet).toBe(wallet.id)
    expect((await sign()).http.status).toBe(200)
  })

  test.each([1, 2])('enclave %i of two: its clients move to the other by themselves, and new ones never see it', async (drained) => {
    const cloister = await cloud.connect(`moving-${drained}`)
    const wallet = await cloister.wallets.create({ pin: '493817' })
    expect((await operator('drain', '--enclave', String(drained))).code).toBe(0)
    expect((await cloud.call('GET', '/v1/health')).json).toEqual({ status: 'ok', phase: 'serving' })
    expect((await wallet.view()).wallet).toBe(wallet.id)
    const [ours, others] = keysIn(await operator('status')).toSorted((a, b) => Number(a === b)) as [readonly string[], readonly string[]]
    const serving = drained === 1 ? others : ours
    for (let i = 0; i < 4; i++) {
      const { status, json } = await cloud.call('GET', `/v1/enclave?nonce=${'A'.repeat(43)}`)
      expect([status, serving.includes(Buffer.from(json['key'] as string, 'base64url').toString('hex'))]).toEqual([200, true])
    }
  })
})

describe('who does not get there', () => {
  const METHODS = ['GET', 'POST', 'PUT', 'PATCH', 'DELETE', 'HEAD'] as const
  const PATHS = ['/v1/operator', '/operator', '/v1/operator/status', '/v1/operator/rotate', '/v1/operator/drain', '/v1/operator/resume', '/v1/operator/attest', '/v1/operator/', '/v1/channels', '/v1/request', '/2015-03-31/functions/cloister-dev-operator/invocations']

  test('no method and path of the public API leads to an operator’s command', async () => {
    const before = await operator('status')
    const { token } = await cloud.logIn('curious')
    for (const path of PATHS) {
      for (const method of METHODS) {
        const body = method === 'GET' || method === 'HEAD' ? {} : { body: JSON.stringify({ command: 'drain', enclave: 'all' }) }
        const response = await fetch(new URL(path, cloud.url), { method, headers: { authorization: `Bearer ${token}` }, ...body })
        await response.arrayBuffer()
        expect([method, path, response.status]).toEqual([method, path, 404])
      }
    }
    const after = await operator('status')
    expect([statuses(after).map(({ phase }) => phase), keysIn(after)]).toEqual([statuses(before).map(({ phase }) => phase), keysIn(before)])
  })

  test('the other functions take no command, and this one takes no request of the API', async () => {
    const invoke = async (name: string, event: object): Promise<unknown> => {
      const response = await fetch(new URL(`/2015-03-31/functions/cloister-dev-${name}/invocations`, cloud.lambdaUrl), { method: 'POST', body: JSON.stringify(event) })
      return response.json()
    }
    const httpEvent = { version: '2.0', routeKey: 'POST /v1/operator', rawPath: '/v1/operator', headers: {}, requestContext: { requestId: 'x' }, isBase64Encoded: false, body: '{"command":"drain","enclave":"all"}', command: 'drain', enclave: 'all' }
    expect(await invoke('operator', httpEvent)).toEqual({ ok: false, error: 'malformed' })
    expect(await invoke('operator', {})).toEqual({ ok: false, error: 'malformed' })
    for (const name of ['health', 'enclave', 'preflight']) await invoke(name, { command: 'drain', enclave: 'all', headers: {} })
    expect(statuses(await operator('status')).map(({ phase }) => phase)).toEqual(['serving', 'serving'])
  })

  test('the public health says status and phase, and nothing more', async () => {
    const { json } = await cloud.call('GET', '/v1/health')
    expect(json).toEqual({ status: 'ok', phase: 'serving' })
  })

  test('what the function logs are commands, and nothing else of them', async () => {
    await operator('rotate', '--enclave', '1')
    const log = await readFile(cloud.logFile, 'utf8')
    const lines = log.split('\n').filter((line) => line.includes('"service":"cloister-operator"')).map((line) => JSON.parse(line) as Record<string, unknown>)
    expect(lines.at(-1)).toMatchObject({ message: 'operator', command: 'rotate', enclave: 1, answered: 1, of: 1 })
    const usual = ['level', 'message', 'timestamp', 'service', 'sampling_rate', 'command', 'enclave', 'answered', 'of', 'refused', 'xray_trace_id']
    for (const line of lines) expect(Object.keys(line).filter((name) => !usual.includes(name))).toEqual([])
  })
})

describe('the command line', () => {
  test.each<[string, readonly string[], number]>([
    ['no command', [], 2],
    ['another command', ['halt'], 2],
    ['two commands', ['status', 'drain'], 2],
    ['an option that there is not', ['status', '--force'], 2],
    ['an enclave that is no number', ['drain', '--enclave', '1.5'], 1],
    ['--now for something else', ['drain', '--enclave', '1', '--now'], 1],
  ])('%s', async (_name, args, code) => {
    expect(await operator(...args)).toMatchObject({ code, json: [] })
  })

  test('another function than the operator’s, and one that is not there', async () => {
    for (const name of ['cloister-dev-health', 'cloister-dev-nobody']) expect(await operator('status', '--function', name)).toMatchObject({ code: 1, json: [] })
  })

  test('as a program, for people', async () => {
    const options = to().filter((option) => option !== '--json')
    const child = spawn(process.execPath, ['--disable-warning=ExperimentalWarning', 'scripts/operator.ts', 'status', ...options], { env: { ...process.env, ...environment } })
    let output = ''
    for (const stream of [child.stdout, child.stderr]) stream.on('data', (chunk: Buffer) => (output += chunk.toString()))
    const [code] = (await once(child, 'close')) as [number | null]
    expect([code, output]).toEqual([0, expect.stringMatching(/^enclave 1: serving, version 0\.1\.0\n {2}channel key [0-9a-f]{32} .*on offer/)])
  })
})
