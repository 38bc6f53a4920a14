/**
 * An EIP-1193 provider: what every Ethereum library takes.
 *
 * ```ts
 * const provider = cloisterProvider({ accounts: async () => [wallet.account('ethereum')], chains: [{ chainId: 1, rpc: url }] })
 * announceProvider(provider, { name, icon, rdns })
 * ```
 */
import { utf8 } from '../../lib/protocol/bytes.ts'
import type { EthereumAccount, TypedData } from '../ethereum.ts'
import { bytesOf, type Hex } from '../hex.ts'
import type { PinOptions } from '../wallet.ts'
import { httpRpc, quantity, readChainId, type ProviderChain, type RpcRequest, type SendRpc } from './eip1193-chains.ts'
import { rpcError, toRpcError, type ProviderRpcError } from './eip1193-errors.ts'
import { fillTransaction, isHex, readTransaction } from './eip1193-transaction.ts'

export type { ProviderChain, RpcRequest, SendRpc } from './eip1193-chains.ts'
export { ProviderRpcError, RPC_ERRORS } from './eip1193-errors.ts'

export interface ProviderOptions {
  /** Asked at `eth_requestAccounts`; the first is the selected one. What it throws with the code `declined` is 4001. */
  readonly accounts: () => Promise<readonly EthereumAccount[]>
  /** The first is the one to begin with. */
  readonly chains: readonly [ProviderChain, ...ProviderChain[]]
  /** Whether a site may add a chain, whose RPC then says what balances are. Nobody may when left out. */
  readonly approveChain?: (chain: { readonly chainId: number; readonly rpcUrl: string; readonly name: string }) => Promise<boolean>
  /** For each signature. */
  readonly options?: Omit<PinOptions, 'idempotencyKey'>
  readonly fetch?: typeof fetch
}

export interface ProviderEvents {
  accountsChanged: (accounts: readonly string[]) => void
  chainChanged: (chainId: string) => void
  connect: (info: { readonly chainId: string }) => void
  disconnect: (error: ProviderRpcError) => void
  message: (message: { readonly type: string; readonly data: unknown }) => void
}

export interface CloisterProvider {
  /** @throws ProviderRpcError */
  request(request: RpcRequest): Promise<unknown>
  on<E extends keyof ProviderEvents>(event: E, listener: ProviderEvents[E]): CloisterProvider
  removeListener<E extends keyof ProviderEvents>(event: E, listener: ProviderEvents[E]): CloisterProvider
  /** Another user, or none: forgets the accounts, and says so. */
  disconnectAccounts(): void
  /** For good: every request ends with 4900. */
  close(): void
}

/** Signing that this provider doesn't do: never passed on to somebody else's node. */
const REFUSED = /^(eth_sign|eth_signTypedData|eth_signTypedData_v[13]|eth_decrypt|eth_getEncryptionPublicKey|personal_.*|wallet_.*)$/

type Handler = (params: readonly unknown[]) => Promise<unknown>

