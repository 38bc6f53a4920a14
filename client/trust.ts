/** Which enclave an app talks to: nothing is sealed before this says yes. */
import { acceptAttestation, measurementsOf, type Measurements } from '../lib/attestation/policy.ts'
import { decodeUnverifiedAttestation } from '../lib/attestation/document.ts'
import { verifyAttestation } from '../lib/attestation/verify.ts'
import { equal } from '../lib/protocol/bytes.ts'
import { channelKeyId, parseChannelKey, type ChannelPublicKey } from '../lib/protocol/channel.ts'
import { CloisterError } from '../lib/protocol/errors.ts'
import { decodeChannelBinding } from '../lib/protocol/service.ts'

export interface Trust {
  /** DER of the root certificate: AWS's Nitro Enclaves Root-G1 in production, a simulator's on a laptop. There is no default. */
  readonly root: Uint8Array
  /** The releases to accept: several, so that two can overlap. */
  readonly measurements: readonly Measurements[]
  /**
   * How far this device's clock may be from the attested time, milliseconds. The nonce is what proves freshness; this bounds how old a
   * stolen leaf certificate's key could be. 24 hours by default, for phones with wrong clocks.
   */
  readonly clockToleranceMs?: number
}

/** An enclave's channel, as attested. */
export interface AttestedChannel {
  readonly publicKey: ChannelPublicKey
  /** Channel key id, 16 bytes. */
  readonly key: Uint8Array
  readonly measurements: Measurements
  readonly moduleId: string
  /** Attested time now, milliseconds since the epoch: the document's timestamp and this device's monotonic clock. */
  nowMs(): number
  /** After this, attest again. */
  readonly notAfterMs: number
}

const DAY_MS = 86_400_000

/**
 * @param document the attestation document as the relay passed it on
 * @param nonce the one that was asked with
 * @throws CloisterError `attestation_*`
 */
export async function acceptChannel(document: Uint8Array, nonce: Uint8Array, trust: Trust): Promise<AttestedChannel> {
  const receivedAtMs = performance.now()
  const toleranceMs = trust.clockToleranceMs ?? DAY_MS
  const attestation = await verifyAttestation(document, {
    rootDer: trust.root,
    // Certificates must be valid when the document says it was made; below, that moment must be near our own.
    atMs: decodeUnverifiedAttestation(document).document.timestampMs,
  })
  acceptAttestation(attestation, {
    measurements: trust.measurements,
    nonce,
    nowMs: Date.now(),
    maxAgeMs: toleranceMs,
    maxSkewMs: toleranceMs,
  })
  const { publicKey, userData, timestampMs } = attestation
  const binding = userData === null ? undefined : decodeChannelBinding(userData)
  if (publicKey === null || publicKey.length !== 32 || binding === undefined) throw new CloisterError('attestation_binding')
  if (!equal(binding.key, await channelKeyId(publicKey))) throw new CloisterError('attestation_binding')
  if (binding.notAfterMs <= timestampMs) throw new CloisterError('attestation_stale')
  return {
    publicKey: await parseChannelKey(publicKey),
    key: binding.key,
    measurements: measurementsOf(attestation),
    moduleId: attestation.moduleId,
    nowMs: () => Math.floor(timestampMs + performance.now() - receivedAtMs),
    notAfterMs: binding.notAfterMs,
  }
}
