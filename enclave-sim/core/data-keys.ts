/** Data keys: made and opened by KMS, for this enclave alone, bound to the wallet by the encryption context. */
import { wipe } from '../../lib/protocol/bytes.ts'
import { CloisterError } from '../../lib/protocol/errors.ts'
import { KmsRefusal, type EncryptionContext, type KmsPort } from './ports.ts'
import type { Recipient } from './recipient.ts'

const PURPOSE = 'cloister/v1 wallet'
const KEY_BYTES = 32

export interface DataKeys {
  /** @throws CloisterError `unavailable` */
  generate(owner: string, wallet: string): Promise<{ plaintext: Uint8Array; ciphertext: Uint8Array }>
  /** @throws CloisterError `record_invalid` when KMS disowns the ciphertext, `unavailable` when it can't be asked */
  open(ciphertext: Uint8Array, owner: string, wallet: string): Promise<Uint8Array>
  /** Random bytes that KMS made and only we can read. @throws CloisterError `unavailable` */
  random(bytes: number): Promise<Uint8Array>
}

/** What the enclave itself verified, nothing that a record says of itself. */
const context = (owner: string, wallet: string): EncryptionContext => ({ purpose: PURPOSE, owner, wallet })

export function createDataKeys(kms: KmsPort, recipient: Recipient): DataKeys {
  async function ask(call: (attestation: Uint8Array) => Promise<Uint8Array>, length: number): Promise<Uint8Array> {
    try {
      const plaintext = recipient.open(await call(await recipient.attestation()))
      if (plaintext.length === length) return plaintext
      wipe(plaintext)
    } catch (error) {
      if (error instanceof KmsRefusal && error.reason === 'ciphertext') throw new CloisterError('record_invalid')
    }
    throw new CloisterError('unavailable', { retryAfterSec: 2 })
  }

  return {
    async generate(owner, wallet) {
      let ciphertext: Uint8Array = new Uint8Array()
      const plaintext = await ask(async (attestation) => {
        const generated = await kms.generateDataKey(attestation, context(owner, wallet))
        ciphertext = generated.ciphertext
        return generated.envelope
      }, KEY_BYTES)
      return { plaintext, ciphertext }
    },
    open: (ciphertext, owner, wallet) => ask((attestation) => kms.decrypt(attestation, ciphertext, context(owner, wallet)), KEY_BYTES),
    random: (bytes) => ask((attestation) => kms.generateRandom(attestation, bytes), bytes),
  }
}
