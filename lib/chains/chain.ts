/** The one interface behind which each chain lives: parse (strict) → summary + what is signed → assemble. No keys in here. */
import { ethereum } from './ethereum/ethereum.ts'
import { CloisterError } from '../protocol/errors.ts'

/** What a person reads before the PIN; values are decimal strings in the chain's smallest unit, addresses as the chain writes them. */
export interface Summary {
  readonly chain: string
  readonly kind: string
  readonly fields: Readonly<Record<string, string>>
}

/** A recoverable ECDSA signature over {@link ParsedTransaction.digest}. */
export interface EcdsaSignature {
  /** r ‖ s, 64 bytes, low s. */
  readonly compact: Uint8Array
  /** Parity of R's y coordinate. */
  readonly recovery: 0 | 1
}

export interface ParsedTransaction {
  readonly summary: Summary
  /** The 32 bytes that are signed. */
  readonly digest: Uint8Array
  /** Puts the signature in, and checks that the result is this transaction, sent from `address`. */
  assemble(signature: EcdsaSignature, address: string): { readonly signed: Uint8Array; readonly hash: Uint8Array }
}

export interface Chain {
  /** CAIP-2 namespace. */
  readonly namespace: string
  /** Path of the first account (BIP-44). */
  readonly defaultPath: string
  /** Address of a compressed public key. */
  address(publicKey: Uint8Array): string
  /**
   * Reads an unsigned transaction for the CAIP-2 chain `chain`. Refuses whatever it can't fully read.
   * @throws CloisterError `tx_*`
   */
  parse(chain: string, transaction: Uint8Array): ParsedTransaction
}

const CHAINS: ReadonlyMap<string, Chain> = new Map([ethereum].map((chain) => [chain.namespace, chain]))

/** The chain of a CAIP-2 chain id or namespace. @throws CloisterError `chain_unknown` */
export function chainOf(id: string): Chain {
  const chain = CHAINS.get(id.split(':')[0] as string)
  if (chain === undefined) throw new CloisterError('chain_unknown')
  return chain
}

/** Every chain a new wallet gets an account on. */
export function allChains(): readonly Chain[] {
  return [...CHAINS.values()]
}
