/** What operators' commands do inside an enclave: status, rotation, draining. */
import { randomBytes } from 'node:crypto'
import { request, type Server } from 'node:http'
import type { AddressInfo } from 'node:net'
import { bootEnclave, type Enclave } from '../../enclave-sim/core/enclave.ts'
import { PHASES } from '../../enclave-sim/core/phases.ts'
import { VERSION } from '../../enclave-sim/core/version.ts'
import { argon2id } from '../../enclave-sim/platform/argon2.ts'
import { createCredentialSource } from '../../enclave-sim/platform/credentials.ts'
import { createHostDoor, createServiceDoor } from '../../enclave-sim/platform/listener.ts'
import { decodeUnverifiedAttestation } from '../../lib/attestation/document.ts'
import { toHex } from '../../lib/protocol/bytes.ts'
import { LIMITS } from '../../lib/protocol/limits.ts'
import { decodeEnclaveStatus, ENCLAVE_PHASES } from '../../lib/protocol/operator.ts'
import { encodeAttestRequest } from '../../lib/protocol/service.ts'
import { createTestClient, PIN } from '../support/core-client.ts'
import { createWorld, type World } from '../support/core-world.ts'

let world: World
beforeAll(async () => {
  world = await createWorld()
})
afterAll(() => world.close())

const keysOf = (enclave: Enclave): readonly string[] => enclave.status().work?.channelKeys.map(({ id }) => id) ?? []

/** The enclave, for a client that attested it once and keeps to the channel that it was offered then. */
async function attestedOnce(enclave: Enclave): Promise<Enclave> {
  const offered = await enclave.offer(randomBytes(32))
  return Object.create(enclave, { offer: { value: async () => offered } }) as Enclave
}

test('the version is the package’s, the phases are the core’s', () => {
  expect(VERSION).toBe(jest.requireActual<{ version: string }>('../../package.json').version)
  expect(ENCLAVE_PHASES).toEqual(PHASES)
})

describe('status', () => {
  test('of one that serves: its key with its age, the clock, no work', async () => {
    const enclave = await world.enclave()
    const { key } = await enclave.offer(randomBytes(32))
    world.advance(90_000)
    expect(enclave.status()).toEqual({
      version: VERSION,
      phase: 'serving',
      reason: null,
      work: {
        channelKeys: [{ id: toHex(key), ageSec: 90, opensForSec: (LIMITS.channelKeyLifeMs + LIMITS.channelKeyGraceMs) / 1000 - 90 }],
        open: 0, running: 0, waiting: 0, clock: { driftMs: 0, readAgoSec: 90 },
      },
    })
    expect(decodeEnclaveStatus(JSON.parse(JSON.stringify(enclave.status())))).toEqual(enclave.status())
  })

  test('of one that is not configured, and of one that halted: nothing but that', async () => {
    const enclave = await bootEnclave(world.platform())
    expect(enclave.status()).toEqual({ version: VERSION, phase: 'self-test', reason: null, work: null })
    enclave.halt('clock')
    expect(enclave.status()).toEqual({ version: VERSION, phase: 'halted', reason: 'clock', work: null })
  })

  test('counts what is worked on and what waits', async () => {
    const { promise: gate, resolve: go } = Promise.withResolvers<void>()
    let held = false
    const enclave = await world.enclave({
      argon2id: async (...of) => {
        if (held) await gate
        return argon2id(...of)
      },
    })
    const client = createTestClient(world, enclave, await world.login())
    const wallet = await client.create(PIN)
    held = true
    const answers = [1, 2, 3].map(() => client.sign(wallet))
    while ((enclave.status().work?.running ?? 0) === 0 || (enclave.status().work?.waiting ?? 0) < 2) await new Promise((resolve) => setImmediate(resolve))
    expect(enclave.status().work).toMatchObject({ open: 3, running: 1, waiting: 2 })
    go()
    await Promise.all(answers)
    expect(enclave.status().work).toMatchObject({ open: 0, running: 0, waiting: 0 })
  })
})

