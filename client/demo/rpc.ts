/** What the page asks of the local Ethereum chain: JSON-RPC. The chain's word is shown as such; nothing secret depends on it. */
export interface Rpc {
  (method: string, ...params: readonly unknown[]): Promise<unknown>
}

/** The chain did not answer, or said no. Carries a sentence for its user. */
export class ChainError extends Error {}

export const CHAIN = 'eip155:31337'
export const CHAIN_ID = 31337n

export function createRpc(url: string): Rpc {
  return async (method, ...params) => {
    const body = JSON.stringify({ jsonrpc: '2.0', id: 1, method, params })
    const response = await fetch(url, { method: 'POST', headers: { 'content-type': 'application/json' }, body, credentials: 'omit' }).catch(() => undefined)
    const answer = (await response?.json().catch(() => undefined)) as { result?: unknown; error?: { message?: unknown } } | undefined
    if (answer === undefined) throw new ChainError('The local chain does not answer.')
    if (answer.error !== undefined) throw new ChainError(`The chain refused it: ${String(answer.error.message ?? 'no reason given')}`)
    return answer.result
  }
}

export async function balanceOf(rpc: Rpc, address: string): Promise<bigint> {
  return BigInt((await rpc('eth_getBalance', address, 'latest')) as string)
}

/** Play money: the chain's own first account gives some. */
export async function fund(rpc: Rpc, address: string, wei: bigint): Promise<void> {
  const [rich] = (await rpc('eth_accounts')) as string[]
  await mined(rpc, (await rpc('eth_sendTransaction', { from: rich, to: address, value: `0x${wei.toString(16)}` })) as string)
}

export interface Mined {
  readonly hash: string
  readonly blockNumber: bigint
  readonly succeeded: boolean
}

const WAIT_MS = 100
const TRIES = 300

/** Sends a signed transaction, and waits until it is in a block. @param signed hex with 0x */
export async function sendRaw(rpc: Rpc, signed: string): Promise<Mined> {
  return mined(rpc, (await rpc('eth_sendRawTransaction', signed)) as string)
}

async function mined(rpc: Rpc, hash: string): Promise<Mined> {
  for (let tries = 0; tries < TRIES; tries++) {
    const receipt = (await rpc('eth_getTransactionReceipt', hash)) as { blockNumber: string; status: string } | null
    if (receipt !== null) return { hash, blockNumber: BigInt(receipt.blockNumber), succeeded: receipt.status === '0x1' }
    await new Promise((resolve) => setTimeout(resolve, WAIT_MS))
  }
  throw new ChainError('The transaction is sent, and not in a block so far.')
}
