/** What `serverless package` makes of serverless.yml and resources/: that it does so alone, and that what comes out is what docs/deploy.md says. */
import { readdir } from 'node:fs/promises'
import { readSettings } from '../../lib/relay/settings.ts'
import { packageService, readTemplate, type Packaged, type PackagedTemplate, type Resource } from '../support/deploy-package.ts'
import { problemsOf } from '../support/deploy-schema.ts'

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
  expect(archives).toEqual(['createWallet', 'enclave', 'health', 'listWallets', 'preflight', 'sign', 'viewWallet'].map((name) => `${name}.zip`).sort())
})

describe('every resource fits its schema', () => {
  test('in the main stack', () => {
    expect(Object.keys(template.Resources).length).toBeGreaterThan(100)
    expect(problemsOf(template)).toEqual([])
  })

  /** A copy of the template with one change. */
  const changed = (change: (resources: Record<string, Record<string, unknown> & { Properties: Record<string, unknown> }>) => void): PackagedTemplate => {
    const copy = structuredClone(template)
    change(copy.Resources as never)
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
    expect(functions).toHaveLength(7)
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
    for (const [, { Properties }] of ofType('AWS::Lambda::Function')) {
      expect(watched).toContain((Properties['FunctionName'] as string).replace('cloister-production', '${AWS::StackName}'))
    }
  })
})