describe('rotate', () => {
  test('a new key is offered; the earlier one opens for its grace from now on', async () => {
    const enclave = await world.enclave()
    const client = createTestClient(world, await attestedOnce(enclave), await world.login())
    const wallet = await client.create(PIN)
    const [before] = keysOf(enclave)
    await enclave.rotateChannelKey()
    expect(keysOf(enclave)).toHaveLength(2)
    expect(keysOf(enclave)[1]).toBe(before)
    expect(enclave.status().work?.channelKeys[1]?.opensForSec).toBe(LIMITS.channelKeyGraceMs / 1000)
    // The client still has the earlier one.
    expect((await client.sign(wallet)).code).toBe('ok')
    world.advance(LIMITS.channelKeyGraceMs)
    expect(keysOf(enclave)).toHaveLength(1)
  })

  test('an earlier key’s end is never put off', async () => {
    const enclave = await world.enclave()
    await enclave.rotateChannelKey()
    world.advance(60_000)
    await enclave.rotateChannelKey()
    expect(enclave.status().work?.channelKeys.map(({ opensForSec }) => opensForSec)).toEqual([4200, 600, 540])
  })

  test('now: earlier keys open nothing', async () => {
    const enclave = await world.enclave()
    const client = createTestClient(world, await attestedOnce(enclave), await world.login())
    const wallet = await client.create(PIN)
    const [before] = keysOf(enclave)
    await enclave.rotateChannelKey(true)
    expect(keysOf(enclave)).toHaveLength(1)
    expect(keysOf(enclave)).not.toContain(before)
    expect((await client.sign(wallet)).code).toBe('clear:channel_unknown')
  })
})

describe('drain', () => {
  test('refuses what is new, finishes what is inside, and resumes', async () => {
    const { promise: gate, resolve: go } = Promise.withResolvers<void>()
    let held = false
    const enclave = await world.enclave({
      argon2id: async (...of) => {
        if (held) await gate
        return argon2id(...of)
      },
    })
    const client = createTestClient(world, await attestedOnce(enclave), await world.login())
    const wallet = await client.create(PIN)
    held = true
    const inside = client.sign(wallet)
    while ((enclave.status().work?.running ?? 0) === 0) await new Promise((resolve) => setImmediate(resolve))
    enclave.drain()
    enclave.drain()
    expect(enclave.phase).toBe('draining')
    expect((await client.sign(wallet)).code).toBe('clear:unavailable')
    await expect(enclave.offer(randomBytes(32))).rejects.toMatchObject({ code: 'unavailable', retryAfterSec: 5 })
    expect(enclave.channelIds()).toHaveLength(1)
    expect(enclave.status().work).toMatchObject({ open: 1, running: 1 })
    go()
    expect((await inside).code).toBe('ok')
    expect(enclave.status().work).toMatchObject({ open: 0 })
    enclave.resume()
    enclave.resume()
    expect(enclave.phase).toBe('serving')
    expect((await client.sign(wallet)).code).toBe('ok')
  })

  test('one that halts while it drains lets nothing out, and does not resume', async () => {
    const serving: Enclave[] = []
    const enclave = await world.enclave({
      argon2id: async (...of) => {
        for (const one of serving) {
          one.drain()
          one.halt('clock')
        }
        return argon2id(...of)
      },
    })
    serving.push(enclave)
    const client = createTestClient(world, await attestedOnce(enclave), await world.login())
    await expect(client.create(PIN)).rejects.toThrow('clear:unavailable')
    expect(() => enclave.resume()).toThrow()
    expect(enclave.phase).toBe('halted')
  })
})

