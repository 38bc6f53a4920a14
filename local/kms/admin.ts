/** KMS's operations for whoever runs the keys: create, describe, disable, rotate, delete, and the key policy. */
import { AwsError, type AwsCall } from '../awsjson.ts'
import { decideByKeyPolicy } from '../iam/evaluate.ts'
import { parsePolicy, PolicyError } from '../iam/policy.ts'
import { optionalBoolean, optionalInteger, optionalText, refuse, requiredText } from './input.ts'
import type { KmsKey } from './keys.ts'
import { materialId } from './ciphertext.ts'
import { authorize, authorizeWithoutKey, findKey, type KmsScope } from './access.ts'
import type { Operation } from './operations.ts'
import type { AuditNotes } from './audit.ts'

const maxPolicyLength = 32_768
const dayMs = 24 * 3_600_000
/** KMS Developer Guide, "Resource quotas": on-demand rotations of a key, all its life. */
const maxRotations = 25

export const adminOperations: Readonly<Record<string, Operation>> = {
  CreateKey: async (call, scope, notes) => {
    const { input, identity } = call
    refuse(input, 'CustomKeyStoreId', 'MultiRegion', 'XksKeyId', 'CustomerMasterKeySpec')
    const spec = optionalText(input, 'KeySpec') ?? 'SYMMETRIC_DEFAULT'
    const usage = optionalText(input, 'KeyUsage') ?? 'ENCRYPT_DECRYPT'
    const origin = optionalText(input, 'Origin') ?? 'AWS_KMS'
    if (spec !== 'SYMMETRIC_DEFAULT' || usage !== 'ENCRYPT_DECRYPT' || origin !== 'AWS_KMS') throw new AwsError('UnsupportedOperationException', 'not emulated')
    authorizeWithoutKey(call, scope, 'kms:CreateKey', [lockoutKey(call)])
    const text = input['Policy'] === undefined ? defaultPolicy(identity.principal.accountId) : policyText(call)
    checkPolicy(call, text)
    const key = await scope.keys.create(text, optionalText(input, 'Description', 8192) ?? '')
    notes.keyArns = [key.arn]
    return { KeyMetadata: describe(key) }
  },

  ListKeys: async (call, scope) => {
    authorizeWithoutKey(call, scope, 'kms:ListKeys')
    return { Keys: scope.keys.list().map(({ keyId, arn }) => ({ KeyId: keyId, KeyArn: arn })), Truncated: false }
  },

  DescribeKey: async (call, scope, notes) => ({ KeyMetadata: describe(allowedKey('kms:DescribeKey', call, scope, notes)) }),

  GetKeyPolicy: async (call, scope, notes) => {
    requireDefaultName(call)
    return { Policy: allowedKey('kms:GetKeyPolicy', call, scope, notes).policyText, PolicyName: 'default' }
  },

  PutKeyPolicy: async (call, scope, notes) => {
    requireDefaultName(call)
    const text = policyText(call)
    const key = allowedKey('kms:PutKeyPolicy', call, scope, notes, [lockoutKey(call)])
    checkPolicy(call, text)
    await scope.keys.update(key.keyId, { policyText: text })
    return {}
  },

  EnableKey: async (call, scope, notes) => {
    const key = settled(allowedKey('kms:EnableKey', call, scope, notes))
    await scope.keys.update(key.keyId, { state: 'Enabled' })
    return {}
  },

  DisableKey: async (call, scope, notes) => {
    const key = settled(allowedKey('kms:DisableKey', call, scope, notes))
    await scope.keys.update(key.keyId, { state: 'Disabled' })
    return {}
  },

  RotateKeyOnDemand: async (call, scope, notes) => {
    const key = settled(allowedKey('kms:RotateKeyOnDemand', call, scope, notes))
    if (key.state === 'Disabled') throw new AwsError('DisabledException', `${key.arn} is disabled.`)
    if (key.materials.length > maxRotations) throw new AwsError('LimitExceededException', 'The key has been rotated on demand as often as it may be.')
    await scope.keys.rotate(key.keyId)
    return { KeyId: key.arn }
  },

  ScheduleKeyDeletion: async (call, scope, notes) => {
    const days = optionalInteger(call.input, 'PendingWindowInDays', 7, 30) ?? 30
    const window: [string, string] = ['kms:schedulekeydeletionpendingwindowindays', String(days)]
    const { keyId, arn } = settled(allowedKey('kms:ScheduleKeyDeletion', call, scope, notes, [window]))
    const deletionMs = scope.nowMs() + days * dayMs
    await scope.keys.update(keyId, { state: 'PendingDeletion', deletionMs })
    return { KeyId: arn, DeletionDate: deletionMs / 1000, KeyState: 'PendingDeletion', PendingWindowInDays: days }
  },

  CancelKeyDeletion: async (call, scope, notes) => {
    const { keyId, arn, state } = allowedKey('kms:CancelKeyDeletion', call, scope, notes)
    if (state !== 'PendingDeletion') throw new AwsError('KMSInvalidStateException', `${arn} is not pending deletion.`)
    await scope.keys.update(keyId, { state: 'Disabled', deletionMs: null })
    return { KeyId: arn }
  },
}

