import { questionsOf } from '../../local/dynamodb/access.ts'
import { AwsError } from '../../local/awsjson.ts'

const table = { TableName: 'wallets' }
const key = (owner: string, item = 'wallet#1') => ({ owner: { S: owner }, item: { S: item } })
const ask = (operation: string, input: object) => questionsOf(operation, input as Record<string, unknown>, 'owner')
const contextOf = (operation: string, input: object) => Object.fromEntries(ask(operation, input)[0]?.context ?? [])

test('single items', () => {
  expect(ask('GetItem', { ...table, Key: key('u1') })).toEqual([{
    action: 'dynamodb:GetItem', table: 'wallets',
    context: [['dynamodb:attributes', ['owner', 'item']], ['dynamodb:leadingkeys', ['u1']], ['dynamodb:select', 'ALL_ATTRIBUTES']],
  }])
  expect(contextOf('PutItem', { ...table, Item: { ...key('u1'), seed: { B: 'AA==' } }, ReturnValues: 'NONE' })).toEqual({
    'dynamodb:attributes': ['owner', 'item', 'seed'], 'dynamodb:leadingkeys': ['u1'], 'dynamodb:returnvalues': 'NONE',
  })
  expect(contextOf('DeleteItem', { ...table, Key: key('u1'), ReturnValues: 'ALL_OLD' })).toMatchObject({ 'dynamodb:returnvalues': 'ALL_OLD' })
})

test('a failed condition that returns the item counts as returning it', () => {
  const input = { ...table, Key: key('u1'), ReturnValues: 'NONE', ReturnValuesOnConditionCheckFailure: 'ALL_OLD' }
  expect(contextOf('UpdateItem', input)).toMatchObject({ 'dynamodb:returnvalues': 'ALL_OLD' })
})

test('attributes come from every expression, top level only, placeholders replaced', () => {
  const input = {
    ...table, Key: key('u1'),
    UpdateExpression: 'SET #v = #v + :one, spent = if_not_exists(spent, :zero), a.b[2].#c = :one REMOVE lockedUntil',
    ConditionExpression: 'attribute_exists(seed) AND (version = :v OR NOT begins_with(#s, :p)) AND size(wrong) < :n',
    ExpressionAttributeNames: { '#v': 'version', '#s': 'state', '#c': 'inner' },
  }
  expect(contextOf('UpdateItem', input)['dynamodb:attributes']).toEqual(
    ['owner', 'item', 'seed', 'version', 'state', 'wrong', 'spent', 'a', 'lockedUntil'],
  )
})

const query = (KeyConditionExpression: string, more: object = {}) => ask('Query', {
  ...table, KeyConditionExpression, ExpressionAttributeNames: { '#o': 'owner', '#i': 'item' },
  ExpressionAttributeValues: { ':o': { S: 'u1' }, ':a': { S: 'a' }, ':b': { S: 'b' } }, ...more,
})
const partition = (...question: Parameters<typeof query>) => new Map(query(...question)[0]?.context).get('dynamodb:leadingkeys')

describe('Query', () => {
  test.each([
    'owner = :o', '#o=:o', '(#o = :o)', '#o = :o AND begins_with(#i, :a)', '(#o = :o) and (#i >= :a)', '#i BETWEEN :a AND :b AND #o = :o',
    '  owner   =   :o  ',
  ])('%s', (expression) => expect(partition(expression)).toEqual(['u1']))

  test.each([
    ['no partition key', 'item = :o'],
    ['another operator', 'owner > :o'],
    ['begins_with', 'begins_with(owner, :o)'],
    ['both keys by OR', 'owner = :o OR owner = :a'],
    ['NOT', 'NOT owner = :o'],
    ['the key twice', 'owner = :o AND owner = :a'],
    ['three conditions', 'owner = :o AND item = :a AND item = :b'],
    ['the value on the left', ':o = owner'],
    ['an attribute for a value', 'owner = item'],
    ['a value that is missing', 'owner = :x'],
    ['a name that is missing', '#x = :o'],
    ['a sum', 'owner = :o + :a'],
    ['a path', 'owner.a = :o'],
    ['odd characters', 'owner = :o; item = :a'],
    ['nothing', ''],
  ])('refuses %s', (_name, expression) => expect(() => query(expression)).toThrow(AwsError))

  test('refuses a partition key that is no string', () => {
    expect(() => query('owner = :o', { ExpressionAttributeValues: { ':o': { N: '1' } } })).toThrow(AwsError)
  })
})

