/** Aborting and timeouts, with what every runtime has: React Native knows neither `AbortSignal.any` nor `AbortSignal.timeout`. */
import { CloisterError } from '../lib/protocol/errors.ts'

export interface Deadline {
  readonly signal?: AbortSignal | undefined
  /** Milliseconds. */
  readonly timeoutMs?: number | undefined
}

/** @throws what the signal was aborted with */
export function throwIfAborted(signal: AbortSignal | undefined): void {
  if (signal?.aborted === true) throw reasonOf(signal)
}

/**
 * Runs something until it ends, the signal aborts, or the time is over: also when what runs takes no notice of its signal.
 * @throws what the signal was aborted with; CloisterError `timeout`
 */
export function withDeadline<T>({ signal, timeoutMs }: Deadline, run: (signal: AbortSignal) => Promise<T>): Promise<T> {
  return new Promise<T>((resolve, reject) => {
    const controller = new AbortController()
    const stop = (reason: unknown): void => {
      settle()
      reject(reason)
      controller.abort(reason)
    }
    const abort = (): void => stop(reasonOf(signal as AbortSignal))
    const timer = timeoutMs === undefined ? undefined : setTimeout(() => stop(new CloisterError('timeout')), timeoutMs)
    const settle = (): void => {
      clearTimeout(timer)
      signal?.removeEventListener('abort', abort)
    }
    if (signal?.aborted === true) return abort()
    signal?.addEventListener('abort', abort)
    run(controller.signal).finally(settle).then(resolve, reject)
  })
}

/** Waits. @throws what the signal was aborted with */
export function sleep(ms: number, signal?: AbortSignal): Promise<void> {
  return withDeadline({ signal }, () => new Promise((resolve) => setTimeout(resolve, ms)))
}

function reasonOf(signal: AbortSignal): unknown {
  return signal.reason ?? Object.assign(new Error('The operation was aborted'), { name: 'AbortError' })
}
