/** What a person reads of a fee-delegated transaction. */
import type { Summary } from '../chain.ts'
import { describeCall } from '../ethereum/calls/describe.ts'
import { hex } from '../ethereum/values.ts'
import type { KaiaTransaction } from './types.ts'

/** @param more - what the signer's role adds */
export function summarizeKaia(chain: string, transaction: KaiaTransaction, more: Pick<Summary, 'actions' | 'fields' | 'warnings'>): Summary {
  const { kind, chainId, nonce, gasPrice, gasLimit, to, value, from, input, isMemo, feeRatio } = transaction
  const called = isMemo
    ? { actions: [{ action: 'transfer', fields: { from, to, amount: String(value), memo: hex(input) } }], warnings: [] }
    : describeCall({ chain, from, to, value, data: input })
  const numbers = { chainId, nonce, gasPrice, gasLimit, value, maximumFee: gasPrice * gasLimit, feeRatio: feeRatio ?? 100n }
  const texts = Object.fromEntries(Object.entries(numbers).map(([name, number]) => [name, String(number)]))
  return {
    chain, kind,
    actions: [...more.actions, ...called.actions],
    fields: { ...texts, to, from, input: hex(input), ...more.fields },
    warnings: [...new Set([...more.warnings, ...called.warnings])],
  }
}

/** What the fee payer pays at most, in kei, rounded up. */
export function feePayerShare({ gasPrice, gasLimit, feeRatio }: KaiaTransaction): bigint {
  const fee = gasPrice * gasLimit
  return feeRatio === null ? fee : fee - (fee * (100n - feeRatio)) / 100n
}
