/**
 * Faults that tests, and whoever tries the local cloud, can switch on while it runs: one object a service.
 */
import { setTimeout as delay } from 'node:timers/promises'

/**
 * - `throttle`: answers as the service does when it is asked too often;
 * - `error`: answers 500;
 * - `hang`: takes the request and never answers;
 * - `stall`: begins its answer and never ends it;
 * - `down`: drops the connection before anything is done;
 * - `lost`: does what was asked, then drops the connection (the caller can't know);
 * - `latency`: waits `latencyMs`, then does it.
 */
export type FaultMode = 'none' | 'throttle' | 'error' | 'hang' | 'stall' | 'down' | 'lost' | 'latency'

export interface Faults {
  mode: FaultMode
  /** For `latency`, milliseconds. */
  latencyMs?: number
  /** Names of the operations that fail; all when absent. */
  only?: readonly string[]
  /** How many requests pass before the first one fails. */
  skip?: number
  /** How many requests fail before the mode falls back to `none`; without end when absent. */
  times?: number
}

export function createFaults(): Faults {
  return { mode: 'none' }
}

/** The fault that this request meets, with `latency` already waited for. */
export async function meetFault(faults: Faults, operation: string): Promise<Exclude<FaultMode, 'latency'>> {
  const { mode } = faults
  if (mode === 'none' || (faults.only !== undefined && !faults.only.includes(operation))) return 'none'
  if (faults.skip !== undefined && faults.skip > 0) {
    faults.skip -= 1
    return 'none'
  }
  if (faults.times !== undefined) {
    faults.times -= 1
    if (faults.times <= 0) {
      faults.mode = 'none'
      delete faults.times
    }
  }
  if (mode !== 'latency') return mode
  await delay(faults.latencyMs ?? 0)
  return 'none'
}
