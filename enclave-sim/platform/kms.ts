import { KmsRefusal, type KmsPort, type KmsRefusalReason } from '../core/ports.ts'
import { AwsError, fromBase64, toBase64, type AwsJson, type JsonObject } from './aws-json.ts'

/**
 * KMS's errors that asking again doesn't change (KMS API Reference, Decrypt, GenerateDataKey and GenerateRandom). All others, such as
 * `ThrottlingException`, `KMSInternalException`, `DependencyTimeoutException`, `KeyUnavailableException`, `LimitExceededException`, or
 * `ValidationException` for a document that KMS doesn't take, are no answer: they pass through as they are.
 */
const REFUSALS: Readonly<Record<string, KmsRefusalReason>> = {
  InvalidCiphertextException: 'ciphertext',
  IncorrectKeyException: 'ciphertext',
  AccessDeniedException: 'denied',
  DisabledException: 'key',
  KMSInvalidStateException: 'key',
  NotFoundException: 'key',
  InvalidKeyUsageException: 'key',
}

/**
 * AWS KMS, or its emulator: the same calls. An answer without `CiphertextForRecipient`, or from another key, is refused.
 * @param keyArn full ARN, which KMS repeats in its answers
 */
export function createKms(aws: AwsJson, keyArn: string): KmsPort {
  const call = (operation: string, attestation: Uint8Array, input: JsonObject): Promise<JsonObject> =>
    aws(operation, { ...input, Recipient: { KeyEncryptionAlgorithm: 'RSAES_OAEP_SHA_256', AttestationDocument: toBase64(attestation) } }).catch(refuse)

  return {
    async generateDataKey(attestation, context) {
      const answer = await call('GenerateDataKey', attestation, { KeyId: keyArn, KeySpec: 'AES_256', EncryptionContext: context })
      const ciphertext = fromBase64(answer['CiphertextBlob'])
      if (ciphertext === undefined || ciphertext.length === 0 || answer['KeyId'] !== keyArn) throw new Error('KMS answered for another key')
      return { ciphertext, envelope: sealedOnly(answer) }
    },
    async decrypt(attestation, ciphertext, context) {
      const answer = await call('Decrypt', attestation, { KeyId: keyArn, CiphertextBlob: toBase64(ciphertext), EncryptionContext: context })
      if (answer['KeyId'] !== keyArn) throw new Error('KMS answered for another key')
      return sealedOnly(answer)
    },
    async generateRandom(attestation, bytes) {
      return sealedOnly(await call('GenerateRandom', attestation, { NumberOfBytes: bytes }))
    },
  }
}

/** KMS fills `Plaintext` when it was not asked for a Recipient, or when somebody else answers in its place. `null` and `""` are none. */
function sealedOnly({ CiphertextForRecipient: sealed, Plaintext: plaintext }: JsonObject): Uint8Array {
  const envelope = fromBase64(sealed)
  if (envelope === undefined || envelope.length === 0 || (plaintext ?? '') !== '') throw new Error('KMS did not answer for a Recipient')
  return envelope
}

function refuse(error: unknown): never {
  const reason = error instanceof AwsError && Object.hasOwn(REFUSALS, error.code) ? REFUSALS[error.code] : undefined
  throw reason === undefined ? error : new KmsRefusal(reason)
}
