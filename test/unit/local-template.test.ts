import { writeFile } from 'node:fs/promises'
import { join } from 'node:path'
import { loadKeyPolicy, loadMain, loadTenant } from '../../local/iam/resources.ts'
import { loadTemplate } from '../../local/iam/template.ts'
import { stateDir } from '../support/local.ts'

const options = { region: 'us-east-1', accountId: '000000000000', stackName: 'stack' }

async function load(text: string, parameters: Record<string, string> = {}) {
  const file = join(await stateDir(), 'x.yml')
  await writeFile(file, text)
  return loadTemplate({ files: [file], parameters, attributes: { Known: { ref: 'known-ref', arn: 'known-arn' } }, ...options })
}

test('resolves the functions it knows', async () => {
  const template = await load(`
Parameters:
  Name: {Type: String, Default: n}
  Items: {Type: CommaDelimitedList, Default: 'a, b'}
Conditions:
  IsN: !Equals [!Ref Name, n]
  Never: !And [!Condition IsN, !Not [!Condition IsN]]
  Either: !Or [!Condition IsN, !Condition Never]
Resources:
  Role: {Type: AWS::IAM::Role, Properties: {RoleName: !Sub '\${AWS::StackName}-\${Name}'}}
  Absent: {Type: T, Condition: Never, Properties: {}}
  Thing:
    Type: T
    Condition: Either
    Properties:
      Joined: !Join ['-', !Ref Items]
      Literal: !Sub '\${!issuer:sub}'
      Mapped: !Sub ['\${x}/\${Known.Arn}', {x: !Ref Known}]
      Arn: !GetAtt Role.Arn
      Long: {'Fn::GetAtt': [Role, Arn]}
      List: [!If [IsN, yes-, no-], !If [Never, 1, !Ref AWS::NoValue]]
      Gone: !Ref AWS::NoValue
      Condition: {StringEquals: {a: b}}
`)
  expect(template.properties('Thing')).toEqual({
    Joined: 'a-b', Literal: '${issuer:sub}', Mapped: 'known-ref/known-arn', Arn: 'arn:aws:iam::000000000000:role/stack-n',
    Long: 'arn:aws:iam::000000000000:role/stack-n', List: ['yes-'], Condition: { StringEquals: { a: 'b' } },
  })
  expect(template.ofType('T')).toEqual(['Thing'])
  expect(() => template.properties('Absent')).toThrow('no resource')
})

test.each([
  ['an unknown section', 'Mappings: {}', {}],
  ['an unknown parameter', 'Parameters: {}', { X: '1' }],
  ['a missing parameter', 'Parameters: {X: {Type: String}}', {}],
  ['a parameter off its pattern', "Parameters: {X: {Type: String, AllowedPattern: '[a-z]+'}}", { X: 'a1' }],
  ['a list item off its pattern', "Parameters: {X: {Type: CommaDelimitedList, AllowedPattern: '[a-z]+'}}", { X: 'a,1' }],
  ['a parameter off its list', 'Parameters: {X: {Type: String, AllowedValues: [a]}}', { X: 'b' }],
  ['a parameter of unknown type', "Parameters: {X: {Type: 'AWS::SSM::Parameter::Value<String>', Default: a}}", {}],
  ['an unknown tag', 'Resources: {R: {Type: T, Properties: {a: !ImportValue x}}}', {}],
])('refuses %s', async (_name, text, parameters: Record<string, string>) => {
  await expect(load(text, parameters)).rejects.toThrow()
})

test.each(["{'Fn::ImportValue': x}", '!Ref Nobody', '!GetAtt Known.Name', "!Sub '${Nobody}'", '!If [Nobody, 1, 2]'])('refuses to resolve %s', async (value) => {
  const template = await load(`Resources: {R: {Type: T, Properties: {a: ${value}}}}`)
  expect(() => template.properties('R')).toThrow()
})

const pcr = (digit: string) => digit.repeat(96)

describe('resources/', () => {
  const arn = 'arn:aws:kms:us-east-1:000000000000:key/k'

  test('every policy is one that the evaluator knows in full', async () => {
    const main = await loadMain('resources', arn)
    expect(main.table).toMatchObject({ name: 'cloister-wallets', partitionKey: 'owner' })
    expect(main.relayRole.policies).toHaveLength(1)
    // Inline, and the one that names the key.
    expect(main.enclaveRole.policies).toHaveLength(2)
    const tenant = await loadTenant('resources', { tenant: 'demo', issuer: 'https://localhost:3443/x', issuerHash: 'abc', audience: 'app' })
    expect(tenant.provider).toEqual({ arn: 'arn:aws:iam::000000000000:oidc-provider/localhost:3443/x', issuer: 'https://localhost:3443/x', audiences: ['app'] })
    expect(tenant.userReadRole.arn).toBe('arn:aws:iam::000000000000:role/cloister-read-demo')
  })

  test('without measurements of both kinds the key policy allows no use', async () => {
    for (const policy of [await loadKeyPolicy('resources'), await loadKeyPolicy('resources', [pcr('a')], []), await loadKeyPolicy('resources', [], [pcr('b')])]) {
      expect(policy).not.toContain('ApprovedEnclaves')
    }
    const deployed = await loadKeyPolicy('resources', [pcr('a')], [pcr('b'), pcr('c')])
    expect(deployed).toContain('ApprovedEnclaves')
    for (const digit of ['a', 'b', 'c']) expect(deployed).toContain(pcr(digit))
  })

  test.each([['too short', 'ab'], ['not hex', 'g'.repeat(96)], ['a wildcard', '*']])('a measurement that is %s is refused', async (_name, value) => {
    await expect(loadKeyPolicy('resources', [value], [pcr('b')])).rejects.toThrow('not allowed')
  })

  test.each([
    ['a wildcard tenant', { tenant: '*', issuer: 'https://i', issuerHash: 'h', audience: 'a' }],
    ['a quote in the audience', { tenant: 't', issuer: 'https://i', issuerHash: 'h', audience: 'a"' }],
    ['a variable in the issuer', { tenant: 't', issuer: 'https://${x}', issuerHash: 'h', audience: 'a' }],
    ['no https', { tenant: 't', issuer: 'http://i', issuerHash: 'h', audience: 'a' }],
  ])('%s is refused', async (_name, parameters) => {
    await expect(loadTenant('resources', parameters)).rejects.toThrow()
  })
})
