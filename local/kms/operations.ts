/** KMS's operations that use a key, or make randomness. Each is: read the input, ask the policies, check the key's state, do it. */
import { randomBytes } from 'node:crypto'
import { wipe } from '../../lib/protocol/bytes.ts'
import { accessDenied, AwsError, type AwsCall } from '../awsjson.ts'
import { decideByIdentity, decideByKeyPolicy } from '../iam/evaluate.ts'
import type { AuditNotes } from './audit.ts'
import { openBlob, readUnverifiedHeader, sealBlob, type BlobHeader, type EncryptionContext } from './ciphertext.ts'
import { sealEnvelope } from './envelope.ts'
import { invalid, optionalInteger, optionalText, refuse, requiredBytes, requiredText, textMap } from './input.ts'
import type { KeyStore, KmsKey } from './keys.ts'
import { attestationContext, readRecipient, type Attester, type Recipient } from './recipient.ts'

export interface KmsScope {
  readonly keys: KeyStore
  readonly attester: Attester
  readonly nowMs: () => number
  /** Context keys of every request, lowercase. */
  readonly requestContext: readonly (readonly [string, string])[]
}

export type Output = Readonly<Record<string, unknown>>
export type Operation = (call: AwsCall, scope: KmsScope, notes: AuditNotes) => Promise<Output>

const maxCiphertextBytes = 6144
const maxPlaintextBytes = 4096

export const cryptoOperations: Readonly<Record<string, Operation>> = {
  GenerateDataKey: async (call, scope, notes) => {
    refuse(call.input, 'GrantTokens', 'DryRun')
    const length = dataKeyLength(call)
    const context = noteContext(textMap(call.input, 'EncryptionContext'), notes)
    const recipient = await noteRecipient(call, scope, notes)
    const key = findKey(scope, requiredText(call.input, 'KeyId'), notes)
    authorize(call, scope, 'kms:GenerateDataKey', key, [...contextKeys(context), ...attestationContext(recipient)])
    requireEnabled(key)
    const dataKey = randomBytes(length)
    try {
      return { KeyId: key.arn, CiphertextBlob: base64(sealWithKey(key, dataKey, context)), ...reveal(dataKey, recipient) }
    } finally {
      wipe(dataKey)
    }
  },

  Decrypt: async (call, scope, notes) => {
    refuse(call.input, 'GrantTokens', 'DryRun')
    requireSymmetric(call, 'EncryptionAlgorithm')
    const blob = requiredBytes(call.input, 'CiphertextBlob', maxCiphertextBytes)
    const context = noteContext(textMap(call.input, 'EncryptionContext'), notes)
    const recipient = await noteRecipient(call, scope, notes)
    const { key, plaintext } = decrypt(call, scope, notes, blob, context, optionalText(call.input, 'KeyId'), {
      action: 'kms:Decrypt', context: attestationContext(recipient),
    })
    try {
      return { KeyId: key.arn, EncryptionAlgorithm: 'SYMMETRIC_DEFAULT', ...reveal(plaintext, recipient) }
    } finally {
      wipe(plaintext)
    }
  },

  GenerateRandom: async (call, scope, notes) => {
    refuse(call.input, 'CustomKeyStoreId')
    const length = optionalInteger(call.input, 'NumberOfBytes', 1, 1024)
    if (length === undefined) throw invalid('NumberOfBytes')
    const recipient = await noteRecipient(call, scope, notes)
    authorizeWithoutKey(call, scope, 'kms:GenerateRandom', attestationContext(recipient))
    return reveal(randomBytes(length), recipient)
  },

  Encrypt: async (call, scope, notes) => {
    refuse(call.input, 'GrantTokens', 'DryRun')
    requireSymmetric(call, 'EncryptionAlgorithm')
    const plaintext = requiredBytes(call.input, 'Plaintext', maxPlaintextBytes)
    const context = noteContext(textMap(call.input, 'EncryptionContext'), notes)
    const key = findKey(scope, requiredText(call.input, 'KeyId'), notes)
    authorize(call, scope, 'kms:Encrypt', key, contextKeys(context))
    requireEnabled(key)
    return { KeyId: key.arn, EncryptionAlgorithm: 'SYMMETRIC_DEFAULT', CiphertextBlob: base64(sealWithKey(key, plaintext, context)) }
  },

  ReEncrypt: async (call, scope, notes) => {
    refuse(call.input, 'GrantTokens', 'DryRun')
    requireSymmetric(call, 'SourceEncryptionAlgorithm')
    requireSymmetric(call, 'DestinationEncryptionAlgorithm')
    const blob = requiredBytes(call.input, 'CiphertextBlob', maxCiphertextBytes)
    const sourceContext = textMap(call.input, 'SourceEncryptionContext')
    const context = noteContext(textMap(call.input, 'DestinationEncryptionContext'), notes)
    const destination = findKey(scope, requiredText(call.input, 'DestinationKeyId'), notes)
    authorize(call, scope, 'kms:ReEncryptTo', destination, contextKeys(context))
    const source = decrypt(call, scope, notes, blob, sourceContext, optionalText(call.input, 'SourceKeyId'), { action: 'kms:ReEncryptFrom', context: [] })
    requireEnabled(destination)
    return { SourceKeyId: source.key.arn, KeyId: destination.arn, CiphertextBlob: base64(sealWithKey(destination, source.plaintext, context)) }
  },
}

