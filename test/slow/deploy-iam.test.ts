/** The statements that are deployed, evaluated: who can read a record, who can write one, who can use which key, and all who can not. */
import * as dynamodb from '@aws-sdk/client-dynamodb'
import * as kms from '@aws-sdk/client-kms'
import * as lambda from '@aws-sdk/client-lambda'
import { decideByTrustPolicy, type AccessRequest } from '../../local/iam/evaluate.ts'
import { parsePolicy } from '../../local/iam/policy.ts'
import { ACCOUNT, endpointId, functionArn, keyArn, loadDeployment, loadStack, REGION, STACK, type Caller, type Deployment, type Question } from '../support/deploy-access.ts'
import { packageService } from '../support/deploy-package.ts'

jest.setTimeout(120_000)

const TABLE = `arn:aws:dynamodb:${REGION}:${ACCOUNT}:table/cloister-wallets-production`
const ISSUER = 'login.example/realm'
const [IMAGE, OTHER_IMAGE, CONFIGURATION, OTHER_CONFIGURATION] = ['a', 'b', 'c', 'd'].map((digit) => digit.repeat(96)) as [string, string, string, string]
const owner = (subject: string): string => `user#acme#hash#${subject}`

/** Each operation that the SDK knows is an action, but for these; some actions are no operation. */
const actionsOf = (client: object, without: readonly string[], more: readonly string[]): string[] =>
  [...Object.keys(client).flatMap((name) => /^([A-Z]\w+)Command$/.exec(name)?.[1] ?? []).filter((name) => !without.includes(name)), ...more].sort()
const TABLE_ACTIONS = actionsOf(
  dynamodb,
  ['ExecuteStatement', 'BatchExecuteStatement', 'ExecuteTransaction', 'TransactGetItems', 'TransactWriteItems'],
  ['PartiQLSelect', 'PartiQLInsert', 'PartiQLUpdate', 'PartiQLDelete', 'ConditionCheckItem', 'GetRecords', 'GetShardIterator', 'DescribeStream', 'AssociateTableReplica'],
)
const KEY_ACTIONS = actionsOf(kms, ['ReEncrypt'], ['ReEncryptFrom', 'ReEncryptTo', 'SynchronizeMultiRegionKey'])

let phaseOne: Deployment
let deployment: Deployment
const callers: Record<string, Caller> = {}

beforeAll(async () => {
  const { templateFile } = await packageService()
  const parameters = { TableName: 'cloister-wallets-production', EnclaveImage: 'e.eif', EnclaveConfiguration: 'c.json', IssuerHosts: 'login.example' }
  phaseOne = await loadDeployment(templateFile, { TableName: 'cloister-wallets-production' })
  deployment = await loadDeployment(templateFile, { ...parameters, ApprovedImages: IMAGE, ApprovedConfigurations: CONFIGURATION })
  const tenant = await loadStack('resources/tenant.yml', 'cloister', {
    TableName: 'cloister-wallets-production', Tenant: 'acme', IssuerHash: 'hash', IssuerHostPath: ISSUER, Audience: 'app,web', RelayVpcEndpointId: endpointId('RelayDynamoDbEndpoint'),
  })
  const user = (subject: string, via?: string): Caller => ({
    session: `arn:aws:sts::${ACCOUNT}:assumed-role/cloister-read-acme/cloister-relay`, role: `arn:aws:iam::${ACCOUNT}:role/cloister-read-acme`, account: ACCOUNT,
    policies: deployment.policiesOf(tenant, 'UserReadRole'), via, context: { [`${ISSUER}:sub`]: subject, [`${ISSUER}:aud`]: 'app' },
  })
  const outsider = (account: string): Caller => ({
    session: `arn:aws:sts::${account}:assumed-role/admin/me`, role: `arn:aws:iam::${account}:role/admin`, account, via: undefined, context: {},
    policies: [{ Version: '2012-10-17', Statement: [{ Effect: 'Allow', Action: '*', Resource: '*' }] }],
  })
  Object.assign(callers, {
    relay: deployment.session('RelayRole', 'RelayDynamoDbEndpoint'),
    enclave: deployment.session('EnclaveRole', 'EnclaveDynamoDbEndpoint'),
    'enclave at KMS': deployment.session('EnclaveRole', 'KmsEndpoint'),
    'enclave, its credentials taken elsewhere': deployment.session('EnclaveRole'),
    'enclave through the relay\'s endpoint': deployment.session('EnclaveRole', 'RelayDynamoDbEndpoint'),
    ann: user('ann', 'RelayDynamoDbEndpoint'),
    'ann, from the internet': user('ann'),
    'ann, through the enclaves\' endpoint': user('ann', 'EnclaveDynamoDbEndpoint'),
    'a user called *': user('*', 'RelayDynamoDbEndpoint'),
    trail: deployment.session('TrailRole'),
    // Not ours: what is left to whoever is allowed everything, in this account and in another.
    administrator: outsider(ACCOUNT),
    stranger: outsider('999988887777'),
  })
})

