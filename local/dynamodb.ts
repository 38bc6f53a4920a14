/**
 * DynamoDB on this machine: dynalite, or another engine, behind a front that checks signatures and asks the callers' IAM policies, as AWS would, before anything
 * reaches the table.
 */
import { AwsError, accessDenied, awsJsonListener, type AwsAnswer, type AwsCall } from './awsjson.ts'
import { questionsOf } from './dynamodb/access.ts'
import { startEngine, type Engine } from './dynamodb/engine.ts'
import { deleteExpired } from './dynamodb/expiry.ts'
import { connectEngine } from './dynamodb/remote.ts'
import { checkRequest } from './dynamodb/requests.ts'
import { createFaults, type Faults } from './faults.ts'
import { decideByIdentity } from './iam/evaluate.ts'
import type { Identities } from './iam/identities.ts'
import { ACCOUNT_ID, REGION, RELAY_VPC_ENDPOINT, type TableDefinition } from './iam/resources.ts'
import { listenTls, type Service, type TlsServerOptions } from './serve.ts'

export interface DynamoDbOptions {
  /** State directory. */
  readonly dir: string
  /** 0 = any free port. */
  readonly port: number
  readonly tls: TlsServerOptions
  readonly identities: Identities
  /** Created when it isn't there. */
  readonly table: TableDefinition
  /** `aws:SourceVpce` of every request to this endpoint; null for none, as over the internet. The relay's VPC endpoint by default. */
  readonly sourceVpce?: string | null
  /** `http://127.0.0.1:<port>` of another engine than the embedded one, such as AWS's DynamoDB Local (dynamodb/remote.ts). */
  readonly engineUrl?: string | undefined
  readonly faults?: Faults
  readonly nowMs?: () => number
  /** How often expired items are looked for, milliseconds: DynamoDB takes up to days. */
  readonly sweepEveryMs?: number
}

export interface DynamoDb extends Service {
  /** May be changed while it runs. */
  readonly faults: Faults
  /** A further way in to the same table, such as the one that is not the relay's VPC endpoint. */
  readonly openEndpoint: (options: { readonly port: number; readonly sourceVpce: string | null }) => Promise<Service>
  /** Deletes now what has expired. @returns how many items */
  readonly deleteExpired: () => Promise<number>
}

export async function startDynamoDb(options: DynamoDbOptions): Promise<DynamoDb> {
  const { dir, port, tls, identities, table, sourceVpce = RELAY_VPC_ENDPOINT, faults = createFaults(), nowMs = Date.now, sweepEveryMs = 60_000 } = options
  const engine = options.engineUrl === undefined ? await startEngine(dir) : connectEngine(options.engineUrl, dir)
  const endpoints: Service[] = []
  const openEndpoint: DynamoDb['openEndpoint'] = async (at) => {
    const listening = await listenTls(at.port, tls, awsJsonListener({
      service: 'dynamodb',
      region: REGION,
      targetPrefix: 'DynamoDB_20120810',
      contentType: 'application/x-amz-json-1.0',
      errorNamespace: 'com.amazon.coral.service#',
      throttled: new AwsError('ThrottlingException', 'Rate of requests exceeds the allowed throughput.'),
      failed: new AwsError('InternalServerError', 'Internal server error', 500),
      identities, faults, nowMs,
      handle: (call) => handle(call, engine, table, at.sourceVpce),
    }))
    const endpoint = { url: `https://127.0.0.1:${listening.port}`, close: listening.close }
    endpoints.push(endpoint)
    return endpoint
  }
  const sweep = (): Promise<number> => deleteExpired(engine, table, nowMs())
  let timer: NodeJS.Timeout | undefined
  let sweeping: Promise<unknown> = Promise.resolve()
  const close = async (): Promise<void> => {
    clearInterval(timer)
    await sweeping
    await Promise.all(endpoints.map((endpoint) => endpoint.close()))
    await engine.close()
  }
  try {
    await createTable(engine, table)
    const { url } = await openEndpoint({ port, sourceVpce })
    timer = setInterval(() => void (sweeping = sweep().catch(() => undefined)), sweepEveryMs).unref()
    return { url, faults, openEndpoint, deleteExpired: sweep, close }
  } catch (error) {
    await close()
    throw error
  }
}

async function handle(call: AwsCall, engine: Engine, definition: TableDefinition, sourceVpce: string | null): Promise<AwsAnswer> {
  const { principal, policies, context } = call.identity
  const shared = new Map([...context, ['aws:securetransport', 'true'] as const])
  if (sourceVpce !== null) shared.set('aws:sourcevpce', sourceVpce)
  const input = named(call)
  for (const { action, table, context: keys } of questionsOf(call.operation, input, definition.partitionKey)) {
    const resource = table === undefined ? '*' : `arn:aws:dynamodb:${REGION}:${ACCOUNT_ID}:table/${table}`
    const decision = decideByIdentity({ principal, action, resource, context: new Map([...shared, ...keys]) }, policies)
    if (!decision.allowed) throw accessDenied(call, action, resource, decision.because)
  }
  checkRequest(input)
  if (call.operation === 'DescribeTimeToLive' && input['TableName'] === definition.name) return describeTimeToLive(definition)
  // Written anew from what was judged: the engine must not read the text in another way.
  return engine.call(call.operation, JSON.stringify(input))
}

const TABLE_ARN = `arn:aws:dynamodb:${REGION}:${ACCOUNT_ID}:table/`

/** `TableName` may be an ARN, as on AWS; then it says whose table is meant, and another account's is not for these credentials. */
function named(call: AwsCall): AwsCall['input'] {
  const { TableName: name } = call.input
  if (typeof name !== 'string' || !name.startsWith('arn:')) return call.input
  if (!name.startsWith(TABLE_ARN)) throw accessDenied(call, `dynamodb:${call.operation}`, name, 'no resource-based policy allows the action')
  return { ...call.input, TableName: name.slice(TABLE_ARN.length) }
}

/** Time to live is not the engine's business here (dynamodb/expiry.ts). */
function describeTimeToLive({ timeToLive }: TableDefinition): AwsAnswer {
  const status = timeToLive === null ? { TimeToLiveStatus: 'DISABLED' } : { AttributeName: timeToLive, TimeToLiveStatus: 'ENABLED' }
  return { status: 200, body: JSON.stringify({ TimeToLiveDescription: status }) }
}

async function createTable(engine: Engine, table: TableDefinition): Promise<void> {
  const known = await engine.call('DescribeTable', JSON.stringify({ TableName: table.name }))
  if (known.status === 200) return
  const created = await engine.call('CreateTable', JSON.stringify(table.create))
  if (created.status !== 200) throw new Error('the table can not be created')
  for (let attempt = 0; attempt < 100; attempt++) {
    const { body } = await engine.call('DescribeTable', JSON.stringify({ TableName: table.name }))
    if (body.includes('"TableStatus":"ACTIVE"')) return
    await new Promise((resolve) => setTimeout(resolve, 20))
  }
  throw new Error('the table does not become active')
}
