/**
 * Ethereum and every EVM chain, for apps.
 *
 * ```ts
 * const account = wallet.account(ethereum)
 * const { rawTransaction } = await account.signTransaction({ chainId: 1, nonce, gas: 21_000n, to, value, maxFeePerGas, maxPriorityFeePerGas }, { pin })
 * ```
 */
import type { Summary } from '../lib/chains/chain.ts'
import { ethereum as chain } from '../lib/chains/ethereum/ethereum.ts'
import { readRlpList } from '../lib/chains/ethereum/rlp.ts'
import { utf8 } from '../lib/protocol/bytes.ts'
import { CloisterError, type GuessState } from '../lib/protocol/errors.ts'
import type { SignedPayload } from '../lib/protocol/operations.ts'
import type { AccountRequest, ChainClient, WalletAccount } from './account.ts'
import { serialize, serializeAuthorization, type EthereumTransaction, type SignedAuthorization } from './ethereum-fields.ts'
import { bytesOf, hexOf, type Hex } from './hex.ts'
import { signSummarized, summarize } from './summarize.ts'
import type { PinOptions } from './wallet.ts'

export type { AccessListItem, EthereumTransaction, SerializedTransaction, SignedAuthorization, TransactionFields } from './ethereum-fields.ts'
export type { Hex } from './hex.ts'

export type SignedTransaction = SignedPayload & GuessState & { readonly rawTransaction: Hex; readonly transactionHash: Hex }
/** `signature`: r ‖ s ‖ v, v being 27 or 28. `hash`: the digest that was signed. */
export type SignedMessage = SignedPayload & GuessState & { readonly signature: Hex }

/** EIP-712. Integers may be bigints. */
export interface TypedData {
  readonly types: Readonly<Record<string, readonly { readonly name: string; readonly type: string }[]>>
  readonly primaryType: string
  readonly domain?: Readonly<Record<string, unknown>> | undefined
  readonly message: Readonly<Record<string, unknown>>
}

export interface MessageOptions extends PinOptions {
  /** On which chain it is meant: what a sign-in message (EIP-4361) or a typed data's domain says, else 1. */
  readonly chainId?: bigint | number
}

/** What {@link EthereumAccount.summary} says before anything is asked. */
export type EthereumRequest =
  | { readonly transaction: EthereumTransaction }
  | { readonly message: string | Uint8Array; readonly chainId?: bigint | number }
  | { readonly typedData: TypedData | string; readonly chainId?: bigint | number }
  | { readonly authorization: AuthorizationRequest }
  | { readonly hash: Hex | Uint8Array; readonly chainId?: bigint | number }

export type AuthorizationRequest = Pick<SignedAuthorization, 'chainId' | 'address' | 'nonce'>

/**
 * Each signature goes with the summary that `summary` gives and a PIN prompt is shown: the enclave makes its own, and refuses with `summary_mismatch`
 * when that is another.
 */
export interface EthereumAccount extends WalletAccount {
  /** With EIP-55's checksum. */
  readonly address: Hex
  /** @throws CloisterError `tx_*`, `pin_wrong`, … */
  signTransaction(transaction: EthereumTransaction, options?: PinOptions): Promise<SignedTransaction>
  /** `personal_sign` (EIP-191, version 0x45). Text is UTF-8. */
  signMessage(message: string | Uint8Array, options?: MessageOptions): Promise<SignedMessage>
  /** EIP-712, as `eth_signTypedData_v4` takes it: an object, or JSON. */
  signTypedData(data: TypedData | string, options?: MessageOptions): Promise<SignedMessage>
  /** A bare hash: only where the wallet was made to permit it. */
  signHash(hash: Hex | Uint8Array, options?: MessageOptions): Promise<SignedMessage>
  /** EIP-7702. */
  signAuthorization(request: AuthorizationRequest, options?: PinOptions): Promise<SignedAuthorization & GuessState>
  /** What a person should read before the PIN. @throws CloisterError as signing does, before anybody is asked for anything */
  summary(request: EthereumRequest): Promise<Summary>
}

export const ethereum: ChainClient<EthereumAccount> & Pick<typeof chain, 'path' | 'variants'> = {
  name: 'ethereum',
  namespace: chain.namespace,
  path: chain.path,
  variants: chain.variants,
  account: ethereumAccountOf,
}

