import { AwsError } from '../../local/awsjson.ts'
import { connectEngine } from '../../local/dynamodb/remote.ts'
import { checkRequest } from '../../local/dynamodb/requests.ts'

const key = { owner: { S: 'p' }, item: { S: 'w' } }
const values = (condition: string, value: unknown) => ({ ConditionExpression: condition, ExpressionAttributeValues: { ':a': value, ':b': { N: '1' } } })
const nested = (levels: number): object => (levels === 0 ? { S: '' } : { M: { a: nested(levels - 1) } })

test.each<[string, object]>([
  ['an item', { Item: { ...key, n: { L: [{ M: { a: { NULL: true } } }] } } }],
  ['31 levels', { Item: { n: nested(31) } }],
  ['no start', { ExclusiveStartKey: null }],
  ['an order of numbers', values('spent < :a AND spent BETWEEN :b AND :a', { N: '1' })],
  ['equal sets', values('wrong = :a AND spent > :b', { NS: ['1'] })],
  ['a key', { KeyConditionExpression: 'owner = :a', ExpressionAttributeValues: { ':a': { S: 'p' } } }],
  ['4096 bytes', { UpdateExpression: 'REMOVE a'.padEnd(4096) }],
  ['some attributes', { Select: 'SPECIFIC_ATTRIBUTES', ProjectionExpression: 'a' }],
  ['nothing of a failed condition', { ReturnValuesOnConditionCheckFailure: 'NONE' }],
  ['batches', { RequestItems: { t: [{ PutRequest: { Item: key } }], u: { Keys: [key] } }, TransactItems: [{ Put: { Item: key } }] }],
])('takes %s', (_name, input) => expect(checkRequest(input as Record<string, unknown>)).toBeUndefined())

const none = { ...key, n: null }
test.each<[string, object]>([
  ['null in an item', { Item: none }], ['null in a key', { Key: none }], ['null in a start', { ExclusiveStartKey: none }], ['null for a value', { ExpressionAttributeValues: { ':a': null } }],
  ['null in a list', { Item: { n: { L: [{ S: '' }, null] } } }], ['null in a map', { Item: { n: { M: { a: null } } } }],
  ['null in a batch of writes', { RequestItems: { t: [{ PutRequest: { Item: key } }, { PutRequest: { Item: none } }] } }], ['null in a batch of deletions', { RequestItems: { t: [{ DeleteRequest: { Key: none } }] } }],
  ['null in a batch of reads', { RequestItems: { t: { Keys: [key, none] } } }], ['null in a transaction', { TransactItems: [{ Update: { Key: none } }] }],
  ['32 levels', { Item: { n: nested(32) } }], ['no name', { Item: { '': { S: '' } } }], ['no name inside', { Item: { n: { M: { '': { S: '' } } } } }],
  ...['NS', 'SS', 'BS', 'L', 'M', 'BOOL', 'NULL'].flatMap((type): [string, object][] => ['spent < :a', ':a>=spent', '(spent <= :a)', 'spent BETWEEN :a AND :b', 'spent between :b and :a', ':a BETWEEN :b AND :b'].map((condition) => [`${condition} with ${type}`, values(condition, { [type]: [] })])),
  ['an empty key', { KeyConditionExpression: 'owner = :a AND item > :b', ExpressionAttributeValues: { ':a': { S: 'p' }, ':b': { S: '' } } }],
  ...['UpdateExpression', 'ConditionExpression', 'ProjectionExpression', 'KeyConditionExpression'].map((field): [string, object] => [`4097 bytes of ${field}`, { [field]: 'a'.padEnd(4097) }]),
  ['4097 bytes of fewer characters', { UpdateExpression: `REMOVE ${'ä'.repeat(2045)}` }],
  ['no names of some attributes', { Select: 'SPECIFIC_ATTRIBUTES' }], ['names for a count', { Select: 'COUNT', ProjectionExpression: 'a' }],
  ['names for all', { Select: 'ALL_ATTRIBUTES', ProjectionExpression: 'a' }], ['an index\'s attributes', { Select: 'ALL_PROJECTED_ATTRIBUTES' }],
  ['the item of a failed condition', { ReturnValuesOnConditionCheckFailure: 'ALL_OLD' }], ['something else of it', { ReturnValuesOnConditionCheckFailure: 'ALL' }],
  ['the item of a failed transaction', { TransactItems: [{ Put: { Item: key, ReturnValuesOnConditionCheckFailure: 'ALL_OLD' } }] }],
])('refuses %s', (_name, input) => {
  const caught = ((): unknown => {
    try {
      return checkRequest(input as Record<string, unknown>)
    } catch (error) {
      return error
    }
  })()
  expect(caught).toBeInstanceOf(AwsError)
  expect(caught).toMatchObject({ code: 'ValidationException', status: 400 })
})

test('another engine is on this machine', async () => {
  await connectEngine('http://127.0.0.1:8000', 'dir').close()
  for (const url of ['https://127.0.0.1:8000', 'http://localhost:8000', 'http://10.0.0.1:8000', 'http://127.0.0.1', 'http://127.0.0.1.example:8000']) {
    expect(() => connectEngine(url, 'dir')).toThrow(TypeError)
  }
})
