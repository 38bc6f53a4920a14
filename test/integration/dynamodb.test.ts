import {
  BatchGetItemCommand, BatchWriteItemCommand, DeleteItemCommand, DeleteTableCommand, DescribeTableCommand, DynamoDBClient, ExecuteStatementCommand,
  GetItemCommand, PutItemCommand, QueryCommand, ScanCommand, TransactGetItemsCommand, TransactWriteItemsCommand, UpdateItemCommand,
} from '@aws-sdk/client-dynamodb'
import { startDynamoDb, type DynamoDb, type DynamoDbOptions } from '../../local/dynamodb.ts'
import { createIdentities, type Credentials } from '../../local/iam/identities.ts'
import { parsePolicy } from '../../local/iam/policy.ts'
import { loadMain, loadTenant } from '../../local/iam/resources.ts'
import { createLocalCa, type LocalCa } from '../../local/tls.ts'
import { cleanup, clientConfig, engineUrl, failure, stateDir } from '../support/local.ts'

const TableName = 'cloister-wallets'
const issuer = 'https://localhost:3443/realm'
const owner = (sub: string, tenant = 'demo', hash = 'h1') => `user#${tenant}#${hash}#${sub}`
const key = (partition: string, item = 'wallet#1') => ({ owner: { S: partition }, item: { S: item } })
const denied = { name: 'AccessDeniedException', status: 400 }

const identities = createIdentities()
const all = parsePolicy({ Version: '2012-10-17', Statement: { Effect: 'Allow', Action: 'dynamodb:*', Resource: '*' } }, 'identity')
let ca: LocalCa
let options: DynamoDbOptions
let db: DynamoDb
let relay: DynamoDBClient
let enclave: DynamoDBClient
let operator: DynamoDBClient
let ann: DynamoDBClient
let annCredentials: Credentials

const connect = (credentials: Credentials, url = db.url) => new DynamoDBClient(clientConfig(url, ca.caPem, credentials))

/** Credentials as STS gives them for a token of this subject. */
async function reader(sub: string, tenant = 'demo'): Promise<Credentials> {
  const { userReadRole } = await loadTenant('resources', { tenant, issuer, issuerHash: 'h1', audience: tenant })
  return identities.issueSession({
    roleArn: userReadRole.arn, sessionName: 'relay', policies: userReadRole.policies,
    context: new Map([['localhost:3443/realm:sub', sub]]), expiresAtMs: Date.now() + 900_000,
  }).credentials
}

beforeAll(async () => {
  const dir = await stateDir()
  ca = await createLocalCa({ dir })
  const main = await loadMain('resources', 'arn:aws:kms:us-east-1:000000000000:key/k')
  options = { dir: `${dir}/db`, port: 0, tls: ca.serverOptions, identities, table: main.table, engineUrl }
  db = await startDynamoDb(options)
  cleanup(() => db.close())
  const fixed = (roleArn: string, policies = [all]) => identities.addStatic({ roleArn, sessionName: 'local', policies: [...policies] }).credentials
  relay = connect(fixed(main.relayRole.arn, [...main.relayRole.policies]))
  enclave = connect(fixed(main.enclaveRole.arn, [...main.enclaveRole.policies]))
  operator = connect(fixed('arn:aws:iam::000000000000:role/operator'))
  annCredentials = await reader('ann')
  ann = connect(annCredentials)
  for (const sub of ['ann', 'bob', 'ann2', 'an']) {
    await enclave.send(new PutItemCommand({ TableName, Item: { ...key(owner(sub)), seed: { B: new Uint8Array([1]) }, version: { N: '1' } } }))
  }
  await enclave.send(new PutItemCommand({ TableName, Item: key(owner('ann', 'other')) }))
  await enclave.send(new PutItemCommand({ TableName, Item: key(owner('ann', 'demo', 'h2')) }))
})

const query = (expression: string, partition: string, more: object = {}) => new QueryCommand({
  TableName, KeyConditionExpression: expression, ExpressionAttributeNames: { '#o': 'owner', '#i': 'item' },
  ExpressionAttributeValues: { ':o': { S: partition }, ...(expression.includes(':p') && { ':p': { S: 'wallet#' } }) }, ...more,
})