function ethereumAccountOf(base: WalletAccount): EthereumAccount {
  const sign = async (request: AccountRequest, options: PinOptions): Promise<SignedPayload & GuessState> => signSummarized(chain, base, request, options)
  const signMessage = async (request: EthereumRequest, options: PinOptions): Promise<SignedMessage> => {
    const result = await sign(requestOf(request), options)
    return { ...result, signature: hexOf(result.signed) }
  }

  return {
    ...base,
    address: base.address as Hex,
    async signTransaction(transaction, options = {}) {
      const result = await sign(requestOf({ transaction }), options)
      return { ...result, rawTransaction: hexOf(result.signed), transactionHash: hexOf(result.hash) }
    },
    signMessage: (message, { chainId, ...options } = {}) => signMessage({ message, ...given(chainId) }, options),
    signTypedData: (typedData, { chainId, ...options } = {}) => signMessage({ typedData, ...given(chainId) }, options),
    signHash: (hash, { chainId, ...options } = {}) => signMessage({ hash, ...given(chainId) }, options),
    async signAuthorization(authorization, options = {}) {
      const { signed, guessesLeft, lockedUntilMs, wrongTotal } = await sign(requestOf({ authorization }), options)
      return { ...authorization, ...signatureOf(signed), guessesLeft, lockedUntilMs, wrongTotal }
    },
    summary: async (request) => summarize(chain, base, requestOf(request)),
  }
}

const given = (chainId: bigint | number | undefined): { chainId?: bigint | number } => (chainId === undefined ? {} : { chainId })
const caip2 = (chainId: unknown): string => `eip155:${String(chainId)}`

function requestOf(request: EthereumRequest): AccountRequest {
  if ('transaction' in request) return { chain: caip2(request.transaction.chainId), kind: 'transaction', data: serialize(request.transaction) }
  if ('authorization' in request) return { chain: caip2(authorizationChain(request.authorization)), kind: 'authorization', data: serializeAuthorization(request.authorization) }
  if ('hash' in request) return { chain: caip2(request.chainId ?? 1), kind: 'hash', data: bytesOf(request.hash) }
  if ('typedData' in request) {
    const { typedData } = request
    const json = typeof typedData === 'string' ? typedData : JSON.stringify(typedData, writeBigint)
    return { chain: caip2(request.chainId ?? domainChainId(json) ?? 1), kind: 'typedData', data: utf8(json) }
  }
  const { message } = request
  const chainId = request.chainId ?? (typeof message === 'string' ? signInChainId(message) : undefined)
  return { chain: caip2(chainId ?? 1), kind: 'message', data: typeof message === 'string' ? utf8(message) : message }
}

/** EIP-7702: 0 is valid on every chain, and asked for as of the first. */
function authorizationChain({ chainId }: AuthorizationRequest): bigint {
  return BigInt(chainId) === 0n ? 1n : BigInt(chainId)
}

function writeBigint(_key: string, value: unknown): unknown {
  return typeof value === 'bigint' ? value.toString() : value
}

function domainChainId(json: string): bigint | undefined {
  try {
    const { domain } = JSON.parse(json) as { readonly domain?: { readonly chainId?: unknown } }
    const chainId = domain?.chainId
    return typeof chainId === 'number' || typeof chainId === 'string' ? BigInt(chainId) : undefined
  } catch {
    return undefined // what is wrong with it, its reader says
  }
}

/** EIP-4361's line. Whether it is such a message at all, its reader says. */
function signInChainId(message: string): string | undefined {
  if (!message.includes(' wants you to sign in with your Ethereum account:\n')) return undefined
  return /^Chain ID: ([1-9][0-9]{0,15})$/m.exec(message)?.[1]
}

/** Of `rlp([chain_id, address, nonce, y_parity, r, s])`. */
function signatureOf(signed: Uint8Array): Pick<SignedAuthorization, 'yParity' | 'r' | 's'> {
  const [, , , yParity, r, s] = readRlpList(signed)
  if (!(yParity instanceof Uint8Array) || !(r instanceof Uint8Array) || !(s instanceof Uint8Array)) throw new CloisterError('answer_invalid')
  return { yParity: yParity.length === 0 ? 0 : 1, r: word(r), s: word(s) }
}

function word(bytes: Uint8Array): Hex {
  return `0x${hexOf(bytes).slice(2).padStart(64, '0')}`
}
