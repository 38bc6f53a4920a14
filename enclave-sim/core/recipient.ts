/** The enclave as a KMS Recipient: an RSA key made at start, offered in an attestation document that is fresh within a minute. */
import { createHash, generateKeyPair } from 'node:crypto'
import { promisify } from 'node:util'
import type { AttestedClock } from './clock.ts'
import { openEnvelope } from './cms.ts'
import type { NsmPort } from './ports.ts'

const DOCUMENT_LIFE_MS = 60_000

export interface Recipient {
  /** An attestation document whose public key is this recipient's, RSA-2048 SPKI in DER. */
  attestation(): Promise<Uint8Array>
  /** Opens `CiphertextForRecipient`. @throws EnvelopeError */
  open(envelope: Uint8Array): Uint8Array<ArrayBuffer>
}

export async function createRecipient(nsm: NsmPort, clock: AttestedClock): Promise<Recipient> {
  const { publicKey, privateKey } = await promisify(generateKeyPair)('rsa', { modulusLength: 2048 })
  const spki = new Uint8Array(publicKey.export({ type: 'spki', format: 'der' }))
  const id = new Uint8Array(createHash('sha256').update(spki).digest())
  let current: { document: Promise<Uint8Array>; untilMs: number } | undefined
  return {
    attestation() {
      if (current === undefined || clock.nowMs() >= current.untilMs) {
        const document = nsm.attest({ publicKey: spki, userData: null, nonce: null })
        document.catch(() => (current = undefined))
        current = { document, untilMs: clock.nowMs() + DOCUMENT_LIFE_MS }
      }
      return current.document
    },
    open: (envelope) => openEnvelope(envelope, { privateKey, id }),
  }
}
