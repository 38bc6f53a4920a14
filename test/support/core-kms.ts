/** A KMS in memory. Its answers are real: it verifies the attestation document and seals to the key in it. */
import { createCipheriv, createDecipheriv, randomBytes } from 'node:crypto'
import { KmsRefusal, type EncryptionContext, type KmsPort } from '../../enclave-sim/core/ports.ts'
import { verifyAttestation } from '../../lib/attestation/verify.ts'
import { concat, toHex } from '../../lib/protocol/bytes.ts'
import { encodeCbor } from '../../lib/protocol/cbor.ts'
import { parseRecipientKey, sealEnvelope } from '../../local/kms/envelope.ts'

export type KmsCall = 'generateDataKey' | 'decrypt' | 'generateRandom'
export type KmsFate = 'answered' | 'down' | 'denied' | 'impostor'

export interface MemoryKms extends KmsPort {
  /** What happens to a call, by its number from 1 on. */
  fate: (call: KmsCall, number: number) => KmsFate
  readonly calls: KmsCall[]
}

export function createMemoryKms(rootDer: Uint8Array, nowMs: () => number): MemoryKms {
  const master = randomBytes(32)
  const recipients = new Map<string, Promise<NonNullable<ReturnType<typeof parseRecipientKey>>>>()

  async function recipientOf(attestation: Uint8Array): Promise<NonNullable<ReturnType<typeof parseRecipientKey>>> {
    const { publicKey } = await verifyAttestation(attestation, { rootDer, atMs: nowMs() })
    const key = publicKey === null ? undefined : parseRecipientKey(publicKey)
    if (key === undefined) throw new Error('no recipient key')
    return key
  }

  async function answer(call: KmsCall, attestation: Uint8Array, plaintext: () => Uint8Array): Promise<Uint8Array> {
    kms.calls.push(call)
    const fate = kms.fate(call, kms.calls.filter((one) => one === call).length)
    if (fate === 'down') throw new Error('no answer')
    if (fate === 'denied') throw new KmsRefusal('denied')
    const id = toHex(attestation)
    const recipient = recipients.get(id) ?? recipientOf(attestation)
    recipients.set(id, recipient)
    const bytes = plaintext()
    const envelope = sealEnvelope(bytes, await recipient)
    if (fate === 'impostor') envelope[60] = (envelope[60] as number) ^ 1 // sealed for somebody else
    return envelope
  }

  const kms: MemoryKms = {
    fate: () => 'answered',
    calls: [],
    async generateDataKey(attestation, context) {
      const key = randomBytes(32)
      return { ciphertext: wrap(key, context), envelope: await answer('generateDataKey', attestation, () => key) }
    },
    decrypt: (attestation, ciphertext, context) => answer('decrypt', attestation, () => unwrap(ciphertext, context)),
    generateRandom: (attestation, bytes) => answer('generateRandom', attestation, () => randomBytes(bytes)),
  }

  function wrap(key: Uint8Array, context: EncryptionContext): Uint8Array {
    const nonce = randomBytes(12)
    const cipher = createCipheriv('aes-256-gcm', master, nonce)
    cipher.setAAD(encodeCbor(context))
    return concat(nonce, cipher.update(key), cipher.final(), cipher.getAuthTag())
  }

  function unwrap(ciphertext: Uint8Array, context: EncryptionContext): Uint8Array {
    try {
      const decipher = createDecipheriv('aes-256-gcm', master, ciphertext.subarray(0, 12), { authTagLength: 16 })
      decipher.setAAD(encodeCbor(context))
      decipher.setAuthTag(ciphertext.subarray(-16))
      return concat(decipher.update(ciphertext.subarray(12, -16)), decipher.final())
    } catch {
      throw new KmsRefusal('ciphertext')
    }
  }

  return kms
}
