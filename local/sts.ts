/**
 * STS on this machine: AssumeRoleWithWebIdentity and GetCallerIdentity, by the AWS query protocol (a signed or unsigned form in, XML out).
 */
import { randomUUID } from 'node:crypto'
import type { IncomingMessage, ServerResponse } from 'node:http'
import { createFaults, meetFault, type Faults } from './faults.ts'
import { decideByTrustPolicy } from './iam/evaluate.ts'
import type { Identities } from './iam/identities.ts'
import { ACCOUNT_ID, REGION, type Role } from './iam/resources.ts'
import { authenticate, type SignatureFault, type SignedRequest } from './iam/sigv4.ts'
import { listenTls, readBody, send, type Service, type TlsServerOptions } from './serve.ts'
import { StsError } from './sts/error.ts'
import { verifyWebIdentity, type FetchJwks, type Provider } from './sts/token.ts'
import { errorXml, resultXml, type XmlFields } from './sts/xml.ts'

interface StsOptions {
  /** 0 = any free port. */
  readonly port: number
  readonly tls: TlsServerOptions
  readonly identities: Identities
  /** Roles that a token may be exchanged for. */
  readonly roles: readonly Role[]
  /** Registered OpenID providers. */
  readonly providers: readonly Provider[]
  /** `createJwksFetcher` of ./sts/jwks.ts. */
  readonly fetchJwks: FetchJwks
  readonly faults?: Faults
  readonly nowMs?: () => number
}

export interface Sts extends Service {
  /** May be changed while it runs. */
  readonly faults: Faults
}

type Scope = Required<StsOptions>

const signatureErrors: Readonly<Record<SignatureFault, StsError>> = {
  missing: new StsError('MissingAuthenticationToken', 'Request is missing Authentication Token'),
  incomplete: new StsError('IncompleteSignature', 'The request signature does not conform to AWS standards'),
  'unknown-key': new StsError('InvalidClientTokenId', 'The security token included in the request is invalid'),
  'expired-token': new StsError('ExpiredToken', 'The security token included in the request is expired'),
  skewed: new StsError('SignatureDoesNotMatch', 'Signature not current: the clock differs by more than 5 minutes'),
  mismatch: new StsError('SignatureDoesNotMatch', 'The request signature we calculated does not match the signature you provided'),
}

export async function startSts(options: StsOptions): Promise<Sts> {
  const scope: Scope = { faults: createFaults(), nowMs: Date.now, ...options }
  const listening = await listenTls(options.port, options.tls, (request, response) => {
    void serveOne(scope, request, response).catch(() => sendError(response, new StsError('InternalFailure', 'Internal failure'), randomUUID()))
  })
  return { url: `https://127.0.0.1:${listening.port}`, close: listening.close, faults: scope.faults }
}

async function serveOne(scope: Scope, request: IncomingMessage, response: ServerResponse): Promise<void> {
  const requestId = randomUUID()
  // SDKs set their clocks by it.
  response.setHeader('date', new Date(scope.nowMs()).toUTCString())
  const body = await readBody(request)
  if (body === undefined) return
  const form = new URLSearchParams(body.toString('utf8'))
  const action = form.get('Action') ?? ''
  const fault = await meetFault(scope.faults, action)
  if (fault === 'hang') return
  if (fault === 'stall') return void response.writeHead(200, { 'content-type': 'text/xml', 'content-length': '1000' }).write('<')
  if (fault === 'down') return void request.socket.destroy()
  try {
    if (fault === 'throttle') throw new StsError('Throttling', 'Rate exceeded')
    if (fault === 'error') throw new StsError('InternalFailure', 'Internal failure')
    if (request.method !== 'POST' || request.url !== '/' || form.get('Version') !== '2011-06-15') throw new StsError('InvalidAction', 'Unknown action')
    const { method, url, headers } = request
    const result = await run(scope, action, form, { method, url, headers, body })
    if (fault === 'lost') return void request.socket.destroy()
    send(response, 200, { 'content-type': 'text/xml', 'x-amzn-requestid': requestId }, resultXml(action, result, requestId))
  } catch (error) {
    if (!(error instanceof StsError)) throw error
    sendError(response, error, requestId)
  }
}

