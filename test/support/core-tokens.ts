/** An issuer of ID tokens that keeps its keys in memory. */
import { exportJWK, generateKeyPair, SignJWT, type JWK } from 'jose'
import type { FetchJwks } from '../../lib/tokens/verify.ts'
import { readTenancy, type Tenancy } from '../../lib/tokens/tenants.ts'

export const ISSUER = 'https://issuer.test/'
export const AUDIENCE = 'app'
export const ISSUERS = [{ issuer: ISSUER, jwksUri: 'https://issuer.test/jwks' }]
export const TENANTS = [
  { id: 'demo', issuer: ISSUER, audiences: [AUDIENCE], algorithms: ['ES256', 'RS256'], proofs: ['nonce'] },
  { id: 'open', issuer: ISSUER, audiences: ['open'], algorithms: ['ES256'], proofs: ['none'] },
]
export const tenancy = (): Tenancy => readTenancy(ISSUERS, TENANTS)

export interface TestIssuer {
  readonly fetchJwks: FetchJwks
  /** How often the key set was fetched. */
  readonly fetches: number
  /** What the issuer's server does; `undefined` for its usual answer. */
  answer: (() => Promise<Response>) | undefined
  /** New key, under this id; `keep` the older ones in the set. */
  rotate(kid: string, keep: boolean): Promise<void>
  /** A token with these claims over the usual ones; `undefined` leaves one out. */
  token(claims?: Readonly<Record<string, unknown>>, header?: Readonly<Record<string, unknown>>): Promise<string>
  /** Any payload text at all, signed. */
  sign(payload: string, header?: Readonly<Record<string, unknown>>): Promise<string>
  readonly jwks: { keys: JWK[] }
}

export async function createTestIssuer(nowMs: () => number): Promise<TestIssuer> {
  let key = await make('first')
  const jwks = { keys: [key.jwk] }
  let fetches = 0

  async function make(kid: string): Promise<{ privateKey: CryptoKey; jwk: JWK; kid: string }> {
    const { privateKey, publicKey } = await generateKeyPair('ES256', { extractable: true })
    return { privateKey, kid, jwk: { ...(await exportJWK(publicKey)), kid, alg: 'ES256', use: 'sig' } }
  }

  async function sign(payload: string, header: Readonly<Record<string, unknown>> = {}): Promise<string> {
    const encode = (text: string): string => Buffer.from(text).toString('base64url')
    const input = `${encode(JSON.stringify({ alg: 'ES256', kid: key.kid, ...header }))}.${encode(payload)}`
    const signature = await crypto.subtle.sign({ name: 'ECDSA', hash: 'SHA-256' }, key.privateKey, Buffer.from(input))
    return `${input}.${Buffer.from(signature).toString('base64url')}`
  }

  const issuer: TestIssuer = {
    answer: undefined,
    jwks,
    get fetches() {
      return fetches
    },
    async fetchJwks() {
      fetches += 1
      return issuer.answer === undefined ? new Response(JSON.stringify(jwks)) : issuer.answer()
    },
    async rotate(kid, keep) {
      key = await make(kid)
      jwks.keys = [...(keep ? jwks.keys : []), key.jwk]
    },
    token(claims = {}, header = {}) {
      const nowSec = Math.floor(nowMs() / 1000)
      const usual = { iss: ISSUER, aud: AUDIENCE, sub: 'alice', iat: nowSec, exp: nowSec + 3600 }
      return sign(JSON.stringify({ ...usual, ...claims }), header)
    },
    sign,
  }
  return issuer
}

/** A token by another library's hand, to show that ours are of the usual kind. */
export async function joseToken(claims: Readonly<Record<string, unknown>>, alg: string, key: CryptoKey | Uint8Array, kid?: string): Promise<string> {
  return new SignJWT({ ...claims }).setProtectedHeader(kid === undefined ? { alg } : { alg, kid }).sign(key)
}
