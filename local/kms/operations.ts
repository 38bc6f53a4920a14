/** KMS's operations that use a key, or make randomness. Each is: read the input, ask the policies, check the key's state, do it. */
import { randomBytes } from 'node:crypto'
import { wipe } from '../../lib/protocol/bytes.ts'
import { AwsError, type AwsCall } from '../awsjson.ts'
import { authorize, authorizeWithoutKey, contextKeys, findKey, keyOfBlob, symmetric, type KmsScope } from './access.ts'
import type { AuditNotes } from './audit.ts'
import { materialId, openBlob, readUnverifiedHeader, sealBlob, type EncryptionContext } from './ciphertext.ts'
import { sealEnvelope } from './envelope.ts'
import { optionalBoolean, optionalInteger, optionalName, optionalText, refuse, refuseGrantTokens, requiredBytes, requiredText, textMap } from './input.ts'
import type { KmsKey } from './keys.ts'
import { attestationContext, readRecipient, type Recipient } from './recipient.ts'

type Output = Readonly<Record<string, unknown>>
export type Operation = (call: AwsCall, scope: KmsScope, notes: AuditNotes) => Promise<Output>

const maxCiphertextBytes = 6144
const maxPlaintextBytes = 4096

export const cryptoOperations: Readonly<Record<string, Operation>> = {
  GenerateDataKey: async (call, scope, notes) => {
    refuseGrantTokens(call.input)
    const length = dataKeyLength(call)
    const context = textMap(call.input, 'EncryptionContext')
    const recipient = await noteRecipient(call, scope, notes)
    const key = findKey(scope, requiredText(call.input, 'KeyId'), notes)
    authorize(call, scope, 'kms:GenerateDataKey', key, [...contextKeys(context), ...attestationContext(recipient)])
    requireEnabled(key)
    endDryRun(call)
    const dataKey = randomBytes(length)
    try {
      return { KeyId: key.arn, CiphertextBlob: base64(sealWithKey(key, dataKey, context)), ...reveal(dataKey, recipient, currentMaterialId(key)) }
    } finally {
      wipe(dataKey)
    }
  },

  Decrypt: async (call, scope, notes) => {
    refuseGrantTokens(call.input)
    requireSymmetric(call, 'EncryptionAlgorithm')
    const blob = requiredBytes(call.input, 'CiphertextBlob', maxCiphertextBytes)
    const context = textMap(call.input, 'EncryptionContext')
    const recipient = await noteRecipient(call, scope, notes)
    const { key, plaintext, material } = decrypt(call, scope, notes, blob, context, optionalText(call.input, 'KeyId'), {
      action: 'kms:Decrypt', context: [symmetric, ...attestationContext(recipient)],
    })
    try {
      endDryRun(call)
      return { KeyId: key.arn, EncryptionAlgorithm: 'SYMMETRIC_DEFAULT', ...reveal(plaintext, recipient, material) }
    } finally {
      wipe(plaintext)
    }
  },

  GenerateRandom: async (call, scope, notes) => {
    refuse(call.input, 'CustomKeyStoreId')
    const length = optionalInteger(call.input, 'NumberOfBytes', 1, 1024)
    if (length === undefined) throw new AwsError('ValidationException', 'The number of bytes must be specified.')
    const recipient = await noteRecipient(call, scope, notes)
    authorizeWithoutKey(call, scope, 'kms:GenerateRandom', attestationContext(recipient))
    return reveal(randomBytes(length), recipient)
  },

  Encrypt: async (call, scope, notes) => {
    refuseGrantTokens(call.input)
    requireSymmetric(call, 'EncryptionAlgorithm')
    const plaintext = requiredBytes(call.input, 'Plaintext', maxPlaintextBytes)
    const context = textMap(call.input, 'EncryptionContext')
    const key = findKey(scope, requiredText(call.input, 'KeyId'), notes)
    authorize(call, scope, 'kms:Encrypt', key, [symmetric, ...contextKeys(context)])
    requireEnabled(key)
    endDryRun(call)
    return { KeyId: key.arn, EncryptionAlgorithm: 'SYMMETRIC_DEFAULT', CiphertextBlob: base64(sealWithKey(key, plaintext, context)) }
  },

  ReEncrypt: async (call, scope, notes) => {
    refuseGrantTokens(call.input)
    requireSymmetric(call, 'SourceEncryptionAlgorithm')
    requireSymmetric(call, 'DestinationEncryptionAlgorithm')
    const blob = requiredBytes(call.input, 'CiphertextBlob', maxCiphertextBytes)
    const sourceContext = textMap(call.input, 'SourceEncryptionContext')
    const context = textMap(call.input, 'DestinationEncryptionContext')
    const destination = findKey(scope, requiredText(call.input, 'DestinationKeyId'), notes)
    authorize(call, scope, 'kms:ReEncryptTo', destination, [symmetric, ...contextKeys(context)])
    const source = decrypt(call, scope, notes, blob, sourceContext, optionalText(call.input, 'SourceKeyId'), { action: 'kms:ReEncryptFrom', context: [symmetric] })
    notes.keyArns = [source.key.arn, destination.arn]
    requireEnabled(destination)
    endDryRun(call)
    return {
      SourceKeyId: source.key.arn,
      KeyId: destination.arn,
      CiphertextBlob: base64(sealWithKey(destination, source.plaintext, context)),
      SourceEncryptionAlgorithm: 'SYMMETRIC_DEFAULT',
      DestinationEncryptionAlgorithm: 'SYMMETRIC_DEFAULT',
      SourceKeyMaterialId: source.material,
      DestinationKeyMaterialId: currentMaterialId(destination),
    }
  },
}

