import {
  AssumeRoleCommand, AssumeRoleWithWebIdentityCommand, GetCallerIdentityCommand, STSClient, type AssumeRoleWithWebIdentityCommandInput,
} from '@aws-sdk/client-sts'
import { exportJWK, generateKeyPair, SignJWT, UnsecuredJWT, type CryptoKey, type JSONWebKeySet, type JWTPayload } from 'jose'
import { httpsRequest } from '../../local/https.ts'
import { createIdentities, type Credentials } from '../../local/iam/identities.ts'
import { loadTenant, type TenantResources } from '../../local/iam/resources.ts'
import { startSts, type Sts } from '../../local/sts.ts'
import { createLocalCa, type LocalCa } from '../../local/tls.ts'
import { cleanup, clientConfig, failure, stateDir } from '../support/local.ts'

const issuer = 'https://issuer.example/realm'
const nowMs = Date.UTC(2026, 5, 1)
const nowSec = nowMs / 1000
const identities = createIdentities()
const nobody: Credentials = { accessKeyId: `AKIA${'A'.repeat(16)}`, secretAccessKey: 'nothing' }

let ca: LocalCa
let sts: Sts
let client: STSClient
let demo: TenantResources
let other: TenantResources
let key: CryptoKey
let foreignKey: CryptoKey
let jwks: JSONWebKeySet
let reachable = true

const connect = (credentials: Credentials) => new STSClient(clientConfig(sts.url, ca.caPem, credentials, { systemClockOffset: nowMs - Date.now() }))

beforeAll(async () => {
  ca = await createLocalCa({ dir: await stateDir() })
  const pair = await generateKeyPair('RS256', { extractable: true })
  key = pair.privateKey
  foreignKey = (await generateKeyPair('RS256')).privateKey
  jwks = { keys: [{ ...(await exportJWK(pair.publicKey)), kid: 'k', alg: 'RS256', use: 'sig' }] }
  demo = await loadTenant('resources', { tenant: 'demo', issuer, issuerHash: 'h', audience: 'app' })
  other = await loadTenant('resources', { tenant: 'other', issuer, issuerHash: 'h', audience: 'other-app' })
  const provider = { ...demo.provider, audiences: ['app', 'other-app'] }
  const fetchJwks = async (): Promise<JSONWebKeySet> => {
    if (!reachable) throw new Error('unreachable')
    return jwks
  }
  sts = await startSts({ port: 0, tls: ca.serverOptions, identities, roles: [demo.userReadRole, other.userReadRole], providers: [provider], fetchJwks, nowMs: () => nowMs })
  cleanup(() => sts.close())
  client = connect(nobody)
})

type Claims = { [name in keyof JWTPayload]: JWTPayload[name] | undefined }

const token = (claims: Claims = {}, signer: CryptoKey = key, alg = 'RS256') => new SignJWT({
  iss: issuer, sub: 'ann', aud: 'app', iat: nowSec - 10, exp: nowSec + 3600, ...claims,
} as JWTPayload).setProtectedHeader({ alg, kid: 'k' }).sign(signer)

async function assume(WebIdentityToken: string, more: Partial<AssumeRoleWithWebIdentityCommandInput> = {}) {
  return client.send(new AssumeRoleWithWebIdentityCommand({ RoleArn: demo.userReadRole.arn, RoleSessionName: 'relay', WebIdentityToken, ...more }))
}

test('exchanges a token for credentials that know its subject', async () => {
  const answer = await assume(await token({ sub: `a<&>'"b` }), { DurationSeconds: 900 })
  expect(answer).toMatchObject({
    SubjectFromWebIdentityToken: `a<&>'"b`, Audience: 'app', Provider: demo.provider.arn,
    AssumedRoleUser: { Arn: 'arn:aws:sts::000000000000:assumed-role/cloister-read-demo/relay' },
  })
  const { AccessKeyId, SecretAccessKey, SessionToken, Expiration } = answer.Credentials ?? {}
  expect(AccessKeyId).toMatch(/^ASIA[A-Z2-7]{16}$/)
  expect(Expiration).toEqual(new Date(nowMs + 900_000))
  const session = identities.find(AccessKeyId as string)
  expect(session?.context).toEqual(new Map([
    ['issuer.example/realm:sub', `a<&>'"b`], ['issuer.example/realm:aud', 'app'], ['aws:federatedprovider', demo.provider.arn],
  ]))
  const credentials = { accessKeyId: AccessKeyId as string, secretAccessKey: SecretAccessKey as string, sessionToken: SessionToken as string }
  expect(await connect(credentials).send(new GetCallerIdentityCommand({}))).toMatchObject({
    Account: '000000000000', Arn: 'arn:aws:sts::000000000000:assumed-role/cloister-read-demo/relay',
  })
})

test('azp stands in for the audience, as on AWS', async () => {
  expect((await assume(await token({ aud: ['app', 'x'], azp: 'app' }))).Audience).toBe('app')
  expect(await failure(assume(await token({ aud: 'app', azp: 'unregistered' })))).toMatchObject({ name: 'InvalidIdentityTokenException' })
})

