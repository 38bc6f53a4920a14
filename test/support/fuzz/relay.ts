/** Tokens, HTTP events, settings, what an operator says, and what the API answers to an app. */
import { once } from 'node:events'
import { createServer } from 'node:http'
import type { AddressInfo } from 'node:net'
import type { APIGatewayProxyEventV2 } from 'aws-lambda'
import { readChainId, readQuantity } from '../../../client/adapters/eip1193-chains.ts'
import { ProviderRpcError } from '../../../client/adapters/eip1193-errors.ts'
import { readTransaction } from '../../../client/adapters/eip1193-transaction.ts'
import { fetchAttestation, fetchReceipts, fetchWallets, postSealed, type Api } from '../../../client/http.ts'
import { createEnclaveClient } from '../../../lib/enclave/client.ts'
import { createDirectory } from '../../../lib/enclave/directory.ts'
import { afterParameter, bearerToken, nonceParameter, operationOf, sealedRequest, walletOf } from '../../../lib/http/request.ts'
import { decodeAnswer, decodeCommand } from '../../../lib/operator/messages.ts'
import { toBase64url, utf8 } from '../../../lib/protocol/bytes.ts'
import { encodeChannelOffer, encodeChannels } from '../../../lib/protocol/service.ts'
import { readSettings } from '../../../lib/relay/settings.ts'
import { decodeUnverifiedToken } from '../../../lib/tokens/syntax.ts'
import { readTenancy } from '../../../lib/tokens/tenants.ts'
import { createTokenVerifier, type TokenVerifier } from '../../../lib/tokens/verify.ts'
import { isWeakKey } from '../../../lib/tokens/weak-keys.ts'
import { createTestIssuer, ISSUER, ISSUERS, tenancy, TENANTS, type TestIssuer } from '../core-tokens.ts'
import { b, WALLET } from './protocol.ts'
import { bytesTarget, codes, malformed, row, textTarget, valueTarget, type Row } from './target.ts'

const NOW_MS = Date.UTC(2026, 5, 1)

async function issuer(): Promise<{ issuer: TestIssuer; verifier: TokenVerifier }> {
  const made = await createTestIssuer(() => NOW_MS)
  return { issuer: made, verifier: createTokenVerifier({ tenancy: tenancy(), fetchJwks: (...args) => made.fetchJwks(...args), nowMs: () => NOW_MS }) }
}

const event = {
  version: '2.0', routeKey: 'POST /v1/wallets/{id}/sign', headers: { authorization: 'Bearer aa.bb.cc' }, pathParameters: { id: WALLET }, queryStringParameters: { nonce: toBase64url(b(16)), after: '12' },
  isBase64Encoded: false, body: JSON.stringify({ header: toBase64url(b(30)), enc: toBase64url(b(32)), ciphertext: toBase64url(b(40)) }),
}
/** Of an event, API Gateway promises the types; the text is whoever's it is. */
function eventOf(value: unknown): APIGatewayProxyEventV2 {
  const fields = (typeof value === 'object' && value !== null ? value : {}) as Record<string, unknown>
  const text = (given: unknown): string | undefined => (typeof given === 'string' ? given : undefined)
  const texts = (given: unknown): Record<string, string> => Object.fromEntries(Object.entries(typeof given === 'object' && given !== null ? given : {}).filter(([, one]) => typeof one === 'string'))
  return {
    routeKey: text(fields['routeKey']) ?? '', headers: texts(fields['headers']), pathParameters: texts(fields['pathParameters']), queryStringParameters: texts(fields['queryStringParameters']),
    isBase64Encoded: fields['isBase64Encoded'] === true, body: text(fields['body']),
  } as unknown as APIGatewayProxyEventV2
}
const eventRow = (names: readonly string[], read: (given: APIGatewayProxyEventV2) => unknown, throws: (error: unknown) => boolean): Row =>
  row(names.map((name) => `lib/http/request.ts ${name}`), () => valueTarget('json', { seeds: [event, { ...event, isBase64Encoded: true, body: Buffer.from(event.body).toString('base64') }], decode: (value) => read(eventOf(value)), throws }))

const env = {
  CLOISTER_TENANCY: JSON.stringify({ issuers: ISSUERS, tenants: TENANTS, readRoles: Object.fromEntries(TENANTS.map(({ id }) => [id, 'arn:aws:iam::000000000000:role/r'])) }),
  CLOISTER_TABLE: 'wallets', CLOISTER_ENCLAVES: 'http://127.0.0.1:1,unix:/tmp/x', CLOISTER_ORIGINS: 'https://app.example', CLOISTER_CA_FILE: '',
}
const isSettingsError = (error: unknown): boolean => error instanceof Error && error.message === 'the CLOISTER_… settings are missing or malformed'
const settingsOf = (values: unknown): unknown => {
  const texts = Object.entries(typeof values === 'object' && values !== null ? values : {}).filter(([, value]) => typeof value === 'string')
  return readSettings(Object.fromEntries(texts))
}

