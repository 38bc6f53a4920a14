/** The way of a user's own token through all of the local services: log in, exchange, read. */
import { DynamoDBClient, GetItemCommand, PutItemCommand } from '@aws-sdk/client-dynamodb'
import { DescribeKeyCommand, KMSClient, ListKeysCommand } from '@aws-sdk/client-kms'
import { AssumeRoleWithWebIdentityCommand, STSClient } from '@aws-sdk/client-sts'
import { issuerHash, ownerOf } from '../../lib/tokens/owner.ts'
import { startDynamoDb, type DynamoDb } from '../../local/dynamodb.ts'
import { httpsRequest } from '../../local/https.ts'
import { createIdentities, type Credentials } from '../../local/iam/identities.ts'
import { loadMain, loadTenant, type TenantResources } from '../../local/iam/resources.ts'
import { DEMO_CLIENT, startIssuer, type Issuer } from '../../local/issuer.ts'
import { startKms, type Kms } from '../../local/kms/server.ts'
import { login } from '../../local/login.ts'
import { startSts, type Sts } from '../../local/sts.ts'
import { createJwksFetcher } from '../../local/sts/jwks.ts'
import { createLocalCa, type LocalCa } from '../../local/tls.ts'
import { cleanup, clientConfig, failure, stateDir } from '../support/local.ts'

const TableName = 'cloister-wallets'
const identities = createIdentities()
let ca: LocalCa
let issuer: Issuer
let sts: Sts
let db: DynamoDb
let kms: Kms
let tenant: TenantResources
let enclave: Credentials

beforeAll(async () => {
  const dir = await stateDir()
  ca = await createLocalCa({ dir })
  const tls = ca.serverOptions
  issuer = await startIssuer({ dir: `${dir}/issuer`, port: 0, tls, clients: [DEMO_CLIENT] })
  cleanup(() => issuer.close())
  tenant = await loadTenant('resources', { tenant: 'demo', issuer: issuer.url, issuerHash: issuerHash(issuer.url), audience: DEMO_CLIENT.clientId })
  const main = await loadMain('resources', '')
  sts = await startSts({
    port: 0, tls, identities, roles: [tenant.userReadRole], providers: [tenant.provider], fetchJwks: createJwksFetcher(ca.caPem),
  })
  cleanup(() => sts.close())
  db = await startDynamoDb({ dir: `${dir}/db`, port: 0, tls, identities, table: main.table })
  cleanup(() => db.close())
  kms = await startKms({ dir: `${dir}/kms`, port: 0, tls, identities, rootDer: new Uint8Array(), verify: () => Promise.reject(new Error('none')) })
  cleanup(() => kms.close())
  enclave = identities.addStatic({ roleArn: main.enclaveRole.arn, sessionName: 'local', policies: main.enclaveRole.policies }).credentials
})

const owner = (subject: string) => ownerOf({ tenant: { id: 'demo', issuer: issuer.url }, subject } as Parameters<typeof ownerOf>[0])
const keyOf = (subject: string) => ({ owner: { S: owner(subject) }, item: { S: 'wallet#1' } })
const dynamo = (credentials: Credentials) => new DynamoDBClient(clientConfig(db.url, ca.caPem, credentials))

async function exchange(username: string): Promise<Credentials> {
  const token = await login({ issuer: issuer.url, clientId: DEMO_CLIENT.clientId, redirectUri: 'http://127.0.0.1:9/callback', username, nonce: 'n', ca: ca.caPem })
  const client = new STSClient(clientConfig(sts.url, ca.caPem, enclave))
  const { Credentials: given } = await client.send(new AssumeRoleWithWebIdentityCommand({
    RoleArn: tenant.userReadRole.arn, RoleSessionName: 'relay', WebIdentityToken: token, DurationSeconds: 900,
  }))
  return { accessKeyId: given?.AccessKeyId as string, secretAccessKey: given?.SecretAccessKey as string, sessionToken: given?.SessionToken as string }
}

