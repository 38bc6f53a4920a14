/**
 * Cloister for apps, with every chain at hand: `wallet.account('ethereum')` loads what it needs when it is first used. Bundlers that split code put that into
 * a file of its own; those that don't had better import client/core and give `connect` the chains that they want.
 */
import { lazyChain, type ChainClient } from './account.ts'
import type { BitcoinAccount } from './bitcoin.ts'
import { connect as connectCore, type Cloister, type ConnectOptions } from './connect.ts'
import type { EthereumAccount } from './ethereum.ts'
import type { SolanaAccount } from './solana.ts'

export * from './connect.ts'

const lazyEthereum = lazyChain<EthereumAccount>({
  name: 'ethereum',
  namespace: 'eip155',
  methods: { signTransaction: true, signMessage: true, signTypedData: true, signHash: true, signAuthorization: true, summary: true },
  load: async () => (await import('./ethereum.ts')).ethereum,
})

const lazyBitcoin = lazyChain<BitcoinAccount>({
  name: 'bitcoin',
  namespace: 'bip122',
  methods: { signTransaction: true, signMessage: true, summary: true },
  load: async () => (await import('./bitcoin.ts')).bitcoin,
})

const lazySolana = lazyChain<SolanaAccount>({
  name: 'solana',
  namespace: 'solana',
  methods: { signTransaction: true, signMessage: true, summary: true },
  load: async () => (await import('./solana.ts')).solana,
})

const CHAINS: readonly ChainClient[] = [lazyEthereum, lazyBitcoin, lazySolana]

/** `connect` of the core, knowing every chain. */
export function connect(options: ConnectOptions): Promise<Cloister> {
  return connectCore({ chains: CHAINS, ...options })
}