describe('a user\'s credentials', () => {
  test('read the user\'s own partition', async () => {
    const { Item } = await ann.send(new GetItemCommand({ TableName, Key: key(owner('ann')) }))
    expect(Item?.['version']).toEqual({ N: '1' })
    const { Items } = await ann.send(query('#o = :o AND begins_with(#i, :p)', owner('ann'), { ProjectionExpression: '#i' }))
    expect(Items).toEqual([{ item: { S: 'wallet#1' } }])
  })

  test.each([
    ['another user', owner('bob')], ['a longer name', owner('ann2')], ['a shorter name', owner('an')], ['another tenant', owner('ann', 'other')],
    ['another issuer', owner('ann', 'demo', 'h2')], ['a wildcard', owner('*')], ['nothing', 'user#'],
  ])('do not read %s', async (_name, partition) => {
    expect(await failure(ann.send(new GetItemCommand({ TableName, Key: key(partition) })))).toMatchObject(denied)
    const bare = { ExpressionAttributeNames: { '#o': 'owner' } }
    expect(await failure(ann.send(query('#o = :o', partition, bare)))).toMatchObject(denied)
  })

  test('do not query without the partition key', async () => {
    const byItem = new QueryCommand({ TableName, KeyConditionExpression: 'item = :i', ExpressionAttributeValues: { ':i': { S: 'wallet#1' } } })
    expect(await failure(ann.send(byItem))).toMatchObject({ name: 'ValidationException' })
    expect(await failure(ann.send(query('#o = :o OR #i = :p', owner('ann'))))).toMatchObject({ name: 'ValidationException' })
  })

  test('do not reach more than one item in other ways', async () => {
    const commands = [
      new ScanCommand({ TableName }),
      new BatchGetItemCommand({ RequestItems: { [TableName]: { Keys: [key(owner('ann'))] } } }),
      new BatchGetItemCommand({ RequestItems: { [TableName]: { Keys: [key(owner('ann')), key(owner('bob'))] } } }),
      new TransactGetItemsCommand({ TransactItems: [{ Get: { TableName, Key: key(owner('ann')) } }, { Get: { TableName, Key: key(owner('bob')) } }] }),
    ]
    for (const command of commands) expect(await failure(ann.send(command as ScanCommand))).toMatchObject(denied)
    const partiql = new ExecuteStatementCommand({ Statement: `SELECT * FROM "${TableName}"` })
    expect(await failure(ann.send(partiql))).toMatchObject({ name: 'UnknownOperationException' })
  })

  test('write nothing, their own counter included', async () => {
    const Key = key(owner('ann'))
    const commands = [
      new PutItemCommand({ TableName, Item: Key }),
      new UpdateItemCommand({ TableName, Key, UpdateExpression: 'SET spent = :z', ExpressionAttributeValues: { ':z': { N: '0' } } }),
      new DeleteItemCommand({ TableName, Key }),
      new BatchWriteItemCommand({ RequestItems: { [TableName]: [{ DeleteRequest: { Key } }] } }),
      new TransactWriteItemsCommand({ TransactItems: [{ Delete: { TableName, Key } }] }),
      new DeleteTableCommand({ TableName }),
      new DescribeTableCommand({ TableName }),
    ]
    for (const command of commands) expect(await failure(ann.send(command as PutItemCommand))).toMatchObject(denied)
    expect((await ann.send(new GetItemCommand({ TableName, Key }))).Item).toBeDefined()
  })

  test('of another tenant, for the same subject, read that tenant\'s partition alone', async () => {
    const other = connect(await reader('ann', 'other'))
    expect((await other.send(new GetItemCommand({ TableName, Key: key(owner('ann', 'other')) }))).Item).toBeDefined()
    expect(await failure(other.send(new GetItemCommand({ TableName, Key: key(owner('ann')) })))).toMatchObject(denied)
  })

  test('are worth nothing but through the relay\'s VPC endpoint', async () => {
    for (const sourceVpce of [null, 'vpce-0other']) {
      const endpoint = await db.openEndpoint({ port: 0, sourceVpce })
      const outside = connect(annCredentials, endpoint.url)
      expect(await failure(outside.send(new GetItemCommand({ TableName, Key: key(owner('ann')) })))).toMatchObject(denied)
      await endpoint.close()
    }
  })

  test('end', async () => {
    const expired = identities.issueSession({
      roleArn: 'arn:aws:iam::000000000000:role/operator', sessionName: 'old', policies: [all], context: new Map(), expiresAtMs: Date.now() - 1,
    })
    const command = new GetItemCommand({ TableName, Key: key(owner('ann')) })
    expect(await failure(connect(expired.credentials).send(command))).toMatchObject({ name: 'ExpiredTokenException' })
  })
})

