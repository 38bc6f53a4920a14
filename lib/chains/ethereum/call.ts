/** What a call does, as far as its bytes tell. */
import { toHex } from '../../protocol/bytes.ts'
import type { Action } from '../chain.ts'

export interface Call {
  /** CAIP-2 chain id. */
  readonly chain: string
  readonly from: string
  /** `null`: creates a contract. */
  readonly to: string | null
  /** Wei. */
  readonly value: bigint
  readonly data: Uint8Array
}

export interface Described {
  readonly actions: readonly Action[]
  readonly warnings: readonly string[]
}

// PLUG describeCall: the decoder of calldata (calls/) takes this function's place; its other callers keep importing it from here.
export function describeCall({ from, to, value, data }: Call): Described {
  const common = { from, value: String(value) }
  if (to === null) {
    return { actions: [{ action: 'contract_creation', fields: { ...common, initCodeBytes: String(data.length) } }], warnings: ['contract_creation'] }
  }
  if (data.length === 0) return { actions: [{ action: 'transfer', fields: { ...common, to } }], warnings: [] }
  return { actions: [{ action: 'unknown_call', fields: { ...common, to, data: `0x${toHex(data)}` } }], warnings: ['unknown_call'] }
}
