/** A whole cloud on DynamoDB Local: a wallet is made, signs, refuses a wrong PIN; and its record is there and nowhere else. */
import { existsSync } from 'node:fs'
import { join } from 'node:path'
import { connectEngine } from '../../local/dynamodb/remote.ts'
import { startCloud, type Cloud } from '../support/cloud.ts'
import { CHAIN, transfer } from '../support/transactions.ts'
import { ENGINE } from './engine.ts'

const PIN = '493817'
let cloud: Cloud
beforeAll(async () => void (cloud = await startCloud({ dynamodbEngineUrl: ENGINE })), 90_000)
afterAll(() => cloud?.close())

/** The wallets' records. */
async function records(): Promise<readonly Record<string, Record<string, string>>[]> {
  const engine = connectEngine(ENGINE, join(cloud.stateDir, 'dynamodb'))
  const { body } = await engine.call('Scan', JSON.stringify({ TableName: cloud.stack.env['CLOISTER_TABLE'] }))
  await engine.close()
  const { Items } = JSON.parse(body) as { Items: Record<string, Record<string, string>>[] }
  return Items.filter(({ item }) => item?.['S']?.startsWith('wallet#'))
}

test('create, sign, wrong PIN, right PIN', async () => {
  const wallet = await (await cloud.connect('alice')).wallets.create({ pin: PIN })
  expect(await records()).toMatchObject([{ item: { S: `wallet#${wallet.id}` }, version: { N: '1' }, spent: { N: '0' } }])
  expect(existsSync(join(cloud.stateDir, 'dynamodb'))).toBe(false)

  const { signed } = await wallet.signTransaction({ chain: CHAIN, transaction: transfer(0) }, { pin: PIN })
  expect(signed[0]).toBe(2)
  expect(await records()).toMatchObject([{ version: { N: '2' }, spent: { N: '0' } }])

  const refused = wallet.signTransaction({ chain: CHAIN, transaction: transfer(1) }, { pin: '111111' })
  await expect(refused).rejects.toMatchObject({ code: 'pin_wrong', guesses: { guessesLeft: 4 } })
  const [record] = await records()
  expect(record).toMatchObject({ spent: { N: '1' } })
  expect(record?.['wrong']?.['NS']).toHaveLength(1)

  const right = await wallet.signTransaction({ chain: CHAIN, transaction: transfer(1) }, { pin: PIN })
  expect(right).toMatchObject({ guessesLeft: 5, wrongTotal: 1 })
  expect(await records()).toMatchObject([{ spent: { N: '0' } }])
}, 60_000)
