/**
 * A line for each signed call, in the shape of CloudTrail's event records for KMS. Key material, plaintexts and ciphertexts are never part
 * of one; the encryption context is, as on AWS.
 */
import { randomUUID } from 'node:crypto'
import { appendFile } from 'node:fs/promises'
import { dirname } from 'node:path'
import { toHex } from '../../lib/protocol/bytes.ts'
import type { AwsCall } from '../awsjson.ts'
import { ensureDir } from '../state.ts'
import type { VerifiedDocument } from './recipient.ts'

/** What a call's handler notes for its audit line, as far as it gets. */
export interface AuditNotes {
  keyArn?: string
  encryptionContext?: Readonly<Record<string, string>>
  attested?: VerifiedDocument
}

export type AuditEvent = Readonly<Record<string, unknown>>
export type AuditSink = (event: AuditEvent) => void | Promise<void>

const readOnly = new Set(['Decrypt', 'Encrypt', 'GenerateDataKey', 'GenerateRandom', 'DescribeKey', 'GetKeyPolicy', 'ListKeys'])

export function auditEvent(call: AwsCall, notes: AuditNotes, region: string, nowMs: number, error?: { code: string; text: string | undefined }): AuditEvent {
  const { principal, userId, credentials } = call.identity
  const { keyArn, encryptionContext, attested } = notes
  return {
    eventVersion: '1.11',
    userIdentity: {
      type: 'AssumedRole', principalId: userId, arn: principal.arn, accountId: principal.accountId, accessKeyId: credentials.accessKeyId,
    },
    eventTime: new Date(nowMs).toISOString().replace(/\.\d+Z$/, 'Z'),
    eventSource: 'kms.amazonaws.com',
    eventName: call.operation,
    awsRegion: region,
    sourceIPAddress: '127.0.0.1',
    userAgent: call.userAgent,
    ...(error && { errorCode: error.code.replace(/Exception$/, ''), errorMessage: error.text ?? null }),
    requestParameters: { ...(keyArn !== undefined && { keyId: keyArn }), ...(encryptionContext && { encryptionContext }) },
    responseElements: null,
    ...(attested && { additionalEventData: { recipient: describeRecipient(attested) } }),
    requestID: call.requestId,
    eventID: randomUUID(),
    readOnly: readOnly.has(call.operation),
    resources: keyArn === undefined ? [] : [{ accountId: principal.accountId, type: 'AWS::KMS::Key', ARN: keyArn }],
    eventType: 'AwsApiCall',
    managementEvent: true,
    recipientAccountId: principal.accountId,
    eventCategory: 'Management',
  }
}

/** Registers that are all zero were never extended, and say nothing. */
function describeRecipient({ moduleId, pcrs }: VerifiedDocument): Record<string, string> {
  const out: Record<string, string> = { attestationDocumentModuleId: moduleId }
  for (const [index, value] of pcrs) {
    if (value.some((byte) => byte !== 0)) out[index === 0 ? 'attestationDocumentEnclaveImageDigest' : `attestationDocumentEnclavePCR${index}`] = toHex(value)
  }
  return out
}

/** Appends events to a file, a JSON line each, mode 0600. */
export function auditToFile(file: string): AuditSink {
  let last: Promise<void> = ensureDir(dirname(file))
  return (event) => (last = last.then(() => appendFile(file, `${JSON.stringify(event)}\n`, { mode: 0o600 })))
}