/** Who of them all may. */
function whoMay(question: Omit<Question, 'caller' | 'context'> & Partial<Pick<Question, 'context'>>, { except = [], anyWay = false }: { except?: readonly string[]; anyWay?: boolean } = {}): string[] {
  const asked = Object.entries(callers).filter(([name]) => !except.includes(name))
  const may = ([, caller]: [string, Caller]): boolean => deployment.allowed({ context: {}, ...question, caller: anyWay ? { ...caller, via: undefined } : caller })
  return asked.filter(may).map(([name]) => name)
}

describe('records', () => {
  const leading = (...subjects: readonly string[]) => ({ 'dynamodb:LeadingKeys': subjects.map(owner) })
  // Without a resource policy on the table nobody from another account has a say: that there is none is tested below.
  const records = (action: string, context: Record<string, string | readonly string[]> = {}, resource = TABLE) =>
    whoMay({ action: `dynamodb:${action}`, resource, context }, { except: ['stranger'] })

  test.each<[string, string, Record<string, string | readonly string[]>, readonly string[]]>([
    ['get ann\'s', 'GetItem', leading('ann'), ['ann', 'administrator']],
    ['query ann\'s', 'Query', leading('ann'), ['ann', 'administrator']],
    ['get bob\'s', 'GetItem', leading('bob'), ['administrator']],
    ['get one of somebody whose name begins so', 'GetItem', leading('anna'), ['administrator']],
    ['get the one of a user called *', 'GetItem', leading('*'), ['a user called *', 'administrator']],
    ['get another tenant\'s', 'GetItem', { 'dynamodb:LeadingKeys': ['user#other#hash#ann'] }, ['administrator']],
    ['get another issuer\'s', 'GetItem', { 'dynamodb:LeadingKeys': ['user#acme#other#ann'] }, ['administrator']],
    ['get without saying whose', 'GetItem', {}, ['administrator']],
    ['query ann\'s and bob\'s', 'Query', leading('ann', 'bob'), ['administrator']],
    ['batch-get ann\'s', 'BatchGetItem', leading('ann'), ['administrator']],
    ['scan', 'Scan', {}, ['administrator']],
    ['select by PartiQL', 'PartiQLSelect', leading('ann'), ['administrator']],
    ['check a condition on ann\'s', 'ConditionCheckItem', leading('ann'), ['administrator']],
    ['put', 'PutItem', leading('ann'), ['enclave', 'administrator']],
    ['update', 'UpdateItem', leading('ann'), ['enclave', 'administrator']],
    ['delete', 'DeleteItem', leading('ann'), ['administrator']],
    ['put, saying that nothing is returned', 'PutItem', { ...leading('ann'), 'dynamodb:ReturnValues': 'NONE' }, ['enclave', 'administrator']],
    ['put, and read what was there', 'PutItem', { ...leading('ann'), 'dynamodb:ReturnValues': 'ALL_OLD' }, ['administrator']],
    ['update, and read what comes out', 'UpdateItem', { ...leading('ann'), 'dynamodb:ReturnValues': 'ALL_NEW' }, ['administrator']],
    ['batch-write', 'BatchWriteItem', leading('ann'), ['administrator']],
    ['insert by PartiQL', 'PartiQLInsert', leading('ann'), ['administrator']],
    ['delete the table', 'DeleteTable', {}, ['administrator']],
    ['export it', 'ExportTableToPointInTime', {}, ['administrator']],
  ])('%s: dynamodb:%s', (_name, action, context, expected) => {
    expect(records(action, context)).toEqual(expected)
  })

  test('on an index or another table', async () => {
    for (const resource of [`${TABLE}/index/i`, `${TABLE}-2`, TABLE.replace('cloister', 'another')]) {
      for (const action of ['GetItem', 'Query', 'PutItem', 'UpdateItem']) expect(records(action, leading('ann'), resource)).toEqual(['administrator'])
    }
  })

  test('of all that DynamoDB can do, the relay may do nothing, an enclave two things and a user two', async () => {
    const actions = TABLE_ACTIONS
    expect(actions.length).toBeGreaterThan(50)
    const may: Record<string, string[]> = { relay: [], enclave: [], ann: [], trail: [] }
    for (const action of actions) {
      for (const [name, list] of Object.entries(may)) {
        const question = { caller: callers[name] as Caller, action: `dynamodb:${action}`, resource: TABLE, context: leading('ann') }
        // The endpoints' policies left out: the roles' own must do.
        if (deployment.allowed(name === 'relay' ? { ...question, caller: { ...question.caller, via: undefined } } : question)) list.push(action)
      }
    }
    for (const list of Object.values(may)) list.sort()
    expect(may).toEqual({ relay: [], enclave: ['PutItem', 'UpdateItem'], ann: ['GetItem', 'Query'], trail: [] })
  })

  test('what the relay\'s role may not do no other policy can allow it; the table has no policy of its own', async () => {
    const relay = callers['relay'] as Caller
    const widened = { ...relay, via: undefined, policies: [...relay.policies, ...(callers['administrator'] as Caller).policies] }
    expect(deployment.allowed({ caller: widened, action: 'dynamodb:GetItem', resource: TABLE, context: leading('ann') })).toBe(false)
    expect(deployment.main.properties('WalletTable')).not.toHaveProperty('ResourcePolicy')
  })
})

