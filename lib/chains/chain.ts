/**
 * The one interface behind which each chain lives: read (strict) → plan (summary a person can read + what is signed) → assemble. No keys in here.
 *
 * Reading needs nothing but the payload, so that nonsense is refused before anything is charged. Planning needs the wallet's account: whose
 * signature is asked for, which outputs are change, what the wallet permits.
 */
import type { CborValue } from '../protocol/cbor.ts'
import type { Account, Payload, Permissions } from '../protocol/operations.ts'

export type Curve = 'secp256k1' | 'ed25519'

/** What a person reads before the PIN. */
export interface Summary {
  /** CAIP-2 chain id. */
  readonly chain: string
  /** What is asked, in a word of the chain's own: `eip1559`, `psbt`, `personal_sign`, … */
  readonly kind: string
  /** What it does, in the order in which a person should read it. */
  readonly actions: readonly Action[]
  /**
   * Everything else that is signed. Amounts are decimal strings in the chain's smallest unit, addresses as the chain writes them, bytes `0x` and hex.
   */
  readonly fields: Readonly<Record<string, string>>
  /** Codes of what a person should be told aloud: `unlimited_approval`, `contract_creation`, `unknown_call`, … */
  readonly warnings: readonly string[]
}

/** One thing that happens if this is signed: `transfer`, `approve`, `call`, … with its own fields, as in {@link Summary.fields}. */
export interface Action {
  readonly action: string
  readonly fields: Readonly<Record<string, string>>
}

/** One signature to make. Keys are named by their path; which they are, the core knows. */
export interface SigningTask {
  /** Derivation path of the key, absolute; the account's own path, or one below it. */
  readonly path: string
  /** The key that must be found there: secp256k1 compressed, 33 bytes; ed25519, 32 bytes. */
  readonly publicKey: Uint8Array
  readonly scheme: SigningScheme
}

export type SigningScheme =
  /** ECDSA over secp256k1 with RFC 6979, low s, of a 32-byte digest. */
  | { readonly kind: 'ecdsa'; readonly digest: Uint8Array }
  /** BIP-340 of a 32-byte digest, with the key tweaked by BIP-341's `TapTweak` of `merkleRoot` (empty: key path only); `null`: not tweaked. */
  | { readonly kind: 'schnorr'; readonly digest: Uint8Array; readonly merkleRoot: Uint8Array | null }
  /** Ed25519 (RFC 8032, pure) of the whole message. */
  | { readonly kind: 'ed25519'; readonly message: Uint8Array }

export interface Signature {
  /** 64 bytes: r ‖ s (ECDSA, low s), BIP-340, or RFC 8032. */
  readonly compact: Uint8Array
  /** ECDSA alone: parity of R's y coordinate. */
  readonly recovery: 0 | 1 | null
}

export interface Signed {
  /** What the app sends on: the signed transaction, or the signature, in the chain's own serialisation. */
  readonly signed: Uint8Array
  /** The id under which the chain will know it; for what is no transaction, the digest that was signed. */
  readonly hash: Uint8Array
}

/** What the payload comes to, for one account. */
export interface Plan {
  readonly summary: Summary
  readonly tasks: readonly SigningTask[]
  /** Puts the signatures in, one a task and in their order, and checks that the result is what was read, signed by the account. */
  assemble(signatures: readonly Signature[]): Signed
}

export interface SigningContext {
  readonly account: Account
  /** Every account of the wallet: outputs to these are its own. */
  readonly accounts: readonly Account[]
  readonly permissions: Permissions
}

/** A payload that was read to its last byte. */
export interface Reading {
  /** @throws CloisterError `tx_signer_mismatch`, `tx_path_mismatch`, `payload_not_permitted`, … */
  plan(context: SigningContext): Plan
}

export interface Chain {
  /** CAIP-2 namespace. */
  readonly namespace: string
  readonly curve: Curve
  /**
   * Path of the account at an index, as this chain's common wallets number them. `variant` names another numbering
   * (`ledger-live`, `bip44`, `bip86`, …); see the chain's own file. @throws CloisterError `account_path_invalid`
   */
  path(index: number, variant?: string | null): string
  /** Whether a path is one this chain derives accounts at. */
  accepts(path: string): boolean
  /** Names of the numberings that {@link path} knows, most common first: the order in which a mnemonic from elsewhere is looked through. */
  readonly variants: readonly string[]
  /** Whether addresses are derived below an account at this path, so that it keeps its chain code. */
  derivesBelow(path: string): boolean
  /** The account's address. For Bitcoin, `path` ends at the account and the address is its first receiving one. */
  address(key: { readonly path: string; readonly publicKey: Uint8Array; readonly chainCode: Uint8Array | null }): string
  /**
   * Reads what is to be signed. Refuses whatever it can't fully read.
   * @throws CloisterError `payload_kind_unknown`, `chain_unknown`, `tx_*`, …
   */
  read(payload: Pick<Payload, 'chain' | 'kind' | 'data' | 'context'>): Reading
}

/** A summary as CBOR: its SHA-256 is what a request may carry, to say what its user was shown. */
export function summaryValue(summary: Summary): CborValue {
  const { chain, kind, actions, fields, warnings } = summary
  return { chain, kind, actions: actions.map(({ action, fields: its }) => ({ action, fields: { ...its } })), fields: { ...fields }, warnings: [...warnings] }
}
