/** ID tokens: each reason to refuse one, beside the one that differs by that alone and is accepted. */
import { createHmac, createPublicKey, createSign, generateKeyPairSync, type JsonWebKey } from 'node:crypto'
import { exportJWK, generateKeyPair } from 'jose'
import { createTokenVerifier, type TokenVerifier } from '../../lib/tokens/verify.ts'
import { readTenancy } from '../../lib/tokens/tenants.ts'
import { codeFrom } from '../support/core-codes.ts'
import { AUDIENCE, createTestIssuer, ISSUER, ISSUERS, joseToken, TENANTS, tenancy, type TestIssuer } from '../support/core-tokens.ts'

const START_MS = Date.UTC(2026, 5, 1, 12)
const NOW = START_MS / 1000
let nowMs = START_MS
let issuer: TestIssuer
let verifier: TokenVerifier

beforeEach(async () => {
  nowMs = START_MS
  issuer = await createTestIssuer(() => nowMs)
  verifier = verifierOf()
})
const verifierOf = (of = tenancy()): TokenVerifier => createTokenVerifier({ tenancy: of, fetchJwks: (...args) => issuer.fetchJwks(...args), nowMs: () => nowMs })
const code = async (token: Promise<string> | string, by = verifier): Promise<string> => codeFrom(by.verify(await token))

test('a good token: tenant, subject, expiry, nonce', async () => {
  const [demo, open] = tenancy().tenants
  expect(await verifier.verify(await issuer.token({ nonce: 'n' }))).toEqual({ tenant: demo, subject: 'alice', expiresAtSec: NOW + 3600, nonce: 'n' })
  expect(await verifier.verify(await issuer.token({ aud: 'open', sub: 'bob' }))).toEqual({ tenant: open, subject: 'bob', expiresAtSec: NOW + 3600, nonce: null })
  expect(await verifier.verify(await issuer.token({ aud: [AUDIENCE] }))).toMatchObject({ tenant: demo })
  expect(issuer.fetches).toBe(1)
})

