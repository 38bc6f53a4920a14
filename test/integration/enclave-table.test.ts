/** The enclave's writes against the local table, under its own role's policies; and what a user's credentials read of them. */
import { DynamoDBClient, GetItemCommand, type AttributeValue } from '@aws-sdk/client-dynamodb'
import { nextCharge } from '../../enclave-sim/core/guesses.ts'
import type { TablePort } from '../../enclave-sim/core/ports.ts'
import { createAwsJson } from '../../enclave-sim/platform/aws-json.ts'
import { createAgent } from '../../enclave-sim/platform/egress.ts'
import { createHttpsPost } from '../../enclave-sim/platform/https-post.ts'
import { createTable } from '../../enclave-sim/platform/table.ts'
import { receiptItem, type WalletRecord } from '../../lib/protocol/record.ts'
import type { ReadCredentials } from '../../lib/tokens/exchange.ts'
import { createWalletRecords, type WalletRecords } from '../../lib/wallets/records.ts'
import { startDynamoDb, type DynamoDb } from '../../local/dynamodb.ts'
import { createIdentities, type Credentials } from '../../local/iam/identities.ts'
import { parsePolicy } from '../../local/iam/policy.ts'
import { loadMain, loadTenant } from '../../local/iam/resources.ts'
import { createLocalCa } from '../../local/tls.ts'
import { cleanup, clientConfig, engineUrl, stateDir } from '../support/local.ts'

const NOW_SEC = Math.floor(Date.now() / 1000)
const NOW_MS = NOW_SEC * 1000
const owner = 'user#demo#h1#ann'
const wallet = '0f9b0a52-3c57-4a5e-9a3c-2a4f6a3f1b11'
const first: WalletRecord = {
  format: 1, owner, wallet, version: 1, dataKey: Uint8Array.of(1), state: new Uint8Array(28).fill(1), seed: new Uint8Array(28).fill(1), spent: 0, lockedUntilMs: 0, wrongMs: [], createdAtMs: NOW_MS, expiresAtSec: 0,
}

let nowMs = NOW_MS
let db: DynamoDb
let table: TablePort
let records: WalletRecords
let ann: ReadCredentials
let operator: DynamoDBClient

beforeAll(async () => {
  const dir = await stateDir()
  const ca = await createLocalCa({ dir })
  const main = await loadMain('resources', 'arn:aws:kms:us-east-1:000000000000:key/k')
  const issuer = 'https://localhost:3443/realm'
  const { userReadRole } = await loadTenant('resources', { tenant: 'demo', issuer, issuerHash: 'h1', audience: 'demo' })
  const identities = createIdentities()
  // Signatures and sessions are checked by the same clock that items expire by.
  db = await startDynamoDb({ dir: `${dir}/db`, port: 0, tls: ca.serverOptions, identities, table: main.table, nowMs: () => nowMs, engineUrl })
  cleanup(() => db.close())
  const all = parsePolicy({ Version: '2012-10-17', Statement: { Effect: 'Allow', Action: 'dynamodb:*', Resource: '*' } }, 'identity')
  const fixed = (roleArn: string, policies: typeof main.enclaveRole.policies): Credentials => identities.addStatic({ roleArn, sessionName: 'local', policies: [...policies] }).credentials
  operator = new DynamoDBClient(clientConfig(db.url, ca.caPem, fixed('arn:aws:iam::000000000000:role/operator', [all])))
  const host = identities.issueSession({ roleArn: main.enclaveRole.arn, sessionName: 'host', policies: main.enclaveRole.policies, context: new Map(), expiresAtMs: NOW_MS + 86_400_000 })
  const { accessKeyId, secretAccessKey, sessionToken = '' } = host.credentials
  const credentials = { current: () => ({ accessKeyId, secretAccessKey, sessionToken, expiresAtMs: 0 }), replace: () => undefined }
  const agent = createAgent({ kind: 'direct' }, ca.caPem)
  cleanup(async () => agent.destroy())
  const aws = createAwsJson({ service: 'dynamodb', region: 'us-east-1', endpoint: db.url, post: createHttpsPost(agent), credentials, nowMs: () => nowMs, timeoutMs: 20_000, attempts: 1 })
  table = createTable(aws, main.table.arn)
  const session = identities.issueSession({
    roleArn: userReadRole.arn, sessionName: 'relay', policies: userReadRole.policies, context: new Map([['localhost:3443/realm:sub', 'ann']]), expiresAtMs: NOW_MS + 86_400_000,
  })
  ann = session.credentials as ReadCredentials
  const { credentials: _own, ...client } = clientConfig(db.url, ca.caPem, session.credentials)
  records = createWalletRecords({ table: main.table.name, client, timeoutMs: 20_000 })
})

