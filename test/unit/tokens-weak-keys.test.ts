/** Keys of an issuer under which others can sign: they must not verify a token, whatever the issuer publishes. */
import { createHash, generateKeyPairSync } from 'node:crypto'
import { exportJWK, SignJWT, type JWK } from 'jose'
import { createTokenVerifier, type TokenVerifier } from '../../lib/tokens/verify.ts'
import { isWeakKey, withoutWeakKeys } from '../../lib/tokens/weak-keys.ts'
import { concat, fromBase64url, fromHex, toBase64url, toHex, utf8 } from '../../lib/protocol/bytes.ts'

const ISSUER = 'https://issuer.example'
const NOW_SEC = 1_760_000_000
const CLAIMS = { iss: ISSUER, aud: 'app', sub: 'somebody', iat: NOW_SEC, exp: NOW_SEC + 300 }
const pair = generateKeyPairSync('rsa', { modulusLength: 2048 })
let good: JWK

beforeAll(async () => {
  good = { ...(await exportJWK(pair.publicKey)), kid: 'one', alg: 'RS256' }
})

const verifierOf = (keys: readonly unknown[]): TokenVerifier =>
  createTokenVerifier({
    tenancy: {
      issuers: [{ issuer: ISSUER, jwksUri: `${ISSUER}/jwks` }],
      tenants: [{ id: 'app', issuer: ISSUER, audiences: ['app'], algorithms: ['RS256'], proofs: ['nonce'] }],
    },
    fetchJwks: () => Promise.resolve(Response.json({ keys })),
    nowMs: () => NOW_SEC * 1000,
  })

/** Under the exponent 1 a signature is the padded message itself (RFC 8017 §9.2): nobody needs a private key. */
function forge(): string {
  const signed = `${toBase64url(utf8('{"alg":"RS256","kid":"one"}'))}.${toBase64url(utf8(JSON.stringify(CLAIMS)))}`
  const prefix = fromHex('3031300d060960864801650304020105000420') as Uint8Array
  const info = concat(prefix, createHash('sha256').update(signed).digest())
  const padding = new Uint8Array(256 - 3 - info.length).fill(0xff)
  return `${signed}.${toBase64url(concat(Uint8Array.of(0, 1), padding, Uint8Array.of(0), info))}`
}

const encode = (value: bigint): string => {
  const digits = value.toString(16)
  return toBase64url(fromHex(digits.length % 2 === 0 ? digits : `0${digits}`) as Uint8Array)
}
const modulusOf = (key: JWK): bigint => BigInt(`0x${toHex(fromBase64url(key.n as string) as Uint8Array)}`)

describe('weak keys', () => {
  test('a usual RSA key verifies, one with exponent 1 does not even verify its forgery', async () => {
    const token = await new SignJWT(CLAIMS).setProtectedHeader({ alg: 'RS256', kid: 'one' }).sign(pair.privateKey)
    await expect(verifierOf([good]).verify(token)).resolves.toMatchObject({ subject: 'somebody' })
    await expect(verifierOf([{ ...good, e: 'AQ' }]).verify(forge())).rejects.toMatchObject({ code: 'token_signature' })
    await expect(verifierOf([{ ...good, e: 'AQ' }, { ...good, kid: 'two' }]).verify(forge())).rejects.toMatchObject({ code: 'token_signature' })
  })

  test.each(['AQ', '', 'Ag', 'AQAA', 'A', 3, undefined])('the exponent %s is refused', (e) => expect(isWeakKey({ ...good, e })).toBe(true))

  test.each(['Aw', 'AQAB'])('the exponent %s is not', (e) => expect(isWeakKey({ ...good, e })).toBe(false))

  test('moduli of the broken generator are refused, their neighbours are not', () => {
    // Its primes are k * M + (65537^a mod M), where M is the product of the first primes: so are their products, modulo M.
    const primes = [2n, 3n, 5n, 7n, 11n, 13n, 17n, 19n, 23n, 29n, 31n, 37n, 41n, 43n, 47n, 53n, 59n, 61n, 67n, 71n, 73n, 79n, 83n, 89n, 97n]
    const product = [...primes, 101n, 103n, 107n, 109n, 113n, 127n, 131n, 137n, 139n, 149n, 151n, 157n, 163n, 167n].reduce((a, b) => a * b)
    for (const exponent of [1, 2, 7, 1000]) {
      const modulus = (65537n ** BigInt(exponent) % product) + product * (1n << 1800n)
      expect(isWeakKey({ ...good, n: encode(modulus) })).toBe(true)
      expect(isWeakKey({ ...good, n: encode(modulus + 2n) })).toBe(false)
    }
    expect(isWeakKey({ ...good, n: encode(modulusOf(good)) })).toBe(false)
  })

  test('keys of other kinds are left alone, and answers that are no key set', async () => {
    const ec = { kty: 'EC', crv: 'P-256', x: 'AQ', y: 'AQ' }
    expect([ec, { kty: 'OKP' }, null, 'RSA', []].map(isWeakKey)).toEqual([false, false, false, false, false])
    const through = async (status: number, body: unknown): Promise<unknown> => {
      const response = await withoutWeakKeys(() => Promise.resolve(Response.json(body, { status })))('', { signal: AbortSignal.timeout(1000) })
      return [response.status, await response.json()]
    }
    expect(await through(200, { keys: [ec, { kty: 'RSA' }], more: 1 })).toEqual([200, { keys: [ec], more: 1 }])
    expect(await through(200, ['no set'])).toEqual([200, ['no set']])
    expect(await through(503, { keys: [{ kty: 'RSA' }] })).toEqual([503, { keys: [{ kty: 'RSA' }] }])
  })
})