describe('claims', () => {
  const claims: readonly (readonly [string, Readonly<Record<string, unknown>>, string])[] = [
    ['expired a minute ago and more', { exp: NOW - 60 }, 'token_expired'],
    ['expired, within the leeway', { exp: NOW - 59 }, 'ok'],
    ['nbf in 61 seconds', { nbf: NOW + 61 }, 'token_not_yet_valid'],
    ['nbf in 60 seconds', { nbf: NOW + 60 }, 'ok'],
    ['issued in 61 seconds', { iat: NOW + 61 }, 'token_not_yet_valid'],
    ['issued in 60 seconds', { iat: NOW + 60 }, 'ok'],
    ['no exp', { exp: undefined }, 'token_claims'],
    ['no iat', { iat: undefined }, 'token_claims'],
    ['no sub', { sub: undefined }, 'token_claims'],
    ['no iss', { iss: undefined }, 'token_issuer'],
    ['no aud', { aud: undefined }, 'token_audience'],
    ['exp as text', { exp: String(NOW + 3600) }, 'token_claims'],
    ['exp with a fraction', { exp: NOW + 3600.5 }, 'token_claims'],
    ['exp beyond 2^53', { exp: 2 ** 53 }, 'token_claims'],
    ['exp at 2^53 less one', { exp: 2 ** 53 - 1 }, 'ok'],
    ['iat below zero', { iat: -1 }, 'token_claims'],
    ['iat as text', { iat: String(NOW) }, 'token_claims'],
    ['nbf as text', { nbf: String(NOW) }, 'token_claims'],
    ['nbf with a fraction', { nbf: NOW - 0.5 }, 'token_claims'],
    ['exp null', { exp: null }, 'token_claims'],
    ['another issuer', { iss: 'https://other.test/' }, 'token_issuer'],
    ['the issuer without its slash', { iss: ISSUER.slice(0, -1) }, 'token_issuer'],
    ['the issuer in a list', { iss: [ISSUER] }, 'token_issuer'],
    ['another audience', { aud: 'other' }, 'token_audience'],
    ['the audience in other letters', { aud: 'App' }, 'token_audience'],
    ['two audiences', { aud: [AUDIENCE, 'other'] }, 'token_audience'],
    ['two audiences of ours', { aud: [AUDIENCE, 'open'] }, 'token_audience'],
    ['the audience twice', { aud: [AUDIENCE, AUDIENCE] }, 'token_audience'],
    ['no audience in a list', { aud: [] }, 'token_audience'],
    ['an audience in two lists', { aud: [[AUDIENCE]] }, 'token_audience'],
    ['an audience that is an object', { aud: { 0: AUDIENCE, length: 1 } }, 'token_audience'],
    ['sub with a space', { sub: 'al ice' }, 'token_claims'],
    ['sub with a newline', { sub: 'alice\n' }, 'token_claims'],
    ['sub beyond ASCII', { sub: 'älice' }, 'token_claims'],
    ['sub empty', { sub: '' }, 'token_claims'],
    ['sub as a number', { sub: 1 }, 'token_claims'],
    ['sub of 256', { sub: 'x'.repeat(256) }, 'token_claims'],
    ['sub of 255', { sub: 'x'.repeat(255) }, 'ok'],
    ['sub of all kinds of signs', { sub: 'auth0|a#b*${c}/d:e@f.test' }, 'ok'],
    ['nonce as a number', { nonce: 1 }, 'token_claims'],
    ['nonce of 513', { nonce: 'x'.repeat(513) }, 'token_claims'],
    ['nonce of 512', { nonce: 'x'.repeat(512) }, 'ok'],
  ]
  test.each(claims)('%s', async (_what, change, expected) => {
    expect(await code(issuer.token(change))).toBe(expected)
  })

  test('exp of 1e400, which JSON reads as infinite', async () => {
    const payload = (exp: string): string => `{"iss":"${ISSUER}","aud":"${AUDIENCE}","sub":"alice","iat":${NOW},"exp":${exp}}`
    expect(await code(issuer.sign(payload(String(NOW + 10))))).toBe('ok')
    for (const exp of ['1e400', '1e16', 'true', '[1]', '{}']) expect(await code(issuer.sign(payload(exp)))).toBe('token_claims')
  })

  test('time is the verifier’s own, not the wall’s', async () => {
    const token = await issuer.token()
    nowMs = START_MS + 3_600_000 + 59_000
    expect(await code(token)).toBe('ok')
    nowMs += 1000
    expect(await code(token)).toBe('token_expired')
  })
})

