/**
 * AWS Signature Version 4 (IAM User Guide, "Create a signed AWS API request"), for the one kind of request that AWS's JSON services take:
 * `POST /` without a query string. A mistake in here is refused by AWS; it gives nothing away, for the signature authenticates us and hides nothing.
 */
import { createHash, createHmac } from 'node:crypto'

interface SigningCredentials {
  readonly accessKeyId: string
  readonly secretAccessKey: string
  /** Of temporary credentials; `null` for a user's own. */
  readonly sessionToken: string | null
}

interface SigningScope {
  readonly region: string
  /** As credential scopes name it, such as `kms`. */
  readonly service: string
}

const ALGORITHM = 'AWS4-HMAC-SHA256'

/**
 * Signs a request, all of its headers included.
 *
 * @param request.headers names in lowercase; `host` must be among them, and what signing adds must not
 * @param atMs milliseconds since 1970: AWS takes a signature for five minutes
 * @returns all headers to send: the given ones, `x-amz-date`, `x-amz-security-token` where there is one, `authorization`
 * @throws TypeError for headers that can't be signed as they are given
 */
export function signRequest(
  request: { readonly headers: Readonly<Record<string, string>>; readonly body: Uint8Array },
  credentials: SigningCredentials,
  scope: SigningScope,
  atMs: number,
): Record<string, string> {
  const date = new Date(atMs).toISOString().replace(/[-:]|\.\d{3}/g, '')
  const { accessKeyId, secretAccessKey, sessionToken } = credentials
  const added = { 'x-amz-date': date, ...(sessionToken === null ? {} : { 'x-amz-security-token': sessionToken }) }
  const headers: Record<string, string> = { ...request.headers, ...added }
  const names = Object.keys(headers).sort()
  const clash = Object.keys(request.headers).some((name) => name === 'authorization' || name === 'x-amz-security-token' || Object.hasOwn(added, name))
  if (clash || !names.includes('host') || !names.every((name) => /^[a-z0-9-]+$/.test(name))) throw new TypeError('headers that can not be signed')

  const signedHeaders = names.join(';')
  const canonicalHeaders = names.map((name) => `${name}:${canonicalValue(headers[name] as string)}\n`).join('')
  const canonicalRequest = ['POST', '/', '', canonicalHeaders, signedHeaders, sha256(request.body)].join('\n')

  const steps = [date.slice(0, 8), scope.region, scope.service, 'aws4_request']
  const stringToSign = [ALGORITHM, date, steps.join('/'), sha256(canonicalRequest)].join('\n')
  const key = steps.reduce<string | Uint8Array>((last, step) => hmac(last, step), `AWS4${secretAccessKey}`)
  const signature = hmac(key, stringToSign).toString('hex')
  return { ...headers, authorization: `${ALGORITHM} Credential=${accessKeyId}/${steps.join('/')}, SignedHeaders=${signedHeaders}, Signature=${signature}` }
}

/** Printable ASCII: what else HTTP makes of other characters, the service could read differently. */
function canonicalValue(value: string): string {
  if (!/^[\x20-\x7e]*$/.test(value)) throw new TypeError('headers that can not be signed')
  return value.trim().replace(/ +/g, ' ')
}

function sha256(data: string | Uint8Array): string {
  return createHash('sha256').update(data).digest('hex')
}

function hmac(key: string | Uint8Array, data: string): Buffer {
  return createHmac('sha256', key).update(data).digest()
}