const status = { version: '1', phase: 'serving', reason: null, work: null }

const dappTransaction = { from: `0x${'35'.repeat(20)}`, to: `0x${'35'.repeat(20)}`, value: '0x1', data: '0x0102', chainId: '0x1', nonce: '0x0', gas: '0x5208' }
/** What a dapp asks of the provider in its page. */
const dappRow = (name: string, seeds: readonly [unknown, ...unknown[]], decode: (given: unknown) => unknown): Row =>
  row([`client/adapters/${name}`], () => valueTarget('json', { seeds, decode, throws: (error) => error instanceof ProviderRpcError && error.code === -32602 }))

/** The API, answering this to everything. */
const answering = (body: Uint8Array): Api => ({ url: 'https://api.test', fetch: () => Promise.resolve(new Response(new Uint8Array(body), { headers: { 'retry-after': Buffer.from(body).toString('latin1').replace(/[^!-~]/g, '').slice(0, 9) } })) })
const anyHttp = codes('network', 'unavailable', 'token_*', 'request_malformed', 'body_too_large', 'not_found', 'wallet_not_found', 'channel_unknown', 'stale', 'refused', 'rate_limited', 'internal', 'busy', 'record_invalid')
const apiRow = (name: string, seeds: readonly object[], call: (api: Api) => Promise<unknown>): Row =>
  row(`client/http.ts ${name}`, () => bytesTarget('json', { seeds: seeds.map((seed) => utf8(JSON.stringify(seed))), decode: (body) => call(answering(body)), throws: anyHttp }))