describe('signatures', () => {
  test('one bit changed anywhere', async () => {
    const token = await issuer.token()
    const [header, payload, signature] = token.split('.') as [string, string, string]
    const bytes = Buffer.from(signature, 'base64url')
    for (const at of [0, 31, 32, 63]) {
      const changed = Buffer.from(bytes)
      changed[at] = (changed[at] as number) ^ 1
      expect(await code(`${header}.${payload}.${changed.toString('base64url')}`)).toBe('token_signature')
    }
    expect(await code(`${header}.${payload}.`)).toBe('token_signature')
    expect(await code(`${header}.${payload}.${Buffer.alloc(64).toString('base64url')}`)).toBe('token_signature')
    const other = (await issuer.token({ sub: 'mallory' })).split('.')[1] as string
    expect(await code(`${header}.${other}.${signature}`)).toBe('token_signature')
    expect(await code(token)).toBe('ok')
  })

  test('another key under the same id', async () => {
    const stranger = await createTestIssuer(() => nowMs)
    expect(await code(stranger.token())).toBe('token_signature')
  })

  test.each(['none', 'None', 'NONE', 'nOnE', ''])('alg %j', async (alg) => {
    const [, payload] = (await issuer.token()).split('.') as [string, string]
    const header = Buffer.from(JSON.stringify({ alg })).toString('base64url')
    expect(await code(`${header}.${payload}.`)).toBe('token_algorithm')
    expect(await code(issuer.token({}, { alg }))).toBe('token_algorithm')
  })

  test('HS256 with the public key for a secret, in every form that somebody might take it', async () => {
    const [, payload] = (await issuer.token()).split('.') as [string, string]
    const jwk = issuer.jwks.keys[0] as JsonWebKey
    const key = createPublicKey({ key: jwk, format: 'jwk' })
    const secrets = [key.export({ type: 'spki', format: 'pem' }), key.export({ type: 'spki', format: 'der' }), JSON.stringify(jwk), Buffer.from(jwk.x as string, 'base64url')]
    for (const alg of ['HS256', 'HS384', 'HS512']) {
      for (const secret of secrets) {
        const header = Buffer.from(JSON.stringify({ alg, kid: 'first' })).toString('base64url')
        const mac = createHmac(alg.replace('HS', 'sha'), secret).update(`${header}.${payload}`).digest('base64url')
        expect(await code(`${header}.${payload}.${mac}`)).toBe('token_algorithm')
      }
    }
  })

  test('an algorithm that the tenant does not list, though the issuer signs with it', async () => {
    const { privateKey, publicKey } = await generateKeyPair('PS256', { extractable: true })
    issuer.jwks.keys.push({ ...(await exportJWK(publicKey)), kid: 'ps', alg: 'PS256' })
    const claims = { iss: ISSUER, aud: AUDIENCE, sub: 'alice', iat: NOW, exp: NOW + 60 }
    const token = await joseToken(claims, 'PS256', privateKey, 'ps')
    expect(await code(token)).toBe('token_algorithm')
    const lenient = verifierOf(readTenancy(ISSUERS, [{ ...TENANTS[0], algorithms: ['PS256'] }]))
    expect(await code(token, lenient)).toBe('ok')
    expect(await code(issuer.token(), lenient)).toBe('token_algorithm')
  })

  test('ES256 claimed for an RSA key, and RS256 for an elliptic one', async () => {
    const { privateKey, publicKey } = generateKeyPairSync('rsa', { modulusLength: 2048 })
    issuer.jwks.keys.push({ ...(publicKey.export({ format: 'jwk' }) as object), kid: 'rsa', kty: 'RSA' })
    const [, payload] = (await issuer.token()).split('.') as [string, string]
    const rsa = (alg: string, kid: string): string => {
      const input = `${Buffer.from(JSON.stringify({ alg, kid })).toString('base64url')}.${payload}`
      return `${input}.${createSign('sha256').update(input).sign(privateKey, 'base64url')}`
    }
    expect(await code(rsa('RS256', 'rsa'))).toBe('ok')
    expect(await code(rsa('ES256', 'rsa'))).toBe('token_signature')
    expect(await code(rsa('RS256', 'first'))).toBe('token_signature')
    expect(await code(issuer.token({}, { alg: 'RS256' }))).toBe('token_signature')
  })

  test('a key in the token itself is not looked at', async () => {
    const stranger = await createTestIssuer(() => nowMs)
    const jwk = stranger.jwks.keys[0]
    for (const header of [{ jwk }, { jku: 'https://stranger.test/jwks' }, { x5c: ['MIIB'] }, { x5u: 'https://stranger.test/x5u' }]) {
      expect(await code(stranger.token({}, header))).toBe('token_signature')
      expect(await code(issuer.token({}, header))).toBe('ok')
    }
  })

  test('each issuer by its own keys', async () => {
    const other = { issuer: 'https://other.test/', jwksUri: 'https://other.test/jwks' }
    const stranger = await createTestIssuer(() => nowMs)
    const both = createTokenVerifier({
      tenancy: readTenancy([...ISSUERS, other], [...TENANTS, { ...TENANTS[0], id: 'far', issuer: other.issuer }]),
      fetchJwks: (url, options) => (url === other.jwksUri ? stranger : issuer).fetchJwks(url, options), nowMs: () => nowMs,
    })
    expect(await both.verify(await stranger.token({ iss: other.issuer }))).toMatchObject({ tenant: { id: 'far' } })
    expect(await code(stranger.token(), both)).toBe('token_signature')
    expect(await code(issuer.token({ iss: other.issuer }), both)).toBe('token_signature')
    // An audience belongs to its issuer's tenant.
    expect(await code(stranger.token({ iss: other.issuer, aud: 'open' }), both)).toBe('token_audience')
  })
})

