/** A call to a contract, or from one, and what it is found to do. */
import type { Action } from '../../chain.ts'
import type { AbiValue } from './abi.ts'

export interface Call {
  /** CAIP-2 chain id. */
  readonly chain: string
  /** Who calls; `null` when that isn't known. */
  readonly from: string | null
  /** `null` creates a contract. */
  readonly to: string | null
  /** Wei. */
  readonly value: bigint
  readonly data: Uint8Array
}

export interface Effect {
  readonly actions: readonly Action[]
  /** What it calls in turn, in order. */
  readonly calls?: readonly Call[]
  readonly warnings?: readonly string[]
}

/** A function that is known: by its signature, and by what it does with arguments that fit it. */
export interface Rule {
  readonly signature: string
  /** @throws Malformed when the arguments contradict each other */
  readonly effect: (call: Call & { readonly to: string }, values: readonly AbiValue[]) => Effect
}

/** Fields as text: addresses and words as they are, numbers in decimal, bytes in hex; `null` is left out. */
export function action(name: string, fields: Readonly<Record<string, string | bigint | null>>): Action {
  const entries = Object.entries(fields).filter((entry): entry is [string, string | bigint] => entry[1] !== null)
  return { action: name, fields: Object.fromEntries(entries.map(([field, value]) => [field, String(value)])) }
}
