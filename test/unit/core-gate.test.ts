/** What stands between a message and an operation. Nothing that is refused here spends a guess. */
import { randomBytes } from 'node:crypto'
import type { Enclave } from '../../enclave-sim/core/enclave.ts'
import { answerBinding } from '../../lib/protocol/answer.ts'
import { utf8 } from '../../lib/protocol/bytes.ts'
import { decodeHeader, encodeHeader, type RequestHeader } from '../../lib/protocol/header.ts'
import { LIMITS } from '../../lib/protocol/limits.ts'
import type { Proof, RequestBody } from '../../lib/protocol/request.ts'
import type { ServiceRequest } from '../../lib/protocol/service.ts'
import { flipped } from '../support/core-codes.ts'
import { createTestClient, PIN, SIGN, type Outcome, type Shot, type TestClient } from '../support/core-client.ts'
import { createWorld, type User, type World } from '../support/core-world.ts'

const FRESH = LIMITS.requestFreshMs
const DAY_SEC = 86_400
let world: World
let enclave: Enclave
let user: User
let client: TestClient
let wallet: string

beforeAll(async () => {
  world = await createWorld()
  enclave = await world.enclave()
})
afterAll(() => world.close())
beforeEach(async () => {
  user = await world.login(undefined, { exp: Math.floor(world.nowMs() / 1000) + DAY_SEC })
  client = createTestClient(world, enclave, user)
  wallet = await client.create()
})

/** Signs with one thing wrong: refused with this code, and the record is what it was. Then without it. */
async function refused(code: string, wrong: Partial<Shot>): Promise<Outcome> {
  const before = client.record(wallet)
  const outcome = await client.sign(wallet, PIN, wrong)
  expect(outcome.code).toBe(code)
  expect(client.record(wallet)).toEqual(before)
  expect((await client.sign(wallet)).code).toBe('ok')
  return outcome
}

describe('in time', () => {
  test.each([-FRESH, 0, FRESH])('takes a request of %i ms away', async (offMs) => {
    expect((await client.sign(wallet, PIN, { issuedAtMs: world.nowMs() + offMs })).code).toBe('ok')
  })

  test.each([-FRESH - 1, FRESH + 1, -180 * DAY_SEC * 1000])('rejects a request of %i ms away', async (offMs) => {
    await refused('request_expired', { issuedAtMs: world.nowMs() + offMs })
  })
})

describe('once', () => {
  test('rejects the same request again, as long as it stays fresh, and after', async () => {
    const { message, open } = await client.sign(wallet, PIN, { issuedAtMs: world.nowMs() + FRESH })
    const again = async (): Promise<string> => {
      const answer = await enclave.handle({ ...message, record: client.record(wallet) })
      return answer.outcome
    }
    const before = client.record(wallet)
    expect(await again()).toBe('refused')
    world.advance(2 * FRESH)
    expect(await again()).toBe('refused')
    world.advance(1)
    expect(await again()).toBe('refused')
    expect(client.record(wallet)).toEqual(before)
    expect(open).toBeDefined()
  })

  test('rejects the same request id in another request', async () => {
    const request = new Uint8Array(randomBytes(16))
    expect((await client.sign(wallet, PIN, { request })).code).toBe('ok')
    await refused('request_replayed', { request })
    await refused('request_replayed', { request: Uint8Array.from(request), idempotency: randomBytes(16) })
  })

  test('a request that was not tried may come again as it is', async () => {
    world.kms.fate = () => 'down'
    const { code, message } = await client.sign(wallet)
    expect(code).toBe('clear:unavailable')
    world.kms.fate = () => 'answered'
    expect((await enclave.handle({ ...message, record: client.record(wallet) })).outcome).toBe('done')
  })
})