test('a user who logged in reads their own wallets, and nobody else\'s', async () => {
  for (const subject of ['ann', 'bob']) await dynamo(enclave).send(new PutItemCommand({ TableName, Item: keyOf(subject) }))
  const [ann, bob] = [await exchange('ann'), await exchange('bob')]
  expect((await dynamo(ann).send(new GetItemCommand({ TableName, Key: keyOf('ann') }))).Item).toEqual(keyOf('ann'))
  expect((await dynamo(bob).send(new GetItemCommand({ TableName, Key: keyOf('bob') }))).Item).toEqual(keyOf('bob'))
  for (const [credentials, subject] of [[ann, 'bob'], [bob, 'ann']] as const) {
    expect(await failure(dynamo(credentials).send(new GetItemCommand({ TableName, Key: keyOf(subject) })))).toMatchObject({ name: 'AccessDeniedException' })
  }
  expect(await failure(dynamo(ann).send(new PutItemCommand({ TableName, Item: keyOf('ann') })))).toMatchObject({ name: 'AccessDeniedException' })
})

test('a user\'s credentials do nothing at KMS', async () => {
  const client = new KMSClient(clientConfig(kms.url, ca.caPem, await exchange('ann')))
  expect(await failure(client.send(new ListKeysCommand({})))).toMatchObject({ name: 'AccessDeniedException' })
})

test('an issuer that is down is an IDPCommunicationError', async () => {
  Object.assign(issuer.faults, { mode: 'down', only: ['/jwks'] })
  try {
    expect(await failure(exchange('ann'))).toMatchObject({ name: 'IDPCommunicationErrorException' })
  } finally {
    issuer.faults.mode = 'none'
  }
})

const post = (url: string, headers: Record<string, string>, body = '{}') => httpsRequest({ url, ca: ca.caPem, method: 'POST', headers, body })

describe('KMS and DynamoDB refuse, in their own words,', () => {
  const calls: readonly [string, (credentials: Credentials) => Promise<unknown>][] = [
    ['dynamodb', (credentials) => dynamo(credentials).send(new GetItemCommand({ TableName, Key: keyOf('ann') }))],
    ['kms', (credentials) => new KMSClient(clientConfig(kms.url, ca.caPem, credentials)).send(new DescribeKeyCommand({ KeyId: 'k' }))],
  ]

  test.each(calls)('a wrong secret (%s)', async (_name, call) => {
    expect(await failure(call({ ...enclave, secretAccessKey: 'wrong' }))).toMatchObject({ name: 'InvalidSignatureException', status: 400 })
  })
  test.each(calls)('an unknown key (%s)', async (_name, call) => {
    expect(await failure(call({ ...enclave, accessKeyId: `AKIA${'A'.repeat(16)}` }))).toMatchObject({ name: 'UnrecognizedClientException', status: 400 })
  })
  test.each(calls)('a session that has ended (%s)', async (_name, call) => {
    const session = identities.issueSession({
      roleArn: tenant.userReadRole.arn, sessionName: 'old', policies: [], context: new Map(), expiresAtMs: Date.now() - 1,
    })
    expect(await failure(call(session.credentials))).toMatchObject({ name: 'ExpiredTokenException', status: 400 })
  })

  test('no signature', async () => {
    const { status, text } = await post(db.url, { 'content-type': 'application/x-amz-json-1.0', 'x-amz-target': 'DynamoDB_20120810.Scan' })
    expect([status, JSON.parse(text)]).toEqual([400, {
      __type: 'com.amazon.coral.service#MissingAuthenticationTokenException', message: 'Request is missing Authentication Token',
    }])
  })
  test('another target, or another kind of content', async () => {
    const target = await post(kms.url, { 'content-type': 'application/x-amz-json-1.1', 'x-amz-target': 'DynamoDB_20120810.Scan' })
    expect(JSON.parse(target.text)).toEqual({ __type: 'UnknownOperationException' })
    const content = await post(kms.url, { 'content-type': 'text/plain', 'x-amz-target': 'TrentService.ListKeys' })
    expect(JSON.parse(content.text)).toEqual({ __type: 'UnknownOperationException' })
  })
  test('a body over 4 MiB, unread', async () => {
    const headers = { 'content-type': 'application/x-amz-json-1.1', 'x-amz-target': 'TrentService.ListKeys' }
    await expect(post(kms.url, headers, 'x'.repeat(4 * 1024 * 1024 + 1))).rejects.toThrow()
  })
})