export const relayRows: readonly Row[] = [
  row('lib/tokens/syntax.ts decodeUnverifiedToken', async () => textTarget({ seeds: [await (await issuer()).issuer.token({ nonce: 'n' })], decode: decodeUnverifiedToken, throws: codes('token_malformed') })),
  row('lib/tokens/syntax.ts decodeUnverifiedToken, payload', async () => {
    const { issuer: made, verifier } = await issuer()
    const payload = { iss: ISSUER, aud: 'app', sub: 'alice', iat: NOW_MS / 1000, exp: NOW_MS / 1000 + 3600, nbf: 1, nonce: 'n' }
    // Signed by the issuer, whatever it says.
    return bytesTarget('json', { seeds: [utf8(JSON.stringify(payload))], decode: async (bytes) => verifier.verify(await made.sign(Buffer.from(bytes).toString('utf8'))), throws: codes('token_*') })
  }),
  row('lib/tokens/verify.ts createTokenVerifier', async () => {
    const { issuer: made, verifier } = await issuer()
    return textTarget({ seeds: [await made.token(), await made.token({ aud: ['open'] })], decode: (token) => verifier.verify(token), throws: codes('token_*', 'unavailable') })
  }),
  row('lib/tokens/verify.ts createTokenVerifier, header', async () => {
    const { issuer: made, verifier } = await issuer()
    return valueTarget('json', {
      seeds: [{ alg: 'ES256', kid: 'first', typ: 'JWT' }],
      decode: async (header) => (typeof header === 'object' && header !== null ? verifier.verify(await made.token({}, header as Record<string, unknown>)) : undefined),
      throws: codes('token_*', 'unavailable'),
    })
  }),
  row('lib/tokens/verify.ts createTokenVerifier, key set', async () => {
    const { issuer: made } = await issuer()
    const token = await made.token()
    return bytesTarget('json', {
      seeds: [utf8(JSON.stringify(made.jwks))],
      decode: (set) => createTokenVerifier({ tenancy: tenancy(), fetchJwks: () => Promise.resolve(new Response(new Uint8Array(set))), nowMs: () => NOW_MS }).verify(token),
      throws: codes('token_*', 'unavailable'),
    })
  }),
  row('lib/tokens/weak-keys.ts isWeakKey', () => valueTarget('json', { seeds: [{ kty: 'RSA', n: toBase64url(b(256, 0xf1)), e: 'AQAB' }, { kty: 'EC' }], decode: (jwk) => [isWeakKey(jwk)] })),
  row('lib/tokens/tenants.ts readTenancy', () =>
    valueTarget('json', {
      seeds: [{ issuers: ISSUERS, tenants: TENANTS }],
      decode(value) {
        const { issuers, tenants } = (value ?? {}) as { issuers?: unknown; tenants?: unknown }
        return readTenancy(issuers, tenants)
      },
      throws: malformed,
    })),
  row('lib/relay/settings.ts readSettings', () => valueTarget('json', { seeds: [env], decode: settingsOf, throws: isSettingsError })),
  row('lib/relay/settings.ts readSettings, tenancy', () => bytesTarget('json', { seeds: [utf8(env.CLOISTER_TENANCY)], decode: (bytes) => settingsOf({ ...env, CLOISTER_TENANCY: Buffer.from(bytes).toString('utf8') }), throws: isSettingsError })),

  eventRow(['bearerToken'], bearerToken, codes('token_missing', 'token_malformed')),
  eventRow(['sealedRequest'], sealedRequest, codes('request_malformed', 'body_too_large')),
  eventRow(['operationOf', 'walletOf', 'walletId'], (given) => [walletOf(given, operationOf(given))], codes('not_found', 'wallet_not_found')),
  eventRow(['afterParameter', 'nonceParameter'], (given) => [afterParameter(given), nonceParameter(given)], codes('request_malformed')),
  row('lib/http/request.ts sealedRequest, body', () => textTarget({ seeds: [event.body], decode: (body) => sealedRequest(eventOf({ ...event, body })), throws: codes('request_malformed', 'body_too_large') })),
  row('lib/http/request.ts bearerToken, header', () => textTarget({ seeds: ['Bearer aa.bb.cc', 'bearer x'], decode: (authorization) => bearerToken(eventOf({ ...event, headers: { authorization } })), throws: codes('token_missing', 'token_malformed') })),

  row('lib/operator/messages.ts decodeCommand', () => valueTarget('json', { seeds: [{ command: 'status', enclave: null }, { command: 'rotate', enclave: 2, now: true }, { command: 'measurements', enclave: 'all', nonce: toBase64url(b(16)) }], decode: decodeCommand })),
  row('lib/operator/messages.ts decodeAnswer', () =>
    valueTarget('json', { seeds: [{ ok: false, error: 'malformed' }, { ok: true, enclaves: [{ enclave: 1, status }, { enclave: 2, document: toBase64url(b(9)) }, { enclave: 3, error: 'unavailable' }] }], decode: decodeAnswer })),

  row(['lib/enclave/client.ts createEnclaveClient', 'lib/enclave/directory.ts createDirectory', 'lib/enclave/transport.ts send'], async () => {
    let answer: Uint8Array = b(1)
    const server = createServer((_request, response) => void response.end(answer))
    server.listen(0, '127.0.0.1')
    await once(server, 'listening')
    server.unref()
    const client = createEnclaveClient(`http://127.0.0.1:${(server.address() as AddressInfo).port}`)
    const directory = createDirectory([client])
    const or = <T>(call: Promise<T>): Promise<T | undefined> =>
      call.catch((error: unknown) => {
        if (codes('unavailable', 'channel_unknown')(error)) return undefined
        throw error
      })
    return bytesTarget('cbor', {
      seeds: [encodeChannelOffer({ document: b(40), key: b(16) }), encodeChannels([b(16)])],
      async decode(bytes) {
        answer = bytes
        return [await or(directory.offer(b(16))), await or(createDirectory([client]).holder(b(16))), await directory.phase()]
      },
    })
  }),

  apiRow('fetchAttestation', [{ attestation: toBase64url(b(9)) }], (api) => fetchAttestation(api, b(16))),
  apiRow('postSealed', [{ answer: toBase64url(b(9)) }], (api) => postSealed(api, '/v1/x', 'token', { header: b(1), enc: b(1), ciphertext: b(1) })),
  apiRow('fetchWallets', [{ wallets: [{ id: WALLET, createdAtMs: 1, expiresAtSec: 0 }] }, { wallets: [] }], async (api) => {
    for (const { id, createdAtMs, expiresAtSec } of await fetchWallets(api, 'token')) {
      if (typeof id !== 'string' || typeof createdAtMs !== 'number' || typeof expiresAtSec !== 'number') throw new Error('not what its type says')
    }
    return true
  }),
  dappRow('eip1193-chains.ts readQuantity', ['0x1f', 7], readQuantity),
  dappRow('eip1193-chains.ts readChainId', ['0x89'], readChainId),
  dappRow('eip1193-transaction.ts readTransaction', [dappTransaction, { ...dappTransaction, type: '0x2', maxFeePerGas: '0x5' }], (given) => readTransaction(given, 1)),
  apiRow('fetchReceipts', [{ receipts: [{ sequence: 1, sealed: toBase64url(b(9)) }] }], (api) => fetchReceipts(api, 'token', WALLET, 0)),
]
