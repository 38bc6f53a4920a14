/** OpenID Connect ID tokens (OIDC Core §3.1.3.7). The relay verifies each one, and the enclave again: it trusts no relay. */
import { createRemoteJWKSet, customFetch, errors, jwtVerify, type JWTPayload, type JWTVerifyGetKey } from 'jose'
import { CloisterError } from '../protocol/errors.ts'
import { decodeUnverifiedToken } from './syntax.ts'
import type { Tenancy, Tenant } from './tenants.ts'
import { withoutWeakKeys } from './weak-keys.ts'

const CLOCK_LEEWAY_SEC = 60
const JWKS_CACHE_MS = 600_000
/** An unknown `kid` fetches the key set anew, but not more often than this: made-up ones must not become load on the issuer. */
const JWKS_COOLDOWN_MS = 1_000
const JWKS_TIMEOUT_MS = 3_000

export interface VerifiedToken {
  readonly tenant: Tenant
  readonly subject: string
  readonly expiresAtSec: number
  /** The `nonce` claim: what a client key proof must match. */
  readonly nonce: string | null
}

/** Fetches a JWK set over HTTPS; a `Response` as `fetch` gives it. */
export type FetchJwks = (url: string, options: { readonly signal: AbortSignal }) => Promise<Response>

export interface TokenVerifier {
  /** @throws CloisterError `token_*`, or `unavailable` when the issuer's keys can't be had */
  verify(token: string): Promise<VerifiedToken>
}

export function createTokenVerifier(options: { tenancy: Tenancy; fetchJwks: FetchJwks; nowMs: () => number }): TokenVerifier {
  const keySets = new Map<string, JWTVerifyGetKey>()
  for (const { issuer, jwksUri } of options.tenancy.issuers) {
    keySets.set(issuer, createKeySet(jwksUri, options.fetchJwks, options.nowMs))
  }

  return {
    async verify(token) {
      const { header, payload } = decodeUnverifiedToken(token)
      const keySet = typeof payload['iss'] === 'string' ? keySets.get(payload['iss']) : undefined
      if (keySet === undefined) throw new CloisterError('token_issuer')
      const tenant = tenantOf(options.tenancy, payload)
      if (!tenant.algorithms.some((algorithm) => algorithm === header['alg'])) throw new CloisterError('token_algorithm')
      const nowMs = options.nowMs()
      const verified = await jwtVerify(token, keySet, {
        issuer: tenant.issuer,
        audience: [...tenant.audiences],
        algorithms: [...tenant.algorithms],
        clockTolerance: CLOCK_LEEWAY_SEC,
        currentDate: new Date(nowMs),
        requiredClaims: ['iss', 'sub', 'aud', 'exp', 'iat'],
      }).catch((error: unknown) => {
        throw asCloisterError(error)
      })
      return readClaims(tenant, verified.payload, nowMs)
    },
  }
}

/**
 * An issuer's keys. `jose` measures their age by the wall clock, which an enclave's host sets: a host that stops it would keep a
 * withdrawn key alive. So they are also dropped by our own time.
 */
function createKeySet(jwksUri: string, fetchJwks: FetchJwks, nowMs: () => number): JWTVerifyGetKey {
  let current: { readonly keys: JWTVerifyGetKey; readonly untilMs: number } | undefined
  return (header, token) => {
    if (current === undefined || nowMs() >= current.untilMs) {
      const keys = createRemoteJWKSet(new URL(jwksUri), {
        cacheMaxAge: JWKS_CACHE_MS,
        cooldownDuration: JWKS_COOLDOWN_MS,
        timeoutDuration: JWKS_TIMEOUT_MS,
        [customFetch]: withoutWeakKeys(fetchJwks),
      })
      current = { keys, untilMs: nowMs() + JWKS_CACHE_MS }
    }
    return current.keys(header, token)
  }
}

/** One audience a token: which tenant it belongs to must not be a matter of choice. */
function tenantOf(tenancy: Tenancy, payload: Readonly<Record<string, unknown>>): Tenant {
  const claim = payload['aud']
  const audience: unknown = Array.isArray(claim) && claim.length === 1 ? claim[0] : claim
  const tenant = tenancy.tenants.find((one) => one.issuer === payload['iss'] && one.audiences.some((name) => name === audience))
  if (tenant === undefined) throw new CloisterError('token_audience')
  return tenant
}

function readClaims(tenant: Tenant, payload: JWTPayload, nowMs: number): VerifiedToken {
  const { sub, exp, iat, nbf, nonce } = payload
  for (const time of [exp, iat, nbf]) {
    if (time !== undefined && !(Number.isSafeInteger(time) && time >= 0)) throw new CloisterError('token_claims')
  }
  // OIDC Core §2: at most 255 ASCII characters. It becomes part of a partition key and of an IAM policy variable.
  if (typeof sub !== 'string' || !/^[\x21-\x7e]{1,255}$/.test(sub)) throw new CloisterError('token_claims')
  if (nonce !== undefined && (typeof nonce !== 'string' || nonce.length > 512)) throw new CloisterError('token_claims')
  if ((iat as number) > nowMs / 1000 + CLOCK_LEEWAY_SEC) throw new CloisterError('token_not_yet_valid')
  return { tenant, subject: sub, expiresAtSec: exp as number, nonce: nonce ?? null }
}

function asCloisterError(error: unknown): CloisterError {
  if (error instanceof CloisterError) return error
  if (error instanceof errors.JWTExpired) return new CloisterError('token_expired')
  if (error instanceof errors.JWTClaimValidationFailed) {
    if (error.claim === 'nbf' && error.reason === 'check_failed') return new CloisterError('token_not_yet_valid')
    if (error.claim === 'aud') return new CloisterError('token_audience')
    if (error.claim === 'iss') return new CloisterError('token_issuer')
    return new CloisterError('token_claims')
  }
  if (error instanceof errors.JOSEAlgNotAllowed) return new CloisterError('token_algorithm')
  if (error instanceof errors.JWSSignatureVerificationFailed || error instanceof errors.JWKSNoMatchingKey || error instanceof errors.JWKSMultipleMatchingKeys) {
    return new CloisterError('token_signature')
  }
  if (error instanceof errors.JWTInvalid || error instanceof errors.JWSInvalid) return new CloisterError('token_malformed')
  if (error instanceof errors.JOSENotSupported) return new CloisterError('token_algorithm')
  return new CloisterError('unavailable', { retryAfterSec: 5 })
}
