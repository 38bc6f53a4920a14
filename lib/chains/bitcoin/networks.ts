/** The Bitcoin networks, by their CAIP-2 ids: the namespace `bip122`, and the first 16 bytes of the genesis block's hash. */
import { CloisterError } from '../../protocol/errors.ts'

export interface Network {
  /** CAIP-2 chain id. */
  readonly id: string
  readonly name: string
  /** SLIP-44 coin type, hardened in paths: 0 is bitcoin, 1 every test network. */
  readonly coinType: 0 | 1
  /** Human-readable part of Bech32 addresses (BIP-173). */
  readonly hrp: string
  /** Version bytes of Base58Check addresses. */
  readonly pubKeyHash: number
  readonly scriptHash: number
}

const test = { coinType: 1, hrp: 'tb', pubKeyHash: 0x6f, scriptHash: 0xc4 } as const

export const MAINNET: Network = { id: 'bip122:000000000019d6689c085ae165831e93', name: 'mainnet', coinType: 0, hrp: 'bc', pubKeyHash: 0x00, scriptHash: 0x05 }
export const TESTNET4: Network = { id: 'bip122:00000000da84f2bafbbc53dee25a72ae', name: 'testnet4', ...test }
const SIGNET: Network = { id: 'bip122:00000008819873e925422c1ff0f99f7c', name: 'signet', ...test }
export const REGTEST: Network = { id: 'bip122:0f9188f13cb7b2c71f2a335e3a4fc328', name: 'regtest', ...test, hrp: 'bcrt' }

export const NETWORKS: readonly Network[] = [MAINNET, TESTNET4, SIGNET, REGTEST]

/** @throws CloisterError `chain_unknown` */
export function networkOf(chain: string): Network {
  const network = NETWORKS.find(({ id }) => id === chain)
  if (network === undefined) throw new CloisterError('chain_unknown')
  return network
}