describe('refuses a token', () => {
  const invalid = { name: 'InvalidIdentityTokenException', status: 400 }
  test.each<[string, () => Promise<string>, object]>([
    ['that has expired', () => token({ exp: nowSec - 1 }), { name: 'ExpiredTokenException', status: 400 }],
    ['without exp', () => token({ exp: undefined }), invalid],
    ['without iat', () => token({ iat: undefined }), invalid],
    ['without sub', () => token({ sub: undefined }), invalid],
    ['with an empty sub', () => token({ sub: '' }), invalid],
    ['without an audience', () => token({ aud: undefined }), invalid],
    ['with two audiences and no azp', () => token({ aud: ['app', 'other-app'] }), invalid],
    ['for an audience that is not registered', () => token({ aud: 'unregistered' }), invalid],
    ['from the future', () => token({ iat: nowSec + 301 }), invalid],
    ['not valid yet', () => token({ nbf: nowSec + 60 }), invalid],
    ['of another issuer', () => token({ iss: 'https://evil.example' }), invalid],
    ['of an issuer with a trailing slash', () => token({ iss: `${issuer}/` }), invalid],
    ['signed by another key', () => token({}, foreignKey), invalid],
    ['with PS256', async () => token({}, (await generateKeyPair('PS256')).privateKey, 'PS256'), invalid],
    ['with alg none', async () => new UnsecuredJWT({ iss: issuer, sub: 'ann', aud: 'app', iat: nowSec, exp: nowSec + 60 }).encode(), invalid],
    ['with another payload', async () => (await token()).replace(/\.[^.]+\./, `.${Buffer.from(JSON.stringify({ iss: issuer, sub: 'bob', aud: 'app', iat: nowSec, exp: nowSec + 60 })).toString('base64url')}.`), invalid],
    ['that is none', async () => 'not.a.token', invalid],
  ])('%s', async (_name, make, expected) => {
    expect(await failure(assume(await make()))).toMatchObject(expected)
  })

  test('for the role of another tenant', async () => {
    const denied = { name: 'AccessDenied', status: 403, message: 'Not authorized to perform sts:AssumeRoleWithWebIdentity' }
    expect(await failure(assume(await token(), { RoleArn: other.userReadRole.arn }))).toMatchObject(denied)
    expect(await failure(assume(await token({ aud: 'other-app' })))).toMatchObject(denied)
    expect((await assume(await token({ aud: 'other-app' }), { RoleArn: other.userReadRole.arn })).Audience).toBe('other-app')
    expect(await failure(assume(await token(), { RoleArn: 'arn:aws:iam::000000000000:role/nobody' }))).toMatchObject(denied)
  })

  test('when the issuer is not to be reached', async () => {
    reachable = false
    try {
      expect(await failure(assume(await token()))).toMatchObject({ name: 'IDPCommunicationErrorException', status: 400 })
    } finally {
      reachable = true
    }
  })
})

test.each<[string, Partial<AssumeRoleWithWebIdentityCommandInput>]>([
  ['less than 15 minutes', { DurationSeconds: 899 }],
  ['more than the role allows', { DurationSeconds: 3601 }],
  ['a malformed role', { RoleArn: 'role' }],
  ['a malformed session name', { RoleSessionName: 'a b' }],
  ['a session policy', { Policy: '{}' }],
  ['a managed session policy', { PolicyArns: [{ arn: 'arn:aws:iam::aws:policy/ReadOnlyAccess' }] }],
  ['a token that is no token', { WebIdentityToken: 'a b c d' }],
])('refuses %s', async (_name, more) => {
  expect(await failure(assume(await token(), more))).toMatchObject({ name: 'ValidationError', status: 400 })
})

const identify = (credentials: Credentials) => failure(connect(credentials).send(new GetCallerIdentityCommand({})))

test('GetCallerIdentity wants a good signature', async () => {
  expect(await identify(nobody)).toMatchObject({ name: 'InvalidClientTokenId', status: 403 })
  const known = identities.addStatic({ roleArn: 'arn:aws:iam::000000000000:role/r', sessionName: 'one', policies: [] }).credentials
  expect(await identify({ ...known, secretAccessKey: 'wrong' })).toMatchObject({ name: 'SignatureDoesNotMatch', status: 403 })
  const unsigned = await httpsRequest({
    url: sts.url, ca: ca.caPem, method: 'POST', body: 'Action=GetCallerIdentity&Version=2011-06-15',
    headers: { 'content-type': 'application/x-www-form-urlencoded' },
  })
  expect(unsigned.status).toBe(403)
  expect(unsigned.text).toContain('<Code>MissingAuthenticationToken</Code>')
})

test('knows no other action', async () => {
  const command = new AssumeRoleCommand({ RoleArn: demo.userReadRole.arn, RoleSessionName: 'relay' })
  expect(await failure(client.send(command))).toMatchObject({ name: 'InvalidAction', status: 400 })
})

test('parameters given twice are refused', async () => {
  const form = new URLSearchParams({ Action: 'AssumeRoleWithWebIdentity', Version: '2011-06-15', RoleArn: other.userReadRole.arn, RoleSessionName: 'relay', WebIdentityToken: await token() })
  form.append('RoleArn', demo.userReadRole.arn)
  const answer = await httpsRequest({
    url: sts.url, ca: ca.caPem, method: 'POST', body: form.toString(), headers: { 'content-type': 'application/x-www-form-urlencoded' },
  })
  expect(answer.text).toContain('<Code>ValidationError</Code>')
})

test('faults', async () => {
  Object.assign(sts.faults, { mode: 'throttle', times: 1 })
  expect(await failure(assume(await token()))).toMatchObject({ name: 'Throttling', status: 400 })
  Object.assign(sts.faults, { mode: 'error', times: 1 })
  expect(await failure(assume(await token()))).toMatchObject({ status: 500 })
  Object.assign(sts.faults, { mode: 'down', times: 1 })
  expect(await failure(assume(await token()))).toMatchObject({ status: undefined })
  await assume(await token())
})