function run(scope: Scope, action: string, form: URLSearchParams, request: SignedRequest): Promise<XmlFields> {
  switch (action) {
    case 'AssumeRoleWithWebIdentity': return assumeRole(scope, form)
    case 'GetCallerIdentity': return callerIdentity(scope, request)
    default: throw new StsError('InvalidAction', 'Unknown action')
  }
}

async function assumeRole({ roles, providers, fetchJwks, identities, nowMs }: Scope, form: URLSearchParams): Promise<XmlFields> {
  const roleArn = parameter(form, 'RoleArn', /^arn:aws:iam::\d{12}:role\/[\w+=,.@/-]{1,512}$/)
  const sessionName = parameter(form, 'RoleSessionName', /^[\w+=,.@-]{2,64}$/)
  const token = parameter(form, 'WebIdentityToken', /^[\w.-]{4,20000}$/)
  for (const name of form.keys()) {
    if (/^(Policy|PolicyArns|ProviderId)/.test(name)) throw new StsError('ValidationError', 'Session policies and ProviderId are not emulated')
  }
  const durationSec = Number(form.has('DurationSeconds') ? parameter(form, 'DurationSeconds', /^\d{1,6}$/) : 3600)
  if (durationSec < 900) throw new StsError('ValidationError', 'DurationSeconds must be at least 900')

  const { provider, subject, audience } = await verifyWebIdentity(token, providers, fetchJwks, nowMs())
  const host = provider.issuer.slice('https://'.length).toLowerCase()
  const context = new Map([[`${host}:sub`, subject], [`${host}:aud`, audience], ['aws:federatedprovider', provider.arn]])
  const role = roles.find(({ arn }) => arn === roleArn)
  const action = 'sts:AssumeRoleWithWebIdentity'
  const principal = { type: 'federated', arn: provider.arn, accountId: ACCOUNT_ID } as const
  const allowed = role !== undefined && decideByTrustPolicy({ principal, action, resource: role.arn, context }, role.trust).allowed
  if (!allowed) throw new StsError('AccessDenied', `Not authorized to perform ${action}`)
  if (durationSec > role.maxSessionSec) throw new StsError('ValidationError', "DurationSeconds exceeds the role's MaxSessionDuration")

  const expiresAtMs = nowMs() + durationSec * 1000
  const session = identities.issueSession({ roleArn, sessionName, policies: role.policies, context, expiresAtMs })
  const { accessKeyId, secretAccessKey, sessionToken } = session.credentials
  return {
    SubjectFromWebIdentityToken: subject,
    Audience: audience,
    AssumedRoleUser: { Arn: session.principal.arn, AssumedRoleId: session.userId },
    Credentials: {
      SessionToken: sessionToken ?? '',
      SecretAccessKey: secretAccessKey,
      Expiration: new Date(expiresAtMs).toISOString().replace(/\.\d+Z$/, 'Z'),
      AccessKeyId: accessKeyId,
    },
    Provider: provider.arn,
  }
}

/** Needs no permission; a signature is enough. */
async function callerIdentity({ identities, nowMs }: Scope, request: SignedRequest): Promise<XmlFields> {
  const identity = await authenticate(request, { identities, service: 'sts', region: REGION, nowMs: nowMs() })
  if (typeof identity === 'string') throw signatureErrors[identity]
  return { Arn: identity.principal.arn, UserId: identity.userId, Account: identity.principal.accountId }
}

function parameter(form: URLSearchParams, name: string, pattern: RegExp): string {
  const values = form.getAll(name)
  const [value] = values
  if (values.length !== 1 || value === undefined || !pattern.test(value)) throw new StsError('ValidationError', `${name} failed to satisfy constraint`)
  return value
}

function sendError(response: ServerResponse, { code, status, message }: StsError, requestId: string): void {
  const body = errorXml(code, message, requestId, status < 500 ? 'Sender' : 'Receiver')
  send(response, status, { 'content-type': 'text/xml', 'x-amzn-requestid': requestId }, body)
}
