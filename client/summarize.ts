/** What a payload comes to, read here as the enclave will read it. */
import type { Chain, Summary } from '../lib/chains/chain.ts'
import type { GuessState } from '../lib/protocol/errors.ts'
import type { SignedPayload } from '../lib/protocol/operations.ts'
import { findAccount, type AccountRequest, type WalletAccount } from './account.ts'
import type { PinOptions } from './wallet.ts'

/** @throws CloisterError as the enclave would, before anybody is asked for a PIN */
export function summarize(chain: Chain, base: WalletAccount, { chain: id, kind, data, context = null }: AccountRequest): Summary {
  const { accounts, permissions } = base.wallet.last
  const account = findAccount(base.wallet.last, base.namespace, base.path)
  return chain.read({ chain: id, kind, data, context }).plan({ account, accounts, permissions }).summary
}

/** Signs what was read: the summary's hash goes along, and the enclave refuses if it reads anything else. */
export function signSummarized(chain: Chain, base: WalletAccount, request: AccountRequest, options: PinOptions = {}): Promise<SignedPayload & GuessState> {
  return base.sign({ ...request, summary: summarize(chain, base, request) }, options)
}
