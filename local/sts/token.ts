/**
 * Web identity tokens as STS takes them (IAM User Guide, "Create an OIDC identity provider"; STS API, AssumeRoleWithWebIdentity): RS* and ES*
 * alone; issuer registered; `azp`, where there is one, stands in for the audience; `exp`, `iat` and `sub` required.
 */
import { createLocalJWKSet, decodeJwt, errors, jwtVerify, type JSONWebKeySet, type JWTPayload } from 'jose'
import { StsError } from './error.ts'

/** A registered OpenID provider. */
export interface Provider {
  readonly arn: string
  /** Issuer URL, exactly as in tokens. */
  readonly issuer: string
  readonly audiences: readonly string[]
}

/** Fetches an issuer's keys, or rejects. */
export type FetchJwks = (issuer: string) => Promise<JSONWebKeySet>

interface WebIdentity {
  readonly provider: Provider
  readonly subject: string
  readonly audience: string
}

const algorithms = ['RS256', 'RS384', 'RS512', 'ES256', 'ES384', 'ES512']

/** @throws StsError InvalidIdentityToken, ExpiredTokenException, IDPCommunicationError */
export async function verifyWebIdentity(token: string, providers: readonly Provider[], fetchJwks: FetchJwks, nowMs: number): Promise<WebIdentity> {
  const issuer = unverifiedIssuer(token)
  const provider = providers.find((known) => known.issuer === issuer)
  if (provider === undefined) throw new StsError('InvalidIdentityToken', 'No OpenIDConnect provider found in your account for the token issuer')
  const keys = await fetchJwks(provider.issuer).catch(() => {
    throw new StsError('IDPCommunicationError', 'Could not reach the identity provider')
  })
  const payload = await verify(token, keys, provider.issuer, nowMs)
  const { sub, azp, aud } = payload
  const audience = typeof azp === 'string' ? azp : aud
  if (typeof sub !== 'string' || sub.length === 0 || typeof audience !== 'string') throw new StsError('InvalidIdentityToken', 'A claim is missing')
  if (!provider.audiences.includes(audience)) throw new StsError('InvalidIdentityToken', 'Incorrect token audience')
  return { provider, subject: sub, audience }
}

/** Says only whose keys to try; nothing of it is believed. */
function unverifiedIssuer(token: string): unknown {
  try {
    return decodeJwt(token).iss
  } catch {
    throw new StsError('InvalidIdentityToken', 'The ID Token provided is not a valid JWT')
  }
}

async function verify(token: string, keys: JSONWebKeySet, issuer: string, nowMs: number): Promise<JWTPayload> {
  try {
    const options = { algorithms, issuer, currentDate: new Date(nowMs), requiredClaims: ['exp', 'iat', 'sub', 'aud'] }
    const { payload } = await jwtVerify(token, createLocalJWKSet(keys), options)
    if (typeof payload.iat !== 'number' || payload.iat * 1000 > nowMs + 5 * 60_000) throw new StsError('InvalidIdentityToken', 'The token is from the future')
    return payload
  } catch (error) {
    if (error instanceof StsError) throw error
    if (error instanceof errors.JWTExpired) throw new StsError('ExpiredTokenException', 'Token expired')
    throw new StsError('InvalidIdentityToken', "Couldn't verify the token's signature or claims")
  }
}
