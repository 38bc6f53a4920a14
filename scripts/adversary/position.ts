/** The relay's place: its code, its settings, all that passes through it. What is done with it is up to whoever sits there. */
import { readFileSync } from 'node:fs'
import { Agent } from 'node:https'
import { STSClient } from '@aws-sdk/client-sts'
import { NodeHttpHandler } from '@smithy/node-http-handler'
import { createEnclaveClient, type EnclaveClient } from '../../lib/enclave/client.ts'
import { createDirectory } from '../../lib/enclave/directory.ts'
import { fromBase64url, toBase64url } from '../../lib/protocol/bytes.ts'
import { CloisterError } from '../../lib/protocol/errors.ts'
import type { Operation } from '../../lib/protocol/header.ts'
import type { WalletRecord } from '../../lib/protocol/record.ts'
import { readSettings } from '../../lib/relay/settings.ts'
import { createTokenExchange, type ReadCredentials } from '../../lib/tokens/exchange.ts'
import { createFetchJwks } from '../../lib/tokens/fetch-jwks.ts'
import { ownerOf } from '../../lib/tokens/owner.ts'
import { createTokenVerifier } from '../../lib/tokens/verify.ts'
import { listWallets, operate, type Relay, type SealedRequest } from '../../lib/wallets/operate.ts'
import { createWalletRecords } from '../../lib/wallets/records.ts'
import type { Stack } from '../../local/stack.ts'

/** One call as it passed. */
export interface Passed {
  readonly op: Operation
  readonly wallet: string
  readonly token: string
  readonly request: SealedRequest
  readonly answer: Uint8Array
}

/** What a relay may do to what passes; absent: what an honest one does. */
interface Hooks {
  attest?(nonce: Uint8Array): Promise<Uint8Array>
  request?(passed: Omit<Passed, 'answer'>): Promise<Uint8Array | CloisterError>
}

export interface Position {
  readonly relay: Relay
  readonly enclave: EnclaveClient
  /** Every sealed call that an app made through here. */
  readonly recorded: Passed[]
  /** What is done to everything that passes, until it is set back to nothing. */
  hooks: Hooks
  /** For an app's `connect`. */
  readonly fetch: typeof fetch
  /** What an honest relay does with a sealed request. */
  pass(passed: Omit<Passed, 'answer'>): Promise<Uint8Array>
  /** Reads a record as a relay does: the user's token, exchanged. */
  credentials(token: string): Promise<ReadCredentials>
  record(token: string, wallet: string): Promise<WalletRecord | null>
  wallets(token: string): ReturnType<typeof listWallets>
  owner(token: string): Promise<string>
}

export function takePosition(stack: Stack, serviceUrl: string): Position {
  const settings = readSettings(stack.env)
  const agent = new Agent({ keepAlive: true, ca: readFileSync(settings.caFile as string) })
  const client = { region: stack.env['AWS_REGION'] as string, requestHandler: new NodeHttpHandler({ httpsAgent: agent }) }
  const endpoint = (name: string): string => stack.env[`AWS_ENDPOINT_URL_${name}`] as string
  const sts = new STSClient({ ...client, endpoint: endpoint('STS'), credentials: { accessKeyId: 'unsigned', secretAccessKey: 'unsigned' } })
  const enclave = createEnclaveClient(serviceUrl)
  const relay: Relay = {
    tokens: createTokenVerifier({ tenancy: settings.tenancy, fetchJwks: createFetchJwks(agent), nowMs: () => Date.now() }),
    exchange: createTokenExchange({ sts, roles: settings.readRoles, nowMs: () => Date.now(), timeoutMs: 5_000 }),
    records: createWalletRecords({ table: settings.table, client: { ...client, endpoint: endpoint('DYNAMODB') }, timeoutMs: 5_000 }),
    directory: createDirectory([enclave]),
  }
  const recorded: Passed[] = []
  const pass = async ({ token, op, wallet, request }: Omit<Passed, 'answer'>): Promise<Uint8Array> =>
    (await operate(relay, token, { op, wallet: wallet === '' ? null : wallet }, request)).answer
  const credentials = async (token: string): Promise<ReadCredentials> => relay.exchange.exchange(token, await relay.tokens.verify(token))
  const owner = async (token: string): Promise<string> => ownerOf(await relay.tokens.verify(token))

  async function handle(url: URL, init: RequestInit | undefined): Promise<Record<string, string>> {
    const { hooks } = position
    if (url.pathname === '/v1/enclave') {
      const nonce = fromBase64url(url.searchParams.get('nonce') ?? '') as Uint8Array
      return { attestation: toBase64url(hooks.attest === undefined ? (await relay.directory.offer(nonce)).document : await hooks.attest(nonce)) }
    }
    const [, named, operation] = /^\/v1\/wallets(?:\/([^/]+)\/([a-z-]+))?$/.exec(url.pathname) ?? []
    const op = (operation ?? 'create').replace(/-./g, (hyphen) => hyphen.slice(1).toUpperCase()) as Operation
    const body = JSON.parse(String(init?.body)) as Record<string, string>
    const bytes = (name: string): Uint8Array => fromBase64url(body[name] as string) as Uint8Array
    const token = new Headers(init?.headers).get('authorization')?.slice('Bearer '.length) as string
    const request = { header: bytes('header'), enc: bytes('enc'), ciphertext: bytes('ciphertext') }
    const passed = { op, wallet: named ?? '', token, request }
    const answer = await (hooks.request ?? pass)(passed)
    if (answer instanceof CloisterError) throw answer
    recorded.push({ ...passed, answer })
    return { answer: toBase64url(answer) }
  }

  const position: Position = {
    relay,
    enclave,
    recorded,
    credentials,
    owner,
    record: async (token, wallet) => relay.records.get(await credentials(token), await owner(token), wallet),
    wallets: (token) => listWallets(relay, token),
    hooks: {},
    pass,
    fetch: async (input, init) => {
      try {
        return Response.json(await handle(new URL(input as URL), init))
      } catch (error) {
        // What is not answered with an error of ours is not answered at all.
        if (!(error instanceof CloisterError)) throw error
        return Response.json({ code: error.code }, { status: 503 })
      }
    },
  }
  return position
}
