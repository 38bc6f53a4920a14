/** What `serverless package` makes of serverless.yml and resources/: that it does so alone, and that what comes out is what docs/deploy.md says. */
import { spawnSync } from 'node:child_process'
import { readdir, readFile, writeFile } from 'node:fs/promises'
import { join } from 'node:path'
import { readSettings } from '../../lib/relay/settings.ts'
import { NO_NETWORK, packageService, readTemplate, readYaml, type Packaged, type PackagedTemplate, type Resource } from '../support/deploy-package.ts'
import { problemsOf } from '../support/deploy-schema.ts'
import { stateDir } from '../support/local.ts'
import { wildcardsOf } from '../support/deploy-wildcards.ts'

jest.setTimeout(120_000)

let packaged: Packaged
let template: PackagedTemplate

beforeAll(async () => {
  packaged = await packageService()
  template = await readTemplate(packaged)
})

const properties = (id: string) => (template.Resources[id] as Resource).Properties
const ofType = (type: string): [string, Resource][] => Object.entries(template.Resources).filter(([, resource]) => resource.Type === type)

test('packages with no HOME, no credentials and no connection', async () => {
  expect({ exitCode: packaged.exitCode, connections: packaged.connections }).toEqual({ exitCode: 0, connections: '' })
  const archives = (await readdir(packaged.dir)).filter((name) => name.endsWith('.zip')).sort()
  expect(archives).toEqual(['createWallet', 'docs', 'enclave', 'health', 'listWallets', 'operate', 'operator', 'preflight', 'receipts', 'sign', 'viewWallet'].map((name) => `${name}.zip`).sort())
})

test('a connection would have been noticed', async () => {
  const dir = await stateDir()
  await writeFile(join(dir, 'no-network.cjs'), NO_NETWORK)
  const program = "fetch('http://127.0.0.1:59999/').catch(() => {}).then(() => require('node:https').get('https://127.0.0.1:59999/').on('error', () => {}))"
  spawnSync(process.execPath, ['--require', join(dir, 'no-network.cjs'), '--eval', program], { env: { CONNECTIONS: join(dir, 'connections') } })
  expect((await readFile(join(dir, 'connections'), 'utf8')).trim().split('\n')).toHaveLength(2)
})

