/** What is down, hanging or throttling: 503 within a deadline, the record as it was, the guess given back when the PIN was never tried. */
import { startCloud, type Cloud } from '../support/cloud.ts'
import { heal, owned, PIN } from '../support/owned.ts'
import { rawCall, sealedCode, type RawAnswer } from '../support/raw-client.ts'

/** The API's own limit (29 s a function) is the outer bound; every single wait inside is far below. */
const DEADLINE_MS = 28_000
let cloud: Cloud

beforeAll(async () => {
  cloud = await startCloud()
}, 60_000)
afterAll(() => cloud?.close())
afterEach(() => {
  for (const { faults } of [cloud.stack.services.kms, cloud.stack.services.dynamodb, cloud.stack.services.sts, cloud.stack.services.issuer]) heal(faults)
})

async function expect503(run: () => Promise<RawAnswer>): Promise<void> {
  const began = performance.now()
  const answer = await run()
  expect(answer.http).toMatchObject({ status: 503, json: { code: expect.stringMatching(/^(unavailable|busy)$/) as string } })
  expect(Number(answer.http.headers.get('retry-after'))).toBeGreaterThan(0)
  expect(performance.now() - began).toBeLessThan(DEADLINE_MS)
}

describe.each(['down', 'throttle', 'error', 'hang'] as const)('%s', (mode) => {
  test('KMS, when the data key is to be opened: no guess spent', async () => {
    const { sign, record } = await owned(cloud)
    const before = await record()
    Object.assign(cloud.stack.services.kms.faults, { mode, only: ['Decrypt'] })
    await expect503(() => sign())
    expect(await record()).toEqual(before)
    heal(cloud.stack.services.kms.faults)
    expect((await sign()).http.status).toBe(200)
  })

  test('KMS, when the next data key is to be made: the PIN was right, no guess spent', async () => {
    const { sign, record } = await owned(cloud)
    const before = await record()
    Object.assign(cloud.stack.services.kms.faults, { mode, only: ['GenerateDataKey'] })
    await expect503(() => sign())
    expect(await record()).toEqual(before)
  })

  test('DynamoDB: reads, then writes', async () => {
    const { sign, record } = await owned(cloud)
    const before = await record()
    for (const only of [['GetItem'], ['UpdateItem']]) {
      Object.assign(cloud.stack.services.dynamodb.faults, { mode, only })
      await expect503(() => sign())
      heal(cloud.stack.services.dynamodb.faults)
      expect(await record()).toEqual(before)
    }
    expect((await sign()).http.status).toBe(200)
  }, 60_000)

  test('STS', async () => {
    const fresh = await cloud.logIn(`sts-${mode}`)
    Object.assign(cloud.stack.services.sts.faults, { mode })
    await expect503(() => rawCall(cloud, fresh, { op: 'create', wallet: crypto.randomUUID(), pin: PIN, parameters: { words: 24 } }))
  })
})

describe('answers that were lost', () => {
  test('of the charge: it is taken back', async () => {
    const { sign, record } = await owned(cloud)
    const before = await record()
    Object.assign(cloud.stack.services.dynamodb.faults, { mode: 'lost', only: ['UpdateItem'], times: 1 })
    await expect503(() => sign())
    expect(await record()).toEqual(before)
  })

  test('of the commit: the retry with the same idempotency key gets the same bytes, and no guess is gone', async () => {
    const { sign, record } = await owned(cloud)
    const idempotency = crypto.getRandomValues(new Uint8Array(16))
    // The second write is the commit.
    Object.assign(cloud.stack.services.dynamodb.faults, { mode: 'lost', only: ['UpdateItem'], skip: 1, times: 1 })
    await expect503(() => sign({ idempotency }))
    const again = await sign({ idempotency })
    expect(again.http.status).toBe(200)
    expect((await record())['spent']).toEqual({ N: '0' })
  })

  test('of the create: the retry finds its wallet', async () => {
    const who = await cloud.logIn('lost-create')
    const call = { op: 'create', wallet: crypto.randomUUID(), pin: PIN, parameters: { words: 24 }, idempotency: crypto.getRandomValues(new Uint8Array(16)) } as const
    Object.assign(cloud.stack.services.dynamodb.faults, { mode: 'lost', only: ['PutItem'], times: 1 })
    await expect503(() => rawCall(cloud, who, call))
    const again = await rawCall(cloud, who, call)
    expect(again.http.status).toBe(201)
    expect(sealedCode(await rawCall(cloud, who, { ...call, idempotency: new Uint8Array(16) }))).toBe('wallet_exists')
  })
})
