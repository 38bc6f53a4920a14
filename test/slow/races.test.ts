/** Many signatures at once, through two enclaves on one table. */
import { startCloud, type Cloud } from '../support/cloud.ts'
import { owned, retryBusy } from '../support/owned.ts'

let cloud: Cloud

beforeAll(async () => {
  cloud = await startCloud({ enclaves: 2 })
}, 60_000)
afterAll(() => cloud?.close())

test('50 signatures on one wallet, through two enclaves: all valid, none locked, nothing spent', async () => {
  const { sign, record } = await owned(cloud)
  const answers = await Promise.all(Array.from({ length: 50 }, (_, nonce) => retryBusy(() => sign({ nonce }))))
  expect(answers.map(({ http }) => http.status)).toEqual(Array.from({ length: 50 }, () => 200))
  const after = await record()
  expect(after['spent']).toEqual({ N: '0' })
  expect(after['wrong']).toBeUndefined()
  expectVersion(after, 51, answers)
}, 120_000)

test('200 signatures on 20 wallets', async () => {
  const wallets = await Promise.all(Array.from({ length: 20 }, () => owned(cloud)))
  const answers = await Promise.all(wallets.map((one) => Promise.all(Array.from({ length: 10 }, (_, nonce) => retryBusy(() => one.sign({ nonce }))))))
  expect(answers.flat().every(({ http }) => http.status === 200)).toBe(true)
  for (const [i, one] of wallets.entries()) {
    const after = await one.record()
    expect(after['spent']).toEqual({ N: '0' })
    expectVersion(after, 11, answers[i] ?? [])
  }
}, 120_000)

/** One for each signature; on a machine that is overloaded, one more for each that was done after the relay had stopped waiting. */
function expectVersion(record: Readonly<Record<string, { readonly N?: string | undefined }>>, version: number, answers: readonly { readonly unsure: number }[]): void {
  const found = Number(record['version']?.N)
  expect(found).toBeGreaterThanOrEqual(version)
  expect(found).toBeLessThanOrEqual(version + answers.reduce((sum, { unsure }) => sum + unsure, 0))
}