export function cloisterProvider({ accounts: findAccounts, chains: given, approveChain, options = {}, fetch = globalThis.fetch.bind(globalThis) }: ProviderOptions): CloisterProvider {
  const chains = new Map<number, SendRpc | undefined>(given.map(({ chainId, rpc }) => [chainId, typeof rpc === 'string' ? httpRpc(rpc, fetch) : rpc]))
  const listeners = new Map<string, Set<(payload: unknown) => void>>()
  let chainId = given[0].chainId
  let accounts: readonly EthereumAccount[] = []
  let isConnected = false
  let isClosed = false

  function emit<E extends keyof ProviderEvents>(event: E, payload: Parameters<ProviderEvents[E]>[0]): void {
    // A copy: listeners may remove themselves.
    for (const listener of Array.from(listeners.get(event) ?? [])) listener(payload)
  }
  const addresses = (): Hex[] => accounts.map(({ address }) => address)

  function setAccounts(next: readonly EthereumAccount[]): void {
    const before = addresses().join()
    accounts = next
    if (addresses().join() !== before) emit('accountsChanged', addresses())
  }

  function setChain(next: number): void {
    if (next === chainId) return
    chainId = next
    emit('chainChanged', quantity(next))
  }

  async function connectAccounts(): Promise<Hex[]> {
    if (accounts.length === 0) setAccounts(await findAccounts())
    if (accounts.length === 0) throw rpcError('unauthorized')
    if (!isConnected) {
      isConnected = true
      emit('connect', { chainId: quantity(chainId) })
    }
    return addresses()
  }

  function accountOf(address: unknown): EthereumAccount {
    if (!isHex(address, 20)) throw rpcError('invalidParams')
    const account = accounts.find((one) => one.address.toLowerCase() === address.toLowerCase())
    if (account === undefined) throw rpcError('unauthorized')
    return account
  }

  const rpc: SendRpc = async (request) => {
    const send = chains.get(chainId)
    if (send === undefined) throw rpcError('chainDisconnected')
    return send(request)
  }

  async function signTransaction([transaction]: readonly unknown[]): Promise<Hex> {
    // The chain that the user is on now: a switch in between is for the next one.
    const [chain, send] = [chainId, chains.get(chainId)]
    const fields = readTransaction(transaction, chain)
    const account = accountOf(fields['from'] ?? accounts[0]?.address ?? `0x${'0'.repeat(40)}`)
    const filled = await fillTransaction(fields, account.address, chain, send ?? rpc)
    return (await account.signTransaction(filled, options)).rawTransaction
  }

  const permissions = (): readonly unknown[] =>
    accounts.length === 0 ? [] : [{ parentCapability: 'eth_accounts', caveats: [{ type: 'restrictReturnedAccounts', value: addresses() }] }]

  const handlers: Readonly<Record<string, Handler>> = {
    eth_requestAccounts: connectAccounts,
    eth_accounts: async () => addresses(),
    eth_coinbase: async () => addresses()[0] ?? null,
    eth_chainId: async () => quantity(chainId),
    net_version: async () => String(chainId),
    async personal_sign([first, second]) {
      // Some libraries have them the other way round.
      const [message, address] = isHex(first, 20) && !isHex(second, 20) ? [second, first] : [first, second]
      if (typeof message !== 'string') throw rpcError('invalidParams')
      return (await accountOf(address).signMessage(isHex(message) ? bytesOf(message) : utf8(message), { ...options, chainId })).signature
    },
    async eth_signTypedData_v4([address, data]) {
      if (typeof data !== 'string' && (typeof data !== 'object' || data === null)) throw rpcError('invalidParams')
      return (await accountOf(address).signTypedData(data as TypedData | string, { ...options, chainId })).signature
    },
    eth_signTransaction: signTransaction,
    async eth_sendTransaction(params) {
      const send = chains.get(chainId) ?? rpc
      return send({ method: 'eth_sendRawTransaction', params: [await signTransaction(params)] })
    },
    async wallet_switchEthereumChain([wanted]) {
      const id = readChainId((wanted as { readonly chainId?: unknown } | undefined)?.chainId)
      if (!chains.has(id)) throw rpcError('unrecognizedChain')
      setChain(id)
      return null
    },
    async wallet_addEthereumChain([wanted]) {
      const { chainId: hexId, rpcUrls, chainName } = (wanted ?? {}) as { readonly chainId?: unknown; readonly rpcUrls?: unknown; readonly chainName?: unknown }
      const id = readChainId(hexId)
      if (!chains.has(id)) {
        const rpcUrl: unknown = Array.isArray(rpcUrls) ? rpcUrls[0] : undefined
        if (typeof rpcUrl !== 'string' || !isSafeUrl(rpcUrl) || typeof chainName !== 'string') throw rpcError('invalidParams')
        if (approveChain === undefined) throw rpcError('unsupportedMethod')
        if (!(await approveChain({ chainId: id, rpcUrl, name: chainName }))) throw rpcError('userRejected')
        const added = httpRpc(rpcUrl, fetch)
        // EIP-3085: what the RPC says of itself decides.
        if ((await added({ method: 'eth_chainId' })) !== quantity(id)) throw rpcError('invalidParams')
        chains.set(id, added)
      }
      setChain(id)
      return null
    },
    wallet_getPermissions: async () => permissions(),
    async wallet_requestPermissions([wanted]) {
      if (typeof wanted !== 'object' || wanted === null || Object.keys(wanted).join() !== 'eth_accounts') throw rpcError('invalidParams')
      await connectAccounts()
      return permissions()
    },
    async wallet_revokePermissions() {
      setAccounts([])
      return null
    },
  }

  const provider: CloisterProvider = {
    async request(request) {
      try {
        if (isClosed) throw rpcError('disconnected')
        const { method, params = [] } = request ?? {}
        if (typeof method !== 'string' || typeof params !== 'object') throw rpcError('invalidRequest')
        const handler = Object.hasOwn(handlers, method) ? handlers[method] : undefined
        if (handler === undefined && REFUSED.test(method)) throw rpcError('unsupportedMethod')
        if (handler === undefined) return await rpc({ method, params })
        if (!Array.isArray(params)) throw rpcError('invalidParams')
        return await handler(params)
      } catch (error) {
        throw toRpcError(error)
      }
    },
    on(event, listener) {
      const all = listeners.get(event) ?? new Set()
      listeners.set(event, all.add(listener as (payload: unknown) => void))
      return provider
    },
    removeListener(event, listener) {
      listeners.get(event)?.delete(listener as (payload: unknown) => void)
      return provider
    },
    disconnectAccounts: () => setAccounts([]),
    close() {
      if (isClosed) return
      isClosed = true
      setAccounts([])
      emit('disconnect', rpcError('disconnected'))
    },
  }
  return provider
}

/** https, or this machine's own. */
function isSafeUrl(text: string): boolean {
  const url = URL.canParse(text) ? new URL(text) : undefined
  return url !== undefined && (url.protocol === 'https:' || (url.protocol === 'http:' && ['127.0.0.1', 'localhost', '[::1]'].includes(url.hostname)))
}
