/**
 * The wallet table with everything that comes near it, over the real clients: the enclave's own, the relay's, and an operator's of both kinds. In
 * front of the local table, whatever its engine; or straight to DynamoDB Local, with nothing of ours between but TLS, which it has not.
 */
import { randomBytes } from 'node:crypto'
import { request as ask } from 'node:http'
import { CreateTableCommand, DeleteItemCommand, DynamoDBClient, ScanCommand, type AttributeValue, type CreateTableCommandInput } from '@aws-sdk/client-dynamodb'
import type { TablePort } from '../../enclave-sim/core/ports.ts'
import { createAwsJson, type AwsJson } from '../../enclave-sim/platform/aws-json.ts'
import { createAgent } from '../../enclave-sim/platform/egress.ts'
import { createHttpsPost } from '../../enclave-sim/platform/https-post.ts'
import { createTable } from '../../enclave-sim/platform/table.ts'
import { receiptItem } from '../../lib/protocol/record.ts'
import type { ReadCredentials } from '../../lib/tokens/exchange.ts'
import { createWalletRecords, type WalletRecords } from '../../lib/wallets/records.ts'
import { startDynamoDb } from '../../local/dynamodb.ts'
import { createIdentities, type Credentials } from '../../local/iam/identities.ts'
import { parsePolicy } from '../../local/iam/policy.ts'
import { loadMain, loadTenant } from '../../local/iam/resources.ts'
import { listenTls, type TlsServerOptions } from '../../local/serve.ts'
import { createLocalCa } from '../../local/tls.ts'
import { cleanup, clientConfig, stateDir } from './local.ts'
import { owner, wallet, type Bench } from './table-contract.ts'

export interface TablePeer {
  /** The enclave's. */
  readonly port: TablePort
  /** The relay's, of the user whose partition {@link owner} is. */
  readonly records: WalletRecords
  readonly reader: ReadCredentials
  /** May do everything: by the enclave's client, which sends what it is given, and by AWS's. */
  readonly raw: AwsJson
  readonly sdk: DynamoDBClient
  readonly tableName: string
}

interface Access {
  readonly url: string
  readonly caPem: string
  readonly table: { readonly name: string; readonly arn: string }
  readonly enclave: Credentials
  readonly reader: Credentials
  readonly operator: Credentials
}

/** The local table with its signatures and policies; on the embedded engine, unless another is named. */
export async function localTable(engine: string | undefined): Promise<TablePeer> {
  const dir = await stateDir()
  const ca = await createLocalCa({ dir })
  const main = await loadMain('resources', 'arn:aws:kms:us-east-1:000000000000:key/k')
  const tenant = await loadTenant('resources', { tenant: 'demo', issuer: 'https://localhost:3443/realm', issuerHash: 'x', audience: 'demo' })
  const identities = createIdentities()
  const db = await startDynamoDb({ dir: `${dir}/db`, port: 0, tls: ca.serverOptions, identities, table: main.table, engineUrl: engine })
  cleanup(() => db.close())
  const session = (roleArn: string, policies: typeof main.enclaveRole.policies, context: ReadonlyMap<string, string> = new Map()): Credentials =>
    identities.issueSession({ roleArn, sessionName: 'test', policies, context, expiresAtMs: Date.now() + 86_400_000 }).credentials
  const all = parsePolicy({ Version: '2012-10-17', Statement: { Effect: 'Allow', Action: 'dynamodb:*', Resource: '*' } }, 'identity')
  return connect({
    url: db.url, caPem: ca.caPem, table: main.table,
    enclave: session(main.enclaveRole.arn, main.enclaveRole.policies),
    reader: session(tenant.userReadRole.arn, tenant.userReadRole.policies, new Map([['localhost:3443/realm:sub', 'alice']])),
    operator: session('arn:aws:iam::000000000000:role/operator', [all]),
  })
}