describe('the enclave role', () => {
  const Key = key(owner('eve'), 'wallet#9')
  const update = (more: object = {}) => new UpdateItemCommand({
    TableName, Key, UpdateExpression: 'SET spent = :n', ExpressionAttributeValues: { ':n': { N: '1' } }, ...more,
  })

  test('writes with conditions', async () => {
    await enclave.send(new PutItemCommand({ TableName, Item: Key, ConditionExpression: 'attribute_not_exists(#o)', ExpressionAttributeNames: { '#o': 'owner' }, ReturnValues: 'NONE' }))
    await enclave.send(update())
    const stale = update({ ConditionExpression: 'spent = :old', ExpressionAttributeValues: { ':n': { N: '2' }, ':old': { N: '7' } } })
    expect(await failure(enclave.send(stale))).toMatchObject({ name: 'ConditionalCheckFailedException' })
    expect((await operator.send(new GetItemCommand({ TableName, Key }))).Item?.['spent']).toEqual({ N: '1' })
    expect(await failure(enclave.send(new DeleteItemCommand({ TableName, Key })))).toMatchObject({ name: 'AccessDeniedException' })
    await enclave.send(new UpdateItemCommand({ TableName: `arn:aws:dynamodb:us-east-1:000000000000:table/${TableName}`, Key, UpdateExpression: 'SET spent = :z', ExpressionAttributeValues: { ':z': { N: '2' } } }))
    const elsewhere = new PutItemCommand({ TableName: `arn:aws:dynamodb:us-east-1:999999999999:table/${TableName}`, Item: Key })
    expect(await failure(enclave.send(elsewhere))).toMatchObject({ name: 'AccessDeniedException' })
  })

  test('does not read, in no operation', async () => {
    const commands = [
      new GetItemCommand({ TableName, Key }),
      new QueryCommand({ TableName, KeyConditionExpression: 'owner = :o', ExpressionAttributeValues: { ':o': { S: owner('ann') } } }),
      new ScanCommand({ TableName }),
      new BatchGetItemCommand({ RequestItems: { [TableName]: { Keys: [Key] } } }),
      new TransactWriteItemsCommand({ TransactItems: [{ ConditionCheck: { TableName, Key, ConditionExpression: 'attribute_exists(spent)' } }] }),
      new BatchWriteItemCommand({ RequestItems: { [TableName]: [{ PutRequest: { Item: Key } }] } }),
      new DescribeTableCommand({ TableName }),
    ]
    for (const command of commands) expect(await failure(enclave.send(command as GetItemCommand))).toMatchObject(denied)
  })

  test('does not read by what a write returns', async () => {
    for (const ReturnValues of ['ALL_OLD', 'ALL_NEW', 'UPDATED_OLD', 'UPDATED_NEW'] as const) {
      expect(await failure(enclave.send(update({ ReturnValues })))).toMatchObject(denied)
    }
    expect(await failure(enclave.send(update({ ReturnValuesOnConditionCheckFailure: 'ALL_OLD' })))).toMatchObject(denied)
    expect(await failure(enclave.send(new PutItemCommand({ TableName, Item: Key, ReturnValues: 'ALL_OLD' })))).toMatchObject(denied)
    expect(await failure(enclave.send(new DeleteItemCommand({ TableName, Key, ReturnValues: 'ALL_OLD' })))).toMatchObject(denied)
  })

  test('writes to no other table', async () => {
    expect(await failure(enclave.send(new PutItemCommand({ TableName: 'another', Item: Key })))).toMatchObject(denied)
  })
})

