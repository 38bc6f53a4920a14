/**
 * Checks AWS Signature Version 4 as the services do: the library signs what arrived once more, and both signatures must be the same.
 *
 * Accepted: the Authorization header form on `POST /` without a query string. `host`, `x-amz-date` and every other `x-amz-` header must be
 * signed; the scope must be of this day, region and service; the clock may differ by five minutes.
 */
import { Sha256 } from '@aws-crypto/sha256-js'
import { SignatureV4 } from '@smithy/signature-v4'
import type { IncomingHttpHeaders } from 'node:http'
import { equal, utf8 } from '../../lib/protocol/bytes.ts'
import type { Identities, Identity } from './identities.ts'

export interface SignedRequest {
  readonly method: string
  /** Path with query string. */
  readonly url: string
  readonly headers: IncomingHttpHeaders
  readonly body: Uint8Array
}

interface SignatureOptions {
  readonly identities: Identities
  readonly service: string
  readonly region: string
  readonly nowMs: number
}

/** Why a signature was refused; each service has its own names for them. */
export type SignatureFault = 'missing' | 'incomplete' | 'unknown-key' | 'expired-token' | 'skewed' | 'mismatch'

const maxSkewMs = 5 * 60_000

/** Resolves to whoever signed, or to what is wrong. */
export async function authenticate(request: SignedRequest, options: SignatureOptions): Promise<Identity | SignatureFault> {
  const { authorization } = request.headers
  if (authorization === undefined) return 'missing'
  const claimed = parseAuthorization(authorization)
  const date = request.headers['x-amz-date']
  if (claimed === undefined || typeof date !== 'string' || request.method !== 'POST' || request.url !== '/') return 'incomplete'
  const signedAtMs = parseAmzDate(date)
  const headers = signedHeaders(request.headers, claimed.signedHeaders)
  if (signedAtMs === undefined || headers === undefined) return 'incomplete'

  const identity = options.identities.find(claimed.accessKeyId)
  if (identity === undefined) return 'unknown-key'
  const { sessionToken } = identity.credentials
  const token = request.headers['x-amz-security-token']
  if (sessionToken === undefined ? token !== undefined : typeof token !== 'string' || !equal(utf8(token), utf8(sessionToken))) return 'unknown-key'

  const scope = [date.slice(0, 8), options.region, options.service, 'aws4_request'].join('/')
  if (claimed.scope !== scope) return 'mismatch'
  const signature = await sign(request.body, headers, identity, options, signedAtMs)
  if (signature === undefined || !equal(utf8(signature), utf8(authorization.replaceAll(/,\s*/g, ', ')))) return 'mismatch'
  // Only whoever holds the secret learns that the clock or the session is at fault.
  if (Math.abs(options.nowMs - signedAtMs) > maxSkewMs) return 'skewed'
  if (identity.expiresAtMs !== undefined && options.nowMs >= identity.expiresAtMs) return 'expired-token'
  return identity
}

function parseAuthorization(text: string): { accessKeyId: string; scope: string; signedHeaders: readonly string[] } | undefined {
  const match = /^AWS4-HMAC-SHA256 Credential=(\w{16,128})\/([\w/-]{1,128}),\s*SignedHeaders=([a-z0-9;-]+),\s*Signature=[0-9a-f]{64}$/.exec(text)
  if (match === null) return undefined
  const [, accessKeyId, scope, names] = match as unknown as [string, string, string, string]
  return { accessKeyId, scope, signedHeaders: names.split(';') }
}

/** The headers that the signature covers; `undefined` when one is absent, repeated, or one that must be covered is not. */
function signedHeaders(headers: IncomingHttpHeaders, names: readonly string[]): Record<string, string> | undefined {
  const amz = Object.keys(headers).filter((name) => name.startsWith('x-amz-'))
  if (![...amz, 'host'].every((name) => names.includes(name))) return undefined
  const out: Record<string, string> = {}
  for (const name of names) {
    const value = headers[name]
    if (typeof value !== 'string' || Object.hasOwn(out, name)) return undefined
    out[name] = value
  }
  return out
}

async function sign(
  body: Uint8Array, headers: Record<string, string>, { credentials }: Identity, { region, service }: SignatureOptions, signedAtMs: number,
): Promise<string | undefined> {
  // The payload's hash is always computed here: a declared one would let the body be changed.
  if ('x-amz-content-sha256' in headers) {
    const hash = new Sha256()
    hash.update(body)
    if (headers['x-amz-content-sha256'] !== Buffer.from(await hash.digest()).toString('hex')) return undefined
  }
  const signer = new SignatureV4({ credentials, region, service, sha256: Sha256, applyChecksum: false })
  const options = { signingDate: new Date(signedAtMs), signableHeaders: new Set(Object.keys(headers)) }
  const signed = await signer.sign({ method: 'POST', protocol: 'https:', hostname: 'localhost', path: '/', headers, body }, options)
  return signed.headers['authorization']
}

/** `20260102T030405Z` to milliseconds since 1970. */
function parseAmzDate(text: string): number | undefined {
  const match = /^(\d{4})(\d\d)(\d\d)T(\d\d)(\d\d)(\d\d)Z$/.exec(text)
  if (match === null) return undefined
  const [year, month, day, hour, minute, second] = match.slice(1)
  const ms = Date.parse(`${year}-${month}-${day}T${hour}:${minute}:${second}Z`)
  return Number.isNaN(ms) ? undefined : ms
}
