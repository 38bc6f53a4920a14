/** KMS as the enclave asks it: what goes out, what is taken for an answer, and which no is which. */
import { KmsRefusal } from '../../enclave-sim/core/ports.ts'
import { AwsError, type JsonObject } from '../../enclave-sim/platform/aws-json.ts'
import { createKms } from '../../enclave-sim/platform/kms.ts'

const KEY = 'arn:aws:kms:us-east-1:000000000000:key/01234567-89ab-cdef-0123-456789abcdef'
const document = Uint8Array.of(1, 2, 3)
const context = { purpose: 'p', owner: 'o' }
const base64 = (...bytes: number[]): string => Buffer.from(bytes).toString('base64')
const recipient = { KeyEncryptionAlgorithm: 'RSAES_OAEP_SHA_256', AttestationDocument: base64(1, 2, 3) }

const made = { KeyId: KEY, CiphertextBlob: base64(4), CiphertextForRecipient: base64(5) }
const opened = { KeyId: KEY, EncryptionAlgorithm: 'SYMMETRIC_DEFAULT', CiphertextForRecipient: base64(6) }

function answering(answer: JsonObject | Error) {
  const asked: { operation: string; input: JsonObject }[] = []
  const kms = createKms(async (operation, input) => {
    asked.push({ operation, input })
    if (answer instanceof Error) throw answer
    return answer
  }, KEY)
  return { kms, asked }
}

test('GenerateDataKey', async () => {
  const { kms, asked } = answering({ ...made, Plaintext: null, KeyMaterialId: 'whatever AWS adds' })
  expect(await kms.generateDataKey(document, context)).toEqual({ ciphertext: Uint8Array.of(4), envelope: Uint8Array.of(5) })
  expect(asked).toEqual([{ operation: 'GenerateDataKey', input: { KeyId: KEY, KeySpec: 'AES_256', EncryptionContext: context, Recipient: recipient } }])
})

test('Decrypt', async () => {
  const { kms, asked } = answering({ ...opened, Plaintext: '' })
  expect(await kms.decrypt(document, Uint8Array.of(4), context)).toEqual(Uint8Array.of(6))
  expect(asked).toEqual([{ operation: 'Decrypt', input: { KeyId: KEY, CiphertextBlob: base64(4), EncryptionContext: context, Recipient: recipient } }])
})

test('GenerateRandom', async () => {
  const { kms, asked } = answering({ CiphertextForRecipient: base64(7) })
  expect(await kms.generateRandom(document, 32)).toEqual(Uint8Array.of(7))
  expect(asked).toEqual([{ operation: 'GenerateRandom', input: { NumberOfBytes: 32, Recipient: recipient } }])
})

test.each<[string, JsonObject]>([
  ['no envelope', { CiphertextForRecipient: undefined }],
  ['an empty envelope', { CiphertextForRecipient: '' }],
  ['an envelope that is not base64', { CiphertextForRecipient: '?' }],
  ['a plaintext', { Plaintext: base64(0) }],
  ['a plaintext of another kind', { Plaintext: 0 }],
  ['another key', { KeyId: KEY.replace('01234567', '11234567') }],
  ['no key', { KeyId: undefined }],
])('rejects an answer with %s', async (_what, change) => {
  const asks = [
    answering({ ...made, ...change }).kms.generateDataKey(document, context),
    answering({ ...opened, ...change }).kms.decrypt(document, Uint8Array.of(4), context),
    ...('KeyId' in change ? [] : [answering({ CiphertextForRecipient: base64(7), ...change }).kms.generateRandom(document, 32)]),
  ]
  for (const ask of asks) await expect(ask).rejects.toThrow(/^KMS (did not answer for a Recipient|answered for another key)$/)
})

test.each([undefined, '', 'AB=='])('rejects a data key whose ciphertext is %p', async (CiphertextBlob) => {
  await expect(answering({ ...made, CiphertextBlob }).kms.generateDataKey(document, context)).rejects.toThrow()
})

// KMS API Reference: the errors of Decrypt, GenerateDataKey and GenerateRandom, and those common to all operations.
test.each<[string, number, KmsRefusal['reason'] | undefined]>([
  ['InvalidCiphertextException', 400, 'ciphertext'],
  ['IncorrectKeyException', 400, 'ciphertext'],
  ['AccessDeniedException', 400, 'denied'],
  ['DisabledException', 400, 'key'],
  ['KMSInvalidStateException', 400, 'key'],
  ['NotFoundException', 400, 'key'],
  ['InvalidKeyUsageException', 400, 'key'],
  ['KeyUnavailableException', 500, undefined],
  ['KMSInternalException', 500, undefined],
  ['DependencyTimeoutException', 503, undefined],
  ['ThrottlingException', 400, undefined],
  ['LimitExceededException', 400, undefined],
  ['ValidationException', 400, undefined],
  ['InvalidGrantTokenException', 400, undefined],
  ['DryRunOperationException', 400, undefined],
  ['UnsupportedOperationException', 400, undefined],
  ['CustomKeyStoreInvalidStateException', 400, undefined],
  ['ExpiredTokenException', 400, undefined],
  ['UnrecognizedClientException', 400, undefined],
  ['InvalidSignatureException', 400, undefined],
  ['InternalFailure', 500, undefined],
  ['ServiceUnavailable', 503, undefined],
  ['constructor', 400, undefined],
  ['', 502, undefined],
])('%s is %s %s', async (code, status, reason) => {
  const { kms } = answering(new AwsError(code, status))
  for (const ask of [kms.generateDataKey(document, context), kms.decrypt(document, Uint8Array.of(4), context), kms.generateRandom(document, 1)]) {
    const error: unknown = await ask.catch((thrown: unknown) => thrown)
    if (reason === undefined) expect(error).toBeInstanceOf(AwsError)
    else expect(error).toMatchObject({ constructor: KmsRefusal, reason })
  }
})