const read = async (): Promise<WalletRecord | null> => records.get(ann, owner, wallet)
const raw = async (item: string): Promise<Record<string, AttributeValue> | undefined> =>
  (await operator.send(new GetItemCommand({ TableName: 'cloister-wallets', Key: { owner: { S: owner }, item: { S: item } }, ConsistentRead: true }))).Item

async function commit(expiresAtSec: number): Promise<void> {
  const seen = (await read()) as WalletRecord
  const charge = nextCharge(seen, NOW_MS)
  expect(await table.charge(seen, charge)).toBe('written')
  const next = { ...seen, version: seen.version + 1, expiresAtSec }
  expect(await table.commit(next, charge, [])).toBe('written')
  expect(await read()).toEqual(next)
}

test('a wallet is deleted, restored, deleted again; its time comes and goes with the commits, and the table forgets it', async () => {
  expect(await table.create(first)).toBe('written')
  expect(await table.create(first)).toBe('conflict')
  expect(await read()).toEqual(first)
  await commit(NOW_SEC + 60)
  expect((await raw(`wallet#${wallet}`))?.['expiresAtSec']).toEqual({ N: String(NOW_SEC + 60) })
  expect(await records.list(ann, owner)).toEqual([{ id: wallet, createdAtMs: NOW_MS, expiresAtSec: NOW_SEC + 60 }])
  await commit(0)
  expect(await raw(`wallet#${wallet}`)).not.toHaveProperty('expiresAtSec')
  expect(await records.list(ann, owner)).toEqual([{ id: wallet, createdAtMs: NOW_MS, expiresAtSec: 0 }])
  nowMs = NOW_MS + 120_000
  expect(await db.deleteExpired()).toBe(0)
  expect(await read()).not.toBeNull()
  await commit(NOW_SEC + 60)
  expect(await db.deleteExpired()).toBe(1)
  expect(await read()).toBeNull()
  expect(await records.list(ann, owner)).toEqual([])
})

test('receipts are stored beside their wallet, listed in their order, a page at a time, and are no wallets', async () => {
  expect(await table.create(first)).toBe('written')
  const sequences = Array.from({ length: 103 }, (_, i) => i + 1)
  const sealed = (sequence: number): Uint8Array => Uint8Array.of(sequence, 7)
  for (const sequence of sequences.toReversed()) await table.putReceipt({ owner, wallet, sequence, sealed: sealed(sequence) })
  await table.putReceipt({ owner, wallet, sequence: 5, sealed: sealed(5) })
  await table.putReceipt({ owner, wallet: wallet.replace('0f', '1f'), sequence: 1, sealed: sealed(99) })
  await table.putReceipt({ owner: 'user#demo#h1#bob', wallet, sequence: 104, sealed: sealed(98) })
  expect(Object.keys((await raw(receiptItem(wallet, 5))) ?? {}).sort()).toEqual(['item', 'owner', 'receipt'])

  const page = await records.receipts(ann, owner, wallet, 0)
  expect(page).toEqual(sequences.slice(0, 100).map((sequence) => ({ sequence, sealed: sealed(sequence) })))
  expect(await records.receipts(ann, owner, wallet, 100)).toEqual([101, 102, 103].map((sequence) => ({ sequence, sealed: sealed(sequence) })))
  expect(await records.receipts(ann, owner, wallet, 103)).toEqual([])
  expect((await records.list(ann, owner)).map(({ id }) => id)).toEqual([wallet])
  await expect(records.receipts(ann, 'user#demo#h1#bob', wallet, 0)).rejects.toMatchObject({ code: 'unavailable' })
})
