import { NodeHttpHandler } from '@smithy/node-http-handler'
import { createFetchJwks } from '../../lib/tokens/fetch-jwks.ts'
import type { Configuration } from '../core/configuration.ts'
import type { Platform } from '../core/enclave.ts'
import type { CredentialSource } from './credentials.ts'
import { createAgent, type Egress } from './egress.ts'
import { createKms } from './kms.ts'
import { createTable } from './table.ts'

/** A call that takes longer than this is no answer. */
const CALL_TIMEOUT_MS = 2_000
/** KMS calls may be made twice. */
const KMS_DEADLINE_MS = 2 * CALL_TIMEOUT_MS
const CONNECT_TIMEOUT_MS = 1_000

/** Clients as the measured configuration says: which key, which table, which certificates. */
export function createConnect(egress: Egress, credentials: CredentialSource): Platform['connect'] {
  return (configuration: Configuration) => {
    const agent = createAgent(egress, configuration.certificateAuthorities)
    const handler = new NodeHttpHandler({ httpsAgent: agent, requestTimeout: CALL_TIMEOUT_MS, throwOnRequestTimeout: true, connectionTimeout: CONNECT_TIMEOUT_MS })
    const { region, kmsKeyArn, tableArn, kms, dynamodb } = configuration
    return {
      kms: createKms({ region, keyArn: kmsKeyArn, endpoint: kms.url, handler, credentials, timeoutMs: KMS_DEADLINE_MS }),
      table: createTable({ region, table: tableArn, endpoint: dynamodb.url, handler, credentials, timeoutMs: CALL_TIMEOUT_MS }),
      fetchJwks: createFetchJwks(agent),
    }
  }
}
