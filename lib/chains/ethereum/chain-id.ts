/** CAIP-2 ids of EVM chains: `eip155:` and the EIP-155 chain id in decimal, 32 digits at most. */
import { CloisterError } from '../../protocol/errors.ts'

const EVM_CHAIN = /^eip155:(0|[1-9][0-9]{0,31})$/

/** @throws CloisterError `chain_unknown` unless it is written as CAIP-2 writes it; for 0, which is no chain's */
export function chainIdOf(chain: string): bigint {
  const chainId = messageChainIdOf(chain)
  if (chainId === 0n) throw new CloisterError('chain_unknown')
  return chainId
}

/** The same for what no chain takes as it is: 0 too, which an EIP-712 domain may name. @throws CloisterError `chain_unknown` */
export function messageChainIdOf(chain: string): bigint {
  const digits = EVM_CHAIN.exec(chain)?.[1]
  if (digits === undefined) throw new CloisterError('chain_unknown')
  return BigInt(digits)
}

/** @throws CloisterError `tx_chain_id_mismatch` unless the payload's own chain id is the one that the request names */
export function checkChainId(chain: string, chainId: bigint): void {
  if (chain !== `eip155:${chainId}`) throw new CloisterError('tx_chain_id_mismatch')
}