describe('every resource fits its schema', () => {
  test('in the main stack', () => {
    expect(Object.keys(template.Resources).length).toBeGreaterThan(100)
    expect(problemsOf(template)).toEqual([])
  })

  test.each(['tenant', 'deployer'])('in %s.yml, a stack of its own', async (name) => {
    const stack = await readYaml(join('resources', `${name}.yml`))
    expect(Object.keys(stack.Resources)).toHaveLength(2)
    expect(problemsOf(stack)).toEqual([])
    expect(wildcardsOf(stack)).toEqual([])
  })

  /** A copy of the template with one change. */
  type Loose = Record<string, Record<string, unknown> & { Properties: Record<string, unknown> }>
  const changed = (change: (resources: Loose) => void): PackagedTemplate => {
    const copy = structuredClone(template) as PackagedTemplate & { Resources: Loose }
    change(copy.Resources)
    return copy
  }
  test.each<[string, Parameters<typeof changed>[0], string]>([
    ['a property that there is not', (r) => (r['Vpc']!.Properties['CidrBlok'] = 'x'), 'Vpc: unknown property CidrBlok'],
    ['one deeper down', (r) => ((r['HostTemplate']!.Properties['LaunchTemplateData'] as Record<string, unknown>)['MetadataOptions'] = { HttpToken: 'required' }), 'HostTemplate.LaunchTemplateData.MetadataOptions: unknown property HttpToken'],
    ['a required one missing', (r) => delete r['Trail']!.Properties['S3BucketName'], 'Trail: S3BucketName is missing'],
    ['a wrong type', (r) => (r['WalletTable']!.Properties['DeletionProtectionEnabled'] = 'yes'), 'WalletTable.DeletionProtectionEnabled: expected boolean'],
    ['a value off its list', (r) => (r['KmsEndpoint']!.Properties['VpcEndpointType'] = 'Interfaces'), 'KmsEndpoint.VpcEndpointType: Interfaces is not allowed'],
    ['a list where there is none', (r) => (r['Vpc']!.Properties['CidrBlock'] = ['x']), 'Vpc.CidrBlock: expected string'],
    ['an unknown type', (r) => (r['Vpc']!['Type'] = 'AWS::EC2::Vpc'), 'Vpc: unknown type AWS::EC2::Vpc'],
    ['a reference to nothing', (r) => (r['Vpc']!.Properties['CidrBlock'] = { Ref: 'Nobody' }), 'Vpc: nothing is called Nobody'],
    ['the same in a text', (r) => (r['Vpc']!.Properties['CidrBlock'] = { 'Fn::Sub': '${Nobody.Arn}' }), 'Vpc: nothing is called Nobody'],
    ['an attribute that there is not', (r) => (r['Vpc']!.Properties['CidrBlock'] = { 'Fn::GetAtt': ['WalletTable', 'Arns'] }), 'Vpc: WalletTable has no attribute Arns'],
    ['a condition that there is not', (r) => (r['Vpc']!['Condition'] = 'Nowhere'), 'Vpc: unknown condition Nowhere'],
    ['a misspelt attribute', (r) => (r['DataKey']!['DeletePolicy'] = 'Retain'), 'DataKey: unknown attribute DeletePolicy'],
    ['a dependency on nothing', (r) => (r['SlotA']!['DependsOn'] = 'Nobody'), 'SlotA: depends on Nobody'],
    ['a list parameter for a text', (r) => (r['Vpc']!.Properties['CidrBlock'] = { Ref: 'IssuerHosts' }), 'Vpc.CidrBlock: Ref gives no string'],
    ['an unknown function', (r) => (r['Vpc']!.Properties['CidrBlock'] = { 'Fn::Transform': 'x' }), 'Vpc.CidrBlock: unknown function Fn::Transform'],
  ])('notices %s', (_name, change, problem) => {
    expect(problemsOf(changed(change))).toContain(problem)
  })
})

