/** The user's own token for credentials that read the user's own records, and nothing else. */
import { createHash } from 'node:crypto'
import {
  AssumeRoleWithWebIdentityCommand,
  ExpiredTokenException,
  InvalidIdentityTokenException,
  type STSClient,
} from '@aws-sdk/client-sts'
import { CloisterError } from '../protocol/errors.ts'
import type { VerifiedToken } from './verify.ts'

/** The least that STS gives (AssumeRoleWithWebIdentity, DurationSeconds). */
const DURATION_SEC = 900
const MARGIN_MS = 30_000
const MAX_CACHED = 1000

export interface ReadCredentials {
  readonly accessKeyId: string
  readonly secretAccessKey: string
  readonly sessionToken: string
}

export interface TokenExchange {
  /** @throws CloisterError `token_expired`, `token_signature` when STS disowns the token, `unavailable` */
  exchange(token: string, verified: VerifiedToken): Promise<ReadCredentials>
}

/** @param roles tenant id → ARN of the role that reads one user's partition */
export function createTokenExchange(options: { sts: STSClient; roles: ReadonlyMap<string, string>; nowMs: () => number; timeoutMs: number }): TokenExchange {
  const cache = new Map<string, { credentials: Promise<ReadCredentials>; untilMs: number }>()

  async function assume(token: string, verified: VerifiedToken): Promise<ReadCredentials> {
    const RoleArn = options.roles.get(verified.tenant.id)
    if (RoleArn === undefined) throw new CloisterError('internal')
    const command = new AssumeRoleWithWebIdentityCommand({
      RoleArn,
      RoleSessionName: 'cloister-relay',
      WebIdentityToken: token,
      DurationSeconds: DURATION_SEC,
    })
    const { Credentials: given } = await options.sts.send(command, { abortSignal: AbortSignal.timeout(options.timeoutMs) }).catch((error: unknown) => {
      if (error instanceof ExpiredTokenException) throw new CloisterError('token_expired')
      if (error instanceof InvalidIdentityTokenException) throw new CloisterError('token_signature')
      throw new CloisterError('unavailable', { retryAfterSec: 2 })
    })
    if (!given?.AccessKeyId || !given.SecretAccessKey || !given.SessionToken) throw new CloisterError('unavailable', { retryAfterSec: 2 })
    return { accessKeyId: given.AccessKeyId, secretAccessKey: given.SecretAccessKey, sessionToken: given.SessionToken }
  }

  return {
    exchange(token, verified) {
      const key = createHash('sha256').update(token).digest('base64url')
      const nowMs = options.nowMs()
      const cached = cache.get(key)
      if (cached !== undefined && cached.untilMs > nowMs) return cached.credentials
      if (cache.size >= MAX_CACHED) cache.delete(cache.keys().next().value as string)
      const credentials = assume(token, verified)
      // Never past the token's own end, whatever STS would allow.
      const untilMs = Math.min(verified.expiresAtSec * 1000, nowMs + DURATION_SEC * 1000 - MARGIN_MS)
      cache.set(key, { credentials, untilMs })
      credentials.catch(() => cache.delete(key))
      return credentials
    },
  }
}
