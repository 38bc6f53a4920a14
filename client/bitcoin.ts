/** Bitcoin, for apps. */
import { bitcoin as chain } from '../lib/chains/bitcoin/bitcoin.ts'
import type { Summary } from '../lib/chains/chain.ts'
import { utf8 } from '../lib/protocol/bytes.ts'
import type { GuessState } from '../lib/protocol/errors.ts'
import type { SignedPayload } from '../lib/protocol/operations.ts'
import type { AccountRequest, ChainClient, WalletAccount } from './account.ts'
import { signSummarized, summarize } from './summarize.ts'
import type { PinOptions } from './wallet.ts'

/** CAIP-2 of the main network. */
const MAINNET = 'bip122:000000000019d6689c085ae165831e93'

export interface BitcoinTransaction {
  /** BIP-174 or BIP-370. */
  readonly psbt: Uint8Array
  /** CAIP-2 (`bip122:` and half of the genesis hash); mainnet when left out. */
  readonly chain?: string
}

export interface BitcoinMessage {
  readonly message: string | Uint8Array
  readonly chain?: string
  /** Which of the account's addresses signs; the first receiving one when left out. */
  readonly position?: { readonly change: 0 | 1; readonly index: number }
}

export interface BitcoinAccount extends WalletAccount {
  /** Signs the inputs that are the account's. */
  signTransaction(transaction: BitcoinTransaction, options?: PinOptions): Promise<SignedPayload & GuessState>
  /** BIP-322, or `signmessage` for P2PKH. */
  signMessage(message: BitcoinMessage, options?: PinOptions): Promise<SignedPayload & GuessState>
  summary(request: BitcoinTransaction | BitcoinMessage): Promise<Summary>
}

export const bitcoin: ChainClient<BitcoinAccount> & Pick<typeof chain, 'path' | 'variants'> = {
  name: 'bitcoin',
  namespace: chain.namespace,
  path: chain.path,
  variants: chain.variants,
  account: (base) => ({
    ...base,
    signTransaction: async (transaction, options) => signSummarized(chain, base, bitcoinRequest(transaction), options),
    signMessage: async (message, options) => signSummarized(chain, base, bitcoinRequest(message), options),
    summary: async (request) => summarize(chain, base, bitcoinRequest(request)),
  }),
}

function bitcoinRequest(request: BitcoinTransaction | BitcoinMessage): AccountRequest {
  const id = request.chain ?? MAINNET
  if ('psbt' in request) return { chain: id, kind: 'transaction', data: request.psbt }
  const data = typeof request.message === 'string' ? utf8(request.message) : request.message
  return { chain: id, kind: 'message', data, context: request.position === undefined ? null : { ...request.position } }
}
