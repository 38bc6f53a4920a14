import { serializeTransaction, toBytes, type TransactionSerializable } from 'viem'
import { encodeCreateParameters } from '../../lib/protocol/lifecycle.ts'
import { NO_PERMISSIONS } from '../../lib/protocol/operations.ts'

const TO = '0x000000000000000000000000000000000000dEaD'
export const CHAIN = 'eip155:31337'
export const PATH = "m/44'/60'/0'/0/0"

/** An unsigned EIP-1559 transfer. */
export function transfer(nonce = 0, more: Record<string, unknown> = {}): Uint8Array {
  const fields = { type: 'eip1559', chainId: 31337, nonce, to: TO, value: 1n, gas: 21_000n, maxFeePerGas: 20_000_000_000n, ...more }
  return toBytes(serializeTransaction(fields as TransactionSerializable))
}

/** An unsigned legacy transfer with EIP-155. */
export function legacyTransfer(nonce = 0): Uint8Array {
  return toBytes(serializeTransaction({ type: 'legacy', chainId: 31337, nonce, to: TO, value: 1n, gas: 21_000n, gasPrice: 20_000_000_000n }))
}

export function signParameters(transaction: Uint8Array, chain = CHAIN, path = PATH) {
  return { payloads: [{ chain, path, kind: 'transaction', data: transaction, context: null, summary: null }] }
}

/** Parameters of a `create` that asks for nothing special. */
export const CREATE = encodeCreateParameters({ words: 24, label: '', permissions: NO_PERMISSIONS, recovery: false })
