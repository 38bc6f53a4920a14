/**
 * What a token may look like before anyone verifies it.
 *
 * Accepted: a compact JWS (RFC 7515 §7.1) of three parts in canonical base64url, at most 8 KiB; header and payload are JSON objects in UTF-8; no `crit`,
 * no `b64`; `typ`, if any, is JWT. Libraries differ at these edges; relay and enclave must accept the same set.
 */
import { fromBase64url } from '../protocol/bytes.ts'
import { CloisterError } from '../protocol/errors.ts'
import { LIMITS } from '../protocol/limits.ts'

type Json = Readonly<Record<string, unknown>>

interface UnverifiedToken {
  readonly header: Json
  readonly payload: Json
}

/** Nothing here is verified yet. @throws CloisterError `token_malformed` */
export function decodeUnverifiedToken(token: string): UnverifiedToken {
  if (token.length > LIMITS.maxTokenBytes) throw new CloisterError('token_malformed')
  const parts = token.split('.')
  if (parts.length !== 3) throw new CloisterError('token_malformed')
  const [header, payload, signature] = parts.map((part) => fromBase64url(part))
  if (signature === undefined) throw new CloisterError('token_malformed')
  const decoded = { header: jsonObject(header), payload: jsonObject(payload) }
  if ('crit' in decoded.header || 'b64' in decoded.header) throw new CloisterError('token_malformed')
  const typ = decoded.header['typ']
  if (typ !== undefined && (typeof typ !== 'string' || typ.toUpperCase() !== 'JWT')) throw new CloisterError('token_malformed')
  return decoded
}

function jsonObject(bytes: Uint8Array | undefined): Json {
  if (bytes === undefined || bytes.length === 0) throw new CloisterError('token_malformed')
  try {
    const value: unknown = JSON.parse(new TextDecoder('utf-8', { fatal: true, ignoreBOM: true }).decode(bytes))
    if (typeof value === 'object' && value !== null && !Array.isArray(value)) return value as Json
  } catch {
    // refused below
  }
  throw new CloisterError('token_malformed')
}
