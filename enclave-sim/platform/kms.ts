import {
  DecryptCommand,
  GenerateDataKeyCommand,
  GenerateRandomCommand,
  InvalidCiphertextException,
  IncorrectKeyException,
  KMSClient,
  KMSServiceException,
  type RecipientInfo,
} from '@aws-sdk/client-kms'
import type { NodeHttpHandler } from '@smithy/node-http-handler'
import { KmsRefusal, type KmsPort } from '../core/ports.ts'
import type { CredentialSource } from './credentials.ts'

export interface KmsOptions {
  readonly region: string
  readonly keyArn: string
  readonly endpoint: string | null
  readonly handler: NodeHttpHandler
  readonly credentials: CredentialSource
  /** For a call as a whole, retry included: the handler's own timeouts end once headers have come. */
  readonly timeoutMs: number
}

/** AWS KMS, or its emulator: the same calls. An answer without `CiphertextForRecipient`, or from another key, is refused. */
export function createKms(options: KmsOptions): KmsPort {
  const client = new KMSClient({
    region: options.region,
    credentials: () => options.credentials.provide(),
    requestHandler: options.handler,
    maxAttempts: 2,
    ...(options.endpoint === null ? {} : { endpoint: options.endpoint }),
  })
  const deadline = (): { abortSignal: AbortSignal } => ({ abortSignal: AbortSignal.timeout(options.timeoutMs) })
  const recipient = (attestation: Uint8Array): RecipientInfo => ({
    KeyEncryptionAlgorithm: 'RSAES_OAEP_SHA_256',
    AttestationDocument: attestation,
  })

  return {
    async generateDataKey(attestation, context) {
      const answer = await client
        .send(
          new GenerateDataKeyCommand({
            KeyId: options.keyArn,
            KeySpec: 'AES_256',
            EncryptionContext: { ...context },
            Recipient: recipient(attestation),
          }),
          deadline(),
        )
        .catch(refuse)
      const { CiphertextBlob: ciphertext, KeyId } = answer
      if (ciphertext === undefined || KeyId !== options.keyArn) throw new Error('KMS answered for another key')
      return { ciphertext, envelope: sealedOnly(answer) }
    },
    async decrypt(attestation, ciphertext, context) {
      const answer = await client
        .send(
          new DecryptCommand({
            KeyId: options.keyArn,
            CiphertextBlob: ciphertext,
            EncryptionContext: { ...context },
            Recipient: recipient(attestation),
          }),
          deadline(),
        )
        .catch(refuse)
      if (answer.KeyId !== options.keyArn) throw new Error('KMS answered for another key')
      return sealedOnly(answer)
    },
    async generateRandom(attestation, bytes) {
      return sealedOnly(await client.send(new GenerateRandomCommand({ NumberOfBytes: bytes, Recipient: recipient(attestation) }), deadline()).catch(refuse))
    },
  }
}

/** KMS fills `Plaintext` when it was not asked for a Recipient, or when somebody else answers in its place. */
function sealedOnly(answer: { CiphertextForRecipient?: Uint8Array | undefined; Plaintext?: Uint8Array | undefined }): Uint8Array {
  const { CiphertextForRecipient: envelope, Plaintext: plaintext } = answer
  if (envelope === undefined || (plaintext !== undefined && plaintext.length > 0)) throw new Error('KMS did not answer for a Recipient')
  return envelope
}

function refuse(error: unknown): never {
  if (error instanceof InvalidCiphertextException || error instanceof IncorrectKeyException) throw new KmsRefusal('ciphertext')
  if (error instanceof KMSServiceException && error.name === 'AccessDeniedException') throw new KmsRefusal('denied')
  throw error
}
