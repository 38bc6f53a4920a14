/** What the demo and the tests ask of a local Ethereum chain: JSON-RPC, and nothing that signs for the wallet. */
export interface Rpc {
  (method: string, ...params: unknown[]): Promise<unknown>
}

export function createRpc(url: string): Rpc {
  return async (method, ...params) => {
    const body = JSON.stringify({ jsonrpc: '2.0', id: 1, method, params })
    const response = await fetch(url, { method: 'POST', headers: { 'content-type': 'application/json' }, body })
    const answer = (await response.json()) as { result?: unknown; error?: { message: string } }
    if (answer.error !== undefined) throw new Error(`${method}: ${answer.error.message}`)
    return answer.result
  }
}

/** Sends a signed transaction and returns what the chain says of it once it is mined. */
export async function sendAndWait(rpc: Rpc, signed: Uint8Array): Promise<{ hash: string; from: string; to: string | null; status: string; blockNumber: string; type: string }> {
  const hash = await rpc('eth_sendRawTransaction', `0x${Buffer.from(signed).toString('hex')}`)
  for (;;) {
    const receipt = (await rpc('eth_getTransactionReceipt', hash)) as Awaited<ReturnType<typeof sendAndWait>> | null
    if (receipt !== null) return { ...receipt, hash: hash as string }
    await new Promise((resolve) => setTimeout(resolve, 25))
  }
}

export const ether = (wei: bigint): string => {
  const whole = wei / 10n ** 18n
  const rest = String(wei % 10n ** 18n).padStart(18, '0').replace(/0+$/, '')
  return `${whole}${rest === '' ? '' : `.${rest}`} ETH`
}