function decrypt(
  call: AwsCall, scope: KmsScope, notes: AuditNotes, blob: Uint8Array, context: EncryptionContext, keyId: string | undefined,
  { action, context: more }: { readonly action: string; readonly context: readonly [string, string][] },
): { key: KmsKey; plaintext: Uint8Array } {
  const header = readUnverifiedHeader(blob)
  if (header === undefined) throw new AwsError('InvalidCiphertextException')
  const key = keyId === undefined ? keyOfBlob(scope, header, notes) : findKey(scope, keyId, notes)
  authorize(call, scope, action, key, [...contextKeys(context), ...more])
  if (key.keyId !== header.keyId) throw new AwsError('IncorrectKeyException', 'The key ID in the request does not identify a CMK that can perform this operation.')
  requireEnabled(key)
  const material = key.materials[header.version]
  const plaintext = material && openBlob(blob, material, context)
  if (plaintext === undefined) throw new AwsError('InvalidCiphertextException')
  return { key, plaintext }
}

/** @throws AwsError NotFoundException */
export function findKey({ keys }: KmsScope, idOrArn: string, notes: AuditNotes): KmsKey {
  const key = keys.find(idOrArn)
  if (key === undefined) throw new AwsError('NotFoundException', 'The key does not exist')
  notes.keyArn = key.arn
  return key
}

function keyOfBlob({ keys }: KmsScope, header: BlobHeader, notes: AuditNotes): KmsKey {
  const key = keys.find(header.keyId)
  if (key === undefined) {
    throw new AwsError('AccessDeniedException', 'The ciphertext refers to a customer master key that does not exist, does not exist in this region, or you are not allowed to access.')
  }
  notes.keyArn = key.arn
  return key
}

/** Asks the key policy and the caller's own. @throws AwsError AccessDeniedException */
export function authorize(call: AwsCall, scope: KmsScope, action: string, key: KmsKey, more: readonly (readonly [string, string | string[]])[] = []): void {
  const { principal, policies, context } = call.identity
  const all = new Map([...context, ...scope.requestContext, ['kms:calleraccount', principal.accountId] as const, ...more])
  const decision = decideByKeyPolicy({ principal, action, resource: key.arn, context: all }, key.policy, policies)
  if (!decision.allowed) throw accessDenied(call, action, key.arn, decision.because)
}

/** For actions on no key. @throws AwsError AccessDeniedException */
export function authorizeWithoutKey(call: AwsCall, scope: KmsScope, action: string, more: readonly (readonly [string, string])[] = []): void {
  const { principal, policies, context } = call.identity
  const all = new Map([...context, ...scope.requestContext, ...more])
  const decision = decideByIdentity({ principal, action, resource: '*', context: all }, policies)
  if (!decision.allowed) throw accessDenied(call, action, '*', decision.because)
}

function requireEnabled({ state, arn }: KmsKey): void {
  if (state === 'Disabled') throw new AwsError('DisabledException', `${arn} is disabled.`)
  if (state === 'PendingDeletion') throw new AwsError('KMSInvalidStateException', `${arn} is pending deletion.`)
}

function requireSymmetric({ input }: AwsCall, name: string): void {
  if ((optionalText(input, name) ?? 'SYMMETRIC_DEFAULT') !== 'SYMMETRIC_DEFAULT') throw invalid(name)
}

function dataKeyLength({ input }: AwsCall): number {
  const spec = optionalText(input, 'KeySpec')
  const length = optionalInteger(input, 'NumberOfBytes', 1, 1024)
  if ((spec === undefined) === (length === undefined)) throw new AwsError('ValidationException', 'Please specify either number of bytes or key spec.')
  if (spec !== undefined && spec !== 'AES_256' && spec !== 'AES_128') throw invalid('KeySpec')
  return length ?? (spec === 'AES_256' ? 32 : 16)
}

function sealWithKey({ keyId, materials }: KmsKey, plaintext: Uint8Array, context: EncryptionContext): Uint8Array {
  const version = materials.length - 1
  return sealBlob({ keyId, version }, materials[version] as Uint8Array, plaintext, context)
}

/** With a recipient the plaintext leaves only inside the envelope. */
function reveal(plaintext: Uint8Array, recipient: Recipient | undefined): Output {
  return recipient === undefined ? { Plaintext: base64(plaintext) } : { CiphertextForRecipient: base64(sealEnvelope(plaintext, recipient.key)) }
}

async function noteRecipient(call: AwsCall, { attester, nowMs }: KmsScope, notes: AuditNotes): Promise<Recipient | undefined> {
  const recipient = await readRecipient(call.input, attester, nowMs())
  if (recipient !== undefined) notes.attested = recipient.document
  return recipient
}

function noteContext(context: EncryptionContext, notes: AuditNotes): EncryptionContext {
  notes.encryptionContext = context
  return context
}

function contextKeys(context: EncryptionContext): [string, string | string[]][] {
  const entries = Object.entries(context).map(([key, value]): [string, string] => [`kms:encryptioncontext:${key.toLowerCase()}`, value])
  return [...entries, ['kms:encryptioncontextkeys', Object.keys(context)]]
}

function base64(bytes: Uint8Array): string {
  return Buffer.from(bytes).toString('base64')
}
