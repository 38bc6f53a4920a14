/** The API over `fetch`: base64url in JSON, problems as errors. */
import { fromBase64url, toBase64url } from '../lib/protocol/bytes.ts'
import { CloisterError, ERRORS, isErrorCode } from '../lib/protocol/errors.ts'

const TIMEOUT_MS = 30_000

export interface Api {
  readonly url: string
  readonly fetch: typeof fetch
}

/** A wallet as the database shows it: not believed, good enough to find it. */
export interface WalletListing {
  readonly id: string
  readonly createdAtMs: number
  /** When the table will have deleted it, seconds since the epoch; 0: never. */
  readonly expiresAtSec: number
}

export interface StoredReceipt {
  readonly sequence: number
  readonly sealed: Uint8Array
}

interface Reply {
  readonly ok: boolean
  readonly body: Readonly<Record<string, unknown>>
  readonly retryAfterSec: number | undefined
}

/** `GET /v1/enclave`: an attestation document for this nonce. Nothing in it is verified yet. */
export async function fetchAttestation(api: Api, nonce: Uint8Array, signal?: AbortSignal): Promise<Uint8Array> {
  const reply = await send(api, `/v1/enclave?nonce=${toBase64url(nonce)}`, { method: 'GET' }, signal)
  const document = reply.ok ? bytesOf(reply.body['attestation']) : undefined
  if (document === undefined) throw problemOf(reply)
  return document
}

/** Sends a sealed request. Returns the sealed answer, whatever the status beside it. @throws CloisterError with the problem's code when there is none */
export async function postSealed(
  api: Api,
  path: string,
  token: string,
  request: { readonly header: Uint8Array; readonly enc: Uint8Array; readonly ciphertext: Uint8Array },
  signal?: AbortSignal,
): Promise<Uint8Array> {
  const { header, enc, ciphertext } = request
  const body = JSON.stringify({ header: toBase64url(header), enc: toBase64url(enc), ciphertext: toBase64url(ciphertext) })
  const reply = await send(api, path, { method: 'POST', headers: { 'content-type': 'application/json', authorization: `Bearer ${token}` }, body }, signal)
  const answer = bytesOf(reply.body['answer'])
  if (answer === undefined) throw problemOf(reply)
  return answer
}

export async function fetchWallets(api: Api, token: string, signal?: AbortSignal): Promise<readonly WalletListing[]> {
  const reply = await send(api, '/v1/wallets', { method: 'GET', headers: { authorization: `Bearer ${token}` } }, signal)
  const wallets = reply.ok ? rowsOf(reply.body['wallets'])?.map(listingOf) : undefined
  if (wallets === undefined || wallets.includes(undefined)) throw problemOf(reply)
  return wallets as WalletListing[]
}

/** `GET /v1/wallets/{id}/receipts`: a page of sealed receipts after a sequence number, in their order. */
export async function fetchReceipts(api: Api, token: string, wallet: string, after: number, signal?: AbortSignal): Promise<readonly StoredReceipt[]> {
  const init = { method: 'GET', headers: { authorization: `Bearer ${token}` } }
  const reply = await send(api, `/v1/wallets/${wallet}/receipts?after=${after}`, init, signal)
  const receipts = reply.ok ? rowsOf(reply.body['receipts']) : undefined
  if (receipts === undefined) throw problemOf(reply)
  return receipts.map(({ sequence, sealed }) => ({
    sequence: typeof sequence === 'number' ? sequence : Number.NaN,
    sealed: bytesOf(sealed) ?? new Uint8Array(),
  }))
}

/** A list of objects, whatever is in them. */
function rowsOf(value: unknown): readonly Reply['body'][] | undefined {
  return Array.isArray(value) && value.every((row: unknown) => typeof row === 'object' && row !== null) ? (value as Reply['body'][]) : undefined
}

function listingOf({ id, createdAtMs, expiresAtSec }: Reply['body']): WalletListing | undefined {
  if (typeof id !== 'string' || typeof createdAtMs !== 'number' || typeof expiresAtSec !== 'number') return undefined
  return { id, createdAtMs, expiresAtSec }
}

async function send(api: Api, path: string, init: RequestInit, signal?: AbortSignal): Promise<Reply> {
  const timeout = AbortSignal.timeout(TIMEOUT_MS)
  try {
    const response = await api.fetch(new URL(path, api.url), {
      ...init,
      redirect: 'error',
      credentials: 'omit',
      cache: 'no-store',
      signal: signal === undefined ? timeout : AbortSignal.any([signal, timeout]),
    })
    const body: unknown = await response.json().catch(() => null)
    const retryAfter = Number(response.headers.get('retry-after') ?? Number.NaN)
    return {
      ok: response.ok,
      body: typeof body === 'object' && body !== null ? (body as Reply['body']) : {},
      retryAfterSec: Number.isFinite(retryAfter) ? retryAfter : undefined,
    }
  } catch (error) {
    if (signal?.aborted) throw error
    throw new CloisterError('network')
  }
}

/** Only codes that travel in the clear are believed from out here: what is said of a PIN comes sealed or not at all. */
function problemOf(reply: Reply): CloisterError {
  const code = reply.body['code']
  const known = isErrorCode(code) && (ERRORS[code].where === 'http' || code === 'record_invalid') ? code : 'unavailable'
  return new CloisterError(known, reply.retryAfterSec === undefined ? {} : { retryAfterSec: reply.retryAfterSec })
}

function bytesOf(value: unknown): Uint8Array | undefined {
  return typeof value === 'string' ? fromBase64url(value) : undefined
}
