/** Who may do what under the policies that are deployed, as the local cloud decides it; VPC endpoints' policies included. */
import { decideByIdentity, decideByKeyPolicy, decideByTrustPolicy, type AccessRequest } from '../../local/iam/evaluate.ts'
import { parsePolicy } from '../../local/iam/policy.ts'
import { loadTemplate, type Template } from '../../local/iam/template.ts'

export const ACCOUNT = '111122223333'
export const REGION = 'eu-central-1'
export const STACK = 'cloister-production'

type Document = Readonly<Record<string, unknown>>

/** Somebody with credentials, and the way their requests come. */
export interface Caller {
  readonly session: string
  readonly role: string
  readonly account: string
  readonly policies: readonly Document[]
  /** Logical id of a VPC endpoint; undefined: over the internet. */
  readonly via: string | undefined
  readonly context: Readonly<Record<string, string>>
}

export interface Question {
  readonly caller: Caller
  readonly action: string
  readonly resource: string
  readonly context: Readonly<Record<string, string | readonly string[]>>
  /** Policy of the key that is asked for. */
  readonly keyPolicy?: Document
}

export interface Deployment {
  readonly main: Template
  allowed(question: Question): boolean
  /** A session of a role of the main stack. */
  session(roleId: string, via?: string): Caller
  policiesOf(template: Template, roleId: string): readonly Document[]
  keyPolicy(keyId: string): Document
}

export const endpointId = (logicalId: string): string => `vpce-0${logicalId.toLowerCase()}`
export const keyArn = (name: string): string => `arn:aws:kms:${REGION}:${ACCOUNT}:key/${name}`

export const functionArn = (name: string): string => `arn:aws:lambda:${REGION}:${ACCOUNT}:function:${STACK}-${name}`

const ENDPOINTS = ['RelayDynamoDbEndpoint', 'EnclaveDynamoDbEndpoint', 'KmsEndpoint', 'StsEndpoint', 'LogsEndpoint', 'S3Endpoint']
/** What the endpoints' properties name besides. */
const NETWORK = ['Vpc', ...['Relay', 'Enclave'].flatMap((side) => ['RoutesA', 'RoutesB', 'SubnetA', 'SubnetB'].map((name) => side + name)), 'RelayEndpointSecurityGroup', 'HostEndpointSecurityGroup']
const ATTRIBUTES = {
  DataKey: { ref: 'data-key', arn: keyArn('data-key') },
  TableKey: { ref: 'table-key', arn: keyArn('table-key') },
  Artifacts: { ref: 'artifacts', arn: 'arn:aws:s3:::artifacts' },
  TrailBucket: { ref: 'trail', arn: 'arn:aws:s3:::trail' },
  ServerlessDeploymentBucket: { ref: 'deployments', arn: 'arn:aws:s3:::deployments' },
  OperatorLambdaFunction: { ref: `${STACK}-operator`, arn: functionArn('operator') },
  OperatorPolicy: { ref: `arn:aws:iam::${ACCOUNT}:policy/${STACK}-operator`, arn: '' },
  HostLogs: { ref: `/cloister/${STACK}/hosts`, arn: '' },
  TrailLogs: { ref: `/cloister/${STACK}/trail`, arn: '' },
  ...Object.fromEntries(ENDPOINTS.map((id) => [id, { ref: endpointId(id), arn: '' }])),
  ...Object.fromEntries(NETWORK.map((id) => [id, { ref: id, arn: '' }])),
}

export function loadStack(file: string, stackName: string, parameters: Readonly<Record<string, string>>): Promise<Template> {
  return loadTemplate({ files: [file], parameters, region: REGION, accountId: ACCOUNT, stackName, attributes: ATTRIBUTES })
}

export async function loadDeployment(templateFile: string, parameters: Readonly<Record<string, string>>): Promise<Deployment> {
  const main = await loadStack(templateFile, STACK, parameters)
  const properties = (template: Template, id: string): Document => template.properties(id) as Document

  function policiesOf(template: Template, roleId: string): readonly Document[] {
    const { RoleName: name, Policies: inline = [] } = properties(template, roleId)
    const attached = template.ofType('AWS::IAM::Policy').map((id) => properties(template, id)).filter(({ Roles: roles }) => (roles as unknown[]).includes(name))
    return [...(inline as Document[]), ...attached].map(({ PolicyDocument: document }) => document as Document)
  }

  return {
    main,
    policiesOf,
    keyPolicy: (id) => properties(main, id)['KeyPolicy'] as Document,
    session(roleId, via) {
      const name = properties(main, roleId)['RoleName'] as string
      return {
        session: `arn:aws:sts::${ACCOUNT}:assumed-role/${name}/session`, role: `arn:aws:iam::${ACCOUNT}:role/${name}`, account: ACCOUNT,
        policies: policiesOf(main, roleId), via, context: {},
      }
    },
    allowed: (question) => decide(question, question.caller.via === undefined ? undefined : (properties(main, question.caller.via)['PolicyDocument'] as Document)),
  }
}

function contextOf({ caller, context }: Question): Record<string, string | readonly string[]> {
  return {
    'aws:PrincipalArn': caller.role, 'aws:PrincipalAccount': caller.account, 'kms:CallerAccount': caller.account, 'aws:SecureTransport': 'true',
    ...(caller.via === undefined ? {} : { 'aws:SourceVpce': endpointId(caller.via) }), ...caller.context, ...context,
  }
}

function decide(question: Question, endpoint: Document | undefined): boolean {
  const { caller, action, resource, keyPolicy } = question
  const request: AccessRequest = {
    principal: { type: 'aws', arn: caller.session, roleArn: caller.role, accountId: caller.account },
    action, resource, context: new Map(Object.entries(contextOf(question)).map(([key, value]) => [key.toLowerCase(), value])),
  }
  const identity = caller.policies.map((document) => parsePolicy(document, 'identity'))
  const decision = keyPolicy === undefined ? decideByIdentity(request, identity) : decideByKeyPolicy(request, parsePolicy(keyPolicy, 'resource'), identity)
  return decision.allowed && (endpoint === undefined || decideByTrustPolicy(request, parsePolicy(endpoint, 'resource')).allowed)
}
