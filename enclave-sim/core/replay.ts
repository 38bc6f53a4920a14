/** The request ids seen while a request could still be fresh: each request is single-use. */
import { toHex } from '../../lib/protocol/bytes.ts'
import { CloisterError } from '../../lib/protocol/errors.ts'
import { LIMITS } from '../../lib/protocol/limits.ts'

/** Bounds the memory that a client with many requests can take; past it the answer is `busy`. */
const MAX_IDS = 200_000

export interface ReplayGuard {
  /** Takes a request id. @throws CloisterError `request_expired`, `request_replayed`, `busy` */
  take(request: Uint8Array, issuedAtMs: number, nowMs: number): void
  /** Gives it back: nothing was done, the same request may come again. */
  giveBack(request: Uint8Array): void
}

export function createReplayGuard(maxIds = MAX_IDS): ReplayGuard {
  /** Request id → when its request stops being fresh. Insertion order is nearly expiry order. */
  const seen = new Map<string, number>()
  let nextSweepMs = 0
  return {
    take(request, issuedAtMs, nowMs) {
      if (Math.abs(nowMs - issuedAtMs) > LIMITS.requestFreshMs) throw new CloisterError('request_expired')
      if (nowMs >= nextSweepMs || seen.size >= maxIds) {
        for (const [id, untilMs] of seen) if (untilMs < nowMs) seen.delete(id)
        nextSweepMs = nowMs + LIMITS.requestFreshMs / 4
      }
      const id = toHex(request)
      if (seen.has(id)) throw new CloisterError('request_replayed')
      if (seen.size >= maxIds) throw new CloisterError('busy', { retryAfterSec: 5 })
      seen.set(id, issuedAtMs + LIMITS.requestFreshMs + 1)
    },
    giveBack(request) {
      seen.delete(toHex(request))
    },
  }
}