test('batches and transactions ask for all that they touch', () => {
  expect(contextOf('BatchGetItem', { RequestItems: { wallets: { Keys: [key('u1'), key('u2')] } } })['dynamodb:leadingkeys']).toEqual(['u1', 'u2'])
  const batch = { RequestItems: { wallets: [{ PutRequest: { Item: key('u1') } }, { DeleteRequest: { Key: key('u2') } }], other: [{ PutRequest: { Item: key('u3') } }] } }
  expect(ask('BatchWriteItem', batch).map(({ action, table, context }) => [action, table, new Map(context).get('dynamodb:leadingkeys')])).toEqual([
    ['dynamodb:BatchWriteItem', 'wallets', ['u1', 'u2']], ['dynamodb:BatchWriteItem', 'other', ['u3']],
  ])
  const transaction = { TransactItems: [
    { Put: { ...table, Item: key('u1') } }, { Update: { ...table, Key: key('u2'), UpdateExpression: 'SET a = :a' } },
    { Delete: { ...table, Key: key('u3') } }, { ConditionCheck: { ...table, Key: key('u4'), ConditionExpression: 'a = :a' } },
  ] }
  expect(ask('TransactWriteItems', transaction).map(({ action, context }) => [action, new Map(context).get('dynamodb:leadingkeys')])).toEqual([
    ['dynamodb:PutItem', ['u1']], ['dynamodb:UpdateItem', ['u2']], ['dynamodb:DeleteItem', ['u3']], ['dynamodb:ConditionCheckItem', ['u4']],
  ])
  expect(ask('TransactGetItems', { TransactItems: [{ Get: { ...table, Key: key('u1') } }] })[0]?.action).toBe('dynamodb:GetItem')
})

test('Scan has no leading keys', () => {
  expect(contextOf('Scan', table)).toEqual({ 'dynamodb:attributes': [], 'dynamodb:select': 'ALL_ATTRIBUTES' })
})

test.each<[string, string, object]>([
  ['PartiQL', 'ExecuteStatement', { Statement: 'SELECT * FROM wallets' }],
  ['an unknown operation', 'ExportTableToPointInTime', table],
  ['an inherited name', 'constructor', table],
  ['a legacy parameter', 'GetItem', { ...table, Key: key('u1'), AttributesToGet: ['a'] }],
  ['a legacy condition', 'PutItem', { ...table, Item: key('u1'), Expected: {} }],
  ['an index', 'Query', { ...table, IndexName: 'i', KeyConditionExpression: 'owner = :o', ExpressionAttributeValues: { ':o': { S: 'u' } } }],
  ['a filter', 'Scan', { ...table, FilterExpression: 'a = :a' }],
  ['no key', 'GetItem', table],
  ['a key without the partition', 'GetItem', { ...table, Key: { item: { S: 'a' } } }],
  ['a partition key with two types', 'GetItem', { ...table, Key: { owner: { S: 'a', N: '1' } } }],
  ['no table', 'GetItem', { Key: key('u1') }],
  ['an ARN for a table', 'GetItem', { TableName: 'arn:aws:dynamodb:us-east-1:1:table/x', Key: key('u1') }],
  ['an empty batch', 'BatchGetItem', { RequestItems: {} }],
  ['an unknown kind of write', 'BatchWriteItem', { RequestItems: { wallets: [{ Other: {} }] } }],
  ['two writes in one entry', 'BatchWriteItem', { RequestItems: { wallets: [{ PutRequest: { Item: key('u1') }, DeleteRequest: { Key: key('u2') } }] } }],
  ['an unknown part of a transaction', 'TransactWriteItems', { TransactItems: [{ Get: { ...table, Key: key('u1') } }] }],
  ['an unknown placeholder', 'GetItem', { ...table, Key: key('u1'), ProjectionExpression: '#x' }],
  ['an expression that is no text', 'GetItem', { ...table, Key: key('u1'), ProjectionExpression: ['a'] }],
])('refuses %s', (_name, operation, input) => {
  expect(() => ask(operation, input)).toThrow(AwsError)
})