describe('the key of the wallets', () => {
  const attested = (image: string, configuration: string) => ({ 'kms:RecipientAttestation:ImageSha384': image, 'kms:RecipientAttestation:PCR16': configuration })
  const ask = (action: string, context: Record<string, string> = {}) =>
    whoMay({ action: `kms:${action}`, resource: keyArn('data-key'), context, keyPolicy: deployment.keyPolicy('DataKey') })

  test.each(['GenerateDataKey', 'Decrypt'])('%s is for approved enclaves, through KMS\'s endpoint', (action) => {
    expect(ask(action, attested(IMAGE, CONFIGURATION))).toEqual(['enclave at KMS'])
    expect(ask(action, attested(IMAGE.toUpperCase(), CONFIGURATION))).toEqual(['enclave at KMS'])
    for (const [image, configuration] of [[OTHER_IMAGE, CONFIGURATION], [IMAGE, OTHER_CONFIGURATION], ['0'.repeat(96), CONFIGURATION], [IMAGE, '0'.repeat(96)], ['', '']] as const) {
      expect(ask(action, attested(image, configuration))).toEqual([])
    }
    expect(ask(action)).toEqual([])
    expect(ask(action, { 'kms:RecipientAttestation:ImageSha384': IMAGE })).toEqual([])
    expect(ask(action, { 'kms:RecipientAttestation:PCR16': CONFIGURATION })).toEqual([])
  })

  test('with no measurements it is nobody\'s', async () => {
    const keyPolicy = phaseOne.keyPolicy('DataKey')
    for (const action of ['GenerateDataKey', 'Decrypt']) {
      for (const context of [{}, attested(IMAGE, CONFIGURATION), attested('', '')]) {
        expect(whoMay({ action: `kms:${action}`, resource: keyArn('data-key'), context, keyPolicy })).toEqual([])
      }
    }
  })

  test('of all that KMS can do with it, an administrator may administer, whatever is attested, and nobody else may do anything', async () => {
    const administration = [
      'CancelKeyDeletion', 'DescribeKey', 'DisableKey', 'DisableKeyRotation', 'EnableKey', 'EnableKeyRotation', 'GetKeyPolicy', 'GetKeyRotationStatus',
      'GetParametersForImport', 'GetPublicKey', 'ListGrants', 'ListKeyPolicies', 'ListKeyRotations', 'ListResourceTags', 'PutKeyPolicy', 'RotateKeyOnDemand',
      'ScheduleKeyDeletion', 'TagResource', 'UntagResource', 'UpdateKeyDescription',
    ]
    const actions = KEY_ACTIONS.filter((action) => action !== 'GenerateDataKey' && action !== 'Decrypt')
    const found: Record<string, string[]> = {}
    for (const action of actions) {
      for (const context of [{}, attested(IMAGE, CONFIGURATION)]) {
        const who = ask(action, context)
        if (who.length > 0) found[action] = who
      }
    }
    const onKeys = Object.fromEntries(Object.entries(found).filter(([action]) => administration.includes(action)))
    expect(onKeys).toEqual(Object.fromEntries(administration.map((action) => [action, ['administrator']])))
    // Actions that are on no key: the evaluators take the key's ARN for theirs.
    expect(Object.keys(found).filter((action) => !administration.includes(action)).filter((action) => !/^(List|Describe|Get)/.test(action))).toEqual([])
  })

  test('randomness is for enclaves', async () => {
    const may = whoMay({ action: 'kms:GenerateRandom', resource: '*' }, { except: ['administrator', 'stranger'] })
    expect(may).toEqual(['enclave at KMS', 'enclave, its credentials taken elsewhere'])
  })
})