describe('on the service door', () => {
  const servers: Server[] = []
  afterAll(() => servers.forEach((server) => server.close()))

  async function door(enclave: Enclave, which: 'service' | 'host' = 'service') {
    const server = which === 'service' ? createServiceDoor(enclave) : createHostDoor(enclave, createCredentialSource())
    servers.push(server)
    await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve))
    const { port } = server.address() as AddressInfo
    return (method: string, path: string, body: Uint8Array | string = ''): Promise<{ status: number; body: Buffer }> =>
      new Promise((resolve, reject) => {
        const outgoing = request({ host: '127.0.0.1', port, method, path, agent: false }, (incoming) => {
          const chunks: Buffer[] = []
          incoming.on('data', (chunk: Buffer) => chunks.push(chunk))
          incoming.on('end', () => resolve({ status: incoming.statusCode ?? 0, body: Buffer.concat(chunks) }))
        })
        outgoing.on('error', reject)
        outgoing.end(body)
      })
  }
  const json = ({ body }: { body: Buffer }): Record<string, unknown> => JSON.parse(body.toString('utf8')) as Record<string, unknown>

  test('each command, and the health that tells the phase', async () => {
    const enclave = await world.enclave()
    const ask = await door(enclave)
    expect([(await ask('GET', '/v1/health')).status, json(await ask('GET', '/v1/health'))]).toEqual([200, { phase: 'serving' }])
    expect(json(await ask('GET', '/v1/operator/status'))).toEqual(enclave.status())
    expect(json(await ask('POST', '/v1/operator/rotate', '{"now":false}'))['phase']).toBe('serving')
    expect(keysOf(enclave)).toHaveLength(2)
    await ask('POST', '/v1/operator/rotate', '{"now":true}')
    expect(keysOf(enclave)).toHaveLength(1)
    expect(json(await ask('POST', '/v1/operator/drain'))['phase']).toBe('draining')
    expect([(await ask('GET', '/v1/health')).status, json(await ask('GET', '/v1/health'))]).toEqual([200, { phase: 'draining' }])
    const nonce = new Uint8Array(randomBytes(32))
    const { document } = decodeUnverifiedAttestation((await ask('POST', '/v1/operator/attest', encodeAttestRequest(nonce))).body)
    expect([document.nonce === null ? null : toHex(document.nonce), document.publicKey, document.userData]).toEqual([toHex(nonce), null, null])
    expect(json(await ask('POST', '/v1/operator/resume'))['phase']).toBe('serving')
    enclave.halt('clock')
    expect([(await ask('GET', '/v1/health')).status, json(await ask('GET', '/v1/health'))]).toEqual([503, { phase: 'halted', reason: 'clock' }])
    expect((await ask('GET', '/v1/operator/status')).status).toBe(200)
    for (const path of ['drain', 'resume']) expect((await ask('POST', `/v1/operator/${path}`)).status).toBe(503)
    expect((await ask('POST', '/v1/operator/rotate', '{"now":true}')).status).toBe(503)
    expect((await ask('POST', '/v1/operator/attest', encodeAttestRequest(nonce))).status).toBe(503)
  })

  test('malformed ones are refused, and change nothing', async () => {
    const enclave = await world.enclave()
    const ask = await door(enclave)
    const keys = keysOf(enclave)
    for (const body of ['', '{}', 'null', '{"now":1}', '{"now":true,"more":1}', '[true]', '{"now":true', `{"now":true}${' '.repeat(70_000)}`, '\xff']) {
      expect([body.slice(0, 20), (await ask('POST', '/v1/operator/rotate', body)).status]).toEqual([body.slice(0, 20), 400])
    }
    expect((await ask('POST', '/v1/operator/attest', '')).status).toBe(400)
    for (const [method, path] of [['GET', 'drain'], ['GET', 'rotate'], ['POST', 'status'], ['PUT', 'drain'], ['POST', 'halt'], ['POST', 'drain/'], ['POST', 'drain?x=1']] as const) {
      expect([method, path, (await ask(method, `/v1/operator/${path}`)).status]).toEqual([method, path, 404])
    }
    expect([enclave.phase, keysOf(enclave)]).toEqual(['serving', keys])
  })

  test('the host’s door has none of them but rotation, by its own path', async () => {
    const enclave = await world.enclave()
    const ask = await door(enclave, 'host')
    for (const path of ['status', 'drain', 'resume', 'rotate', 'attest']) {
      for (const method of ['GET', 'POST']) expect((await ask(method, `/v1/operator/${path}`)).status).toBe(404)
    }
    expect((await ask('POST', '/v1/rotate-channel-key')).status).toBe(200)
  })
})
