/**
 * The AWS JSON protocol 1.0 and 1.1, client side: `POST /` with `x-amz-target: <prefix>.<Operation>`, signed, JSON in and out, errors by name.
 * As much of an AWS SDK as KMS and DynamoDB take.
 */
import { setTimeout as delay } from 'node:timers/promises'
import type { CredentialSource } from './credentials.ts'
import type { HttpsAnswer, HttpsPost } from './https-post.ts'
import { signRequest } from './sigv4.ts'

export type AwsService = 'kms' | 'dynamodb'
export type JsonObject = Readonly<Record<string, unknown>>

/** Does one operation. @throws AwsError when the service says no, another Error when it says nothing that can be read */
export type AwsJson = (operation: string, input: JsonObject) => Promise<JsonObject>

export interface AwsJsonOptions {
  readonly service: AwsService
  readonly region: string
  /** `https://host[:port]`; `null` for AWS's own in that region. */
  readonly endpoint: string | null
  readonly post: HttpsPost
  readonly credentials: CredentialSource
  /** Time that signatures are made at: the attested one, for nobody but the host sets the system's. */
  readonly nowMs: () => number
  /** For one attempt as a whole: connection, headers and body. */
  readonly timeoutMs: number
  /** How often an operation is tried at most. More than one is for operations that may be done twice. */
  readonly attempts: number
}

/** A service's own error. It carries the error's name and nothing of what was asked. */
export class AwsError extends Error {
  /** The name without its namespace, such as `AccessDeniedException`; empty when the answer has none. */
  readonly code: string
  readonly status: number
  constructor(code: string, status: number) {
    super(`AWS answered ${status} ${code}`)
    this.code = code
    this.status = status
  }
}

const PROTOCOLS = {
  kms: { target: 'TrentService', contentType: 'application/x-amz-json-1.1' },
  dynamodb: { target: 'DynamoDB_20120810', contentType: 'application/x-amz-json-1.0' },
} as const

const PAUSE_MS = 100

/** Makes a client. @throws TypeError for an endpoint that is not a bare host */
export function createAwsJson(options: AwsJsonOptions): AwsJson {
  const { service, region, post, credentials, nowMs, timeoutMs, attempts } = options
  const url = endpointOf(service, region, options.endpoint)
  const { target, contentType } = PROTOCOLS[service]

  async function once(operation: string, body: Uint8Array): Promise<JsonObject> {
    const plain = { host: url.host, 'content-type': contentType, 'user-agent': 'cloister-enclave', 'x-amz-target': `${target}.${operation}` }
    const headers = signRequest({ headers: plain, body }, credentials.current(), { region, service }, nowMs())
    const answer = await post({ url, headers, body, signal: AbortSignal.timeout(timeoutMs) })
    if (answer.status !== 200) throw new AwsError(errorCode(answer), answer.status)
    const output = parse(answer.body)
    if (output === undefined) throw new Error('AWS answered something else than JSON')
    return output
  }

  return async (operation, input) => {
    const body = Buffer.from(JSON.stringify(input))
    for (let left = attempts - 1; ; left--) {
      try {
        return await once(operation, body)
      } catch (error) {
        if (left <= 0 || !passes(error)) throw error
        await delay(PAUSE_MS)
      }
    }
  }
}

/** Whether another attempt may go better: no answer, trouble on their side, or too much at once. A no stays a no. */
function passes(error: unknown): boolean {
  return !(error instanceof AwsError) || error.status >= 500 || error.code === 'ThrottlingException'
}

/** AWS's own hosts (AWS General Reference, "AWS service endpoints"). Isolated partitions have other domains: there the configuration names the endpoint. */
function endpointOf(service: AwsService, region: string, endpoint: string | null): URL {
  if (endpoint === null && /^[a-z]{2}-iso/.test(region)) throw new TypeError('no endpoint is known for the region')
  const url = new URL(endpoint ?? `https://${service}.${region}.amazonaws.com${region.startsWith('cn-') ? '.cn' : ''}`)
  if (url.href !== `https://${url.host}/`) throw new TypeError('an endpoint is a host, by HTTPS')
  return url
}

/** The header goes before `code`, that before `__type`; around the name there may be `namespace#` and `:address` (Smithy, "AWS JSON 1.1 protocol"). */
function errorCode({ headers, body }: HttpsAnswer): string {
  const output = parse(body) ?? {}
  const given = [headers['x-amzn-errortype'], output['code'], output['__type']].find((value) => typeof value === 'string') ?? ''
  return /^(?:[^#:]*#)?([A-Za-z]{1,64})(?::|$)/.exec(given)?.[1] ?? ''
}

function parse(body: Uint8Array): JsonObject | undefined {
  try {
    const value = JSON.parse(new TextDecoder('utf-8', { fatal: true }).decode(body)) as unknown
    return typeof value === 'object' && value !== null && !Array.isArray(value) ? (value as JsonObject) : undefined
  } catch {
    return undefined
  }
}

/** Bytes as the protocol writes them: base64 (RFC 4648 §4). */
export function toBase64(bytes: Uint8Array): string {
  return Buffer.from(bytes.buffer, bytes.byteOffset, bytes.length).toString('base64')
}

/** Strict: padded, and no other spelling of the same bytes. Returns `undefined` for anything else. */
export function fromBase64(value: unknown): Uint8Array | undefined {
  if (typeof value !== 'string') return undefined
  const bytes = Buffer.from(value, 'base64')
  return bytes.toString('base64') === value ? new Uint8Array(bytes) : undefined
}
