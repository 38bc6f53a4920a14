/** What an operator's command line, the function and the directory make of each other's messages; each has its malformed twin. */
import type { EnclaveClient } from '../../lib/enclave/client.ts'
import { createDirectory } from '../../lib/enclave/directory.ts'
import { decodeAnswer, decodeCommand } from '../../lib/operator/messages.ts'
import { runOperatorCommand } from '../../lib/operator/run.ts'
import { decodeEnclaveStatus, decodeHealth, type EnclavePhase } from '../../lib/protocol/operator.ts'
import type { ServiceAnswer } from '../../lib/protocol/service.ts'

const utf8 = (text: string): Uint8Array => new TextEncoder().encode(text)

describe('commands', () => {
  const nonce = 'A'.repeat(43)
  test.each<[object]>([
    [{ command: 'status', enclave: null }], [{ command: 'drain', enclave: 1 }], [{ command: 'resume', enclave: 'all' }],
    [{ command: 'rotate', enclave: 2, now: true }],
  ])('%j', (event) => {
    expect(decodeCommand(event)).toEqual(event)
  })
  test('a nonce is bytes', () => {
    expect(decodeCommand({ command: 'measurements', enclave: null, nonce })).toEqual({ command: 'measurements', enclave: null, nonce: new Uint8Array(32) })
  })

  test.each<[unknown]>([
    [null], [undefined], ['drain'], [[]], [{}], [{ command: 'drain' }], [{ command: 'halt', enclave: null }], [{ command: 'constructor', enclave: null }],
    [{ command: 'drain', enclave: 0 }], [{ command: 'drain', enclave: 65 }], [{ command: 'drain', enclave: 1.5 }], [{ command: 'drain', enclave: '1' }], [{ command: 'drain', enclave: 1, now: true }],
    [{ command: 'rotate', enclave: 1 }], [{ command: 'rotate', enclave: 1, now: 'true' }], [{ command: 'measurements', enclave: 1 }], [{ command: 'measurements', enclave: 1, nonce: 'AA' }],
    [{ command: 'status', enclave: null, routeKey: 'GET /v1/health', headers: {} }],
  ])('rejects %j', async (event) => {
    expect(decodeCommand(event)).toBe(undefined)
    expect(await runOperatorCommand(() => ['http://127.0.0.1:1'], event)).toEqual({ ok: false, error: 'malformed' })
  })

  test('which enclave: must be said of several, and be there; who is away is said to be', async () => {
    const two = (): string[] => ['http://127.0.0.1:1', 'unix:/nowhere/service.sock']
    expect(await runOperatorCommand(two, { command: 'drain', enclave: null })).toEqual({ ok: false, error: 'enclave_required' })
    expect(await runOperatorCommand(two, { command: 'drain', enclave: 3 })).toEqual({ ok: false, error: 'enclave_unknown' })
    const away = (enclave: number): object => ({ enclave, error: 'unavailable' })
    expect(await runOperatorCommand(two, { command: 'drain', enclave: 'all' })).toEqual({ ok: true, enclaves: [away(1), away(2)] })
    expect(await runOperatorCommand(two, { command: 'status', enclave: null })).toEqual({ ok: true, enclaves: [away(1), away(2)] })
    expect(await runOperatorCommand(() => two().slice(1), { command: 'drain', enclave: null })).toEqual({ ok: true, enclaves: [away(1)] })
    const broken = (): string[] => {
      throw new Error('settings')
    }
    expect(await runOperatorCommand(broken, { command: 'status', enclave: null })).toEqual({ ok: false, error: 'internal' })
  })
})

