/** The chains there are. */
import { CloisterError } from '../protocol/errors.ts'
import type { Chain } from './chain.ts'
import { bitcoin } from './bitcoin/bitcoin.ts'
import { ethereum } from './ethereum/ethereum.ts'
import { solana } from './solana/solana.ts'

const CHAINS: ReadonlyMap<string, Chain> = new Map([ethereum, bitcoin, solana].map((chain) => [chain.namespace, chain]))

/** The chain of a CAIP-2 chain id or namespace. @throws CloisterError `chain_unknown` */
export function chainOf(id: string): Chain {
  const chain = CHAINS.get(id.split(':')[0] as string)
  if (chain === undefined) throw new CloisterError('chain_unknown')
  return chain
}

export function allChains(): readonly Chain[] {
  return [...CHAINS.values()]
}
