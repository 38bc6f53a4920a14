import { readFileSync } from 'node:fs'
import { Agent } from 'node:https'
import { STSClient } from '@aws-sdk/client-sts'
import { NodeHttpHandler } from '@smithy/node-http-handler'
import { createEnclaveClient } from '../enclave/client.ts'
import { createDirectory } from '../enclave/directory.ts'
import { createTokenExchange } from '../tokens/exchange.ts'
import { createFetchJwks } from '../tokens/fetch-jwks.ts'
import { createTokenVerifier } from '../tokens/verify.ts'
import type { Relay } from '../wallets/operate.ts'
import { createWalletRecords } from '../wallets/records.ts'
import { readSettings, type RelaySettings } from './settings.ts'

const CALL_TIMEOUT_MS = 2_000
/** Calls to AWS may be made twice; the handler's own timeouts end once headers have come. */
const DEADLINE_MS = 2 * CALL_TIMEOUT_MS
const CONNECT_TIMEOUT_MS = 1_000

let relay: { readonly relay: Relay; readonly settings: RelaySettings } | undefined

/** The relay of this Lambda instance, built on first use and kept. Endpoints other than AWS's come by the SDK's own `AWS_ENDPOINT_URL_…`. */
export function theRelay(): { readonly relay: Relay; readonly settings: RelaySettings } {
  relay ??= build(readSettings(process.env))
  return relay
}

function build(settings: RelaySettings): { relay: Relay; settings: RelaySettings } {
  const agent = new Agent({ keepAlive: true, maxSockets: 128, ...(settings.caFile === null ? {} : { ca: readFileSync(settings.caFile) }) })
  const requestHandler = new NodeHttpHandler({
    httpsAgent: agent,
    requestTimeout: CALL_TIMEOUT_MS,
    throwOnRequestTimeout: true,
    connectionTimeout: CONNECT_TIMEOUT_MS,
  })
  const nowMs = (): number => Date.now()
  // AssumeRoleWithWebIdentity is not signed: the token is the credential.
  const sts = new STSClient({ requestHandler, maxAttempts: 2, credentials: { accessKeyId: 'unsigned', secretAccessKey: 'unsigned' } })
  return {
    settings,
    relay: {
      tokens: createTokenVerifier({ tenancy: settings.tenancy, fetchJwks: createFetchJwks(agent), nowMs }),
      exchange: createTokenExchange({ sts, roles: settings.readRoles, nowMs, timeoutMs: DEADLINE_MS }),
      records: createWalletRecords({ table: settings.table, client: { requestHandler, maxAttempts: 2 }, timeoutMs: DEADLINE_MS }),
      directory: createDirectory(settings.enclaves.map(createEnclaveClient)),
    },
  }
}
