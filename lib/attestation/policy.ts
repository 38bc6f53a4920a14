/** Which verified enclaves to accept. No option has a default: a forgotten one throws, and to skip a check takes an explicit `null`. */
import { equal, toHex } from '../protocol/bytes.ts'
import { CloisterError } from '../protocol/errors.ts'
import type { VerifiedAttestation } from './verify.ts'

/** What an image and its configuration measure to: lowercase hex of 48 bytes each. */
export interface Measurements {
  /** The whole image. */
  readonly pcr0: string
  /** Kernel, command line and first ramdisk. */
  readonly pcr1: string
  /** The other ramdisks: the application. */
  readonly pcr2: string
  /** The configuration, which the application extends and locks at boot. */
  readonly pcr16: string
}

export interface AttestationPolicy {
  /** Acceptable sets, several so that releases can overlap. A set matches as a whole or not at all. */
  readonly measurements: readonly Measurements[]
  /** The nonce that the caller sent, not empty; `null`: don't check. */
  readonly nonce: Uint8Array | null
  /** The caller's time, milliseconds since 1970; `null`: don't check freshness. */
  readonly nowMs: number | null
  /** How old the document may be. */
  readonly maxAgeMs: number
  /** How far in the future it may lie: the hypervisor's clock and the caller's differ. */
  readonly maxSkewMs: number
}

const PCRS = { pcr0: 0, pcr1: 1, pcr2: 2, pcr16: 16 } as const
const NAMES = ['pcr0', 'pcr1', 'pcr2', 'pcr16'] as const

/**
 * Accepts or throws; checks in this order.
 *
 * @throws CloisterError `attestation_debug` (PCR0, 1 or 2 is zero: anybody can read such an enclave's console),
 * `attestation_nonce`, `attestation_stale`, `attestation_measurements`
 * @throws TypeError when an option is missing or malformed, or the document is not a verified one
 */
export function acceptAttestation(attestation: VerifiedAttestation, policy: AttestationPolicy): void {
  checkOptions(attestation, policy)
  const { measurements, nonce, nowMs, maxAgeMs, maxSkewMs } = policy
  if ([0, 1, 2].some((index) => attestation.pcrs.get(index)?.every((byte) => byte === 0))) throw new CloisterError('attestation_debug')
  if (nonce !== null && (attestation.nonce === null || !equal(attestation.nonce, nonce))) throw new CloisterError('attestation_nonce')
  if (nowMs !== null) {
    const ageMs = nowMs - attestation.timestampMs
    if (ageMs > maxAgeMs || ageMs < -maxSkewMs) throw new CloisterError('attestation_stale')
  }
  const actual = measurementsOf(attestation)
  if (!measurements.some((set) => NAMES.every((name) => set[name] === actual[name]))) throw new CloisterError('attestation_measurements')
}

/**
 * The measurements of a document, to compare or to pin.
 *
 * @throws CloisterError `attestation_measurements` when one of the PCRs is not in it (only locked ones are)
 */
export function measurementsOf(attestation: VerifiedAttestation): Measurements {
  const hex = (name: keyof typeof PCRS): string => {
    const digest = attestation.pcrs.get(PCRS[name])
    if (digest === undefined) throw new CloisterError('attestation_measurements')
    return toHex(digest)
  }
  return { pcr0: hex('pcr0'), pcr1: hex('pcr1'), pcr2: hex('pcr2'), pcr16: hex('pcr16') }
}

/** At run time too: the SDK is called from JavaScript, where a missing option is `undefined` and NaN compares false with everything. */
function checkOptions(attestation: VerifiedAttestation, policy: AttestationPolicy): void {
  const { measurements, nonce, nowMs, maxAgeMs, maxSkewMs } = policy
  const isVerified: unknown = attestation.verified
  must(isVerified === true, 'the attestation must come from verifyAttestation')
  must(Array.isArray(measurements) && measurements.every(isMeasurements), 'measurements must be sets of 96 lowercase hex digits')
  must(nonce === null || (nonce instanceof Uint8Array && nonce.length > 0), 'nonce must be bytes, or null to skip it')
  must(nowMs === null || Number.isFinite(nowMs), 'nowMs must be a number, or null to skip freshness')
  must(isDuration(maxAgeMs) && isDuration(maxSkewMs), 'maxAgeMs and maxSkewMs must be numbers, not negative')
}

function must(fine: boolean, message: string): void {
  if (!fine) throw new TypeError(message)
}

function isDuration(value: number): boolean {
  return Number.isFinite(value) && value >= 0
}

function isMeasurements(set: Measurements): boolean {
  return NAMES.every((name) => typeof set[name] === 'string' && /^[0-9a-f]{96}$/.test(set[name]))
}