describe('what is deployed', () => {
  test('the API is throttled as a whole and per route, by routes that exist, and writes an access log', () => {
    const stage = properties('HttpApiStage')
    const routes = ofType('AWS::ApiGatewayV2::Route').map(([, { Properties }]) => Properties['RouteKey'])
    const limits = { ...(stage['RouteSettings'] as object), default: stage['DefaultRouteSettings'] } as Record<string, Record<string, number>>
    for (const [route, { ThrottlingRateLimit: rate, ThrottlingBurstLimit: burst }] of Object.entries(limits)) {
      expect(rate).toBeGreaterThan(0)
      expect(burst).toBeGreaterThan(0)
      if (route !== 'default') expect(routes).toContain(route)
    }
    const { Format } = stage['AccessLogSettings'] as { Format: string }
    const line = JSON.parse(Format.replace('$context.status', '429')) as Record<string, unknown>
    expect(line['status']).toBe(429)
    // Neither paths (wallet ids) nor headers (tokens).
    expect(Object.values(line).filter((value) => value !== 429)).toEqual([
      '$context.requestId', '$context.requestTime', '$context.routeKey', '$context.responseLatency', '$context.identity.sourceIp', '$context.error.message',
    ])
  })

  test('all functions run in the private subnets, as the relay, with settings that it can read', () => {
    const functions = ofType('AWS::Lambda::Function')
    expect(functions).toHaveLength(11)
    for (const [, { Properties }] of functions) {
      expect(Properties).toMatchObject({
        Role: { 'Fn::GetAtt': ['RelayRole', 'Arn'] }, Runtime: 'nodejs24.x', Architectures: ['arm64'],
        VpcConfig: { SubnetIds: [{ Ref: 'RelaySubnetA' }, { Ref: 'RelaySubnetB' }], SecurityGroupIds: [{ Ref: 'RelaySecurityGroup' }] },
      })
      const { Variables } = Properties['Environment'] as { Variables: Record<string, unknown> }
      const enclaves = (Variables['CLOISTER_ENCLAVES'] as { 'Fn::Sub': string })['Fn::Sub'].replaceAll('${Balancer.DNSName}', 'balancer.example')
      const settings = readSettings({ ...(Variables as Record<string, string>), CLOISTER_TABLE: 'cloister-wallets', CLOISTER_ENCLAVES: enclaves })
      const ports = ofType('AWS::ElasticLoadBalancingV2::Listener').map(([, listener]) => `http://balancer.example:${String(listener.Properties['Port'])}`)
      expect(settings.enclaves).toEqual(ports)
      expect(Object.keys(Variables).filter((name) => /SECRET|KEY|PASSWORD/.test(name))).toEqual([])
    }
  })

  test('the operator’s role is there for those who are named alone; its policy is attached to nobody else; who invokes is written down', () => {
    const role = template.Resources['OperatorRole'] as Resource
    expect(role['Condition']).toBe('HasOperators')
    expect(template.Conditions['HasOperators']).toEqual({ 'Fn::Not': [{ 'Fn::Equals': [{ 'Fn::Join': ['', { Ref: 'OperatorPrincipals' }] }, ''] }] })
    expect(role.Properties).toMatchObject({ ManagedPolicyArns: [{ Ref: 'OperatorPolicy' }], AssumeRolePolicyDocument: { Statement: [{ Principal: { AWS: { Ref: 'OperatorPrincipals' } } }] } })
    for (const list of ['Users', 'Groups', 'Roles']) expect(properties('OperatorPolicy')).not.toHaveProperty(list)
    expect(properties('Trail')['EventSelectors']).toMatchObject([{ DataResources: [{ Type: 'AWS::Lambda::Function', Values: [{ 'Fn::GetAtt': ['OperatorLambdaFunction', 'Arn'] }] }] }])
  })

  test('the table: on demand, recoverable, protected, under its own key, with a TTL; it and the keys outlive the stack', () => {
    expect(properties('WalletTable')).toMatchObject({
      BillingMode: 'PAY_PER_REQUEST', DeletionProtectionEnabled: true, PointInTimeRecoverySpecification: { PointInTimeRecoveryEnabled: true },
      SSESpecification: { SSEEnabled: true, SSEType: 'KMS', KMSMasterKeyId: { 'Fn::GetAtt': ['TableKey', 'Arn'] } }, TimeToLiveSpecification: { Enabled: true },
    })
    for (const id of ['WalletTable', 'TableKey', 'DataKey', 'Artifacts']) {
      expect(template.Resources[id]).toMatchObject({ DeletionPolicy: 'Retain', UpdateReplacePolicy: 'Retain' })
    }
    for (const id of ['TableKey', 'DataKey']) expect(properties(id)['EnableKeyRotation']).toBe(true)
  })

  test('logs end', () => {
    const groups = ofType('AWS::Logs::LogGroup')
    expect(groups.length).toBeGreaterThanOrEqual(10)
    for (const [, { Properties }] of groups) expect(Properties['RetentionInDays']).toBeGreaterThanOrEqual(30)
  })

  test('buckets are private, encrypted and reached by TLS alone', () => {
    for (const [id, { Properties }] of ofType('AWS::S3::Bucket')) {
      expect(Properties['BucketEncryption']).toBeDefined()
      expect(Properties['PublicAccessBlockConfiguration']).toMatchObject({ BlockPublicAcls: true, BlockPublicPolicy: true, IgnorePublicAcls: true, RestrictPublicBuckets: true })
      const policies = ofType('AWS::S3::BucketPolicy').filter(([, policy]) => JSON.stringify(policy.Properties['Bucket']) === JSON.stringify({ Ref: id }))
      expect(JSON.stringify(policies)).toContain('"aws:SecureTransport"')
    }
  })

  test('each alarm tells somebody, and there is one for each of these', () => {
    const alarms = ofType('AWS::CloudWatch::Alarm')
    for (const [, { Properties }] of alarms) expect(Properties['AlarmActions']).toEqual([{ Ref: 'AlarmTopic' }])
    expect(alarms.map(([id]) => id).sort()).toEqual([
      'ApiThrottles', 'ConditionalFailures', 'FunctionThrottles', 'KeyChanged', 'KeyDenied', 'ServerErrors', 'SlotAUnhealthy', 'SlotBUnhealthy', 'TableThrottles',
    ])
    // No answer from an enclave is no good news.
    for (const id of ['SlotAUnhealthy', 'SlotBUnhealthy']) expect(properties(id)['TreatMissingData']).toBe('breaching')
    expect(properties('SlotAUnhealthy')['Dimensions']).not.toEqual(properties('SlotBUnhealthy')['Dimensions'])
    const watched = JSON.stringify(properties('FunctionThrottles')['Metrics'])
    // An alarm takes ten metrics; no app waits for the reference page.
    expect(watched.split('MetricStat')).toHaveLength(11)
    for (const [id, { Properties }] of ofType('AWS::Lambda::Function')) {
      if (id === 'DocsLambdaFunction') continue
      expect(watched).toContain((Properties['FunctionName'] as string).replace('cloister-production', '${AWS::StackName}'))
    }
  })
})

