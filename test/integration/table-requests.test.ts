/** The local table answers single requests as DynamoDB does, and outlives each of them. test/dynamodb compares the answers with DynamoDB Local's. */
import { answer } from '../support/table-answers.ts'
import { TABLE_CASES } from '../support/table-cases.ts'
import { localTable, type TablePeer } from '../support/table-peer.ts'

let peer: TablePeer
beforeAll(async () => void (peer = await localTable(undefined)))

test.each(TABLE_CASES.map((one) => [one.name, one] as const))('%s', async (_name, one) => {
  const given = await answer(peer, one)
  if (one.code === undefined) expect(typeof given).toBe('object')
  else expect(given).toBe(`400 ${one.code}`)
})