test('the relay\'s own role does nothing at all on the table', async () => {
  const Key = key(owner('ann'))
  const commands = [
    new GetItemCommand({ TableName, Key }), new PutItemCommand({ TableName, Item: Key }), new DeleteItemCommand({ TableName, Key }),
    new UpdateItemCommand({ TableName, Key }), new ScanCommand({ TableName }), new DescribeTableCommand({ TableName }),
    new QueryCommand({ TableName, KeyConditionExpression: 'owner = :o', ExpressionAttributeValues: { ':o': { S: owner('ann') } } }),
    new BatchWriteItemCommand({ RequestItems: { [TableName]: [{ PutRequest: { Item: Key } }] } }),
  ]
  for (const command of commands) {
    const error = await failure(relay.send(command as GetItemCommand))
    expect(error).toMatchObject(denied)
    expect(error.message).toContain('with an explicit deny in an identity-based policy')
  }
})

test('the table is the one of resources/table.yml', async () => {
  const { Table } = await operator.send(new DescribeTableCommand({ TableName }))
  expect(Table).toMatchObject({
    TableStatus: 'ACTIVE', BillingModeSummary: { BillingMode: 'PAY_PER_REQUEST' },
    KeySchema: [{ AttributeName: 'owner', KeyType: 'HASH' }, { AttributeName: 'item', KeyType: 'RANGE' }],
  })
})

test('what was judged is what is done, whatever the text says twice', async () => {
  // Of two equal keys in JSON the last one counts, for the front and for the engine alike.
  const client = connect(annCredentials)
  client.middlewareStack.add((next) => async (args) => {
    const request = args.request as { body: string | Uint8Array; headers: Record<string, string> }
    request.body = new TextDecoder().decode(request.body as Uint8Array).replace('"Key":', `"Key":${JSON.stringify(key(owner('bob')))},"Key":`)
    request.headers['content-length'] = String(Buffer.byteLength(request.body))
    return next(args)
  }, { step: 'build', priority: 'low' })
  const { Item } = await client.send(new GetItemCommand({ TableName, Key: key(owner('ann')) }))
  expect(Item?.['owner']).toEqual({ S: owner('ann') })
})

test('items survive a restart', async () => {
  const dir = await stateDir()
  const here = { ...options, dir: `${dir}/db` }
  const first = await startDynamoDb(here)
  const credentials = await operator.config.credentials()
  await connect(credentials, first.url).send(new PutItemCommand({ TableName, Item: key('user#x') }))
  await first.close()
  const second = await startDynamoDb(here)
  try {
    const { Item } = await connect(credentials, second.url).send(new GetItemCommand({ TableName, Key: key('user#x') }))
    expect(Item).toEqual(key('user#x'))
  } finally {
    await second.close()
  }
})