describe('wildcards', () => {
  /** Each one, and why. Who adds one argues it here. */
  const ARGUED: Readonly<Record<string, string>> = {
    'DataKey/Administer Action kms:Describe*': 'metadata of the key',
    'DataKey/Administer Action kms:Get*': 'metadata of the key: none of its kind returns key material, or what it encrypts',
    'DataKey/Administer Action kms:List*': 'metadata of the key',
    'DataKey/Administer Resource *': 'in a key policy: this key',
    'DataKey/ApprovedEnclaves Resource *': 'in a key policy: this key',
    'TableKey/Administer Action kms:Describe*': 'as above',
    'TableKey/Administer Action kms:Get*': 'as above',
    'TableKey/Administer Action kms:List*': 'as above',
    'TableKey/Administer Resource *': 'in a key policy: this key',
    'TableKey/UseThroughDynamoDb Principal *': 'whoever may use the table, under two conditions: this account, through DynamoDB (as AWS\'s own key for DynamoDB has it)',
    'TableKey/UseThroughDynamoDb Action kms:GenerateDataKey*': 'what DynamoDB asks for',
    'TableKey/UseThroughDynamoDb Action kms:ReEncrypt*': 'what DynamoDB asks for',
    'TableKey/UseThroughDynamoDb Resource *': 'in a key policy: this key',
    'RelayRole/Log Resource arn:${AWS::Partition}:logs:${AWS::Region}:${AWS::AccountId}:log-group:/aws/lambda/${AWS::StackName}-*': 'the log groups of this stack\'s functions, and their streams',
    'RelayRole/RunInsideTheVpc Resource *': 'Lambda demands it so, and nothing else can use it: a statement denies it to the functions\' own code',
    'EnclaveRole/Entropy Resource *': 'GenerateRandom is on no resource',
    'HostPolicy/FetchImageAndConfiguration Resource ${Artifacts.Arn}/*': 'the objects of a bucket that holds nothing but images and configurations',
    'HostPolicy/Log Resource arn:${AWS::Partition}:logs:${AWS::Region}:${AWS::AccountId}:log-group:${HostLogs}:*': 'the streams of one log group',
    'TrailRole/Log Resource arn:${AWS::Partition}:logs:${AWS::Region}:${AWS::AccountId}:log-group:${TrailLogs}:log-stream:${AWS::AccountId}_CloudTrail_${AWS::Region}*': 'CloudTrail numbers its streams',
    'TrailBucketPolicy/Write Resource ${TrailBucket.Arn}/AWSLogs/${AWS::AccountId}/*': 'CloudTrail names its files',
    // A gateway endpoint takes no other principal than everybody; the conditions name them.
    'RelayDynamoDbEndpoint/0 Principal *': 'this account\'s, by condition',
    'EnclaveDynamoDbEndpoint/0 Principal *': 'the enclaves\' role, by condition',
    'S3Endpoint/0 Principal *': 'the enclaves\' role, by condition',
    'S3Endpoint/0 Resource ${Artifacts.Arn}/*': 'the objects of one bucket',
    'S3Endpoint/1 Principal *': 'Amazon Linux\'s packages are asked for without credentials',
    'S3Endpoint/1 Resource arn:${AWS::Partition}:s3:::al2023-repos-${AWS::Region}-de612dc2/*': 'a public bucket of Amazon\'s',
    'KmsEndpoint/0 Principal *': 'the enclaves\' role, by condition',
    'KmsEndpoint/1 Principal *': 'the enclaves\' role, by condition',
    'KmsEndpoint/1 Resource *': 'GenerateRandom is on no resource',
    'LogsEndpoint/0 Principal *': 'the enclaves\' role, by condition',
    'LogsEndpoint/0 Resource arn:${AWS::Partition}:logs:${AWS::Region}:${AWS::AccountId}:log-group:${HostLogs}:*': 'the streams of one log group',
    'StsEndpoint/0 Principal *': 'a token is exchanged unsigned: there is no principal',
    'StsEndpoint/0 Resource arn:${AWS::Partition}:iam::${AWS::AccountId}:role/*-read-*': 'the tenants\' roles, which have stacks of their own',
  }

  test('each is argued, and each argument is about one that is there', () => {
    expect(wildcardsOf(template)).toEqual(Object.keys(ARGUED).sort())
  })

  test('the finder finds them: in a list, a function, a text, behind a condition', () => {
    const statement = (more: object) => ({ Effect: 'Allow', Action: 'a:B', Resource: 'r', ...more })
    const found = (Properties: Resource['Properties']) => wildcardsOf({ Resources: { R: { Type: 'T', Properties } } })
    expect(found({ PolicyDocument: { Statement: [statement({ Action: ['a:B', 'a:*'] })] } })).toEqual(['R/0 Action a:*'])
    expect(found({ PolicyDocument: { Statement: statement({ Resource: { 'Fn::Sub': '${X}/*' } }) } })).toEqual(['R/0 Resource ${X}/*'])
    expect(found({ Policies: [{ PolicyDocument: JSON.stringify({ Statement: [statement({ Sid: 's', Principal: { AWS: '*' } })] }) }] })).toEqual(['R/s Principal *'])
    expect(found({ P: { Statement: [{ 'Fn::If': ['C', statement({ NotAction: '*' }), { Ref: 'AWS::NoValue' }] }] } })).toEqual(['R/0 NotAction *'])
    expect(found({ P: { Statement: [statement({ Effect: 'Deny', Resource: '*' })] } })).toEqual([])
  })

  test('API Gateway may call the functions for this API alone, and the operator’s not at all', () => {
    const permissions = ofType('AWS::Lambda::Permission')
    expect(permissions).toHaveLength(10)
    expect(JSON.stringify(permissions)).not.toContain('OperatorLambdaFunction')
    for (const type of ['AWS::ApiGatewayV2::Route', 'AWS::ApiGatewayV2::Integration', 'AWS::Lambda::Url', 'AWS::Lambda::EventSourceMapping']) {
      expect(JSON.stringify(ofType(type))).not.toContain('OperatorLambdaFunction')
    }
    for (const [, { Properties }] of permissions) {
      expect(Properties).toMatchObject({ Action: 'lambda:InvokeFunction', Principal: 'apigateway.amazonaws.com' })
      expect(JSON.stringify(Properties['SourceArn'])).toContain('{"Ref":"HttpApi"}')
    }
  })
})

