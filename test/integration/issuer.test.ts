import { stat } from 'node:fs/promises'
import { join } from 'node:path'
import { createLocalJWKSet, decodeProtectedHeader, jwtVerify, type JSONWebKeySet } from 'jose'
import { httpsRequest } from '../../local/https.ts'
import { DEMO_CLIENT, startIssuer, type Issuer, type IssuerOptions } from '../../local/issuer.ts'
import { toSubject } from '../../local/issuer/page.ts'
import { login, type LoginOptions } from '../../local/login.ts'
import { createLocalCa, type LocalCa } from '../../local/tls.ts'
import { cleanup, stateDir } from '../support/local.ts'

let ca: LocalCa
let dir: string
let issuer: Issuer
let options: IssuerOptions
const printed: unknown[][] = []

beforeAll(async () => {
  for (const method of ['log', 'info', 'warn', 'error'] as const) jest.spyOn(console, method).mockImplementation((...line) => void printed.push(line))
  dir = await stateDir()
  ca = await createLocalCa({ dir })
  options = {
    dir, port: 0, tls: ca.serverOptions, corsOrigins: ['http://localhost:3000'],
    clients: [DEMO_CLIENT, { clientId: 'second', redirectUris: ['https://app.example/callback'] }],
  }
  issuer = await startIssuer(options)
  cleanup(() => issuer.close())
})
afterAll(() => jest.restoreAllMocks())

const user = (more: Partial<LoginOptions> = {}): LoginOptions => ({
  issuer: issuer.url, clientId: 'cloister-demo', redirectUri: 'http://127.0.0.1:5005/callback', username: 'ann', nonce: 'n-1', ca: ca.caPem, ...more,
})
const get = async (path: string, headers = {}) => httpsRequest({ url: `${issuer.url}${path}`, ca: ca.caPem, headers })
const jwks = async () => JSON.parse((await get('/jwks')).text) as JSONWebKeySet
const verify = async (token: string, audience = 'cloister-demo') =>
  (await jwtVerify(token, createLocalJWKSet(await jwks()), { issuer: issuer.url, audience, algorithms: ['RS256'] })).payload

test('a login ends in an ID token with the nonce that was asked for', async () => {
  const claims = await verify(await login(user()))
  expect(claims).toMatchObject({ iss: issuer.url, sub: 'ann', aud: 'cloister-demo', nonce: 'n-1' })
  expect((claims.exp as number) - (claims.iat as number)).toBe(3600)
})

test('each client is its own audience', async () => {
  const token = await login(user({ clientId: 'second', redirectUri: 'https://app.example/callback', username: 'bob' }))
  expect(await verify(token, 'second')).toMatchObject({ sub: 'bob', aud: 'second' })
  await expect(verify(token)).rejects.toThrow()
})

test('discovery names the issuer, S256 and RS256 alone', async () => {
  const discovery = JSON.parse((await get('/.well-known/openid-configuration')).text) as Record<string, unknown>
  expect(discovery).toMatchObject({
    issuer: issuer.url, jwks_uri: `${issuer.url}/jwks`, response_types_supported: ['code'], code_challenge_methods_supported: ['S256'],
    id_token_signing_alg_values_supported: ['RS256'],
  })
})

test('public keys are public only', async () => {
  for (const key of (await jwks()).keys) expect(Object.keys(key).sort()).toEqual(['alg', 'e', 'kid', 'kty', 'n', 'use'])
})

const start = (change: Record<string, string | undefined>) => {
  const query = { response_type: 'code', scope: 'openid', client_id: 'cloister-demo', redirect_uri: 'http://127.0.0.1/callback', state: 's', ...change }
  return get(`/auth?${new URLSearchParams(Object.entries(query).filter((entry): entry is [string, string] => entry[1] !== undefined)).toString()}`)
}

describe('a login is refused', () => {
  test.each<[string, Partial<LoginOptions>]>([
    ['for an unknown client', { clientId: 'nobody' }],
    ['to an address that is not registered', { redirectUri: 'http://evil.example/callback' }],
    ['to another path on loopback', { redirectUri: 'http://127.0.0.1:5005/other' }],
    ['to loopback for a client that has none', { clientId: 'second' }],
    ['for a name without a letter', { username: '#/ ' }],
  ])('%s', async (_name, more) => {
    await expect(login(user(more))).rejects.toThrow()
  })

  test.each<[string, Record<string, string>]>([
    ['without PKCE', {}],
    ['with PKCE in the plain', { code_challenge: 'a'.repeat(43), code_challenge_method: 'plain' }],
    ['with a token straight from the front', { response_type: 'id_token', nonce: 'n', code_challenge: 'a'.repeat(43), code_challenge_method: 'S256' }],
  ])('%s', async (_name, change) => {
    const { headers, status } = await start(change)
    expect(status).toBe(303)
    expect(headers.location).toMatch(/^http:\/\/127\.0\.0\.1\/callback[?#]error=/)
  })

  test('without the cookie of its start', async () => {
    const { headers } = await start({ code_challenge: 'a'.repeat(43), code_challenge_method: 'S256' })
    const form = await get(new URL(headers.location as string, issuer.url).pathname)
    expect(form.status).toBe(400)
    expect(form.headers['set-cookie']).toBeUndefined()
  })
})

const post = (origin: string) => httpsRequest({
  url: `${issuer.url}/token`, ca: ca.caPem, method: 'POST', headers: { origin, 'content-type': 'application/x-www-form-urlencoded' },
  body: new URLSearchParams({ grant_type: 'authorization_code', client_id: 'cloister-demo', code: 'x', code_verifier: 'a'.repeat(43), redirect_uri: 'http://127.0.0.1/callback' }).toString(),
})

test('the token endpoint answers the origins it was given', async () => {
  expect((await post('http://localhost:3000')).headers['access-control-allow-origin']).toBe('http://localhost:3000')
  expect((await post('http://evil.example')).headers['access-control-allow-origin']).toBeUndefined()
})

test('a new key signs, and the one before stays until it is withdrawn', async () => {
  const old = await login(user())
  await issuer.rotateKeys()
  const fresh = await login(user())
  expect(decodeProtectedHeader(fresh).kid).not.toBe(decodeProtectedHeader(old).kid)
  expect([await verify(old), await verify(fresh)]).toHaveLength(2)
  await issuer.rotateKeys({ keepPrevious: false })
  await expect(verify(fresh)).rejects.toThrow()
  expect((await jwks()).keys).toHaveLength(1)
})

test('keys survive a restart, under the same port', async () => {
  const token = await login(user())
  const port = Number(new URL(issuer.url).port)
  await issuer.close()
  issuer = await startIssuer({ ...options, port, idTokenSec: 60 })
  expect(await verify(token)).toMatchObject({ sub: 'ann' })
  const claims = await verify(await login(user()))
  expect((claims.exp as number) - (claims.iat as number)).toBe(60)
  expect((await stat(join(dir, 'issuer.json'))).mode & 0o777).toBe(0o600)
})

test('faults hit the paths that they name', async () => {
  Object.assign(issuer.faults, { mode: 'error', only: ['/jwks'] })
  expect((await get('/jwks')).status).toBe(500)
  expect((await get('/.well-known/openid-configuration')).status).toBe(200)
  issuer.faults.mode = 'none'
})

test('names become subjects without foreign characters', () => {
  expect(toSubject('ann@example.com')).toBe('ann@example.com')
  expect(toSubject('a#b/c d*${x}')).toBe('abcdx')
  expect(toSubject('a'.repeat(100))).toHaveLength(64)
})

test('nothing was printed', () => {
  expect(printed).toEqual([])
})