describe('the header', () => {
  test.each<[string, Shot['header']]>([
    ['another operation', { op: 'view' }],
    ['another wallet', { wallet: '0f9b0a52-3c57-4a5e-9a3c-2a4f6a3f1b11' }],
  ])('rejects %s than the body', async (_what, header) => {
    await refused('header_mismatch', { header: header ?? {} })
  })

  test('rejects a channel key that this enclave never had', async () => {
    await refused('clear:channel_unknown', { header: { key: randomBytes(16) } })
  })

  test.each<[string, (message: ServiceRequest) => Partial<ServiceRequest>]>([
    ['another header than it was sealed with', ({ header }) => ({ header: encodeHeader({ ...(decodeHeader(header) as RequestHeader), op: 'view' }) })],
    ['a header that is none', () => ({ header: utf8('header') })],
    ['a header with more in it', ({ header }) => ({ header: new Uint8Array([...header, 0]) })],
    ['another enc', ({ enc }) => ({ enc: flipped(enc) })],
    ['the zero enc', () => ({ enc: new Uint8Array(32) })],
    ['an altered ciphertext', ({ ciphertext }) => ({ ciphertext: flipped(ciphertext, 20) })],
    ['an altered tag', ({ ciphertext }) => ({ ciphertext: flipped(ciphertext, ciphertext.length - 1) })],
    ['a cut ciphertext', ({ ciphertext }) => ({ ciphertext: ciphertext.slice(0, -1) })],
  ])('rejects %s, in the clear', async (_what, change) => {
    await refused('clear:request_malformed', { message: (message) => ({ ...message, ...change(message) }) })
  })

  test('rejects a body that is not one, in the clear', async () => {
    await refused('clear:request_malformed', { parameters: true })
    await refused('clear:request_malformed', { parameters: 'none' })
  })
})

/** Another letter that base64url has too. */
const otherLetter = (token: Uint8Array, at: number): Uint8Array => token.with(at, token[at] === 65 ? 66 : 65)

describe('the token', () => {
  test('rejects a request sealed for another token of the same user', async () => {
    const other = await world.issuer.token({ sub: 'alice', exp: Math.floor(world.nowMs() / 1000) + DAY_SEC })
    await refused('token_mismatch', { message: (message) => ({ ...message, token: utf8(other) }) })
  })

  test('rejects a request that somebody else hands over with a token of their own', async () => {
    const other = await world.login()
    await refused('token_mismatch', { message: (message) => ({ ...message, token: utf8(other.token) }) })
  })

  test('rejects a token that does not verify, in the clear', async () => {
    await refused('clear:token_signature', { message: (message) => ({ ...message, token: otherLetter(message.token, message.token.length - 9) }) })
    await refused('clear:token_malformed', { message: (message) => ({ ...message, token: utf8('x.y') }) })
  })

  test('rejects it once it has expired by attested time', async () => {
    const short = createTestClient(world, enclave, await world.login())
    const own = await short.create()
    world.advance(3_600_000 + 60_000 + 1000)
    expect((await short.sign(own)).code).toBe('clear:token_expired')
    expect(short.record(own).version).toBe(1)
  })
})

describe('the client key', () => {
  test('rejects a request without proof', async () => {
    await refused('proof_missing', { noProof: true })
  })

  test.each<[string, (body: RequestBody) => RequestBody]>([
    ['PIN', (body) => ({ ...body, pin: utf8('0000') })],
    ['parameters', (body) => ({ ...body, parameters: { ...(SIGN as object), chain: 'eip155:2' } })],
    ['idempotency key', (body) => ({ ...body, idempotency: new Uint8Array(16) })],
    ['request id', (body) => ({ ...body, request: new Uint8Array(16) })],
    ['time', (body) => ({ ...body, issuedAtMs: body.issuedAtMs + 1 })],
  ])('rejects a %s that it did not sign', async (_what, after) => {
    await refused('proof_invalid', { after })
  })

  test.each<[string, (proof: Proof) => Proof]>([
    ['signature', (proof) => ({ ...proof, signature: flipped(proof.signature, 5) })],
    ['zero signature', (proof) => ({ ...proof, signature: new Uint8Array(64) })],
    ['key', (proof) => ({ ...proof, x: flipped(proof.x, 31) })],
    ['negated key', (proof) => ({ ...proof, y: flipped(proof.y, 31) })],
    ['random value', (proof) => ({ ...proof, random: flipped(proof.random) })],
  ])('rejects an altered %s', async (_what, change) => {
    await refused('proof_invalid', { after: (body) => ({ ...body, proof: change(body.proof as Proof) }) })
  })

  test('rejects a proof from another request', async () => {
    let proof: Proof | null = null
    await client.sign(wallet, PIN, { after: (body) => ((proof = body.proof), body) })
    await refused('proof_invalid', { after: (body) => ({ ...body, proof }) })
  })

  test('rejects another key than the token commits to: what a relay could make', async () => {
    const relay = await world.login()
    const impostor = createTestClient(world, enclave, { ...user, clientKey: relay.clientKey })
    const before = client.record(wallet)
    expect((await impostor.sign(wallet)).code).toBe('proof_invalid')
    expect(client.record(wallet)).toEqual(before)
  })

  test('rejects a token that commits to nothing', async () => {
    const bare = await world.login('bare', { nonce: undefined })
    expect((await createTestClient(world, enclave, bare).shoot({ op: 'view', wallet })).code).toBe('proof_invalid')
  })

  test('where the tenant says so none is needed; but one that is given must hold', async () => {
    const open = createTestClient(world, enclave, await world.login('open', { aud: 'open' }))
    const own = await open.create()
    expect((await open.sign(own, PIN, { noProof: true })).code).toBe('ok')
    expect((await open.sign(own, PIN, { after: (body) => ({ ...body, issuedAtMs: body.issuedAtMs + 1 }) })).code).toBe('proof_invalid')
  })
})

