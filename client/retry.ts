/** Trying again, where that is safe: whatever is asked without a PIN, and changes nothing. */
import { CloisterError, type ErrorCode } from '../lib/protocol/errors.ts'
import { sleep } from './deadline.ts'

const RETRIES = 2
const FIRST_PAUSE_MS = 200
/** Who is told to come back later than this is told so, rather than kept waiting. */
const MAX_PAUSE_MS = 5_000
const PASSING: ReadonlySet<ErrorCode> = new Set(['network', 'unavailable', 'busy', 'rate_limited'])

/**
 * A request with a PIN must not come here: whoever is between could drop the answer, and each try of a mistyped PIN is a guess.
 * Its caller may repeat it with the same idempotency key.
 */
export async function retrying<T>(attempt: () => Promise<T>, signal?: AbortSignal): Promise<T> {
  for (let tried = 0; ; tried++) {
    try {
      return await attempt()
    } catch (error) {
      if (!(error instanceof CloisterError) || !PASSING.has(error.code) || tried === RETRIES) throw error
      // Not all at once: some part of it is chance.
      const pauseMs = error.retryAfterSec === undefined ? FIRST_PAUSE_MS * 2 ** tried * (0.5 + Math.random() / 2) : error.retryAfterSec * 1000
      if (pauseMs > MAX_PAUSE_MS) throw error
      await sleep(pauseMs, signal)
    }
  }
}
