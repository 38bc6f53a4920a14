/** The relay's own code in this process, in front of whatever enclaves a test names: what an app sees of a fleet that changes. */
import { readFileSync } from 'node:fs'
import { Agent } from 'node:https'
import { STSClient } from '@aws-sdk/client-sts'
import { NodeHttpHandler } from '@smithy/node-http-handler'
import { createEnclaveClient } from '../../lib/enclave/client.ts'
import { createDirectory } from '../../lib/enclave/directory.ts'
import { fromBase64url, toBase64url } from '../../lib/protocol/bytes.ts'
import { CloisterError } from '../../lib/protocol/errors.ts'
import type { Operation } from '../../lib/protocol/header.ts'
import { readSettings } from '../../lib/relay/settings.ts'
import { createTokenExchange } from '../../lib/tokens/exchange.ts'
import { createFetchJwks } from '../../lib/tokens/fetch-jwks.ts'
import { createTokenVerifier } from '../../lib/tokens/verify.ts'
import { operate, type Relay } from '../../lib/wallets/operate.ts'
import { createWalletRecords } from '../../lib/wallets/records.ts'
import type { LaunchedEnclave } from '../../local/enclave.ts'
import type { Stack } from '../../local/stack.ts'

export interface FleetRelay {
  /** For `connect`. */
  readonly fetch: typeof fetch
  /** How many sealed requests came by: none means that the app refused the enclave before it sealed anything. */
  readonly sealed: () => number
}

/** Builds relays before one stack; what doesn't depend on the fleet is shared. */
export function fleetRelays(stack: Stack): (enclaves: readonly LaunchedEnclave[]) => FleetRelay {
  const settings = readSettings(stack.env)
  const agent = new Agent({ keepAlive: true, ca: readFileSync(settings.caFile as string) })
  const client = { region: stack.env['AWS_REGION'] as string, requestHandler: new NodeHttpHandler({ httpsAgent: agent }) }
  const nowMs = (): number => Date.now()
  const endpoint = (name: string): string => stack.env[`AWS_ENDPOINT_URL_${name}`] as string
  const sts = new STSClient({ ...client, endpoint: endpoint('STS'), credentials: { accessKeyId: 'unsigned', secretAccessKey: 'unsigned' } })
  const shared: Omit<Relay, 'directory'> = {
    tokens: createTokenVerifier({ tenancy: settings.tenancy, fetchJwks: createFetchJwks(agent), nowMs }),
    exchange: createTokenExchange({ sts, roles: settings.readRoles, nowMs, timeoutMs: 5_000 }),
    records: createWalletRecords({ table: settings.table, client: { ...client, endpoint: endpoint('DYNAMODB') }, timeoutMs: 5_000 }),
  }

  return (enclaves) => {
    const relay: Relay = { ...shared, directory: createDirectory(enclaves.map(({ serviceUrl }) => createEnclaveClient(serviceUrl))) }
    let sealed = 0
    const answer = async (url: URL, init: RequestInit | undefined): Promise<Record<string, string>> => {
      if (url.pathname === '/v1/enclave') {
        const nonce = fromBase64url(url.searchParams.get('nonce') ?? '') as Uint8Array
        return { attestation: toBase64url((await relay.directory.offer(nonce)).document) }
      }
      sealed += 1
      const [, wallet = null, op = 'create'] = /^\/v1\/wallets(?:\/([^/]+)\/([a-z]+))?$/.exec(url.pathname) ?? []
      const body = JSON.parse(String(init?.body)) as Record<string, string>
      const bytes = (name: string): Uint8Array => fromBase64url(body[name] as string) as Uint8Array
      const token = new Headers(init?.headers).get('authorization')?.slice('Bearer '.length) as string
      const request = { header: bytes('header'), enc: bytes('enc'), ciphertext: bytes('ciphertext') }
      return { answer: toBase64url((await operate(relay, token, { op: op as Operation, wallet }, request)).answer) }
    }
    return {
      sealed: () => sealed,
      fetch: async (input, init) => {
        try {
          return Response.json(await answer(new URL(input as URL), init))
        } catch (error) {
          return Response.json({ code: error instanceof CloisterError ? error.code : 'internal' }, { status: 503 })
        }
      },
    }
  }
}