describe('the key of the table', () => {
  // DynamoDB asks, whichever way its caller came.
  const ask = (action: string, context: Record<string, string> = {}) =>
    whoMay({ action: `kms:${action}`, resource: keyArn('table-key'), context, keyPolicy: deployment.keyPolicy('TableKey') }, { anyWay: true })

  test.each(['Encrypt', 'Decrypt', 'GenerateDataKey', 'ReEncryptFrom', 'CreateGrant'])('%s is DynamoDB\'s, for this account', (action) => {
    const everybody = Object.keys(callers).filter((name) => name !== 'stranger')
    expect(ask(action, { 'kms:ViaService': `dynamodb.${REGION}.amazonaws.com` })).toEqual(everybody)
    expect(ask(action)).toEqual([])
    expect(ask(action, { 'kms:ViaService': `s3.${REGION}.amazonaws.com` })).toEqual([])
    expect(ask(action, { 'kms:ViaService': 'dynamodb.us-west-2.amazonaws.com' })).toEqual([])
  })
})

describe('commanding enclaves', () => {
  const operator = (): Caller => ({
    session: `arn:aws:sts::${ACCOUNT}:assumed-role/${STACK}-operator/me`, role: `arn:aws:iam::${ACCOUNT}:role/${STACK}-operator`, account: ACCOUNT, via: undefined, context: {},
    policies: [(deployment.main.properties('OperatorPolicy') as { PolicyDocument: Caller['policies'][number] }).PolicyDocument],
  })

  test('is for operators and administrators: neither for the relay nor an enclave nor a user', () => {
    const question = { action: 'lambda:InvokeFunction', resource: functionArn('operator') }
    // Functions have no policy that names another account: a stranger has no say.
    expect(whoMay(question, { except: ['stranger'], anyWay: true })).toEqual(['administrator'])
    expect(deployment.allowed({ ...question, caller: operator(), context: {} })).toBe(true)
  })

  test('an operator may do that, and nothing else', () => {
    const actions = actionsOf(lambda, ['Invoke'], ['InvokeFunction'])
    expect(actions.length).toBeGreaterThan(60)
    const may = (resource: string): string[] => actions.filter((action) => deployment.allowed({ caller: operator(), action: `lambda:${action}`, resource, context: {} }))
    expect(may(functionArn('operator'))).toEqual(['InvokeFunction'])
    for (const name of ['sign', 'health', 'operator-2', '*']) expect(may(functionArn(name))).toEqual([])
    const others: [string, string][] = [['dynamodb:GetItem', TABLE], ['kms:Decrypt', keyArn('data-key')], ['sts:AssumeRole', '*'], ['logs:GetLogEvents', '*']]
    for (const [action, resource] of others) expect(deployment.allowed({ caller: operator(), action, resource, context: {} })).toBe(false)
  })

  test('no later policy lets the public functions do it', () => {
    const relay = callers['relay'] as Caller
    const widened = { ...relay, via: undefined, policies: [...relay.policies, ...operator().policies, ...(callers['administrator'] as Caller).policies] }
    expect(deployment.allowed({ caller: widened, action: 'lambda:InvokeFunction', resource: functionArn('operator'), context: {} })).toBe(false)
  })
})