describe('time to live', () => {
  const SEC = 1000
  const at = (item: string, expires?: object) => ({ ...key('user#ttl', item), ...(expires === undefined ? {} : { expiresAtSec: expires }) })
  const items = async (): Promise<string[]> => {
    const { Items = [] } = await operator.send(new QueryCommand({ TableName, KeyConditionExpression: '#o = :o', ExpressionAttributeNames: { '#o': 'owner' }, ExpressionAttributeValues: { ':o': { S: 'user#ttl' } } }))
    return Items.map(({ item }) => item?.S ?? '')
  }

  test('what is over is deleted; what is not, has no time, none that is one, or one of long ago, stays', async () => {
    const dir = await stateDir()
    const own = createIdentities()
    const { credentials } = own.addStatic({ roleArn: 'arn:aws:iam::000000000000:role/operator', sessionName: 'local', policies: [all] })
    let clockMs = Date.now()
    const store = await startDynamoDb({ ...options, dir: `${dir}/db`, nowMs: () => clockMs, identities: own })
    cleanup(() => store.close())
    const client = connect(credentials, store.url)
    const nowSec = Math.floor(clockMs / SEC)
    const values: readonly (readonly [string, object | undefined])[] = [
      ['a-over', { N: String(nowSec + 9) }], ['b-later', { N: String(nowSec + 100) }], ['c-none', undefined], ['d-text', { S: String(nowSec) }], ['e-ancient', { N: String(nowSec - 6 * 365 * 86_400) }], ['f-over', { N: String(nowSec + 5) }],
    ]
    for (const [item, expires] of values) await client.send(new PutItemCommand({ TableName, Item: at(item, expires) as never }))
    const left = async (): Promise<string[]> => {
      const { Items = [] } = await client.send(new ScanCommand({ TableName }))
      return Items.map(({ item }) => item?.S ?? '').sort()
    }
    expect(await store.deleteExpired()).toBe(0)
    clockMs = (nowSec + 9) * SEC + 999 // the very second of one
    expect(await store.deleteExpired()).toBe(1)
    expect(await left()).toEqual(['a-over', 'b-later', 'c-none', 'd-text', 'e-ancient'])
    clockMs = (nowSec + 10) * SEC
    expect(await store.deleteExpired()).toBe(1)
    expect(await store.deleteExpired()).toBe(0)
    expect(await left()).toEqual(['b-later', 'c-none', 'd-text', 'e-ancient'])
  })

  test('what lost its time meanwhile stays, page for page', async () => {
    const nowSec = Math.floor(Date.now() / SEC)
    const big = { B: new Uint8Array(300_000) } // a page is 1 MB
    for (let i = 0; i < 8; i++) await operator.send(new PutItemCommand({ TableName, Item: { ...at(`${i}`, { N: String(nowSec - 60) }), big } as never }))
    await operator.send(new UpdateItemCommand({ TableName, Key: key('user#ttl', '3'), UpdateExpression: 'REMOVE expiresAtSec' }))
    expect(await db.deleteExpired()).toBe(7)
    expect(await items()).toEqual(['3'])
  })

  test('the sweep comes by itself', async () => {
    const dir = await stateDir()
    const own = createIdentities()
    const { credentials } = own.addStatic({ roleArn: 'arn:aws:iam::000000000000:role/operator', sessionName: 'local', policies: [all] })
    const store = await startDynamoDb({ ...options, dir: `${dir}/db`, identities: own, sweepEveryMs: 5 })
    cleanup(() => store.close())
    const client = connect(credentials, store.url)
    await client.send(new PutItemCommand({ TableName, Item: at('1', { N: String(Math.floor(Date.now() / SEC) - 60) }) as never }))
    for (;;) {
      const { Item } = await client.send(new GetItemCommand({ TableName, Key: key('user#ttl', '1'), ConsistentRead: true }))
      if (Item === undefined) break
    }
  })
})

describe('faults', () => {
  afterEach(() => void Object.assign(db.faults, { mode: 'none', only: undefined, times: undefined }))

  test('throttle only what they name', async () => {
    Object.assign(db.faults, { mode: 'throttle', only: ['PutItem'] })
    expect(await failure(enclave.send(new PutItemCommand({ TableName, Item: key('user#f') })))).toMatchObject({ name: 'ThrottlingException' })
    await ann.send(new GetItemCommand({ TableName, Key: key(owner('ann')) }))
  })

  test('a lost answer leaves the write done', async () => {
    Object.assign(db.faults, { mode: 'lost', times: 1 })
    expect(await failure(enclave.send(new PutItemCommand({ TableName, Item: key('user#lost') })))).toMatchObject({ status: undefined })
    expect((await operator.send(new GetItemCommand({ TableName, Key: key('user#lost') }))).Item).toBeDefined()
  })

  test('a connection dropped before leaves it undone', async () => {
    Object.assign(db.faults, { mode: 'down', times: 1 })
    expect(await failure(enclave.send(new PutItemCommand({ TableName, Item: key('user#down') })))).toMatchObject({ status: undefined })
    expect((await operator.send(new GetItemCommand({ TableName, Key: key('user#down') }))).Item).toBeUndefined()
  })
})