describe('a malformed token never reaches the issuer', () => {
  test.each<[string, (token: string) => string]>([
    ['a trailing newline', (token) => `${token}\n`],
    ['padding', (token) => `${token}==`],
    ['bits that stand for nothing', (token) => `${token.slice(0, -1)}${token.endsWith('A') ? 'B' : String.fromCharCode(token.charCodeAt(token.length - 1) + 1)}`],
    ['a part missing', (token) => token.split('.').slice(0, 2).join('.')],
    ['crit', (token) => [Buffer.from('{"alg":"ES256","crit":["b64"],"b64":false}').toString('base64url'), ...token.split('.').slice(1)].join('.')],
  ])('%s', async (_what, change) => {
    const token = await issuer.token()
    expect(await code(change(token))).toBe('token_malformed')
    expect(issuer.fetches).toBe(0)
    expect(await code(token)).toBe('ok')
  })
})

describe('the issuer’s keys', () => {
  afterEach(() => jest.useRealTimers())
  const laterBy = (ms: number): void => {
    nowMs += ms
    jest.setSystemTime(Date.now() + ms)
  }

  test('a new key is found by its unknown id; not more often than the cooldown lets', async () => {
    jest.useFakeTimers({ doNotFake: ['nextTick', 'setImmediate', 'queueMicrotask', 'setTimeout', 'setInterval', 'clearTimeout', 'clearInterval', 'performance', 'hrtime'] })
    expect(await code(issuer.token())).toBe('ok')
    const old = await issuer.token()
    await issuer.rotate('second', true)
    laterBy(40_000)
    expect(await code(issuer.token())).toBe('ok')
    expect(issuer.fetches).toBe(2)
    expect(await code(old)).toBe('ok')
    // Made-up ids right afterwards don't become load on the issuer.
    for (let i = 0; i < 5; i++) expect(await code(issuer.token({}, { kid: `made-up-${i}` }))).toBe('token_signature')
    expect(issuer.fetches).toBe(2)
  })

  test('a withdrawn key is forgotten after ten minutes of the verifier’s time, though the wall clock stands still', async () => {
    const old = await issuer.token()
    expect(await code(old)).toBe('ok')
    await issuer.rotate('second', false)
    nowMs += 599_000
    expect(await code(old)).toBe('ok')
    nowMs += 1000
    expect(await code(old)).toBe('token_signature')
    expect(await code(issuer.token())).toBe('ok')
  })

  test.each<[string, () => Promise<Response>]>([
    ['no route', () => Promise.reject(new Error('no route'))],
    ['500', async () => new Response('', { status: 500 })],
    ['404', async () => new Response('', { status: 404 })],
    ['a redirect', async () => new Response('', { status: 302, headers: { location: 'https://stranger.test/' } })],
    ['no JSON', async () => new Response('<html>')],
    ['no key set', async () => Response.json({ keys: 'none' })],
    ['null', async () => Response.json(null)],
  ])('%s: unavailable, and asked again the next time', async (_what, answer) => {
    issuer.answer = answer
    await expect(verifier.verify(await issuer.token())).rejects.toMatchObject({ code: 'unavailable', retryAfterSec: 5 })
    issuer.answer = undefined
    expect(await code(issuer.token())).toBe('ok')
  })

  test('a key set without keys: no signature is good', async () => {
    issuer.answer = async () => Response.json({ keys: [] })
    expect(await code(issuer.token())).toBe('token_signature')
  })

  test('a key for encryption, or one that is not for this algorithm, does not verify', async () => {
    const [jwk] = issuer.jwks.keys
    for (const change of [{ use: 'enc' }, { alg: 'ES384' }, { key_ops: ['sign'] }, { kty: 'oct', k: 'AAAA' }]) {
      issuer.answer = async () => Response.json({ keys: [{ ...jwk, ...change }] })
      expect(await code(issuer.token(), verifierOf())).toBe('token_signature')
    }
  })
})

test('nothing of the token is in the error', async () => {
  const token = await issuer.token({ sub: 'canary with spaces' })
  const error = await verifier.verify(token).catch((thrown: unknown) => thrown as Error & { cause?: unknown })
  expect(error).toBeInstanceOf(Error)
  expect(`${(error as Error).message} ${JSON.stringify(error)} ${String((error as { cause?: unknown }).cause)}`).not.toMatch(/canary|eyJ/)
})