describe('answers', () => {
  const work = { channelKeys: [{ id: 'a'.repeat(32), ageSec: 1, opensForSec: 2 }], open: 0, running: 0, waiting: 0, clock: { driftMs: 0, readAgoSec: 1 } }
  const status = { version: '0.1.0', phase: 'serving', reason: null, work }

  test('of enclaves, each in its way', () => {
    const enclaves = [{ enclave: 1, status }, { enclave: 2, error: 'unavailable' }]
    expect(decodeAnswer({ ok: true, enclaves })).toEqual({ ok: true, enclaves })
    expect(decodeAnswer({ ok: true, enclaves: [{ enclave: 1, document: 'AAAA' }] })).toEqual({ ok: true, enclaves: [{ enclave: 1, document: new Uint8Array(3) }] })
    expect(decodeAnswer({ ok: false, error: 'internal' })).toEqual({ ok: false, error: 'internal' })
  })

  test.each<[unknown]>([
    [null], [{}], [{ ok: false }], [{ ok: false, error: 'other' }], [{ ok: true }], [{ ok: 1, enclaves: [] }], [{ ok: true, enclaves: [{}] }], [{ ok: true, enclaves: [{ enclave: 1 }] }],
    [{ ok: true, enclaves: [{ enclave: 1, error: 'other' }] }], [{ ok: true, enclaves: [{ enclave: 1, status, error: 'unavailable' }] }], [{ ok: true, enclaves: [{ enclave: 1, status: {} }] }],
    [{ statusCode: 200, body: '{}' }], [{ errorMessage: 'x' }],
  ])('rejects %j', (json) => {
    expect(decodeAnswer(json)).toBe(undefined)
  })

  test.each<[string, object]>([
    ['a phase that there is not', { ...status, phase: 'well' }],
    ['a reason with anything in it', { ...status, reason: 'a secret\n' }],
    ['a version with anything in it', { ...status, version: '<script>' }],
    ['a count below zero', { ...status, work: { ...work, open: -1 } }],
    ['a key that is none', { ...status, work: { ...work, channelKeys: [{ id: 'x', ageSec: 1, opensForSec: 1 }] } }],
    ['a field more', { ...status, more: 1 }],
  ])('rejects a status with %s', (_name, json) => {
    expect(decodeEnclaveStatus(json)).toBe(undefined)
  })

  test('health: the phase, or nothing', () => {
    expect(decodeHealth(utf8('{"phase":"halted","reason":"clock"}'))).toBe('halted')
    for (const text of ['', '{}', 'null', '[]', '{"phase":"well"}', '{"phase":1}', '{"phase":"constructor"}']) expect(decodeHealth(utf8(text))).toBe(undefined)
  })
})

describe('the directory', () => {
  const REFUSED: ServiceAnswer = { outcome: 'not_tried', code: 'unavailable', retryAfterSec: 5 }
  const message = { token: new Uint8Array(1), header: new Uint8Array(1), enc: new Uint8Array(32), ciphertext: new Uint8Array(16), record: null }
  const enclave = (id: number, phase: EnclavePhase | undefined, answer: ServiceAnswer = REFUSED): EnclaveClient => ({
    url: `http://enclave-${id}`,
    attest: async () => (phase === 'serving' ? { document: new Uint8Array([id]), key: new Uint8Array(16).fill(id) } : Promise.reject(new Error('unavailable'))),
    channels: async () => [new Uint8Array(16).fill(id)],
    request: async () => answer,
    phase: async () => phase,
  })
  const answerOf = async (enclaves: readonly EnclaveClient[]): Promise<ServiceAnswer> => (await createDirectory(enclaves).holder(new Uint8Array(16).fill(1))).request(message)

  test.each<[string, readonly EnclaveClient[], ServiceAnswer]>([
    ['one drains and another serves: attest again', [enclave(1, 'draining'), enclave(2, 'serving')], { outcome: 'not_tried', code: 'channel_unknown', retryAfterSec: null }],
    ['one drains, and it is the only one', [enclave(1, 'draining')], REFUSED],
    ['both drain', [enclave(1, 'draining'), enclave(2, 'draining')], REFUSED],
    ['the other is away', [enclave(1, 'draining'), enclave(2, undefined)], REFUSED],
    ['one serves, and can not just now', [enclave(1, 'serving'), enclave(2, 'serving')], REFUSED],
    ['one that drains answers what it has', [enclave(1, 'draining', { outcome: 'done', answer: new Uint8Array(48) }), enclave(2, 'serving')], { outcome: 'done', answer: new Uint8Array(48) }],
    ['busy is busy', [enclave(1, 'draining', { outcome: 'busy', code: 'busy', retryAfterSec: 1 }), enclave(2, 'serving')], { outcome: 'busy', code: 'busy', retryAfterSec: 1 }],
  ])('%s', async (_name, enclaves, expected) => {
    expect(await answerOf(enclaves)).toEqual(expected)
  })

  test('offers no channel of one that drains', async () => {
    const directory = createDirectory([enclave(1, 'draining'), enclave(2, 'serving')])
    for (let i = 0; i < 4; i++) expect((await directory.offer(new Uint8Array(32))).document).toEqual(new Uint8Array([2]))
    await expect(createDirectory([enclave(1, 'draining')]).offer(new Uint8Array(32))).rejects.toMatchObject({ code: 'unavailable' })
  })

  test.each<[readonly (EnclavePhase | undefined)[], EnclavePhase | undefined]>([
    [['draining', 'serving'], 'serving'], [['halted', 'draining'], 'draining'], [['boot', 'configured'], 'configured'], [['halted', 'boot'], 'boot'], [['halted', undefined], 'halted'], [[undefined], undefined],
  ])('%j together: %s', async (phases, expected) => {
    expect(await createDirectory(phases.map((phase, index) => enclave(index + 1, phase))).phase()).toBe(expected)
  })
})