function allowedKey(action: string, call: AwsCall, scope: KmsScope, notes: AuditNotes, more: readonly (readonly [string, string])[] = []): KmsKey {
  const key = findKey(scope, requiredText(call.input, 'KeyId'), notes)
  authorize(call, scope, action, key, more.map(([name, value]) => [name, value] as const))
  return key
}

function settled(key: KmsKey): KmsKey {
  if (key.state === 'PendingDeletion') throw new AwsError('KMSInvalidStateException', `${key.arn} is pending deletion.`)
  return key
}

/** A policy must be one that we evaluate in full, and must let its author put the next one (AWS: "lockout safety check"). */
function checkPolicy({ identity, input }: AwsCall, text: string): void {
  const policy = (() => {
    try {
      return parsePolicy(text, 'resource')
    } catch (error) {
      if (error instanceof PolicyError) throw new AwsError('MalformedPolicyDocumentException', error.message)
      throw error
    }
  })()
  const { principal, policies, context } = identity
  const again = decideByKeyPolicy({ principal, action: 'kms:PutKeyPolicy', resource: '*', context }, policy, policies)
  if (!again.allowed && !optionalBoolean(input, 'BypassPolicyLockoutSafetyCheck')) throw new AwsError('MalformedPolicyDocumentException', 'The new key policy will not allow you to update the key policy in the future.')
}

/** A policy that is too long is over a limit, not invalid (KMS API Reference, PutKeyPolicy). */
function policyText({ input }: AwsCall): string {
  const text = requiredText(input, 'Policy', 131_072)
  if (text.length > maxPolicyLength) throw new AwsError('LimitExceededException', 'The key policy is too long.')
  return text
}

function lockoutKey({ input }: AwsCall): readonly [string, string] {
  return ['kms:bypasspolicylockoutsafetycheck', String(optionalBoolean(input, 'BypassPolicyLockoutSafetyCheck'))]
}

function requireDefaultName({ input }: AwsCall): void {
  if ((optionalText(input, 'PolicyName') ?? 'default') !== 'default') throw new AwsError('NotFoundException', 'No such policy exists')
}

/** What AWS gives a key that is created without a policy: the account's IAM policies decide. */
function defaultPolicy(accountId: string): string {
  const statement = { Effect: 'Allow', Principal: { AWS: `arn:aws:iam::${accountId}:root` }, Action: 'kms:*', Resource: '*' }
  return JSON.stringify({ Version: '2012-10-17', Id: 'key-default-1', Statement: [statement] })
}

function describe({ keyId, arn, description, createdMs, state, deletionMs, materials }: KmsKey): Readonly<Record<string, unknown>> {
  return {
    AWSAccountId: arn.split(':')[4],
    KeyId: keyId,
    Arn: arn,
    CreationDate: createdMs / 1000,
    Enabled: state === 'Enabled',
    Description: description,
    KeyUsage: 'ENCRYPT_DECRYPT',
    KeyState: state,
    ...(deletionMs !== null && { DeletionDate: deletionMs / 1000 }),
    Origin: 'AWS_KMS',
    KeyManager: 'CUSTOMER',
    CustomerMasterKeySpec: 'SYMMETRIC_DEFAULT',
    KeySpec: 'SYMMETRIC_DEFAULT',
    CurrentKeyMaterialId: materialId({ keyId, version: materials.length - 1 }),
    EncryptionAlgorithms: ['SYMMETRIC_DEFAULT'],
    MultiRegion: false,
  }
}
