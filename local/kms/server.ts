/**
 * KMS on this machine: what an enclave needs of it, with key policies enforced on attestation documents that are really verified. It speaks
 * to `@aws-sdk/client-kms` as AWS does. Operations it does not know are refused.
 */
import { AwsError, awsJsonListener, type AwsAnswer, type AwsCall } from '../awsjson.ts'
import { createFaults, type Faults } from '../faults.ts'
import type { Identities } from '../iam/identities.ts'
import { ACCOUNT_ID, REGION } from '../iam/resources.ts'
import { listenTls, type Service, type TlsServerOptions } from '../serve.ts'
import { adminOperations } from './admin.ts'
import { auditEvent, type AuditNotes, type AuditSink } from './audit.ts'
import { openKeyStore, type KeyStore } from './keys.ts'
import type { KmsScope } from './access.ts'
import { cryptoOperations } from './operations.ts'
import type { VerifyDocument } from './recipient.ts'

interface KmsOptions {
  /** State directory: a file a key. */
  readonly dir: string
  /** 0 = any free port. */
  readonly port: number
  readonly tls: TlsServerOptions
  readonly identities: Identities
  /** Root certificate of the enclaves to believe, DER. There is no default. */
  readonly rootDer: Uint8Array
  /** `verifyAttestation` of lib/attestation. */
  readonly verify: VerifyDocument
  readonly audit?: AuditSink
  readonly faults?: Faults
  readonly nowMs?: () => number
}

export interface Kms extends Service {
  /** May be changed while it runs. */
  readonly faults: Faults
  /** Straight to the keys, past the policies: for whoever starts the cloud. */
  readonly keys: KeyStore
}

export async function startKms(options: KmsOptions): Promise<Kms> {
  const { dir, port, tls, identities, rootDer, verify, audit, faults = createFaults(), nowMs = Date.now } = options
  if (!(rootDer instanceof Uint8Array) || typeof verify !== 'function') throw new TypeError('rootDer and verify are required')
  const keys = await openKeyStore({ dir, region: REGION, accountId: ACCOUNT_ID, nowMs })
  const scope: KmsScope = { keys, attester: { verify, rootDer }, nowMs, requestContext: [['aws:securetransport', 'true']] }
  const handle = async (call: AwsCall): Promise<AwsAnswer> => {
    const notes: AuditNotes = {}
    try {
      const output = await run(call, scope, notes)
      await audit?.(auditEvent(call, notes, REGION, nowMs()))
      return { status: 200, body: JSON.stringify(output) }
    } catch (error) {
      const known = error instanceof AwsError ? error : new AwsError('KMSInternalException', undefined, 500)
      await audit?.(auditEvent(call, notes, REGION, nowMs(), known))
      throw known
    }
  }
  const listening = await listenTls(port, tls, awsJsonListener({
    service: 'kms',
    region: REGION,
    targetPrefix: 'TrentService',
    contentType: 'application/x-amz-json-1.1',
    errorNamespace: '',
    throttled: new AwsError('ThrottlingException', 'You have exceeded the rate at which you may call KMS. Reduce the frequency of your calls.'),
    failed: new AwsError('KMSInternalException', undefined, 500),
    identities, faults, nowMs, handle,
  }))
  return { url: `https://127.0.0.1:${listening.port}`, close: listening.close, faults, keys }
}

async function run(call: AwsCall, scope: KmsScope, notes: AuditNotes): Promise<unknown> {
  for (const operations of [cryptoOperations, adminOperations]) {
    const operation = Object.hasOwn(operations, call.operation) ? operations[call.operation] : undefined
    if (operation !== undefined) return operation(call, scope, notes)
  }
  throw new AwsError('UnknownOperationException')
}
