import { createFetchJwks } from '../../lib/tokens/fetch-jwks.ts'
import type { Platform } from '../core/enclave.ts'
import { createAwsJson } from './aws-json.ts'
import type { CredentialSource } from './credentials.ts'
import { createAgent, type Egress } from './egress.ts'
import { createHttpsPost } from './https-post.ts'
import { createKms } from './kms.ts'
import { createTable } from './table.ts'

/** An attempt that takes longer than this is no answer. */
const CALL_TIMEOUT_MS = 2_000
/** What KMS is asked for may be asked twice. */
const KMS_ATTEMPTS = 2
/** A retry of a conditional write whose answer was lost would fail its own condition, and look like somebody else's write. */
const TABLE_ATTEMPTS = 1

/** Clients as the measured configuration says: which key, which table, which certificates. */
export function createConnect(egress: Egress, credentials: CredentialSource): Platform['connect'] {
  return ({ region, kmsKeyArn, tableArn, kms, dynamodb, certificateAuthorities }, nowMs) => {
    const agent = createAgent(egress, certificateAuthorities)
    const shared = { region, post: createHttpsPost(agent), credentials, nowMs, timeoutMs: CALL_TIMEOUT_MS }
    return {
      kms: createKms(createAwsJson({ ...shared, service: 'kms', endpoint: kms.url, attempts: KMS_ATTEMPTS }), kmsKeyArn),
      table: createTable(createAwsJson({ ...shared, service: 'dynamodb', endpoint: dynamodb.url, attempts: TABLE_ATTEMPTS }), tableArn),
      fetchJwks: createFetchJwks(agent),
    }
  }
}
