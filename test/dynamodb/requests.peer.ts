/** Single requests: the local table on dynalite, and DynamoDB Local, answer alike, in output, error and status. */
import { AwsError } from '../../enclave-sim/platform/aws-json.ts'
import { answer } from '../support/table-answers.ts'
import { keyOf, TABLE_CASES } from '../support/table-cases.ts'
import { localTable, straightTable, type TablePeer } from '../support/table-peer.ts'
import { ENGINE } from './engine.ts'

/** Where DynamoDB Local is the one that differs from the service: it reads these, or fails. */
const ITS_OWN = new Map<string, unknown>([
  ['put: a number that is one in JSON', {}],
  ['put: no base64', '500 InternalFailure'],
  ['put: base64 without padding', '500 InternalFailure'],
  ['put: a list for bytes', '500 InternalFailure'],
])

let local: TablePeer
let aws: TablePeer
beforeAll(async () => void ([local, aws] = await Promise.all([localTable(undefined), straightTable(ENGINE)])))

test.each(TABLE_CASES.map((one) => [one.name, one] as const))('%s', async (name, one) => {
  const [ours, theirs] = await Promise.all([answer(local, one), answer(aws, one)])
  if (!ITS_OWN.has(name)) expect(ours).toEqual(theirs)
  else {
    expect(theirs).toEqual(ITS_OWN.get(name))
    expect(ours).toBe(`400 ${one.code}`)
  }
})

test('what a failed condition returns: DynamoDB Local knows it, the local table says that it does not', async () => {
  const input = { TableName: local.tableName, Item: keyOf('returned'), ConditionExpression: 'attribute_exists(seed)', ReturnValuesOnConditionCheckFailure: 'ALL_OLD' }
  await expect(aws.raw('PutItem', input)).rejects.toEqual(new AwsError('ConditionalCheckFailedException', 400))
  await expect(local.raw('PutItem', input)).rejects.toEqual(new AwsError('ValidationException', 400))
})

test('time to live: the same attribute, which DynamoDB Local has to be told of', async () => {
  await aws.raw('UpdateTimeToLive', { TableName: aws.tableName, TimeToLiveSpecification: { AttributeName: 'expiresAtSec', Enabled: true } })
  const describe = { name: '', operation: 'DescribeTimeToLive', input: {}, code: undefined }
  const given = await answer(local, describe)
  expect(given).toEqual({ TimeToLiveDescription: { AttributeName: 'expiresAtSec', TimeToLiveStatus: 'ENABLED' } })
  expect(given).toEqual(await answer(aws, describe))
})
