/**
 * wagmi: a connector over the EIP-1193 provider. `createConnector` of wagmi returns what it is given, so nothing of wagmi is needed here: its types
 * are described by what is used of them.
 *
 * ```ts
 * createConfig({ chains, connectors: [cloisterConnector({ provider })], transports })
 * ```
 */
import type { Hex } from '../hex.ts'
import { quantity } from './eip1193-chains.ts'
import { ProviderRpcError, RPC_ERRORS, rpcError } from './eip1193-errors.ts'
import type { CloisterProvider } from './eip1193.ts'

interface Chain {
  readonly id: number
  readonly name: string
  readonly nativeCurrency: { readonly name: string; readonly symbol: string; readonly decimals: number }
  readonly rpcUrls: { readonly default: { readonly http: readonly string[] } }
}

/** What wagmi hands to a connector. */
export interface ConnectorConfig {
  readonly chains: readonly Chain[]
  readonly emitter: {
    emit(event: 'change', data: { readonly accounts?: readonly Hex[]; readonly chainId?: number }): void
    emit(event: 'connect', data: { readonly accounts: readonly Hex[]; readonly chainId: number }): void
    emit(event: 'disconnect'): void
  }
}

export interface ConnectorParameters {
  readonly provider: CloisterProvider | (() => Promise<CloisterProvider>)
  readonly id?: string
  readonly name?: string
  readonly icon?: string
}

// oxlint-disable-next-line typescript/explicit-function-return-type -- wagmi infers the connector's type from this
export function cloisterConnector({ provider: given, id = 'cloister', name = 'Cloister', icon }: ConnectorParameters) {
  let provider: Promise<CloisterProvider> | undefined
  const getProvider = (): Promise<CloisterProvider> => (provider ??= typeof given === 'function' ? given() : Promise.resolve(given))
  const ask = async (method: string, ...params: unknown[]): Promise<unknown> => (await getProvider()).request({ method, params })
  const getAccounts = async (): Promise<readonly Hex[]> => (await ask('eth_accounts')) as readonly Hex[]
  const getChainId = async (): Promise<number> => Number(await ask('eth_chainId'))

  return (config: ConnectorConfig) => {
    const onAccountsChanged = (accounts: readonly string[]): void =>
      accounts.length === 0 ? onDisconnect() : config.emitter.emit('change', { accounts: accounts as readonly Hex[] })
    const onChainChanged = (chainId: string): void => config.emitter.emit('change', { chainId: Number(chainId) })
    const onDisconnect = (): void => config.emitter.emit('disconnect')
    let isListening = false

    async function listen(): Promise<void> {
      if (isListening) return
      isListening = true
      const one = await getProvider()
      one.on('accountsChanged', onAccountsChanged).on('chainChanged', onChainChanged).on('disconnect', onDisconnect)
    }

    async function switchChain({ chainId }: { readonly chainId: number; readonly addEthereumChainParameter?: unknown }): Promise<Chain> {
      const chain = config.chains.find((one) => one.id === chainId)
      if (chain === undefined) throw rpcError('unrecognizedChain')
      try {
        await ask('wallet_switchEthereumChain', { chainId: quantity(chainId) })
      } catch (error) {
        if (!(error instanceof ProviderRpcError) || error.code !== RPC_ERRORS.unrecognizedChain) throw error
        const { name: chainName, nativeCurrency, rpcUrls } = chain
        await ask('wallet_addEthereumChain', { chainId: quantity(chainId), chainName, nativeCurrency, rpcUrls: rpcUrls.default.http })
      }
      return chain
    }

    return {
      id,
      name,
      type: 'cloister' as const,
      ...(icon === undefined ? {} : { icon }),
      getProvider,
      getAccounts,
      getChainId,
      switchChain,
      onAccountsChanged,
      onChainChanged,
      onDisconnect,
      async connect({ chainId, isReconnecting = false, withCapabilities = false }: { readonly chainId?: number; readonly isReconnecting?: boolean; readonly withCapabilities?: boolean } = {}) {
        // Reconnecting asks nobody anything.
        const accounts = (isReconnecting ? await getAccounts() : await ask('eth_requestAccounts')) as readonly Hex[]
        await listen()
        if (chainId !== undefined && chainId !== (await getChainId())) await switchChain({ chainId })
        return {
          accounts: withCapabilities ? accounts.map((address) => ({ address, capabilities: {} })) : accounts,
          chainId: await getChainId(),
        }
      },
      async disconnect(): Promise<void> {
        const one = await getProvider()
        one.removeListener('accountsChanged', onAccountsChanged).removeListener('chainChanged', onChainChanged).removeListener('disconnect', onDisconnect)
        isListening = false
        one.disconnectAccounts()
      },
      isAuthorized: async (): Promise<boolean> => (await getAccounts()).length > 0,
    }
  }
}
