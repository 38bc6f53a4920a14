/** Solana, for apps. */
import { solana as chain } from '../lib/chains/solana/solana.ts'
import type { Summary } from '../lib/chains/chain.ts'
import type { CborValue } from '../lib/protocol/cbor.ts'
import type { GuessState } from '../lib/protocol/errors.ts'
import { utf8 } from '../lib/protocol/bytes.ts'
import type { SignedPayload } from '../lib/protocol/operations.ts'
import type { AccountRequest, ChainClient, WalletAccount } from './account.ts'
import { SOLANA_CHAINS } from './solana-chains.ts'
import { signSummarized, summarize } from './summarize.ts'
import type { PinOptions } from './wallet.ts'

export { SOLANA_CHAINS } from './solana-chains.ts'

export interface SolanaTransaction {
  /** As it travels: signatures (zeros where missing), then the message, legacy or version 0. */
  readonly transaction: Uint8Array
  /** CAIP-2; mainnet when left out. */
  readonly chain?: string
  /** The lookup tables that it refers to, each with its addresses. */
  readonly lookupTables?: CborValue
}

export interface SolanaMessage {
  /** Text, or an off-chain message in its own encoding. */
  readonly message: string | Uint8Array
  readonly chain?: string
}

export interface SolanaAccount extends WalletAccount {
  /** `signed`: the transaction with the account's signature in its slot. */
  signTransaction(transaction: SolanaTransaction, options?: PinOptions): Promise<SignedPayload & GuessState>
  /** `signed`: the signature, 64 bytes. */
  signMessage(message: SolanaMessage, options?: PinOptions): Promise<SignedPayload & GuessState>
  summary(request: SolanaTransaction | SolanaMessage): Promise<Summary>
}

export const solana: ChainClient<SolanaAccount> & Pick<typeof chain, 'path' | 'variants'> = {
  name: 'solana',
  namespace: chain.namespace,
  path: chain.path,
  variants: chain.variants,
  account: (base) => ({
    ...base,
    signTransaction: async (transaction, options) => signSummarized(chain, base, solanaRequest(transaction), options),
    signMessage: async (message, options) => signSummarized(chain, base, solanaRequest(message), options),
    summary: async (request) => summarize(chain, base, solanaRequest(request)),
  }),
}

/** The payload of a transaction or a message. */
function solanaRequest(request: SolanaTransaction | SolanaMessage): AccountRequest {
  const id = request.chain ?? SOLANA_CHAINS.mainnet
  if ('transaction' in request) return { chain: id, kind: 'transaction', data: request.transaction, context: request.lookupTables ?? null }
  return { chain: id, kind: 'message', data: typeof request.message === 'string' ? utf8(request.message) : request.message }
}