function decrypt(
  call: AwsCall, scope: KmsScope, notes: AuditNotes, blob: Uint8Array, context: EncryptionContext, keyId: string | undefined,
  { action, context: more }: { readonly action: string; readonly context: readonly [string, string][] },
): { key: KmsKey; plaintext: Uint8Array; material: string } {
  const header = readUnverifiedHeader(blob)
  if (header === undefined) throw new AwsError('InvalidCiphertextException')
  const key = keyId === undefined ? keyOfBlob(scope, header, notes) : findKey(scope, keyId, notes)
  authorize(call, scope, action, key, [...contextKeys(context), ...more])
  if (key.keyId !== header.keyId) throw new AwsError('IncorrectKeyException', 'The key ID in the request does not identify a CMK that can perform this operation.')
  requireEnabled(key)
  const material = key.materials[header.version]
  const plaintext = material && openBlob(blob, material, context)
  if (plaintext === undefined) throw new AwsError('InvalidCiphertextException')
  return { key, plaintext, material: materialId(header) }
}

function requireEnabled({ state, arn }: KmsKey): void {
  if (state === 'Disabled') throw new AwsError('DisabledException', `${arn} is disabled.`)
  if (state === 'PendingDeletion') throw new AwsError('KMSInvalidStateException', `${arn} is pending deletion.`)
}

/** KMS knows more algorithms; but a symmetric key, and all of ours are, takes this one alone. */
function requireSymmetric({ input }: AwsCall, name: string): void {
  const algorithm = optionalName(input, name, ['SYMMETRIC_DEFAULT', 'RSAES_OAEP_SHA_1', 'RSAES_OAEP_SHA_256', 'SM2PKE']) ?? 'SYMMETRIC_DEFAULT'
  if (algorithm !== 'SYMMETRIC_DEFAULT') throw new AwsError('InvalidKeyUsageException', `Algorithm ${algorithm} is incompatible with key spec SYMMETRIC_DEFAULT.`)
}

/** With `DryRun`, a call that would have succeeded ends here, as an error. */
function endDryRun({ input }: AwsCall): void {
  if (optionalBoolean(input, 'DryRun')) throw new AwsError('DryRunOperationException', 'The request would have succeeded, but the DryRun option is set.', 412)
}

function dataKeyLength({ input }: AwsCall): number {
  const spec = optionalName(input, 'KeySpec', ['AES_256', 'AES_128'])
  const length = optionalInteger(input, 'NumberOfBytes', 1, 1024)
  if ((spec === undefined) === (length === undefined)) throw new AwsError('ValidationException', 'Please specify either number of bytes or key spec.')
  return length ?? (spec === 'AES_256' ? 32 : 16)
}

function currentMaterialId({ keyId, materials }: KmsKey): string {
  return materialId({ keyId, version: materials.length - 1 })
}

function sealWithKey({ keyId, materials }: KmsKey, plaintext: Uint8Array, context: EncryptionContext): Uint8Array {
  const version = materials.length - 1
  return sealBlob({ keyId, version }, materials[version] as Uint8Array, plaintext, context)
}

/** With a recipient the plaintext leaves only inside the envelope, and the material's id not at all. Randomness comes from no material. */
function reveal(plaintext: Uint8Array, recipient: Recipient | undefined, material?: string): Output {
  if (recipient !== undefined) return { CiphertextForRecipient: base64(sealEnvelope(plaintext, recipient.key)) }
  return { Plaintext: base64(plaintext), ...(material !== undefined && { KeyMaterialId: material }) }
}

async function noteRecipient(call: AwsCall, { attester, nowMs }: KmsScope, notes: AuditNotes): Promise<Recipient | undefined> {
  const recipient = await readRecipient(call.input, attester, nowMs())
  if (recipient !== undefined) notes.attested = recipient.document
  return recipient
}

function base64(bytes: Uint8Array): string {
  return Buffer.from(bytes).toString('base64')
}
