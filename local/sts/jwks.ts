/** Fetches issuers' keys over TLS, by OpenID Connect Discovery 1.0 §4. */
import type { JSONWebKeySet } from 'jose'
import { httpsRequest } from '../https.ts'
import type { FetchJwks } from './token.ts'

/**
 * @param ca - the only authority that issuers' certificates may come from, PEM
 * @returns a fetcher that rejects when the issuer can't be reached, or its discovery document names another issuer
 */
export function createJwksFetcher(ca: string): FetchJwks {
  return async (issuer) => {
    const discovery = await getJson(`${issuer.replace(/\/$/, '')}/.well-known/openid-configuration`, ca)
    const { issuer: named, jwks_uri: jwksUri } = discovery
    if (named !== issuer || typeof jwksUri !== 'string' || !jwksUri.startsWith('https://')) throw new Error('discovery document does not fit')
    const jwks = await getJson(jwksUri, ca)
    if (!Array.isArray(jwks['keys'])) throw new Error('not a key set')
    return jwks as unknown as JSONWebKeySet
  }
}

async function getJson(url: string, ca: string): Promise<Record<string, unknown>> {
  const { status, text } = await httpsRequest({ url, ca, headers: { accept: 'application/json' } })
  if (status !== 200) throw new Error('issuer answered with an error')
  return JSON.parse(text) as Record<string, unknown>
}
