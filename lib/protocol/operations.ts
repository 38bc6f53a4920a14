/** Parameters and results of each operation, as CBOR inside the sealed body and answer. */
import type { CborValue } from './cbor.ts'
import { decodeGuesses, encodeGuesses } from './answer.ts'
import type { GuessState } from './errors.ts'
import { array, attempt, bytes, integer, Malformed, nullable, object, text } from './fields.ts'
import { WALLET_ID } from './header.ts'
import { LIMITS } from './limits.ts'

/** CAIP-2 chain id, e.g. `eip155:1`. */
export const CHAIN = /^[a-z0-9-]{3,8}:[a-zA-Z0-9_-]{1,32}$/
/** BIP-32 path, e.g. `m/44'/60'/0'/0/0`; `m` alone is the key of a wallet that has only one. */
export const PATH = /^m(\/(0|[1-9][0-9]{0,9})'?){0,10}$/

export interface CreateParameters {
  /** BIP-39 words: 12 (128 bits of entropy) or 24 (256 bits). */
  readonly words: 12 | 24
}

export const PAYLOAD_KINDS = ['transaction', 'message', 'typedData', 'hash', 'authorization', 'userOperation', 'feePayer'] as const
export type PayloadKind = (typeof PAYLOAD_KINDS)[number]

/** One thing to sign. */
export interface Payload {
  /** CAIP-2 chain id; must be the one that the payload names itself, if it names one. */
  readonly chain: string
  /** Derivation path of an account of the wallet. */
  readonly path: string
  readonly kind: PayloadKind
  /** In the chain's own serialisation: see lib/chains/<chain>. */
  readonly data: Uint8Array
  /** What is needed to read `data` and not signed with it (Solana's lookup tables): a map, or `null`. */
  readonly context: CborValue
  /** SHA-256 of the summary that the user was shown, or `null`: if given and different, nothing is signed. */
  readonly summary: Uint8Array | null
}

/** What a wallet permits beyond the ordinary; chosen when it is made, fixed for its life. */
export interface Permissions {
  /** Its mnemonic or keys may leave. */
  readonly exportable: boolean
  /** A bare 32-byte hash may be signed: the enclave can't say what it is. */
  readonly rawHash: boolean
  /** Ethereum transactions without a chain id (before EIP-155) may be signed: they are valid on every chain. */
  readonly withoutChainId: boolean
  /** Bitcoin sighash types other than DEFAULT and ALL may be signed: outputs may change afterwards. */
  readonly anySighash: boolean
}

export interface SignParameters {
  /** CAIP-2 chain id; must be the one that the transaction names itself. */
  readonly chain: string
  /** Derivation path of an account of the wallet. */
  readonly path: string
  /** The unsigned transaction in its chain's own serialisation. */
  readonly transaction: Uint8Array
}

export interface Account {
  /** CAIP-2 namespace, e.g. `eip155`. */
  readonly namespace: string
  readonly path: string
  readonly address: string
  /** secp256k1: compressed, 33 bytes (SEC 1 §2.3.3); ed25519: 32 bytes (RFC 8032 §5.1.5). */
  readonly publicKey: Uint8Array
  /** BIP-32 chain code, 32 bytes, where the chain derives addresses below the account (Bitcoin); else `null`. */
  readonly chainCode: Uint8Array | null
}

export interface WalletView extends GuessState {
  readonly wallet: string
  readonly version: number
  readonly createdAtMs: number
  readonly accounts: readonly Account[]
  /** SHA-256(label ‖ BIP-32 master public key), 32 bytes: clients pin it. */
  readonly fingerprint: Uint8Array
}

export interface SignResult extends GuessState {
  /** The signed transaction, ready to send. */
  readonly signed: Uint8Array
  /** The transaction's id on its chain. */
  readonly hash: Uint8Array
  readonly address: string
  readonly fingerprint: Uint8Array
}

export function encodeCreateParameters(parameters: CreateParameters): CborValue {
  return { words: parameters.words }
}

export function decodeCreateParameters(value: CborValue): CreateParameters | undefined {
  return attempt(() => {
    const words = object(value, ['words'])['words']
    if (words !== 12 && words !== 24) throw new Malformed()
    return { words }
  })
}

export function decodeViewParameters(value: CborValue): Record<string, never> | undefined {
  return attempt(() => (object(value, []), {}))
}

export function encodeSignParameters(parameters: SignParameters): CborValue {
  return { chain: parameters.chain, path: parameters.path, transaction: parameters.transaction }
}

/** An over-long transaction is let through here, so that it gets its own code. */
export function decodeSignParameters(value: CborValue): SignParameters | undefined {
  return attempt(() => {
    const fields = object(value, ['chain', 'path', 'transaction'])
    return {
      chain: text(fields['chain'], CHAIN),
      path: text(fields['path'], PATH),
      transaction: bytes(fields['transaction'], 0, LIMITS.maxBodyBytes),
    }
  })
}

export function encodeWalletView(view: WalletView): CborValue {
  const { wallet, version, createdAtMs, fingerprint } = view
  const accounts = view.accounts.map((account) => ({ ...account }))
  return { wallet, version, createdAt: createdAtMs, accounts, fingerprint, guesses: encodeGuesses(view) }
}

export function decodeWalletView(value: CborValue): WalletView | undefined {
  return attempt(() => {
    const fields = object(value, ['wallet', 'version', 'createdAt', 'accounts', 'fingerprint', 'guesses'])
    return {
      wallet: text(fields['wallet'], WALLET_ID),
      version: integer(fields['version'], 1, Number.MAX_SAFE_INTEGER),
      createdAtMs: integer(fields['createdAt'], 0, Number.MAX_SAFE_INTEGER),
      accounts: array(fields['accounts'], 1000, decodeAccount),
      fingerprint: bytes(fields['fingerprint'], 32),
      ...decodeGuesses(fields['guesses']),
    }
  })
}

/** Also used inside the record's sealed state. */
export function decodeAccount(value: unknown): Account {
  const fields = object(value, ['namespace', 'path', 'address', 'publicKey', 'chainCode'])
  return {
    namespace: text(fields['namespace'], /^[a-z0-9-]{3,8}$/),
    path: text(fields['path'], PATH),
    address: text(fields['address'], /^[a-zA-Z0-9]{1,128}$/),
    publicKey: bytes(fields['publicKey'], 32, 33),
    chainCode: nullable(fields['chainCode'], (code) => bytes(code, 32)),
  }
}

export function encodeSignResult(result: SignResult): CborValue {
  const { signed, hash, address, fingerprint } = result
  return { signed, hash, address, fingerprint, guesses: encodeGuesses(result) }
}

export function decodeSignResult(value: CborValue): SignResult | undefined {
  return attempt(() => {
    const fields = object(value, ['signed', 'hash', 'address', 'fingerprint', 'guesses'])
    return {
      signed: bytes(fields['signed'], 1, LIMITS.maxBodyBytes),
      hash: bytes(fields['hash'], 32),
      address: text(fields['address'], /^[a-zA-Z0-9]{1,128}$/),
      fingerprint: bytes(fields['fingerprint'], 32),
      ...decodeGuesses(fields['guesses']),
    }
  })
}
