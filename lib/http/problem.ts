/** Errors as RFC 9457 problem details: in one place, and nothing in them but the code's own words. */
import type { APIGatewayProxyStructuredResultV2 } from 'aws-lambda'
import { toBase64url } from '../protocol/bytes.ts'
import { CloisterError, ERRORS, type ErrorCode } from '../protocol/errors.ts'

export function problem(error: unknown): APIGatewayProxyStructuredResultV2 {
  const known = error instanceof CloisterError && ERRORS[error.code].status !== 0 ? error : new CloisterError('internal')
  return respond(known.code, known.retryAfterSec, {})
}

/** The enclave's refusal: the code inside the sealed answer is the one to believe. */
export function refused(answer: Uint8Array): APIGatewayProxyStructuredResultV2 {
  return respond('refused', undefined, { answer: toBase64url(answer) })
}

function respond(code: ErrorCode, retryAfterSec: number | undefined, more: Readonly<Record<string, string>>): APIGatewayProxyStructuredResultV2 {
  const { status, title } = ERRORS[code]
  const body = { type: `urn:cloister:error:${code}`, title, status, code, ...more }
  return {
    statusCode: status,
    headers: {
      'content-type': 'application/problem+json',
      ...(status === 401 ? { 'www-authenticate': code === 'token_missing' ? 'Bearer' : 'Bearer error="invalid_token"' } : {}),
      ...(status === 503 || status === 429 ? { 'retry-after': String(retryAfterSec ?? 2) } : {}),
    },
    body: JSON.stringify(body),
  }
}
