/**
 * Time by attestation: the timestamp of a fresh NSM document, carried on by a monotonic clock. The parent instance sets
 * the enclave's wall clock, so that one is never asked.
 */
import { decode } from 'cborg'
import type { MonotonicMs, NsmPort } from './ports.ts'

/** More than this between the device and our own count since the last reading, and one of the two is wrong. */
export const MAX_DRIFT_MS = 5_000

export interface AttestedClock {
  nowMs(): number
  /** Reads the device again. Returns how far the two disagree, milliseconds. */
  sync(): Promise<number>
}

export async function createAttestedClock(nsm: NsmPort, monotonicMs: MonotonicMs): Promise<AttestedClock> {
  let offsetMs = await readOffset(nsm, monotonicMs)
  return {
    nowMs: () => Math.floor(monotonicMs() + offsetMs),
    async sync() {
      const fresh = await readOffset(nsm, monotonicMs)
      const drift = Math.abs(fresh - offsetMs)
      if (drift <= MAX_DRIFT_MS) offsetMs = Math.max(offsetMs, fresh) // time never runs back
      return drift
    },
  }
}

async function readOffset(nsm: NsmPort, monotonicMs: MonotonicMs): Promise<number> {
  const document = await nsm.attest({ publicKey: null, userData: null, nonce: null })
  return timestampOf(document) - monotonicMs()
}

/**
 * The device is trusted, and its document was asked for just now: nothing to verify, one field to read.
 * @throws Error for a document without one
 */
export function timestampOf(document: Uint8Array): number {
  const timestamp = payloadOf(document)?.get('timestamp')
  if (!Number.isSafeInteger(timestamp)) throw new Error('the device gave no timestamp')
  return timestamp as number
}

function payloadOf(document: Uint8Array): ReadonlyMap<unknown, unknown> | undefined {
  try {
    const [, , payload] = decode(document) as unknown[]
    const fields: unknown = decode(payload as Uint8Array, { allowIndefinite: true, useMaps: true })
    return fields instanceof Map ? fields : undefined
  } catch {
    return undefined
  }
}
