/**
 * A line for each signed call, in the shape of CloudTrail's event records for KMS. Key material, plaintexts and ciphertexts are never part
 * of one; the encryption context is, as on AWS.
 */
import { randomUUID } from 'node:crypto'
import { appendFile } from 'node:fs/promises'
import { dirname } from 'node:path'
import type { AwsCall } from '../awsjson.ts'
import { ensureDir } from '../state.ts'
import type { VerifiedDocument } from './recipient.ts'

/** What a call's handler notes for its audit line, as far as it gets. */
export interface AuditNotes {
  /** Keys that the call is about, as far as they exist: of a ReEncrypt the source's, then the destination's. */
  keyArns?: readonly string[]
  attested?: VerifiedDocument
}

export type AuditEvent = Readonly<Record<string, unknown>>
export type AuditSink = (event: AuditEvent) => void | Promise<void>

const readOnly = new Set(['Decrypt', 'Encrypt', 'ReEncrypt', 'GenerateDataKey', 'GenerateRandom', 'DescribeKey', 'GetKeyPolicy', 'ListKeys'])

/** What a record repeats of a call's input; of other operations the key alone. */
const shown: Readonly<Record<string, readonly string[]>> = {
  GenerateDataKey: ['KeyId', 'KeySpec', 'NumberOfBytes', 'EncryptionContext'],
  Decrypt: ['KeyId', 'EncryptionAlgorithm', 'EncryptionContext'],
  Encrypt: ['KeyId', 'EncryptionAlgorithm', 'EncryptionContext'],
  ReEncrypt: ['SourceKeyId', 'SourceEncryptionAlgorithm', 'SourceEncryptionContext', 'DestinationKeyId', 'DestinationEncryptionAlgorithm', 'DestinationEncryptionContext'],
  GenerateRandom: [],
  ListKeys: [],
  CreateKey: ['Policy', 'Description', 'KeySpec', 'KeyUsage', 'Origin', 'BypassPolicyLockoutSafetyCheck'],
  PutKeyPolicy: ['KeyId', 'PolicyName', 'Policy', 'BypassPolicyLockoutSafetyCheck'],
  ScheduleKeyDeletion: ['KeyId', 'PendingWindowInDays'],
}

export function auditEvent(call: AwsCall, notes: AuditNotes, region: string, nowMs: number, error?: { code: string; text: string | undefined }): AuditEvent {
  const { principal, userId, credentials } = call.identity
  const { accountId, arn, roleArn } = principal
  const { keyArns = [], attested } = notes
  const issuer = roleArn && { type: 'Role', principalId: userId.slice(0, userId.indexOf(':')), arn: roleArn, accountId, userName: roleArn.slice(roleArn.lastIndexOf('/') + 1) }
  return {
    eventVersion: '1.11',
    userIdentity: {
      type: 'AssumedRole', principalId: userId, arn, accountId, accessKeyId: credentials.accessKeyId,
      ...(issuer && { sessionContext: { sessionIssuer: issuer, attributes: { mfaAuthenticated: 'false' } } }),
    },
    eventTime: new Date(nowMs).toISOString().replace(/\.\d+Z$/, 'Z'),
    eventSource: 'kms.amazonaws.com',
    eventName: call.operation,
    awsRegion: region,
    sourceIPAddress: '127.0.0.1',
    userAgent: call.userAgent,
    // Of all names this one alone is shortened.
    ...(error && { errorCode: error.code === 'AccessDeniedException' ? 'AccessDenied' : error.code, errorMessage: error.text ?? null }),
    requestParameters: requestParameters(call),
    responseElements: null,
    ...(attested && { additionalEventData: { recipient: describeRecipient(attested) } }),
    requestID: call.requestId,
    eventID: randomUUID(),
    readOnly: readOnly.has(call.operation),
    resources: keyArns.map((ARN) => ({ accountId, type: 'AWS::KMS::Key', ARN })),
    eventType: 'AwsApiCall',
    managementEvent: true,
    recipientAccountId: accountId,
    eventCategory: 'Management',
  }
}

/** As they were given, under names that begin in lowercase; null when there are none. The algorithm is there even when it was not given. */
function requestParameters({ operation, input }: AwsCall): Record<string, unknown> | null {
  const names = shown[operation] ?? ['KeyId']
  const entries = names.flatMap((name): [string, unknown][] => {
    const value = input[name] ?? (name.endsWith('EncryptionAlgorithm') ? 'SYMMETRIC_DEFAULT' : undefined)
    return value === undefined || value === null ? [] : [[name.charAt(0).toLowerCase() + name.slice(1), value]]
  })
  return entries.length === 0 ? null : Object.fromEntries(entries)
}

/** Registers that a trail always has, zero or not. */
const alwaysShown: readonly number[] = [0, 1, 2, 3, 4, 8]

/**
 * Registers as trails have them: base64, and PCR0 as the image's digest. AWS documents 0 to 4 and 8; whether a real trail has others, such as
 * our PCR16, is unverified, and here they are there once they were extended.
 */
function describeRecipient({ moduleId, pcrs }: VerifiedDocument): Record<string, string> {
  const out: Record<string, string> = { attestationDocumentModuleId: moduleId }
  for (const [index, value] of pcrs) {
    if (!alwaysShown.includes(index) && value.every((byte) => byte === 0)) continue
    out[index === 0 ? 'attestationDocumentEnclaveImageDigest' : `attestationDocumentEnclavePCR${index}`] = Buffer.from(value).toString('base64')
  }
  return out
}

/** Appends events to a file, a JSON line each, mode 0600. */
export function auditToFile(file: string): AuditSink {
  let last: Promise<void> = ensureDir(dirname(file))
  return (event) => (last = last.then(() => appendFile(file, `${JSON.stringify(event)}\n`, { mode: 0o600 })))
}
