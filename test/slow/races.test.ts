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
  expect(after['version']).toEqual({ N: '51' })
}, 120_000)

test('200 signatures on 20 wallets', async () => {
  const wallets = await Promise.all(Array.from({ length: 20 }, () => owned(cloud)))
  const answers = await Promise.all(wallets.flatMap((one) => Array.from({ length: 10 }, (_, nonce) => retryBusy(() => one.sign({ nonce })))))
  expect(answers.every(({ http }) => http.status === 200)).toBe(true)
  for (const one of wallets) expect(await one.record()).toMatchObject({ spent: { N: '0' }, version: { N: '11' } })
}, 120_000)