describe('the answer', () => {
  test('opens for its own request and operation only', async () => {
    const { service, open, message } = await client.sign(wallet)
    if (!('answer' in service)) throw new Error('no answer')
    expect(await open(service.answer, answerBinding('sign', new Uint8Array(16)))).toBeUndefined()
    const other = await client.sign(wallet)
    expect(await other.open(service.answer, answerBinding('sign', new Uint8Array(16)))).toBeUndefined()
    expect(message.record).not.toBeNull()
  })
})

describe('the channel key', () => {
  async function sealedNow(): Promise<ServiceRequest> {
    let sealed: ServiceRequest | undefined
    // A token that is none: kept for later, it is used up by nobody.
    await client.sign(wallet, PIN, { issuedAtMs: world.nowMs() + 60 * 60_000 + FRESH, message: (message) => ({ ...(sealed = message), token: utf8('later') }) })
    return sealed as ServiceRequest
  }

  test('is the same for an hour, then another; the old one opens for ten minutes more', async () => {
    await enclave.rotateChannelKey()
    const first = (await enclave.offer(randomBytes(32))).key
    const sealed = await sealedNow()
    world.advance(LIMITS.channelKeyLifeMs - 1)
    expect((await enclave.offer(randomBytes(32))).key).toEqual(first)
    world.advance(1)
    const second = (await enclave.offer(randomBytes(32))).key
    expect(second).not.toEqual(first)
    expect(enclave.channelIds()).toContainEqual(first)

    expect((await enclave.handle({ ...sealed, record: client.record(wallet) })).outcome).toBe('done')
    world.advance(LIMITS.channelKeyGraceMs - 1)
    expect((await enclave.handle({ ...sealed, record: client.record(wallet) })).outcome).toBe('refused') // opened, and replayed
    world.advance(1)
    expect(await enclave.handle({ ...sealed, record: client.record(wallet) })).toMatchObject({ outcome: 'not_tried', code: 'channel_unknown' })
    expect(enclave.channelIds()).not.toContainEqual(first)
  })

  test('rotated by hand: at once, and one new key for many who ask', async () => {
    const first = (await enclave.offer(randomBytes(32))).key
    await Promise.all([enclave.rotateChannelKey(), enclave.rotateChannelKey(), enclave.rotateChannelKey()])
    const offers = await Promise.all([1, 2, 3].map(() => enclave.offer(randomBytes(32))))
    expect(new Set(offers.map(({ key }) => Buffer.from(key).toString('hex'))).size).toBe(1)
    expect(offers[0]?.key).not.toEqual(first)
    expect(enclave.channelIds()).toHaveLength(2)
  })

  test('another enclave does not open what was sealed to this one', async () => {
    const other = await world.enclave()
    const sealed = await sealedNow()
    expect(await other.handle({ ...sealed, record: null })).toMatchObject({ code: 'channel_unknown' })
  })
})

test('what is malformed in a sealed body is said in the clear, for nobody knows yet whom to answer', async () => {
  const codes = await Promise.all(
    [{ op: 'burn' }, { wallet: 'x' }, { request: new Uint8Array(15) }, { pin: '123456' }, { token: new Uint8Array(31) }].map(async (change) => {
      const { code } = await client.sign(wallet, PIN, { after: (body) => ({ ...body, ...change }) as unknown as RequestBody })
      return code
    }),
  )
  expect(codes).toEqual(codes.map(() => 'clear:request_malformed'))
})
