/** One service after another in one kind of trouble, and what the API makes of it. */
import type { FaultMode } from '../../local/faults.ts'
import type { Cloud } from './cloud.ts'
import { heal, owned, PIN } from './owned.ts'
import { rawCall, type RawAnswer } from './raw-client.ts'
import { CREATE } from './transactions.ts'

/** The API's own limit (29 s a function) is the outer bound; every single wait inside is far below. */
const DEADLINE_MS = 28_000

export async function expect503(run: () => Promise<RawAnswer>): Promise<void> {
  const began = performance.now()
  const answer = await run()
  expect(answer.http).toMatchObject({ status: 503, json: { code: expect.stringMatching(/^(unavailable|busy)$/) as string } })
  expect(Number(answer.http.headers.get('retry-after'))).toBeGreaterThan(0)
  expect(performance.now() - began).toBeLessThan(DEADLINE_MS)
}

export function healAll(cloud: Cloud): void {
  for (const { faults } of [cloud.stack.services.kms, cloud.stack.services.dynamodb, cloud.stack.services.sts, cloud.stack.services.issuer]) heal(faults)
}

/** Defines the tests of one mode. */
export function faultCases(theCloud: () => Cloud, mode: FaultMode): void {
  test('KMS, when the data key is to be opened: no guess spent', async () => {
    const { sign, record } = await owned(theCloud())
    const before = await record()
    Object.assign(theCloud().stack.services.kms.faults, { mode, only: ['Decrypt'] })
    await expect503(() => sign())
    expect(await record()).toEqual(before)
    heal(theCloud().stack.services.kms.faults)
    expect((await sign()).http.status).toBe(200)
  })

  test('KMS, when the next data key is to be made: the PIN was right, no guess spent', async () => {
    const { sign, record } = await owned(theCloud())
    const before = await record()
    Object.assign(theCloud().stack.services.kms.faults, { mode, only: ['GenerateDataKey'] })
    await expect503(() => sign())
    expect(await record()).toEqual(before)
  })

  test('DynamoDB: reads, then writes', async () => {
    const { sign, record } = await owned(theCloud())
    const before = await record()
    for (const only of [['GetItem'], ['UpdateItem']]) {
      Object.assign(theCloud().stack.services.dynamodb.faults, { mode, only })
      await expect503(() => sign())
      heal(theCloud().stack.services.dynamodb.faults)
      expect(await record()).toEqual(before)
    }
    expect((await sign()).http.status).toBe(200)
  }, 60_000)

  test('STS', async () => {
    const fresh = await theCloud().logIn(`sts-${mode}`)
    Object.assign(theCloud().stack.services.sts.faults, { mode })
    await expect503(() => rawCall(theCloud(), fresh, { op: 'create', wallet: crypto.randomUUID(), pin: PIN, parameters: CREATE }))
  })
}
