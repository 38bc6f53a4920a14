/**
 * Wallet Standard, for Solana: what its wallet adapters and dapps look for.
 *
 * ```ts
 * registerWallet(solanaWallet({ accounts: async () => [wallet.account('solana')], name, icon }))
 * ```
 */
import type { IdentifierString, Wallet, WalletAccount, WalletIcon } from '@wallet-standard/base'
import type {
  StandardConnectFeature, StandardDisconnectFeature, StandardEventsFeature, StandardEventsListeners, StandardEventsNames,
} from '@wallet-standard/features'
import type {
  SolanaSignAndSendTransactionFeature, SolanaSignAndSendTransactionInput, SolanaSignMessageFeature, SolanaSignTransactionFeature, SolanaSignTransactionInput,
} from '@solana/wallet-standard-features'
import type { CborValue } from '../../lib/protocol/cbor.ts'
import { CloisterError } from '../../lib/protocol/errors.ts'
import { withDeadline } from '../deadline.ts'
import type { SolanaAccount } from '../solana.ts'
import { SOLANA_CHAINS } from '../solana-chains.ts'
import type { PinOptions } from '../wallet.ts'

export interface SolanaWalletOptions {
  readonly name: string
  /** A `data:` URI. */
  readonly icon: WalletIcon
  /** Asked at `standard:connect`. */
  readonly accounts: () => Promise<readonly SolanaAccount[]>
  /** JSON-RPC of the chains to send to, by Wallet Standard's names: `solana:mainnet`, … */
  readonly rpc?: Readonly<Record<IdentifierString, string>>
  /** The lookup tables that a version 0 transaction refers to. */
  readonly lookupTables?: (transaction: Uint8Array) => Promise<CborValue>
  /** CAIP-2 ids of chains beyond the public ones, by Wallet Standard's names: `solana:localnet`. */
  readonly chains?: Readonly<Record<IdentifierString, string>>
  readonly options?: Omit<PinOptions, 'idempotencyKey'>
  readonly fetch?: typeof fetch
}

type Features = StandardConnectFeature &
  StandardDisconnectFeature &
  StandardEventsFeature &
  SolanaSignTransactionFeature &
  SolanaSignMessageFeature &
  SolanaSignAndSendTransactionFeature

const VERSIONS = ['legacy', 0] as const
const SIGNING = ['solana:signTransaction', 'solana:signMessage', 'solana:signAndSendTransaction'] as const
const TIMEOUT_MS = 30_000

