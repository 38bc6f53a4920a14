/** What operators' commands say between the relay's network and an enclave: JSON on paths of their own, never sealed, and nothing of users in it. */
import { array, attempt, boolean, integer, nullable, object, oneOf, text } from './fields.ts'

/** Bytes of an operator's message and of its answer. */
export const MAX_OPERATOR_BYTES = 64 * 1024

export const ENCLAVE_PHASES = ['boot', 'self-test', 'configured', 'serving', 'draining', 'halted'] as const
export type EnclavePhase = (typeof ENCLAVE_PHASES)[number]

/** The phase out of an enclave's `GET /v1/health`: `{phase}`, and `reason` where it halted. */
export function decodeHealth(body: Uint8Array): EnclavePhase | undefined {
  const json = parseJson(body)
  if (typeof json !== 'object' || json === null) return undefined
  return ENCLAVE_PHASES.find((phase) => phase === (json as { readonly phase?: unknown }).phase)
}

/** JSON in UTF-8; `undefined` when it is none. */
export function parseJson(body: Uint8Array): unknown {
  try {
    return JSON.parse(new TextDecoder('utf-8', { fatal: true }).decode(body))
  } catch {
    return undefined
  }
}

export interface EnclaveStatus {
  readonly version: string
  readonly phase: EnclavePhase
  /** Why it halted; null when it did not. */
  readonly reason: string | null
  /** What only an enclave that was configured, and did not halt, can say. */
  readonly work: EnclaveWork | null
}

export interface EnclaveWork {
  /** Keys that still open requests; the first is the one on offer. Ids are 32 hex digits. */
  readonly channelKeys: readonly { readonly id: string; readonly ageSec: number; readonly opensForSec: number }[]
  /** Requests that came in and were not answered yet; of these, PINs being worked on and requests that wait for their turn. */
  readonly open: number
  readonly running: number
  readonly waiting: number
  /** How far the device's clock and the enclave's own count were apart when last compared, and how long ago that was. */
  readonly clock: { readonly driftMs: number; readonly readAgoSec: number }
}

export function decodeEnclaveStatus(json: unknown): EnclaveStatus | undefined {
  return attempt((): EnclaveStatus => {
    const fields = object(json, ['version', 'phase', 'reason', 'work'])
    return {
      version: text(fields['version'], /^[0-9A-Za-z.+-]{1,64}$/),
      phase: oneOf(fields['phase'], ENCLAVE_PHASES),
      reason: nullable(fields['reason'], (value) => text(value, /^[a-zA-Z0-9:-]{1,64}$/)),
      work: nullable(fields['work'], readWork),
    }
  })
}

const count = (value: unknown): number => integer(value, 0, Number.MAX_SAFE_INTEGER)

function readWork(value: unknown): EnclaveWork {
  const fields = object(value, ['channelKeys', 'open', 'running', 'waiting', 'clock'])
  const clock = object(fields['clock'], ['driftMs', 'readAgoSec'])
  return {
    channelKeys: array(fields['channelKeys'], 16, (item) => {
      const key = object(item, ['id', 'ageSec', 'opensForSec'])
      return { id: text(key['id'], /^[0-9a-f]{32}$/), ageSec: count(key['ageSec']), opensForSec: count(key['opensForSec']) }
    }),
    open: count(fields['open']),
    running: count(fields['running']),
    waiting: count(fields['waiting']),
    clock: { driftMs: count(clock['driftMs']), readAgoSec: count(clock['readAgoSec']) },
  }
}

/** Body of `POST /v1/operator/rotate`. */
export function decodeRotate(json: unknown): { readonly now: boolean } | undefined {
  return attempt(() => ({ now: boolean(object(json, ['now'])['now']) }))
}
