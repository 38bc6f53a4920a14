/**
 * Who is who: access keys with the role behind them and what its policies allow. Sessions live in memory: a restart ends them, as their
 * expiry would.
 */
import { createHash, randomBytes } from 'node:crypto'
import type { RequestContext } from './conditions.ts'
import type { Principal } from './evaluate.ts'
import type { Policy } from './policy.ts'

export interface Credentials {
  readonly accessKeyId: string
  readonly secretAccessKey: string
  readonly sessionToken?: string
}

export interface Identity {
  readonly credentials: Credentials
  /** Undefined for credentials that don't expire. */
  readonly expiresAtMs: number | undefined
  readonly principal: Principal
  /** `<role id>:<session name>`. */
  readonly userId: string
  readonly policies: readonly Policy[]
  /** Context keys that come with the session, such as `<issuer>:sub`; keys in lowercase. */
  readonly context: RequestContext
}

/** A role that a caller on this machine acts as, without assuming it first. */
interface StaticIdentity {
  readonly roleArn: string
  readonly sessionName: string
  readonly policies: readonly Policy[]
  /** Random when absent. */
  readonly credentials?: { readonly accessKeyId: string; readonly secretAccessKey: string }
}

interface SessionRequest {
  readonly roleArn: string
  readonly sessionName: string
  readonly policies: readonly Policy[]
  readonly context: RequestContext
  readonly expiresAtMs: number
}

export interface Identities {
  addStatic(identity: StaticIdentity): Identity
  issueSession(session: SessionRequest): Identity
  find(accessKeyId: string): Identity | undefined
}

export function createIdentities(): Identities {
  const byAccessKey = new Map<string, Identity>()
  const register = (identity: Identity): Identity => {
    const { accessKeyId } = identity.credentials
    if (byAccessKey.has(accessKeyId)) throw new Error('access key id is taken')
    byAccessKey.set(accessKeyId, identity)
    return identity
  }
  return {
    addStatic: ({ roleArn, sessionName, policies, credentials = randomCredentials('AKIA') }) =>
      register({ ...session(roleArn, sessionName), credentials, expiresAtMs: undefined, policies, context: new Map() }),
    issueSession: ({ roleArn, sessionName, policies, context, expiresAtMs }) => {
      const now = Date.now()
      // An hour's grace, so that an expired session is told apart from an unknown one.
      for (const [id, known] of byAccessKey) {
        if (known.expiresAtMs !== undefined && known.expiresAtMs + 3_600_000 < now) byAccessKey.delete(id)
      }
      const credentials = { ...randomCredentials('ASIA'), sessionToken: randomBytes(96).toString('base64') }
      return register({ ...session(roleArn, sessionName), credentials, expiresAtMs, policies, context })
    },
    find: (accessKeyId) => byAccessKey.get(accessKeyId),
  }
}

function session(roleArn: string, sessionName: string): { principal: Principal; userId: string } {
  const match = /^arn:aws:iam::(\d{12}):role\/(?:[\w+=,.@-]+\/)*([\w+=,.@-]{1,64})$/.exec(roleArn)
  if (match === null || !/^[\w+=,.@-]{2,64}$/.test(sessionName)) throw new Error('malformed role ARN or session name')
  const [, accountId, role] = match as unknown as [string, string, string]
  const arn = `arn:aws:sts::${accountId}:assumed-role/${role}/${sessionName}`
  return { principal: { type: 'aws', arn, roleArn, accountId }, userId: `AROA${stableId(roleArn)}:${sessionName}` }
}

/** Role ids look random and stay the same. */
function stableId(roleArn: string): string {
  return createHash('sha256').update(roleArn).digest('hex').toUpperCase().slice(0, 17)
}

function randomCredentials(prefix: 'AKIA' | 'ASIA'): { accessKeyId: string; secretAccessKey: string } {
  const alphabet = 'ABCDEFGHIJKLMNOPQRSTUVWXYZ234567'
  const id = Array.from(randomBytes(16), (byte) => alphabet[byte & 31]).join('')
  return { accessKeyId: prefix + id, secretAccessKey: randomBytes(30).toString('base64') }
}