describe('who becomes whom', () => {
  const trust = (roleId: string) => parsePolicy((deployment.main.properties(roleId) as Record<string, unknown>)['AssumeRolePolicyDocument'], 'trust')

  test.each([['RelayRole', 'lambda.amazonaws.com'], ['EnclaveRole', 'ec2.amazonaws.com'], ['TrailRole', 'cloudtrail.amazonaws.com']])('%s is %s\'s alone', (roleId, service) => {
    expect(trust(roleId).statements.map(({ effect, actions, principals }) => ({ effect, actions, principals }))).toEqual([
      { effect: 'Allow', actions: ['sts:AssumeRole'], principals: { any: false, aws: [], federated: [], service: [service] } },
    ])
  })

  const token = (provider: string, action: string, context: Record<string, string>): AccessRequest => ({
    principal: { type: 'federated', arn: `arn:aws:iam::${ACCOUNT}:oidc-provider/${provider}`, accountId: ACCOUNT },
    action, resource: '*', context: new Map(Object.entries(context)),
  })

  test('a tenant\'s role is for its issuer\'s tokens with its audiences', async () => {
    const tenant = await loadStack('resources/tenant.yml', 'cloister', {
      Tenant: 'acme', IssuerHash: 'hash', IssuerHostPath: ISSUER, Audience: 'app, web', RelayVpcEndpointId: 'vpce-0a',
    })
    const policy = parsePolicy((tenant.properties('UserReadRole') as Record<string, unknown>)['AssumeRolePolicyDocument'], 'trust')
    const may = (provider: string, action: string, aud: string | undefined, sub: string | undefined = 'ann') =>
      decideByTrustPolicy(token(provider, action, { ...(aud === undefined ? {} : { [`${ISSUER}:aud`]: aud }), ...(sub === '' ? {} : { [`${ISSUER}:sub`]: sub }) }), policy).allowed
    const assume = 'sts:AssumeRoleWithWebIdentity'
    expect([may(ISSUER, assume, 'app'), may(ISSUER, assume, 'web')]).toEqual([true, true])
    expect([
      may(ISSUER, assume, 'other'), may(ISSUER, assume, 'app,web'), may(ISSUER, assume, undefined), may(ISSUER, assume, 'app', ''),
      may('evil.example', assume, 'app'), may(`${ISSUER}/`, assume, 'app'), may(ISSUER, 'sts:AssumeRole', 'app'), may(ISSUER, 'sts:TagSession', 'app'),
    ]).toEqual(Array(8).fill(false))
  })

  test('the deployer\'s role is for one environment of one repository', async () => {
    const deployer = await loadStack('resources/deployer.yml', 'cloister-deploy', { Repository: 'acme/wallets', Environment: 'production', ManagedPolicyArn: 'arn:aws:iam::aws:policy/AdministratorAccess' })
    const policy = parsePolicy((deployer.properties('DeployRole') as Record<string, unknown>)['AssumeRolePolicyDocument'], 'trust')
    const github = 'token.actions.githubusercontent.com'
    const may = (sub: string, aud = 'sts.amazonaws.com', provider = github) =>
      decideByTrustPolicy(token(provider, 'sts:AssumeRoleWithWebIdentity', { [`${github}:aud`]: aud, [`${github}:sub`]: sub }), policy).allowed
    expect(may('repo:acme/wallets:environment:production')).toBe(true)
    for (const sub of ['repo:acme/wallets:environment:dev', 'repo:acme/wallets:ref:refs/heads/main', 'repo:acme/wallets:pull_request', 'repo:evil/wallets:environment:production', 'repo:acme/wallets-2:environment:production']) {
      expect(may(sub)).toBe(false)
    }
    expect(may('repo:acme/wallets:environment:production', 'https://github.com/acme')).toBe(false)
    expect(may('repo:acme/wallets:environment:production', 'sts.amazonaws.com', 'evil.example')).toBe(false)
    // Even with everything allowed otherwise, it reads no record and uses no key.
    const caller = { ...(callers['administrator'] as Caller), policies: [...(callers['administrator'] as Caller).policies, ...deployment.policiesOf(deployer, 'DeployRole')] }
    for (const action of ['GetItem', 'Query', 'Scan', 'PutItem', 'PartiQLSelect', 'DeleteTable']) {
      expect(deployment.allowed({ caller, action: `dynamodb:${action}`, resource: TABLE, context: {} })).toBe(false)
    }
    expect(deployment.allowed({ caller, action: 'dynamodb:UpdateTable', resource: TABLE, context: {} })).toBe(true)
  })
})

test('the names in the statements are those of what is deployed', () => {
  expect(deployment.main.properties('WalletTable')).toMatchObject({ TableName: 'cloister-wallets-production' })
  expect((callers['relay'] as Caller).role).toBe(`arn:aws:iam::${ACCOUNT}:role/${STACK}-relay`)
})