describe('the network', () => {
  test('opens connections nowhere but where it must', () => {
    const egress: Record<string, string[]> = {}
    for (const [id, { Properties }] of ofType('AWS::EC2::SecurityGroup')) {
      const rules = Properties['SecurityGroupEgress'] as readonly Record<string, unknown>[]
      egress[id] = rules.map(({ FromPort: from, ToPort: to, CidrIp: to4, DestinationSecurityGroupId: group }) => `${String(from)}-${String(to)} ${String(to4 ?? (group as { Ref: string }).Ref)}`)
    }
    expect(egress).toEqual({
      RelaySecurityGroup: ['443-443 0.0.0.0/0', '8001-8002 BalancerSecurityGroup'],
      BalancerSecurityGroup: ['8001-8001 HostSecurityGroup'],
      HostSecurityGroup: ['443-443 0.0.0.0/0'],
      RelayEndpointSecurityGroup: ['1-1 127.0.0.1/32'],
      HostEndpointSecurityGroup: ['1-1 127.0.0.1/32'],
    })
    expect(ofType('AWS::EC2::SecurityGroupEgress')).toEqual([])
  })

  test('takes connections from groups alone, never from addresses', () => {
    const inline = ofType('AWS::EC2::SecurityGroup').flatMap(([, { Properties }]) => (Properties['SecurityGroupIngress'] ?? []) as Record<string, unknown>[])
    const apart = ofType('AWS::EC2::SecurityGroupIngress').map(([, { Properties }]) => Properties)
    expect(inline.length + apart.length).toBe(4)
    for (const rule of [...inline, ...apart]) {
      expect(Object.keys(rule).filter((name) => /Cidr|PrefixList/.test(name))).toEqual([])
      expect(rule['SourceSecurityGroupId']).toBeDefined()
    }
    for (const [, { Properties }] of ofType('AWS::EC2::Subnet')) expect(Properties['MapPublicIpOnLaunch'] ?? false).toBe(false)
  })

  test('names nothing but AWS\'s endpoints, the balancer and the issuers', () => {
    expect(properties('NameRules')['FirewallRules']).toEqual([
      { Priority: 1, Action: 'ALLOW', FirewallDomainListId: { Ref: 'EgressNames' }, FirewallDomainRedirectionAction: 'TRUST_REDIRECTION_DOMAIN' },
      { Priority: 2, Action: 'BLOCK', BlockResponse: 'NXDOMAIN', FirewallDomainListId: { Ref: 'EveryName' } },
    ])
    expect(properties('EveryName')['Domains']).toEqual(['*'])
  })

  test('functions and enclaves reach the table through different endpoints', () => {
    const routes = (id: string) => (properties(id)['RouteTableIds'] as { Ref: string }[]).map(({ Ref: name }) => name)
    expect([routes('RelayDynamoDbEndpoint'), routes('EnclaveDynamoDbEndpoint')]).toEqual([['RelayRoutesA', 'RelayRoutesB'], ['EnclaveRoutesA', 'EnclaveRoutesB']])
    for (const [id, { Properties }] of ofType('AWS::EC2::VPCEndpoint')) {
      expect(Properties['PolicyDocument']).toBeDefined()
      if (Properties['VpcEndpointType'] === 'Interface') expect([id, Properties['PrivateDnsEnabled']]).toEqual([id, true])
    }
  })

  test('the hosts: enclaves on, IMDSv2 alone and for the host itself, encrypted, no key pair; an internal balancer, a port for each slot', () => {
    const { LaunchTemplateData: data } = properties('HostTemplate') as { LaunchTemplateData: Record<string, unknown> }
    expect(data).toMatchObject({ EnclaveOptions: { Enabled: true }, MetadataOptions: { HttpTokens: 'required', HttpPutResponseHopLimit: 1 } })
    expect(data).not.toHaveProperty('KeyName')
    expect((data['BlockDeviceMappings'] as { Ebs: { Encrypted: boolean } }[]).every(({ Ebs }) => Ebs.Encrypted)).toBe(true)
    expect(properties('Balancer')).toMatchObject({ Type: 'network', Scheme: 'internal' })
    for (const slot of ['SlotA', 'SlotB']) {
      expect(properties(slot)).toMatchObject({ MaxSize: '1', HealthCheckType: 'ELB', TargetGroupARNs: [{ Ref: `${slot}Targets` }], DesiredCapacity: { 'Fn::If': ['RunsEnclaves', '1', '0'] } })
      expect(properties(`${slot}Targets`)).toMatchObject({ HealthCheckProtocol: 'HTTP', HealthCheckPath: '/v1/health' })
    }
  })
})
