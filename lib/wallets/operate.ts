/** The relay's side of every sealed operation: read the record as the user, hand it to the enclave, pass the answer back. */
import { decodeHeader, type Operation } from '../protocol/header.ts'
import { CloisterError } from '../protocol/errors.ts'
import type { EnclaveDirectory } from '../enclave/directory.ts'
import type { ServiceAnswer } from '../protocol/service.ts'
import type { TokenExchange } from '../tokens/exchange.ts'
import { ownerOf } from '../tokens/owner.ts'
import type { TokenVerifier } from '../tokens/verify.ts'
import type { StoredReceipt, WalletListing, WalletRecords } from './records.ts'

/** How often a request is handed over again because the record had changed under it. */
const STALE_RETRIES = 4

export interface SealedRequest {
  readonly header: Uint8Array
  readonly enc: Uint8Array
  readonly ciphertext: Uint8Array
}

export interface Relay {
  readonly tokens: TokenVerifier
  readonly exchange: TokenExchange
  readonly records: WalletRecords
  readonly directory: EnclaveDirectory
}

/**
 * @param expected what the URL says: the header must say the same; `wallet` is null where the URL names none
 * @throws CloisterError; the enclave's own refusal comes back as an answer
 */
export async function operate(
  relay: Relay,
  token: string,
  expected: { readonly op: Operation; readonly wallet: string | null },
  request: SealedRequest,
): Promise<Extract<ServiceAnswer, { answer: Uint8Array }>> {
  const verified = await relay.tokens.verify(token)
  const header = decodeHeader(request.header)
  if (header === undefined || header.op !== expected.op) throw new CloisterError('request_malformed')
  if (expected.wallet !== null && header.wallet !== expected.wallet) throw new CloisterError('request_malformed')
  const credentials = await relay.exchange.exchange(token, verified)
  const enclave = await relay.directory.holder(header.key)
  for (let attempt = 0; ; attempt++) {
    const record = await relay.records.get(credentials, ownerOf(verified), header.wallet)
    if (record === null && expected.op !== 'create' && expected.op !== 'import') throw new CloisterError('wallet_not_found')
    const answer = await enclave.request({ token: new TextEncoder().encode(token), ...request, record })
    if ('answer' in answer) return answer
    if (answer.code !== 'stale' || attempt >= STALE_RETRIES) throw refusal(answer)
  }
}

export async function listWallets(relay: Relay, token: string): Promise<readonly WalletListing[]> {
  const verified = await relay.tokens.verify(token)
  const credentials = await relay.exchange.exchange(token, verified)
  return relay.records.list(credentials, ownerOf(verified))
}

/** A page of the wallet's sealed receipts. */
export async function listReceipts(relay: Relay, token: string, wallet: string, after: number): Promise<readonly StoredReceipt[]> {
  const verified = await relay.tokens.verify(token)
  const credentials = await relay.exchange.exchange(token, verified)
  return relay.records.receipts(credentials, ownerOf(verified), wallet, after)
}

function refusal(answer: Extract<ServiceAnswer, { code: unknown }>): CloisterError {
  return new CloisterError(answer.code, answer.retryAfterSec === null ? {} : { retryAfterSec: answer.retryAfterSec })
}
