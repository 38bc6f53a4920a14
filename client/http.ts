/** The API over `fetch`: base64url in JSON, problems as errors. */
import { fromBase64url, toBase64url } from '../lib/protocol/bytes.ts'
import { CloisterError, ERRORS, isErrorCode } from '../lib/protocol/errors.ts'
import { withDeadline, type Deadline } from './deadline.ts'
import { retrying } from './retry.ts'

const TIMEOUT_MS = 30_000

export interface Api {
  readonly url: string
  readonly fetch: typeof fetch
  /** Of each request, milliseconds. */
  readonly timeoutMs?: number | undefined
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
export function fetchAttestation(api: Api, nonce: Uint8Array, deadline: Deadline = {}): Promise<Uint8Array> {
  return get(api, `/v1/enclave?nonce=${toBase64url(nonce)}`, undefined, deadline, ({ attestation }) => bytesOf(attestation))
}

/** Sends a sealed request. Returns the sealed answer, whatever the status beside it. @throws CloisterError with the problem's code when there is none */
export async function postSealed(
  api: Api,
  path: string,
  token: string,
  request: { readonly header: Uint8Array; readonly enc: Uint8Array; readonly ciphertext: Uint8Array },
  deadline: Deadline = {},
): Promise<Uint8Array> {
  const { header, enc, ciphertext } = request
  const body = JSON.stringify({ header: toBase64url(header), enc: toBase64url(enc), ciphertext: toBase64url(ciphertext) })
  const reply = await send(api, path, { method: 'POST', headers: { 'content-type': 'application/json', authorization: `Bearer ${token}` }, body }, deadline)
  const answer = bytesOf(reply.body['answer'])
  if (answer === undefined) throw problemOf(reply)
  return answer
}

export function fetchWallets(api: Api, token: string, deadline: Deadline = {}): Promise<readonly WalletListing[]> {
  return get(api, '/v1/wallets', token, deadline, ({ wallets }) => {
    const found = rowsOf(wallets)?.map(listingOf)
    return found === undefined || found.includes(undefined) ? undefined : (found as WalletListing[])
  })
}

/** `GET /v1/wallets/{id}/receipts`: a page of sealed receipts after a sequence number, in their order. */
export function fetchReceipts(api: Api, token: string, wallet: string, after: number, deadline: Deadline = {}): Promise<readonly StoredReceipt[]> {
  return get(api, `/v1/wallets/${wallet}/receipts?after=${after}`, token, deadline, ({ receipts }) =>
    rowsOf(receipts)?.map(({ sequence, sealed }) => ({
      sequence: typeof sequence === 'number' ? sequence : Number.NaN,
      sealed: bytesOf(sealed) ?? new Uint8Array(),
    })),
  )
}

/** A list of objects, whatever is in them. */
function rowsOf(value: unknown): readonly Reply['body'][] | undefined {
  return Array.isArray(value) && value.every((row: unknown) => typeof row === 'object' && row !== null) ? (value as Reply['body'][]) : undefined
}

function listingOf({ id, createdAtMs, expiresAtSec }: Reply['body']): WalletListing | undefined {
  if (typeof id !== 'string' || typeof createdAtMs !== 'number' || typeof expiresAtSec !== 'number') return undefined
  return { id, createdAtMs, expiresAtSec }
}

async function get<T>(api: Api, path: string, token: string | undefined, deadline: Deadline, read: (body: Reply['body']) => T | undefined): Promise<T> {
  const init = { method: 'GET', ...(token === undefined ? {} : { headers: { authorization: `Bearer ${token}` } }) }
  const reply = await retrying(async () => {
    const got = await send(api, path, init, deadline)
    if (!got.ok) throw problemOf(got)
    return got
  }, deadline.signal)
  // Whoever says yes and sends nonsense would send it again.
  const found = read(reply.body)
  if (found === undefined) throw problemOf(reply)
  return found
}

function send(api: Api, path: string, init: RequestInit, { signal, timeoutMs = api.timeoutMs ?? TIMEOUT_MS }: Deadline): Promise<Reply> {
  return withDeadline({ signal, timeoutMs }, async (ending) => {
    try {
      const response = await api.fetch(new URL(path, api.url), { ...init, redirect: 'error', credentials: 'omit', cache: 'no-store', signal: ending })
      const body = parse(await response.text())
      const retryAfter = Number(response.headers.get('retry-after') ?? Number.NaN)
      return { ok: response.ok, body, retryAfterSec: Number.isFinite(retryAfter) ? Math.max(0, retryAfter) : undefined }
    } catch {
      throw new CloisterError('network')
    }
  })
}

function parse(text: string): Reply['body'] {
  try {
    const body: unknown = JSON.parse(text)
    return typeof body === 'object' && body !== null ? (body as Reply['body']) : {}
  } catch {
    return {}
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
