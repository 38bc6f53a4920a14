/** What the local services need of resources/: the table, the key's policy, the roles, by the names that the fragments give them. */
import { join } from 'node:path'
import type { Json } from './intrinsics.ts'
import { parsePolicy, type Policy } from './policy.ts'
import { loadTemplate, type Template } from './template.ts'

export const REGION = 'us-east-1'
export const ACCOUNT_ID = '000000000000'
/** The VPC endpoint that requests to the local DynamoDB seem to come through. */
export const RELAY_VPC_ENDPOINT = 'vpce-0local'
const stackName = 'cloister'

export interface Role {
  readonly arn: string
  readonly trust: Policy
  readonly policies: readonly Policy[]
  readonly maxSessionSec: number
}

export interface TableDefinition {
  readonly name: string
  readonly arn: string
  /** Name of the partition key, a string. */
  readonly partitionKey: string
  /** Names of the primary key's attributes. */
  readonly keys: readonly string[]
  /** Attribute of DynamoDB's time to live, seconds since the epoch; `null`: nothing expires. */
  readonly timeToLive: string | null
  /** Input of CreateTable. */
  readonly create: Readonly<Record<string, Json>>
}

interface MainResources {
  readonly table: TableDefinition
  readonly relayRole: Role
  readonly enclaveRole: Role
}

export interface TenantResources {
  /** The registered OpenID provider: issuer URL and the audiences it may name. */
  readonly provider: { readonly arn: string; readonly issuer: string; readonly audiences: readonly string[] }
  readonly userReadRole: Role
}

/**
 * Reads table.yml, keys.yml and roles.yml.
 *
 * @param dir - the folder resources/
 * @param dataKeyArn - ARN of the key behind the wallets' data keys
 */
export async function loadMain(dir: string, dataKeyArn: string): Promise<MainResources> {
  const template = await loadFragments(dir, ['table', 'keys', 'roles'], {}, dataKeyArn)
  return {
    table: table(template),
    relayRole: role(template, 'RelayRole'),
    enclaveRole: role(template, 'EnclaveRole'),
  }
}

/**
 * The key policy of keys.yml as JSON text.
 *
 * @param images - approved PCR0, lowercase hex; with none of one kind, nobody may use the key (the first of the two phases)
 * @param configurations - approved PCR16
 */
export async function loadKeyPolicy(dir: string, images: readonly string[] = [], configurations: readonly string[] = []): Promise<string> {
  const parameters = { ApprovedImages: images.join(','), ApprovedConfigurations: configurations.join(',') }
  const template = await loadFragments(dir, ['keys', 'roles'], parameters, '')
  return JSON.stringify(fields(template.properties('DataKey'))['KeyPolicy'])
}

interface TenantParameters {
  readonly tenant: string
  /** `https://host/path`, as in tokens. */
  readonly issuer: string
  /** Issuer part of the partition key. */
  readonly issuerHash: string
  readonly audience: string
}

/** Reads tenant.yml for one tenant. */
export async function loadTenant(dir: string, { tenant, issuer, issuerHash, audience }: TenantParameters): Promise<TenantResources> {
  if (!issuer.startsWith('https://')) throw new Error('an issuer is an https URL')
  const template = await loadFragments(dir, ['tenant'], {
    Tenant: tenant,
    IssuerHash: issuerHash,
    IssuerHostPath: issuer.slice('https://'.length),
    Audience: audience,
    RelayVpcEndpointId: RELAY_VPC_ENDPOINT,
  })
  const { Url: url, ClientIdList: audiences } = fields(template.properties('Issuer'))
  return {
    provider: {
      arn: `arn:aws:iam::${ACCOUNT_ID}:oidc-provider/${(url as string).slice('https://'.length)}`,
      issuer: url as string,
      audiences: audiences as string[],
    },
    userReadRole: role(template, 'UserReadRole'),
  }
}

function loadFragments(dir: string, names: readonly string[], parameters: Record<string, string>, dataKeyArn = ''): Promise<Template> {
  return loadTemplate({
    files: names.map((name) => join(dir, `${name}.yml`)),
    parameters,
    region: REGION,
    accountId: ACCOUNT_ID,
    stackName,
    attributes: { DataKey: { ref: dataKeyArn.split('/')[1] ?? '', arn: dataKeyArn }, TableKey: { ref: 'aws/dynamodb', arn: 'aws/dynamodb' } },
  })
}

function role(template: Template, logicalId: string): Role {
  const properties = fields(template.properties(logicalId))
  const name = properties['RoleName'] as string
  const attached = template.ofType('AWS::IAM::Policy').map((id) => fields(template.properties(id)))
    .filter(({ Roles: roles }) => (roles as string[]).includes(name))
  const inline = ((properties['Policies'] ?? []) as Json[]).map(fields)
  return {
    arn: `arn:aws:iam::${ACCOUNT_ID}:role/${name}`,
    trust: parsePolicy(properties['AssumeRolePolicyDocument'], 'trust'),
    policies: [...inline, ...attached].map(({ PolicyDocument: document }) => parsePolicy(document, 'identity')),
    maxSessionSec: Number(properties['MaxSessionDuration'] ?? 3600),
  }
}

function table(template: Template): TableDefinition {
  const properties = fields(template.properties('WalletTable'))
  const { TableName: name, KeySchema: keySchema, AttributeDefinitions: definitions, BillingMode: billing } = properties
  const keys = (keySchema as Json[]).map(fields)
  const hash = keys.find(({ KeyType: type }) => type === 'HASH')
  const { AttributeName: timeToLive, Enabled: expires } = fields(properties['TimeToLiveSpecification'] ?? {})
  return {
    name: name as string,
    arn: `arn:aws:dynamodb:${REGION}:${ACCOUNT_ID}:table/${name as string}`,
    partitionKey: hash?.['AttributeName'] as string,
    keys: keys.map(({ AttributeName: attribute }) => attribute as string),
    timeToLive: expires === true ? (timeToLive as string) : null,
    create: { TableName: name as Json, KeySchema: keySchema as Json, AttributeDefinitions: definitions as Json, BillingMode: billing as Json },
  }
}

function fields(value: Json): Readonly<Record<string, Json>> {
  if (typeof value !== 'object' || value === null || Array.isArray(value)) throw new Error('expected a mapping')
  return value as Readonly<Record<string, Json>>
}
