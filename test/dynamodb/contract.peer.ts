/** The table's contract on DynamoDB Local with nothing of ours in front: the clients' own signatures, and the table by its full ARN. */
import { ConditionalCheckFailedException, PutItemCommand } from '@aws-sdk/client-dynamodb'
import { describeTable, first, owner, wallet } from '../support/table-contract.ts'
import { benchOf, empty, itemsOf, straightTable, type TablePeer } from '../support/table-peer.ts'
import { ENGINE } from './engine.ts'

let peer: TablePeer
beforeAll(async () => void (peer = await straightTable(ENGINE)))

describeTable('DynamoDB Local', () => benchOf(peer))

test('a failed condition comes with the item, for those who ask for it', async () => {
  await empty(peer)
  expect(await peer.port.create(first)).toBe('written')
  const Item = { owner: { S: owner }, item: { S: `wallet#${wallet}` } }
  const command = new PutItemCommand({ TableName: peer.tableName, Item, ConditionExpression: 'attribute_not_exists(seed)', ReturnValuesOnConditionCheckFailure: 'ALL_OLD' })
  const error = await peer.sdk.send(command).catch((caught: unknown) => caught)
  expect(error).toBeInstanceOf(ConditionalCheckFailedException)
  expect((error as ConditionalCheckFailedException).Item).toEqual((await itemsOf(peer))[0])
})

test('receipts are listed in their order, a page at a time', async () => {
  await empty(peer)
  const sequences = Array.from({ length: 103 }, (_, i) => i + 1)
  for (const sequence of sequences.toReversed()) await peer.port.putReceipt({ owner, wallet, sequence, sealed: Uint8Array.of(sequence) })
  const pages = [await peer.records.receipts(peer.reader, owner, wallet, 0), await peer.records.receipts(peer.reader, owner, wallet, 100)]
  expect(pages.map((page) => page.map(({ sequence }) => sequence))).toEqual([sequences.slice(0, 100), sequences.slice(100)])
})
