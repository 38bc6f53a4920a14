/**
 * The AWS JSON protocol, server side: `POST /` with `x-amz-target: <prefix>.<Operation>`, signed by SigV4, JSON in and out, errors as
 * `{"__type": …}`. What KMS and DynamoDB share.
 */
import { randomUUID } from 'node:crypto'
import type { IncomingMessage, ServerResponse } from 'node:http'
import { meetFault, type Faults } from './faults.ts'
import type { Identities, Identity } from './iam/identities.ts'
import { authenticate, type SignatureFault } from './iam/sigv4.ts'
import { readBody, send } from './serve.ts'

export type JsonObject = Readonly<Record<string, unknown>>

/** An error of the service's, as its clients see it. `message` is absent where AWS sends none. */
export class AwsError extends Error {
  readonly code: string
  readonly status: number
  readonly text: string | undefined

  constructor(code: string, text?: string, status = 400) {
    super(code)
    this.name = 'AwsError'
    this.code = code
    this.text = text
    this.status = status
  }
}

export interface AwsCall {
  readonly operation: string
  readonly input: JsonObject
  readonly identity: Identity
  readonly requestId: string
  readonly userAgent: string
}

export interface AwsAnswer {
  /** JSON text. */
  readonly body: string
  readonly status: number
  readonly headers?: Readonly<Record<string, string>>
}

interface AwsJsonService {
  /** Name in credential scopes, such as `kms`. */
  readonly service: string
  readonly region: string
  readonly targetPrefix: string
  readonly contentType: string
  /** Namespace in front of error codes, with its `#`; may be empty. */
  readonly errorNamespace: string
  /** What the service answers when asked too often. */
  readonly throttled: AwsError
  /** What it answers when something is wrong on its side. */
  readonly failed: AwsError
  readonly identities: Identities
  readonly faults: Faults
  readonly nowMs: () => number
  readonly handle: (call: AwsCall) => Promise<AwsAnswer>
}

const mismatch = 'The request signature we calculated does not match the signature you provided. Check your AWS Secret Access Key and signing method.'

/** Status 400 throughout, as AWS's JSON services answer. */
const signatureErrors: Readonly<Record<SignatureFault, AwsError>> = {
  missing: new AwsError('MissingAuthenticationTokenException', 'Request is missing Authentication Token'),
  incomplete: new AwsError('IncompleteSignatureException', 'The request signature does not conform to AWS standards'),
  'unknown-key': new AwsError('UnrecognizedClientException', 'The security token included in the request is invalid.'),
  'expired-token': new AwsError('ExpiredTokenException', 'The security token included in the request is expired'),
  skewed: new AwsError('InvalidSignatureException', 'Signature not current: the clock differs by more than 5 minutes'),
  mismatch: new AwsError('InvalidSignatureException', mismatch),
}

/** Makes the request listener of such a service. */
export function awsJsonListener(service: AwsJsonService): (request: IncomingMessage, response: ServerResponse) => void {
  return (request, response) => {
    // What isn't an AwsError is a defect here: the caller learns nothing of it.
    void serveOne(service, request, response).catch(() => sendError(service, response, service.failed, randomUUID()))
  }
}

async function serveOne(service: AwsJsonService, request: IncomingMessage, response: ServerResponse): Promise<void> {
  const requestId = randomUUID()
  // SDKs set their clocks by it.
  response.setHeader('date', new Date(service.nowMs()).toUTCString())
  const body = await readBody(request)
  if (body === undefined) return
  const [prefix, operation = '', ...rest] = header(request, 'x-amz-target').split('.')
  const fault = await meetFault(service.faults, operation)
  if (fault === 'hang') return
  if (fault === 'stall') return void response.writeHead(200, { 'content-type': service.contentType, 'content-length': '1000' }).write('{')
  if (fault === 'down') return void request.socket.destroy()
  try {
    if (fault === 'throttle') throw service.throttled
    if (fault === 'error') throw service.failed
    if (prefix !== service.targetPrefix || rest.length > 0 || !/^[A-Za-z]{1,64}$/.test(operation)) throw new AwsError('UnknownOperationException')
    if (header(request, 'content-type') !== service.contentType) throw new AwsError('UnknownOperationException')
    const { method = '', url = '', headers } = request
    const { identities, region, nowMs } = service
    const identity = await authenticate({ method, url, headers, body }, { identities, service: service.service, region, nowMs: nowMs() })
    if (typeof identity === 'string') throw signatureErrors[identity]
    const answer = await service.handle({ operation, input: parse(body), identity, requestId, userAgent: header(request, 'user-agent') })
    if (fault === 'lost') return void request.socket.destroy()
    const { status, headers: more = {} } = answer
    send(response, status, { 'content-type': service.contentType, 'x-amzn-requestid': requestId, ...more }, answer.body)
  } catch (error) {
    if (!(error instanceof AwsError)) throw error
    sendError(service, response, error, requestId)
  }
}

function sendError(service: AwsJsonService, response: ServerResponse, error: AwsError, requestId: string): void {
  // KMS spells "Message" where IAM refuses and "message" elsewhere; SDKs read both.
  const text = error.code === 'AccessDeniedException' ? { Message: error.text } : { message: error.text }
  const body = JSON.stringify({ __type: service.errorNamespace + error.code, ...text })
  send(response, error.status, { 'content-type': service.contentType, 'x-amzn-requestid': requestId }, body)
}

function parse(body: Buffer): JsonObject {
  try {
    const value = JSON.parse(new TextDecoder('utf-8', { fatal: true }).decode(body)) as unknown
    if (typeof value === 'object' && value !== null && !Array.isArray(value)) return value as JsonObject
  } catch {
    // Falls through to the error below.
  }
  throw new AwsError('SerializationException')
}

function header(request: IncomingMessage, name: string): string {
  const value = request.headers[name]
  return typeof value === 'string' ? value : ''
}

/** The error for a request that the policies don't allow, worded as AWS words it. */
export function accessDenied({ identity }: AwsCall, action: string, resource: string, because: string): AwsError {
  return new AwsError(
    'AccessDeniedException',
    `User: ${identity.principal.arn} is not authorized to perform: ${action} on resource: ${resource} ${because}`,
  )
}
