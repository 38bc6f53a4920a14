/** Accounts, permissions and what is signed: parameters and results of the operations that come with a key, as CBOR inside the sealed body and answer. */
import type { CborValue } from './cbor.ts'
import { decodeGuesses, encodeGuesses } from './answer.ts'
import type { GuessState } from './errors.ts'
import { array, attempt, boolean, bytes, Malformed, nullable, object, oneOf, text } from './fields.ts'
import { LIMITS } from './limits.ts'

/** CAIP-2 chain id, e.g. `eip155:1`. */
export const CHAIN = /^[a-z0-9-]{3,8}:[a-zA-Z0-9_-]{1,32}$/
/** CAIP-2 namespace, e.g. `eip155`. */
export const NAMESPACE = /^[a-z0-9-]{3,8}$/
/** BIP-32 path, e.g. `m/44'/60'/0'/0/0`; `m` alone is the key of a wallet that has only one. */
export const PATH = /^m(\/(0|[1-9][0-9]{0,9})'?){0,10}$/
const ADDRESS = /^[a-zA-Z0-9]{1,128}$/

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

/** What a wallet permits unless it was made otherwise: nothing. */
export const NO_PERMISSIONS: Permissions = { exportable: false, rawHash: false, withoutChainId: false, anySighash: false }

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

/** Up to {@link LIMITS.maxPayloads}: one PIN, all or nothing. */
export interface SignParameters {
  readonly payloads: readonly Payload[]
}

/** One signature, in the order of the payloads. */
export interface SignedPayload {
  /** What to send on: the signed transaction, or the signature, in the chain's own serialisation. */
  readonly signed: Uint8Array
  /** The transaction's id on its chain; for what is none, the digest that was signed. */
  readonly hash: Uint8Array
  readonly address: string
}

export interface SignResult extends GuessState {
  readonly signatures: readonly SignedPayload[]
  readonly fingerprint: Uint8Array
}

export function encodeSignParameters({ payloads }: SignParameters): CborValue {
  return { payloads: payloads.map(({ chain, path, kind, data, context, summary }) => ({ chain, path, kind, data, context, summary })) }
}

/** Over-long data is let through here, so that it gets its own code. */
export function decodeSignParameters(value: CborValue): SignParameters | undefined {
  return attempt(() => {
    const payloads = array(object(value, ['payloads'])['payloads'], LIMITS.maxPayloads, decodePayload)
    if (payloads.length === 0) throw new Malformed()
    return { payloads }
  })
}

function decodePayload(value: unknown): Payload {
  const fields = object(value, ['chain', 'path', 'kind', 'data', 'context', 'summary'])
  return {
    chain: text(fields['chain'], CHAIN),
    path: text(fields['path'], PATH),
    kind: oneOf(fields['kind'], PAYLOAD_KINDS),
    data: bytes(fields['data'], 0, LIMITS.maxBodyBytes),
    context: nullable(fields['context'], mapOnly),
    summary: nullable(fields['summary'], (summary) => bytes(summary, 32)),
  }
}

function mapOnly(value: unknown): CborValue {
  if (typeof value !== 'object' || value === null || Array.isArray(value) || value instanceof Uint8Array) throw new Malformed()
  return value as CborValue
}

export function encodeSignResult(result: SignResult): CborValue {
  const signatures = result.signatures.map(({ signed, hash, address }) => ({ signed, hash, address }))
  return { signatures, fingerprint: result.fingerprint, guesses: encodeGuesses(result) }
}

export function decodeSignResult(value: CborValue): SignResult | undefined {
  return attempt(() => {
    const fields = object(value, ['signatures', 'fingerprint', 'guesses'])
    return {
      signatures: array(fields['signatures'], LIMITS.maxPayloads, (item) => {
        const signature = object(item, ['signed', 'hash', 'address'])
        return {
          signed: bytes(signature['signed'], 1, LIMITS.maxBodyBytes),
          hash: bytes(signature['hash'], 32, 64),
          address: text(signature['address'], ADDRESS),
        }
      }),
      fingerprint: bytes(fields['fingerprint'], 32),
      ...decodeGuesses(fields['guesses']),
    }
  })
}

export function encodeAccount({ namespace, path, address, publicKey, chainCode }: Account): CborValue {
  return { namespace, path, address, publicKey, chainCode }
}

/** Also used inside the record's sealed state. */
export function decodeAccount(value: unknown): Account {
  const fields = object(value, ['namespace', 'path', 'address', 'publicKey', 'chainCode'])
  return {
    namespace: text(fields['namespace'], NAMESPACE),
    path: text(fields['path'], PATH),
    address: text(fields['address'], ADDRESS),
    publicKey: bytes(fields['publicKey'], 32, 33),
    chainCode: nullable(fields['chainCode'], (code) => bytes(code, 32)),
  }
}

export function encodePermissions({ exportable, rawHash, withoutChainId, anySighash }: Permissions): CborValue {
  return { exportable, rawHash, withoutChainId, anySighash }
}

/** Also used inside the record's sealed state. */
export function decodePermissions(value: unknown): Permissions {
  const fields = object(value, ['exportable', 'rawHash', 'withoutChainId', 'anySighash'])
  return {
    exportable: boolean(fields['exportable']),
    rawHash: boolean(fields['rawHash']),
    withoutChainId: boolean(fields['withoutChainId']),
    anySighash: boolean(fields['anySighash']),
  }
}
