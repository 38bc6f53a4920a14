/** The accounts of a wallet that a network's outputs can belong to. */
import { CloisterError } from '../../protocol/errors.ts'
import type { SigningContext } from '../chain.ts'
import { keysOf, type AccountKeys } from './keys.ts'
import type { Network } from './networks.ts'
import { parsePath } from './paths.ts'

export const NAMESPACE = 'bip122'

interface WalletKeys {
  readonly signing: AccountKeys
  /** All of them, the signing one included. */
  readonly wallet: readonly AccountKeys[]
  /** The signing key belongs to no network, and this is not mainnet: what it signs is good there as well. */
  readonly anyChain: boolean
}

/**
 * Addresses are no part of a PSBT, so the coin type of the account's path must be the network's: keys of one are not used on the other. The key `m` has none:
 * what it signs for a test network is as good on mainnet, so it signs for those only where the wallet permits what names no chain.
 * @throws CloisterError `tx_chain_id_mismatch`, `payload_not_permitted`, `account_path_invalid`
 */
export function walletOf({ coinType }: Network, { account, accounts, permissions }: SigningContext): WalletKeys {
  if (account.namespace !== NAMESPACE) throw new CloisterError('account_path_invalid')
  const signing = keysOf(account)
  if (signing.parsed.coinType !== undefined && signing.parsed.coinType !== coinType) throw new CloisterError('tx_chain_id_mismatch')
  const anyChain = signing.parsed.coinType === undefined && coinType !== 0
  if (anyChain && !permissions.withoutChainId) throw new CloisterError('payload_not_permitted')
  const others = accounts.filter(({ namespace, path }) => {
    const of = parsePath(path)
    return namespace === NAMESPACE && of !== undefined && (of.coinType === undefined || of.coinType === coinType)
  })
  return { signing, wallet: others.map(keysOf), anyChain }
}