/** DynamoDB Local, in a database of its own: it keeps one for each access key. */
export async function straightTable(engine: string): Promise<TablePeer> {
  const dir = await stateDir()
  const ca = await createLocalCa({ dir })
  const { table } = await loadMain('resources', 'arn:aws:kms:us-east-1:000000000000:key/k')
  const url = await tlsInFrontOf(engine, ca.serverOptions)
  const any = { accessKeyId: randomBytes(10).toString('hex').toUpperCase(), secretAccessKey: 'any', sessionToken: 'any' }
  const peer = connect({ url, caPem: ca.caPem, table, enclave: any, reader: any, operator: any })
  await peer.sdk.send(new CreateTableCommand(table.create as unknown as CreateTableCommandInput))
  return peer
}

function connect({ url, caPem, table, enclave, reader, operator }: Access): TablePeer {
  const agent = createAgent({ kind: 'direct' }, caPem)
  cleanup(async () => agent.destroy())
  const own = ({ accessKeyId, secretAccessKey, sessionToken = '' }: Credentials): AwsJson => {
    const credentials = { current: () => ({ accessKeyId, secretAccessKey, sessionToken, expiresAtMs: 0 }), replace: () => undefined }
    return createAwsJson({ service: 'dynamodb', region: 'us-east-1', endpoint: url, post: createHttpsPost(agent), credentials, nowMs: Date.now, timeoutMs: 20_000, attempts: 1 })
  }
  const { credentials: _none, ...client } = clientConfig(url, caPem, reader)
  return {
    port: createTable(own(enclave), table.arn),
    records: createWalletRecords({ table: table.name, client, timeoutMs: 20_000 }),
    reader: reader as ReadCredentials,
    raw: own(operator),
    sdk: new DynamoDBClient(clientConfig(url, caPem, operator)),
    tableName: table.name,
  }
}

/** Requests and answers as they are, signatures too. */
async function tlsInFrontOf(engine: string, tls: TlsServerOptions): Promise<string> {
  const { port, close } = await listenTls(0, tls, (request, response) => {
    const outgoing = ask(engine, { method: 'POST', headers: request.headers }, (incoming) => {
      response.writeHead(incoming.statusCode ?? 500, incoming.headers)
      incoming.pipe(response)
    })
    outgoing.on('error', () => response.destroy())
    request.pipe(outgoing)
  })
  cleanup(close)
  return `https://127.0.0.1:${port}`
}

export type Item = Record<string, AttributeValue>

/** Everything in it, by key; sets have no order. */
export async function itemsOf({ sdk, tableName }: TablePeer): Promise<readonly Item[]> {
  const items: Item[] = []
  let start: Item | undefined
  do {
    const page = await sdk.send(new ScanCommand({ TableName: tableName, ConsistentRead: true, ...(start !== undefined && { ExclusiveStartKey: start }) }))
    items.push(...(page.Items ?? []))
    start = page.LastEvaluatedKey
  } while (start !== undefined)
  for (const item of items) for (const value of Object.values(item)) value.NS?.sort()
  const place = (item: Item): string => JSON.stringify([item['owner']?.S, item['item']?.S])
  return items.sort((a, b) => (place(a) < place(b) ? -1 : 1))
}

export async function empty(peer: TablePeer): Promise<void> {
  for (const { owner, item } of await itemsOf(peer)) await peer.sdk.send(new DeleteItemCommand({ TableName: peer.tableName, Key: { owner, item } as Item }))
}

/** Written by the enclave's client, read by the relay's. */
export async function benchOf(peer: TablePeer): Promise<Bench> {
  await empty(peer)
  const { records, reader, port } = peer
  return {
    port,
    async read() {
      const record = await records.get(reader, owner, wallet)
      if (record === null) throw new Error('no record')
      return record
    },
    receipts: async () => (await records.receipts(reader, owner, wallet, 0)).map(({ sequence, sealed }) => [receiptItem(wallet, sequence), sealed] as const),
    attributes: async () => (await itemsOf(peer)).flatMap((item) => (item['item']?.S === `wallet#${wallet}` ? Object.keys(item) : [])),
  }
}