export function solanaWallet(given: SolanaWalletOptions): Wallet & { readonly features: Features } {
  const { name, icon, rpc = {}, lookupTables, options = {}, fetch = globalThis.fetch.bind(globalThis) } = given
  const chainIds: Readonly<Record<string, string>> = {
    'solana:mainnet': SOLANA_CHAINS.mainnet, 'solana:devnet': SOLANA_CHAINS.devnet, 'solana:testnet': SOLANA_CHAINS.testnet, ...given.chains,
  }
  const chains = Object.keys(chainIds) as IdentifierString[]
  const listeners = new Set<StandardEventsListeners['change']>()
  let accounts: readonly (WalletAccount & { readonly own: SolanaAccount })[] = []

  function setAccounts(next: readonly SolanaAccount[]): void {
    accounts = next.map((own) => Object.freeze({ address: own.address, publicKey: own.publicKey.slice(), chains, features: SIGNING, own }))
    // A copy: listeners may remove themselves.
    for (const listener of Array.from(listeners)) listener({ accounts })
  }

  function accountOf(asked: WalletAccount): SolanaAccount {
    const account = accounts.find((one) => one.address === asked.address)
    if (account === undefined) throw new CloisterError('account_unknown')
    return account.own
  }

  function chainOf(chain: IdentifierString | undefined): string {
    const id = chainIds[chain ?? 'solana:mainnet']
    if (id === undefined) throw new CloisterError('chain_unknown')
    return id
  }

  async function sign({ account, transaction, chain }: SolanaSignTransactionInput): Promise<Uint8Array> {
    const tables = await lookupTables?.(transaction)
    const request = { transaction, chain: chainOf(chain), ...(tables === undefined || tables === null ? {} : { lookupTables: tables }) }
    return (await accountOf(account).signTransaction(request, options)).signed
  }

  async function send(signed: Uint8Array, { chain, options: wanted = {} }: SolanaSignAndSendTransactionInput): Promise<void> {
    const url = rpc[chain]
    if (url === undefined) throw new CloisterError('chain_unknown')
    const { preflightCommitment, skipPreflight, maxRetries, minContextSlot } = wanted
    const params = [btoa(String.fromCharCode(...signed)), { encoding: 'base64', preflightCommitment, skipPreflight, maxRetries, minContextSlot }]
    const body = JSON.stringify({ jsonrpc: '2.0', id: 1, method: 'sendTransaction', params })
    const init = { method: 'POST', headers: { 'content-type': 'application/json' }, body, credentials: 'omit' } as const
    const reply = await withDeadline({ timeoutMs: TIMEOUT_MS }, async (signal) => (await fetch(url, { ...init, signal })).json() as Promise<unknown>).catch((error: unknown) => {
      throw error instanceof CloisterError ? error : new CloisterError('network')
    })
    const { error } = (reply ?? {}) as { readonly error?: { readonly message?: unknown } }
    if (error !== undefined && error !== null) throw new Error(`the chain refused the transaction: ${String(error.message)}`)
  }

  /** One after the other: each asks its user with its own summary. */
  async function each<I, O>(inputs: readonly I[], run: (input: I) => Promise<O>): Promise<O[]> {
    const outputs: O[] = []
    for (const input of inputs) outputs.push(await run(input))
    return outputs
  }

  const features: Features = {
    'standard:connect': {
      version: '1.0.0',
      async connect({ silent = false } = {}) {
        if (accounts.length === 0 && !silent) setAccounts(await given.accounts())
        return { accounts }
      },
    },
    'standard:disconnect': { version: '1.0.0', disconnect: async () => setAccounts([]) },
    'standard:events': {
      version: '1.0.0',
      on<E extends StandardEventsNames>(_event: E, listener: StandardEventsListeners[E]) {
        listeners.add(listener)
        return () => void listeners.delete(listener)
      },
    },
    'solana:signTransaction': {
      version: '1.0.0',
      supportedTransactionVersions: VERSIONS,
      signTransaction: (...inputs) => each(inputs, async (input) => ({ signedTransaction: await sign(input) })),
    },
    'solana:signMessage': {
      version: '1.1.0',
      signMessage: (...inputs) =>
        each(inputs, async ({ account, message }) => {
          const { signed } = await accountOf(account).signMessage({ message }, options)
          return { signedMessage: message, signature: signed, signatureType: 'ed25519' as const }
        }),
    },
    'solana:signAndSendTransaction': {
      version: '1.0.0',
      supportedTransactionVersions: VERSIONS,
      signAndSendTransaction: (...inputs) =>
        each(inputs, async (input) => {
          const signed = await sign(input)
          await send(signed, input)
          // The first signature is the transaction's id; before it stands their number, in one byte.
          return { signature: signed.slice(1, 65) }
        }),
    },
  }

  return {
    version: '1.0.0',
    name,
    icon,
    chains,
    features,
    get accounts() {
      return accounts
    },
  }
}

/** Makes the wallet known to the page's dapps, before or after they look. */
export function registerWallet(wallet: Wallet, target: EventTarget = globalThis): void {
  const register = ({ register: add }: { readonly register: (...wallets: Wallet[]) => unknown }): void => void add(wallet)
  target.addEventListener('wallet-standard:app-ready', (event) => register((event as CustomEvent<{ register: (...wallets: Wallet[]) => unknown }>).detail))
  target.dispatchEvent(new CustomEvent('wallet-standard:register-wallet', { detail: register }))
}
