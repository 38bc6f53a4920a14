/** What is down, failing or throttling: 503 within a deadline, the record as it was, the guess given back when the PIN was never tried. */
import { startCloud, type Cloud } from '../support/cloud.ts'
import { expect503, faultCases, healAll } from '../support/fault-cases.ts'
import { owned, PIN } from '../support/owned.ts'
import { rawCall, sealedCode } from '../support/raw-client.ts'
import { CREATE } from '../support/transactions.ts'

let cloud: Cloud

beforeAll(async () => {
  cloud = await startCloud()
}, 60_000)
afterAll(() => cloud?.close())
afterEach(() => healAll(cloud))

describe.each(['down', 'throttle', 'error'] as const)('%s', (mode) => faultCases(() => cloud, mode))

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
    const call = { op: 'create', wallet: crypto.randomUUID(), pin: PIN, parameters: CREATE, idempotency: crypto.getRandomValues(new Uint8Array(16)) } as const
    Object.assign(cloud.stack.services.dynamodb.faults, { mode: 'lost', only: ['PutItem'], times: 1 })
    await expect503(() => rawCall(cloud, who, call))
    const again = await rawCall(cloud, who, call)
    expect(again.http.status).toBe(201)
    expect(sealedCode(await rawCall(cloud, who, { ...call, idempotency: new Uint8Array(16) }))).toBe('wallet_exists')
  })
})
