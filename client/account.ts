/**
 * Accounts of a wallet, each with what its chain can do. The core knows no chain: `connect` is given those that an app uses, or loads them when they
 * are first needed (index.ts).
 */
import { CloisterError, type GuessState } from '../lib/protocol/errors.ts'
import type { Account, SignedPayload } from '../lib/protocol/operations.ts'
import type { WalletView } from '../lib/protocol/wallet-view.ts'
import type { BitcoinAccount } from './bitcoin.ts'
import type { EthereumAccount } from './ethereum.ts'
import type { SolanaAccount } from './solana.ts'
import type { PinOptions, SignRequest, Wallet } from './wallet.ts'

/** What there is of any account, whatever its chain. */
export interface WalletAccount {
  /** CAIP-2 namespace, e.g. `eip155`. */
  readonly namespace: string
  /** BIP-32 path. */
  readonly path: string
  readonly address: string
  /** secp256k1: compressed, 33 bytes; ed25519: 32 bytes. */
  readonly publicKey: Uint8Array
  readonly wallet: Wallet
  /** Signs one payload with this account. @throws CloisterError */
  sign(request: AccountRequest, options?: PinOptions): Promise<SignedPayload & GuessState>
}

export type AccountRequest = Omit<SignRequest, 'path'>

/** A chain as apps use it; give those you need to `connect({ chains })`. */
export interface ChainClient<A extends WalletAccount = WalletAccount> {
  /** By which `wallet.account(name)` finds it. */
  readonly name: string
  /** CAIP-2 namespace. */
  readonly namespace: string
  account(base: WalletAccount): A
}

/** The chains' own accounts, by name. */
export interface AccountsByName {
  readonly ethereum: EthereumAccount
  readonly bitcoin: BitcoinAccount
  readonly solana: SolanaAccount
}

/** The chains' own accounts, by CAIP-2 namespace. */
export interface AccountsByNamespace {
  readonly eip155: EthereumAccount
  readonly bip122: BitcoinAccount
  readonly solana: SolanaAccount
}

export interface AccountChoice {
  /** The chain's first account of the wallet when left out. */
  readonly path?: string
}

export interface GetAccount {
  /** @throws CloisterError `chain_unknown`: not among those that `connect` was given; `account_unknown`: the wallet has none */
  <N extends keyof AccountsByName>(chain: N, choice?: AccountChoice): AccountsByName[N]
  <N extends keyof AccountsByNamespace>(chain: { readonly namespace: N } & AccountChoice): AccountsByNamespace[N]
  <A extends WalletAccount>(chain: ChainClient<A>, choice?: AccountChoice): A
  /** An account of any chain, known or not: it signs bytes. */
  (chain: { readonly namespace: string } & AccountChoice): WalletAccount
}

type Chosen = string | ChainClient | ({ readonly namespace: string } & AccountChoice)

export function accountGetter(wallet: () => Wallet, chains: readonly ChainClient[]): GetAccount {
  const get = (chosen: Chosen, choice: AccountChoice = {}): WalletAccount => {
    if (typeof chosen === 'string') {
      const chain = chains.find((one) => one.name === chosen)
      if (chain === undefined) throw new CloisterError('chain_unknown')
      return chain.account(baseAccount(wallet(), chain.namespace, choice.path))
    }
    if ('account' in chosen) return chosen.account(baseAccount(wallet(), chosen.namespace, choice.path))
    const base = baseAccount(wallet(), chosen.namespace, chosen.path)
    return chains.find((one) => one.namespace === chosen.namespace)?.account(base) ?? base
  }
  return get
}

function baseAccount(wallet: Wallet, namespace: string, path: string | undefined): WalletAccount {
  const found = findAccount(wallet.last, namespace, path)
  return {
    namespace,
    path: found.path,
    address: found.address,
    publicKey: found.publicKey,
    wallet,
    async sign(request, options) {
      const { signatures, guessesLeft, lockedUntilMs, wrongTotal } = await wallet.sign([{ ...request, path: found.path }], options)
      const [signed] = signatures
      if (signed === undefined || signed.address !== found.address) throw new CloisterError('answer_invalid')
      return { ...signed, guessesLeft, lockedUntilMs, wrongTotal }
    },
  }
}

/** @throws CloisterError `account_unknown` */
export function findAccount(view: WalletView, namespace: string, path?: string): Account {
  const account = view.accounts.find((one) => one.namespace === namespace && (path === undefined || one.path === path))
  if (account === undefined) throw new CloisterError('account_unknown')
  return account
}

/** The methods of a chain's account, which all answer later and so can be loaded later. */
type Methods<A extends WalletAccount> = Exclude<{ [K in keyof A]: A[K] extends (...args: never[]) => Promise<unknown> ? K : never }[keyof A], keyof WalletAccount>

/** A chain whose code is loaded when one of its accounts is first used: bundlers put it into a file of its own. */
export function lazyChain<A extends WalletAccount>(options: {
  readonly name: string
  readonly namespace: string
  readonly methods: { readonly [K in Methods<A>]: true }
  readonly load: () => Promise<ChainClient<A>>
}): ChainClient<A> {
  const { name, namespace, methods, load } = options
  return {
    name,
    namespace,
    account(base) {
      let loaded: Promise<A> | undefined
      const later = (method: string) => async (...args: never[]): Promise<unknown> => {
        loaded ??= load().then((chain) => chain.account(base))
        const account = (await loaded) as unknown as Readonly<Record<string, (...given: never[]) => Promise<unknown>>>
        return account[method]?.(...args)
      }
      return { ...base, ...Object.fromEntries(Object.keys(methods).map((method) => [method, later(method)])) } as unknown as A
    },
  }
}
