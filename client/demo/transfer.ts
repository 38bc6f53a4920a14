/** A transfer of ether: what is to be signed, and what its user reads of it. */
import { Transaction } from 'micro-eth-signer'
import { summaryValue, type Summary } from '../../lib/chains/chain.ts'
import { chainOf } from '../../lib/chains/registry.ts'
import { encodeCbor } from '../../lib/protocol/cbor.ts'
import type { Account, Permissions } from '../../lib/protocol/operations.ts'
import { CHAIN, CHAIN_ID, type Rpc } from './rpc.ts'

export interface Transfer {
  /** The unsigned transaction, EIP-1559. */
  readonly data: Uint8Array
  readonly summary: Summary
  /** SHA-256 of the summary: the enclave signs nothing that comes to another. */
  readonly summaryHash: Uint8Array
  readonly amount: bigint
  readonly to: string
  /** Wei; what it costs at most. */
  readonly maximumFee: bigint
}

interface TransferRequest {
  readonly account: Account
  readonly accounts: readonly Account[]
  readonly permissions: Permissions
  readonly to: string
  /** Wei. */
  readonly amount: bigint
}

/** EIP-55 is checked where the address is in both cases. */
export function isAddress(text: string): boolean {
  return /^0x[0-9a-fA-F]{40}$/.test(text)
}

/**
 * Asks the chain for nonce and fees, builds the transaction, and reads it back as the enclave will: what is shown is of the very bytes that are signed.
 * @throws CloisterError `tx_*`; ChainError
 */
export async function prepareTransfer(rpc: Rpc, { account, accounts, permissions, to, amount }: TransferRequest): Promise<Transfer> {
  const call = { from: account.address, to, value: `0x${amount.toString(16)}` }
  const [nonce, gas, tip, block] = await Promise.all([
    rpc('eth_getTransactionCount', account.address, 'pending'),
    rpc('eth_estimateGas', call),
    rpc('eth_maxPriorityFeePerGas'),
    rpc('eth_getBlockByNumber', 'latest', false),
  ])
  const maxPriorityFeePerGas = BigInt(tip as string)
  const maxFeePerGas = 2n * BigInt((block as { baseFeePerGas: string }).baseFeePerGas) + maxPriorityFeePerGas
  const gasLimit = BigInt(gas as string)
  const transaction = Transaction.prepare({
    type: 'eip1559', chainId: CHAIN_ID, nonce: BigInt(nonce as string), to, value: amount, gasLimit, maxFeePerGas, maxPriorityFeePerGas,
  })
  const data = transaction.toBytes({ includeSignature: false })
  const { summary } = chainOf(CHAIN).read({ chain: CHAIN, kind: 'transaction', data, context: null }).plan({ account, accounts, permissions })
  const summaryHash = new Uint8Array(await crypto.subtle.digest('SHA-256', encodeCbor(summaryValue(summary))))
  return { data, summary, summaryHash, amount, to, maximumFee: gasLimit * maxFeePerGas }
}
