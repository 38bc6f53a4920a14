/** What a call does, as far as its bytes tell. */
import { keccak_256 } from '@noble/hashes/sha3.js'
import type { Action } from '../chain.ts'
import { hex } from './values.ts'

export interface Call {
  /** CAIP-2 chain id. */
  readonly chain: string
  /** Who calls; `null` when that isn't known. */
  readonly from: string | null
  /** `null`: creates a contract. */
  readonly to: string | null
  /** Wei. */
  readonly value: bigint
  readonly data: Uint8Array
}

// PLUG describeCall: the decoder of calldata (calls/describe.ts) takes the place of this file.
/** Warnings: `contract_creation`, `unknown_call`. */
export function describeCall({ from, to, value, data }: Call): { readonly actions: readonly Action[]; readonly warnings: readonly string[] } {
  const caller: Record<string, string> = from === null ? {} : { from }
  if (to === null) {
    const fields = { ...caller, value: String(value), codeBytes: String(data.length), codeHash: hex(keccak_256(data)) }
    return { actions: [{ action: 'create', fields }], warnings: ['contract_creation'] }
  }
  if (data.length === 0) return { actions: [{ action: 'transfer', fields: { ...caller, to, amount: String(value) } }], warnings: [] }
  return { actions: [{ action: 'unknown_call', fields: { ...caller, to, value: String(value), data: hex(data) } }], warnings: ['unknown_call'] }
}
