/** Finds the accounts that a mnemonic from elsewhere has used, as BIP-44 wallets do. */
import type { Chain } from '../lib/chains/chain.ts'
import type { Account } from '../lib/protocol/operations.ts'
import { throwIfAborted } from './deadline.ts'
import type { PinOptions, Wallet } from './wallet.ts'

export interface DiscoverOptions extends Omit<PinOptions, 'idempotencyKey'> {
  /** Whether the chain has seen the account: an RPC's answer, which the app asks for. */
  readonly isUsed: (account: Account) => Promise<boolean>
  /** How many unused accounts in a row end the search (BIP-44: 20). */
  readonly gapLimit?: number
  /** Numberings to go through; all that the chain knows, in its order, when left out. */
  readonly variants?: readonly string[]
}

export interface Discovered {
  readonly account: Account
  readonly variant: string
  readonly index: number
}

/** As many as one call to the enclave may name. */
const MAX_PER_CALL = 50

/**
 * Goes through the chain's numberings, each up to a gap, with one PIN. Adds nothing: give what you want of it to `wallet.addAccounts`.
 * @returns those in use, each path once, under the first numbering that leads to it
 */
export async function discoverAccounts(wallet: Wallet, chain: Pick<Chain, 'namespace' | 'variants' | 'path'>, options: DiscoverOptions): Promise<readonly Discovered[]> {
  const { isUsed, gapLimit = 20, variants = chain.variants, pin: _, ...rest } = options
  if (!Number.isSafeInteger(gapLimit) || gapLimit < 1) throw new RangeError('gapLimit is a whole number from 1 on')
  const found = new Map<string, Discovered>()
  await wallet.withPin('discover', options, async (pin) => {
    for (const variant of variants) {
      for (let index = 0, gap = 0; gap < gapLimit; ) {
        const names = Array.from({ length: Math.min(gapLimit - gap, MAX_PER_CALL) }, (_, i) => ({ namespace: chain.namespace, path: chain.path(index + i, variant) }))
        const accounts = await wallet.discover(names, { ...rest, pin })
        for (const account of accounts) {
          throwIfAborted(rest.signal)
          if (gap === gapLimit) break
          const isInUse = found.has(account.path) || (await isUsed(account))
          if (isInUse && !found.has(account.path)) found.set(account.path, { account, variant, index })
          gap = isInUse ? 0 : gap + 1
          index += 1
        }
      }
    }
  })
  return [...found.values()]
}
