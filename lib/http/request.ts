/** Reading an API Gateway event (HTTP API, payload 2.0): strict, and with limits. */
import type { APIGatewayProxyEventV2 } from 'aws-lambda'
import { CloisterError } from '../protocol/errors.ts'
import { attempt, base64url, object } from '../protocol/fields.ts'
import { WALLET_ID, type Operation } from '../protocol/header.ts'
import { LIMITS } from '../protocol/limits.ts'
import { operationAt } from '../protocol/routes.ts'
import type { SealedRequest } from '../wallets/operate.ts'

/** @throws CloisterError `token_missing`, `token_malformed` */
export function bearerToken(event: APIGatewayProxyEventV2): string {
  const header = event.headers['authorization'] ?? event.headers['Authorization']
  if (header === undefined || header === '') throw new CloisterError('token_missing')
  // RFC 6750 §2.1; the scheme's case does not matter (RFC 9110 §11.1)
  const token = /^bearer ([A-Za-z0-9._~+/=-]+)$/i.exec(header)?.[1]
  if (token === undefined || token.length > LIMITS.maxTokenBytes) throw new CloisterError('token_malformed')
  return token
}

/** The JSON body `{header, enc, ciphertext}`, each in base64url. @throws CloisterError `request_malformed`, `body_too_large` */
export function sealedRequest(event: APIGatewayProxyEventV2): SealedRequest {
  const body = event.isBase64Encoded ? Buffer.from(event.body ?? '', 'base64').toString('utf8') : (event.body ?? '')
  if (Buffer.byteLength(body) > LIMITS.maxBodyBytes) throw new CloisterError('body_too_large')
  const read = attempt(() => {
    const fields = object(parseJson(body), ['header', 'enc', 'ciphertext'])
    return {
      header: base64url(fields['header'], 1, 256),
      enc: base64url(fields['enc'], 32),
      ciphertext: base64url(fields['ciphertext'], 16, LIMITS.maxBodyBytes),
    }
  })
  if (read === undefined) throw new CloisterError('request_malformed')
  return read
}

/** The `{id}` of the path. An id that can't be one is one that does not exist. @throws CloisterError `wallet_not_found` */
export function walletId(event: APIGatewayProxyEventV2): string {
  const id = event.pathParameters?.['id'] ?? ''
  if (!WALLET_ID.test(id)) throw new CloisterError('wallet_not_found')
  return id
}

/** The operation that the route names. @throws CloisterError `not_found` */
export function operationOf(event: APIGatewayProxyEventV2): Operation {
  const [method, route = ''] = event.routeKey.split(' ')
  const op = operationAt(route)
  if (method !== 'POST' || op === undefined) throw new CloisterError('not_found')
  return op
}

/** The wallet that the route names; `null` for the operations that make one. @throws CloisterError `wallet_not_found` */
export function walletOf(event: APIGatewayProxyEventV2, op: Operation): string | null {
  return op === 'create' || op === 'import' ? null : walletId(event)
}

/** The `after` query parameter: a sequence number, 0 when left out. @throws CloisterError `request_malformed` */
export function afterParameter(event: APIGatewayProxyEventV2): number {
  const after = event.queryStringParameters?.['after'] ?? '0'
  if (!/^(0|[1-9][0-9]{0,10})$/.test(after)) throw new CloisterError('request_malformed')
  return Number(after)
}

/** The `nonce` query parameter, base64url of 16 to 64 bytes. @throws CloisterError `request_malformed` */
export function nonceParameter(event: APIGatewayProxyEventV2): Uint8Array {
  const nonce = attempt(() => base64url(event.queryStringParameters?.['nonce'], LIMITS.minNonceBytes, LIMITS.maxNonceBytes))
  if (nonce === undefined) throw new CloisterError('request_malformed')
  return nonce
}

function parseJson(text: string): unknown {
  try {
    return JSON.parse(text)
  } catch {
    return undefined
  }
}
