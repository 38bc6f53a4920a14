/** The chains that a provider reaches, and their JSON-RPC. */
import { withDeadline } from '../deadline.ts'
import type { Hex } from '../hex.ts'
import { ProviderRpcError, rpcError } from './eip1193-errors.ts'

export interface RpcRequest {
  readonly method: string
  readonly params?: readonly unknown[] | Readonly<Record<string, unknown>> | undefined
}

export type SendRpc = (request: RpcRequest) => Promise<unknown>

export interface ProviderChain {
  readonly chainId: number
  /** URL of its JSON-RPC, or who talks to it. Without one, only signing works there. */
  readonly rpc?: string | SendRpc
}

const TIMEOUT_MS = 30_000

/** JSON-RPC 2.0 over HTTP. @throws ProviderRpcError: the chain's own error, or 4901 when it can't be reached */
export function httpRpc(url: string, fetch: typeof globalThis.fetch): SendRpc {
  let id = 0
  return async ({ method, params = [] }) => {
    const body = JSON.stringify({ jsonrpc: '2.0', id: ++id, method, params })
    const init = { method: 'POST', headers: { 'content-type': 'application/json' }, body, credentials: 'omit' } as const
    const reply = await withDeadline({ timeoutMs: TIMEOUT_MS }, async (signal) => (await fetch(url, { ...init, signal })).json() as Promise<unknown>).catch(() => {
      throw rpcError('chainDisconnected')
    })
    const { result, error } = (reply ?? {}) as { readonly result?: unknown; readonly error?: { readonly code?: unknown; readonly message?: unknown; readonly data?: unknown } }
    if (error !== undefined && error !== null) {
      throw new ProviderRpcError(typeof error.code === 'number' ? error.code : -32603, String(error.message ?? 'The chain refused'), error.data)
    }
    return result
  }
}

/** `0x`, no leading zero. */
export function quantity(value: bigint | number): Hex {
  return `0x${value.toString(16)}`
}

/** @throws ProviderRpcError -32602 */
export function readQuantity(value: unknown): bigint {
  if (typeof value === 'number' && Number.isSafeInteger(value) && value >= 0) return BigInt(value)
  if (typeof value === 'bigint' && value >= 0n) return value
  if (typeof value === 'string' && /^0x[0-9a-fA-F]+$/.test(value)) return BigInt(value)
  throw rpcError('invalidParams')
}

/** A chain id as EIP-3326 and EIP-3085 write it. @throws ProviderRpcError -32602 */
export function readChainId(value: unknown): number {
  if (typeof value !== 'string' || !/^0x[1-9a-fA-F][0-9a-fA-F]{0,12}$/.test(value)) throw rpcError('invalidParams')
  return Number(value)
}
