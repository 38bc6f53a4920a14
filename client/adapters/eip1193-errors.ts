/** Errors of EIP-1193 (§ Provider Errors), EIP-3326 and JSON-RPC 2.0, and what Cloister's own become among them. */
import { CloisterError, type ErrorCode } from '../../lib/protocol/errors.ts'

export const RPC_ERRORS = {
  userRejected: 4001,
  unauthorized: 4100,
  unsupportedMethod: 4200,
  disconnected: 4900,
  chainDisconnected: 4901,
  unrecognizedChain: 4902,
  limitExceeded: -32005,
  invalidRequest: -32600,
  invalidParams: -32602,
  internal: -32603,
} as const

const MESSAGES: Readonly<Record<keyof typeof RPC_ERRORS, string>> = {
  userRejected: 'The user rejected the request',
  unauthorized: 'The account or method is not authorized',
  unsupportedMethod: 'The method is not supported',
  disconnected: 'The provider is disconnected',
  chainDisconnected: 'The provider is not connected to the chain',
  unrecognizedChain: 'The chain has not been added',
  limitExceeded: 'Too many requests',
  invalidRequest: 'The request is malformed',
  invalidParams: 'The parameters are malformed',
  internal: 'Internal error',
}

export class ProviderRpcError extends Error {
  readonly code: number
  /** Cloister's code and guesses, or what the chain's RPC said. */
  readonly data: unknown

  constructor(code: number, message: string, data?: unknown) {
    super(message)
    this.name = 'ProviderRpcError'
    this.code = code
    this.data = data
  }
}

export function rpcError(kind: keyof typeof RPC_ERRORS, data?: unknown): ProviderRpcError {
  return new ProviderRpcError(RPC_ERRORS[kind], MESSAGES[kind], data)
}

const UNAUTHORIZED: ReadonlySet<ErrorCode> = new Set([
  'pin_wrong', 'pin_malformed', 'wallet_locked', 'account_unknown', 'payload_not_permitted', 'code_required', 'tx_signer_mismatch', 'wallet_deleted',
])

/** What a dapp is told. */
export function toRpcError(error: unknown): ProviderRpcError {
  if (error instanceof ProviderRpcError) return error
  if ((error as { readonly name?: unknown } | null)?.name === 'AbortError') return rpcError('userRejected')
  if (!(error instanceof CloisterError)) return rpcError('internal')
  const { code, guesses, retryAfterSec } = error
  const kind = kindOf(code)
  return new ProviderRpcError(RPC_ERRORS[kind], error.message, { code, ...(guesses === undefined ? {} : { guesses }), ...(retryAfterSec === undefined ? {} : { retryAfterSec }) })
}

function kindOf(code: ErrorCode): keyof typeof RPC_ERRORS {
  if (code === 'declined') return 'userRejected'
  if (UNAUTHORIZED.has(code) || code.startsWith('token_')) return 'unauthorized'
  if (code === 'payload_kind_unknown' || code === 'tx_type_unknown') return 'unsupportedMethod'
  if (code === 'rate_limited' || code === 'busy') return 'limitExceeded'
  if (/^(tx|typed_data|message|parameters)_/.test(code)) return 'invalidParams'
  return 'internal'
}
