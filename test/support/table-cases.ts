/**
 * Single requests, one after the other on one table, and how DynamoDB answers each: nothing for a success, or the error's name. Written by hand and
 * compared with AWS's DynamoDB Local (test/dynamodb).
 */
type Input = Readonly<Record<string, unknown>>
export interface Case {
  readonly name: string
  readonly operation: string
  readonly input: Input
  /** Of the error. */
  readonly code: string | undefined
}

const INVALID = 'ValidationException'
const CONFLICT = 'ConditionalCheckFailedException'
const UNREADABLE = 'SerializationException'

export const keyOf = (item: string, owner = 'p') => ({ owner: { S: owner }, item: { S: item } })
const zeros = (length: number) => ({ B: Buffer.alloc(length).toString('base64') })
const nested = (levels: number): object => (levels === 0 ? { S: '' } : { L: [nested(levels - 1)] })

function row(name: string, operation: string, input: Input, code?: string): Case {
  return { name, operation, input, code }
}

function put(name: string, item: Input, code?: string, more: Input = {}): Case {
  return row(`put: ${name}`, 'PutItem', { Item: { ...keyOf('put'), ...item }, ...more }, code)
}

/** Names with `#` stand for themselves. */
function withNames(input: Input): Input {
  const found = Object.entries(input).flatMap(([field, value]) => (field.endsWith('Expression') ? (String(value).match(/#\w+/g) ?? []) : []))
  const names = Object.fromEntries(found.map((name) => [name, name.slice(1)]))
  return { ...(found.length > 0 && { ExpressionAttributeNames: names }), ...input }
}

function update(UpdateExpression: string, values: Input | undefined, code?: string, more: Input = {}): Case {
  const input = { Key: keyOf('update'), UpdateExpression, ...(values && { ExpressionAttributeValues: values }), ...more }
  return row(`update: ${UpdateExpression.slice(0, 60)} ${JSON.stringify({ ...values, ...more }).slice(0, 90)}`, 'UpdateItem', withNames(input), code)
}

function when(condition: string, values: Input, code?: string): Case {
  return { ...update('SET #v = :v', { ':v': { N: '5' }, ...values }, code, { ConditionExpression: condition }), name: `when ${condition} ${JSON.stringify(values)}` }
}

function query(name: string, condition: string, values: Input, code?: string, more: Input = {}): Case {
  return row(`query: ${name}`, 'Query', withNames({ KeyConditionExpression: condition, ExpressionAttributeValues: values, ConsistentRead: true, ...more }), code)
}

const get = (item: string, more: Input = {}, code?: string): Case => row(`get ${item} ${JSON.stringify(more).slice(0, 60)}`, 'GetItem', withNames({ Key: keyOf(item), ConsistentRead: true, ...more }), code)

const attributeValues: readonly Case[] = [
  ...[['none', null], ['a null in a list', { L: [null] }], ['a null in a map', { M: { a: null } }], ['an empty one', {}], ['an unknown type', { X: '1' }], ['two types', { S: '1', N: '1' }]].map(
    ([name, value]) => put(String(name), { n: value }, INVALID),
  ),
  ...['NS', 'SS', 'BS'].map((type) => put(`empty ${type}`, { n: { [type]: [] } }, INVALID)),
  ...[{ NS: ['1', '1'] }, { NS: ['1', '1.0'] }, { SS: ['a', 'a'] }, { BS: ['AA==', 'AA=='] }].map((value) => put(`twice in a set ${JSON.stringify(value)}`, { n: value }, INVALID)),
  ...['abc', '', ' 1', '1'.repeat(39), '1e126', 'NaN', 'Infinity', '0x1'].map((text) => put(`number ${text}`, { n: { N: text } }, INVALID)),
  ...['1'.repeat(38), '9e125', '0012.50', '-0', '1e-130'].flatMap((text) => [put(`number ${text}`, { n: { N: text } }), get('put')]),
  put('a number that is one in JSON', { n: { N: 5 } }, UNREADABLE),
  put('no base64', { n: { B: '%%%' } }, UNREADABLE),
  put('base64 without padding', { n: { B: 'AA' } }, UNREADABLE),
  put('empty string, bytes and member', { s: { S: '' }, b: { B: '' }, l: { SS: [''] } }), get('put'),
  put('an empty name', { '': { S: '' } }, INVALID),
  put('nested 31 deep', { n: nested(31) }),
  put('nested 32 deep', { n: nested(32) }, INVALID),
  put('a list for bytes', { n: [] }, UNREADABLE),
]

const keys: readonly Case[] = [
  row('no sort key', 'PutItem', { Item: { owner: { S: 'p' } } }, INVALID),
  row('a number for a key', 'PutItem', { Item: { owner: { S: 'p' }, item: { N: '1' } } }, INVALID),
  row('an empty key', 'PutItem', { Item: keyOf('') }, INVALID),
  row('no key', 'UpdateItem', { Key: { owner: { S: 'p' } } }, INVALID),
  row('more than a key', 'GetItem', { Key: { ...keyOf('a'), x: { S: '' } } }, INVALID),
  row('a key that is null', 'GetItem', { Key: { owner: { S: 'p' }, item: null } }, INVALID),
  row('sort key of 1024 bytes', 'PutItem', { Item: keyOf('k'.repeat(1024)) }),
  row('sort key of 1025 bytes', 'PutItem', { Item: keyOf('k'.repeat(1025)) }, INVALID),
  row('partition key of 2048 bytes', 'PutItem', { Item: keyOf('k', 'o'.repeat(2048)) }),
  row('partition key of 2049 bytes', 'PutItem', { Item: keyOf('k', 'o'.repeat(2049)) }, INVALID),
]

/** An item's size: names and values, 400 KB at most. Key "owner" p, "item" put, and the name b. */
const ROOM = 400 * 1024 - 'owner'.length - 'p'.length - 'item'.length - 'put'.length - 'b'.length
const sizes: readonly Case[] = [
  put('400 KB', { b: zeros(ROOM) }),
  row('get its size only', 'GetItem', withNames({ Key: keyOf('put'), ProjectionExpression: '#owner' })),
  put('a byte more', { b: zeros(ROOM + 1) }, INVALID),
  row('an update past it', 'UpdateItem', { Key: keyOf('put'), UpdateExpression: 'SET c = :c', ExpressionAttributeValues: { ':c': { S: '' } } }, INVALID),
  row('emptied again', 'DeleteItem', { Key: keyOf('put') }),
  ...[4096, 4097].map((length) => update('SET #a = :a'.padEnd(length), { ':a': { S: '' } }, length > 4096 ? INVALID : undefined)),
  get('update', { ProjectionExpression: 'v'.padEnd(4097) }, INVALID),
  query('too long a condition', '#owner = :p'.padEnd(4097), { ':p': { S: 'p' } }, INVALID),
  put('too long a condition', {}, INVALID, { ConditionExpression: 'attribute_not_exists(x)'.padEnd(4097) }),
]

const updates: readonly Case[] = [
  update('SET #v = :one', { ':one': { N: '1' } }),
  update('SET #v = #v + :one, #c = if_not_exists(#c, :one) + :one', { ':one': { N: '1' } }, undefined, { ReturnValues: 'UPDATED_NEW' }),
  update('SET #c = if_not_exists(#c, :one) + :one', { ':one': { N: '1' } }, undefined, { ReturnValues: 'ALL_NEW' }),
  update('SET #c = #c - :one REMOVE #none', { ':one': { N: '1' } }, undefined, { ReturnValues: 'UPDATED_OLD' }),
  update('SET #v = #none - :one', { ':one': { N: '1' } }, INVALID),
  update('SET #v = #v - :one', { ':one': { S: '1' } }, INVALID),
  update('SET #v = #none', undefined, INVALID),
  update('ADD #wrong :set', { ':set': { NS: ['3', '1', '20'] } }), update('ADD #wrong :set', { ':set': { NS: ['1', '2.0'] } }), get('update'),
  update('ADD #wrong :n', { ':n': { N: '1' } }, INVALID),
  update('ADD #v :s', { ':s': { S: '1' } }, INVALID),
  update('DELETE #v :set', { ':set': { NS: ['1'] } }, INVALID),
  update('DELETE #wrong :n', { ':n': { N: '1' } }, INVALID),
  update('SET #owner = :s', { ':s': { S: 'q' } }, INVALID),
  update('REMOVE #item', undefined, INVALID),
  update('SET #a = :s, #a = :s', { ':s': { S: '' } }, INVALID),
  update('SET #wrong = :set DELETE #wrong :set', { ':set': { NS: ['1'] } }, INVALID),
  update('SET #a = :s SET #b = :s', { ':s': { S: '' } }, INVALID),
  update('SET #a == :s', { ':s': { S: '' } }, INVALID),
  update('', undefined, INVALID),
  ...['state', 'owner', 'item', 'format', 'ttl', 'Language'].map((word) => update(`SET ${word} = :s`, { ':s': { S: '' } }, INVALID)),
  ...['seed', 'spent', 'wrong', 'wallet', 'version', 'receipt', 'expiresAtSec'].map((word) => update(`REMOVE ${word}x`, undefined)),
  update('SET #a = :s', { ':s': { S: '' }, ':unused': { S: '' } }, INVALID),
  update('SET #a = :undefined', { ':s': { S: '' } }, INVALID),
  update('SET #a = :s', { ':s': null }, INVALID),
  update('SET #a = :s', { ':s': { NS: [] } }, INVALID),
  update('SET #a = :s', { ':s': { S: '' } }, INVALID, { ExpressionAttributeNames: { '#a': 'a', '#unused': 'b' } }),
  update('SET #a = :s', { ':s': { S: '' } }, INVALID, { ExpressionAttributeNames: {} }),
  update('REMOVE a', {}, INVALID),
  update('REMOVE a', undefined, INVALID, { ReturnValues: 'ALL' }),
  update('REMOVE a', undefined, INVALID, { ReturnValuesOnConditionCheckFailure: 'ALL_NEW' }),
  put('what it can not return', {}, INVALID, { ReturnValues: 'ALL_NEW' }),
  row('an update of nothing makes an item', 'UpdateItem', { Key: keyOf('bare') }), get('bare'),
]

const conditions: readonly Case[] = [
  update('SET #wrong = :set, #v = :v', { ':set': { NS: ['1', '2', '3', '20'] }, ':v': { N: '5' } }),
  ...['20', '20.0', '2e1'].map((N) => when('contains(#wrong, :e)', { ':e': { N } })),
  ...[{ N: '11' }, { S: '20' }, { NS: ['20'] }].map((value) => when('contains(#wrong, :e)', { ':e': value }, CONFLICT)),
  ...[['20', '3', '2', '1'], ['1', '2', '3.0', '2e1']].map((NS) => when('#wrong = :e', { ':e': { NS } })),
  ...[['3', '2', '1'], ['1', '2', '3', '20', '4']].map((NS) => when('#wrong = :e', { ':e': { NS } }, CONFLICT)),
  when('#v >= :e', { ':e': { N: '5.0' } }), when('#v = :e', { ':e': { S: '5' } }, CONFLICT), when('#none >= :e', { ':e': { N: '5' } }, CONFLICT),
  when('#none <> :e', { ':e': { N: '5' } }), when('attribute_not_exists(#none)', {}), when('attribute_exists(#none)', {}, CONFLICT),
  when('size(#wrong) = :e', { ':e': { N: '4' } }), when('attribute_type(#wrong, :e)', { ':e': { S: 'NS' } }), when('attribute_type(#wrong, :e)', { ':e': { S: 'X' } }, INVALID),
  when('#v BETWEEN :e AND :f', { ':e': { N: '9' }, ':f': { N: '1' } }, INVALID), when('((#v = :e))', { ':e': { N: '5' } }, INVALID), when('#v = #v', {}, INVALID),
  when('NOT (#v = :e OR #v = :f)', { ':e': { N: '6' }, ':f': { N: '7' } }), when('#v IN (:e, :f)', { ':e': { N: '6' }, ':f': { N: '5' } }), when('', {}, INVALID), when('#v =', {}, INVALID),
  ...[{ NS: ['1'] }, { BOOL: true }, { NULL: true }, { L: [] }, { M: {} }].flatMap((value) =>
    [when('#v < :e', { ':e': value }, INVALID), when(':e >= #v', { ':e': value }, INVALID), when('#wrong BETWEEN :e AND :e', { ':e': value }, INVALID)]),
  put('that it is not there', {}), put('that it is not there', {}, CONFLICT, { ConditionExpression: 'attribute_not_exists(seed) AND attribute_exists(seed)' }),
  row('delete what is not there', 'DeleteItem', { Key: keyOf('none') }),
  row('delete what has to be there', 'DeleteItem', withNames({ Key: keyOf('none'), ConditionExpression: 'attribute_exists(#item)' }), CONFLICT),
]

const pages = { ':p': { S: 'pages' } }
const item = { ProjectionExpression: '#item' }
const both = '#owner = :p AND #item BETWEEN :a AND :b'
const after = (place: string, owner = 'pages') => ({ ExclusiveStartKey: keyOf(place, owner) })
const queries: readonly Case[] = [
  ...Array.from({ length: 7 }, (_, i) => row(`page ${i}`, 'PutItem', { Item: { ...keyOf(`wallet#${i}`, 'pages'), b: zeros(300_000) } })),
  query('a page ends after 1 MB, whatever is returned', '#owner = :p', pages, undefined, item),
  query('the next page', '#owner = :p', pages, undefined, { ...item, ...after('wallet#3') }),
  ...[1, 2, 6, 7, 8].map((Limit) => query(`at most ${Limit}`, '#owner = :p AND begins_with(#item, :w)', { ...pages, ':w': { S: 'wallet#' } }, undefined, { ...item, Limit, ScanIndexForward: Limit !== 2 })),
  query('after the last', '#owner = :p', pages, undefined, { ...item, ...after('wallet#6') }),
  query('after one that is not there', '#owner = :p', pages, undefined, { ...item, ...after('wallet#5x') }),
  query('after half a key', '#owner = :p', pages, INVALID, { ExclusiveStartKey: { owner: { S: 'pages' } } }),
  query('after null', '#owner = :p', pages, INVALID, { ExclusiveStartKey: { owner: { S: 'pages' }, item: null } }),
  query('after another partition\'s', '#owner = :p', pages, INVALID, after('wallet#1', 'p')),
  query('after what is not asked for', both, { ...pages, ':a': { S: 'wallet#1' }, ':b': { S: 'wallet#2' } }, INVALID, after('wallet#6')),
  query('between', both, { ...pages, ':a': { S: 'wallet#1' }, ':b': { S: 'wallet#2' } }, undefined, item),
  query('between, the wrong way round', both, { ...pages, ':a': { S: 'wallet#2' }, ':b': { S: 'wallet#1' } }, INVALID),
  query('between nothing', both, { ...pages, ':a': { S: '' }, ':b': { S: 'wallet#1' } }, INVALID),
  query('prefix of nothing', '#owner = :p AND begins_with(#item, :w)', { ...pages, ':w': { S: '' } }, INVALID),
  query('another prefix', '#owner = :p AND begins_with(#item, :w)', { ...pages, ':w': { S: 'receipt#' } }),
  query('nobody', '#owner = :p', { ':p': { S: 'nobody' } }), query('no name', '#owner = :p', { ':p': { S: '' } }, INVALID), query('a number', '#owner = :p', { ':p': { N: '1' } }, INVALID),
  query('a reserved word', 'owner = :p', pages, INVALID), query('none at most', '#owner = :p', pages, INVALID, { Limit: 0 }),
  query('a count', '#owner = :p', pages, undefined, { Select: 'COUNT', Limit: 3 }),
  query('a count of some attributes', '#owner = :p', pages, INVALID, { ...item, Select: 'COUNT' }),
  query('all of some attributes', '#owner = :p', pages, INVALID, { ...item, Select: 'ALL_ATTRIBUTES' }),
  query('some attributes without names', '#owner = :p', pages, INVALID, { Select: 'SPECIFIC_ATTRIBUTES' }),
  query('an index\'s attributes', '#owner = :p', pages, INVALID, { Select: 'ALL_PROJECTED_ATTRIBUTES' }),
  query('what is no selection', '#owner = :p', pages, INVALID, { Select: 'ALL' }),
  query('not equal', '#owner = :p AND #item <> :p', pages, INVALID),
  query('what is no key', '#owner = :p AND #seed = :p', pages, INVALID),
]

const others: readonly Case[] = [
  row('a table that is not there', 'GetItem', { TableName: 'another', Key: keyOf('a') }, 'ResourceNotFoundException'),
  row('too short a name', 'GetItem', { TableName: 'a', Key: keyOf('a') }, INVALID),
  row('a null in a batch', 'BatchWriteItem', { TableName: undefined, RequestItems: { 'cloister-wallets': [{ PutRequest: { Item: { ...keyOf('a'), n: null } } }] } }, INVALID),
  row('an operation that is none', 'Nothing', {}, 'UnknownOperationException'),
]

export const TABLE_CASES: readonly Case[] = [...attributeValues, ...keys, ...sizes, ...updates, ...conditions, ...queries, ...others]
