/** kill -9 of every enclave at each step of create and sign. */
import { startCloud, type Cloud } from '../support/cloud.ts'
import { heal, owned, PIN } from '../support/owned.ts'
import { rawCall } from '../support/raw-client.ts'
import { CREATE } from '../support/transactions.ts'

let cloud: Cloud

beforeAll(async () => {
  cloud = await startCloud({ enclaves: 2 })
}, 60_000)
afterAll(() => cloud?.close())

// Each call to KMS or the table is a step; the enclave is killed while that step waits for its answer.
const steps = [
  ['sign, charging', 'dynamodb', 'UpdateItem', 'sign', 0],
  ['sign, opening the data key', 'kms', 'Decrypt', 'sign', 0],
  ['sign, making the next data key', 'kms', 'GenerateDataKey', 'sign', 0],
  ['sign, committing', 'dynamodb', 'UpdateItem', 'sign', 1],
  ['create, entropy', 'kms', 'GenerateRandom', 'create', 0],
  ['create, making the data key', 'kms', 'GenerateDataKey', 'create', 0],
  ['create, storing', 'dynamodb', 'PutItem', 'create', 0],
] as const

test.each(steps)('%s: 503, works after the restart, no wallet lost, no guess unaccounted', async (_name, service, operation, op, skip) => {
  const { who, wallet, record, sign } = await owned(cloud)
  for (const enclave of cloud.stack.services.enclaves) expect(enclave.pid).toBeGreaterThan(0)
  const before = await record()
  const faults = cloud.stack.services[service].faults
  // What the enclave asked for is still done, after it is dead.
  Object.assign(faults, { mode: 'latency', latencyMs: 400, only: [operation], times: 1, skip })
  const created = { op: 'create', wallet: crypto.randomUUID(), pin: PIN, parameters: CREATE, idempotency: crypto.getRandomValues(new Uint8Array(16)) } as const
  const running = op === 'sign' ? sign() : rawCall(cloud, who, created)
  while (faults.mode !== 'none') await new Promise((resolve) => setTimeout(resolve, 5))
  await Promise.all(cloud.stack.services.enclaves.map((enclave) => enclave.kill('SIGKILL')))
  expect((await running).http.status).toBe(503)
  heal(faults)
  await new Promise((resolve) => setTimeout(resolve, 500))
  await Promise.all([0, 1].map((index) => cloud.stack.replaceEnclave(index)))

  // A charge without its release stays paid for: one guess at most, and the next success clears it.
  const spent = Number((await record())['spent']?.N)
  expect(spent - Number(before['spent']?.N)).toBeLessThanOrEqual(op === 'sign' ? 1 : 0)
  // The old channel key died with its enclave: one refusal, and the client attests again.
  expect((await sign()).http).toMatchObject({ status: 409, json: { code: 'channel_unknown' } })
  expect((await sign()).http.status).toBe(200)
  expect((await record())['spent']).toEqual({ N: '0' })
  if (op === 'create') expect((await rawCall(cloud, who, created)).http.status).toBe(201)
  expect(wallet).toBeDefined()
}, 60_000)
