/**
 * Cloister for apps: log in, verify the enclave, sign.
 *
 * ```ts
 * const cloister = await connect({ url, trust: { root, measurements }, login })
 * const wallet = await cloister.wallets.create({ pin })
 * const { signatures } = await wallet.sign([{ chain: 'eip155:1', kind: 'transaction', data }], { pin })
 * ```
 */
import { wipe } from '../lib/protocol/bytes.ts'
import { wipeDeep } from '../lib/protocol/cbor.ts'
import { CloisterError } from '../lib/protocol/errors.ts'
import type { Operation } from '../lib/protocol/header.ts'
import {
  decodeView, decodeWithRecovery, encodeCreateParameters, encodeImportParameters, type ImportedSecret, type NewWallet as NewWalletParameters, type RecoveryCode,
} from '../lib/protocol/lifecycle.ts'
import { NO_PERMISSIONS, type Permissions } from '../lib/protocol/operations.ts'
import type { CborValue } from '../lib/protocol/cbor.ts'
import type { Receipt } from '../lib/protocol/receipt.ts'
import type { ChainClient } from './account.ts'
import { createClientKey, loginNonce } from './client-key.ts'
import { withDeadline } from './deadline.ts'
import { fetchHistory } from './history.ts'
import { fetchWallets, type WalletListing } from './http.ts'
import { defaultKeyStore, type KeyStore } from './key-store.ts'
import type { Pin } from './pin.ts'
import { createSession } from './session.ts'
import type { AttestedChannel, Trust } from './trust.ts'
import { callOptions, callWithPin, createWallet, read, type CallOptions, type PinOptions, type Wallet } from './wallet.ts'

export { CloisterError, type ErrorCode, type GuessState } from '../lib/protocol/errors.ts'
export type { Summary } from '../lib/chains/chain.ts'
export type { Receipt } from '../lib/protocol/receipt.ts'
export { formatRecoveryCode } from '../lib/protocol/recovery-code.ts'
export type { ChainClient, WalletAccount } from './account.ts'
export { indexedDbKeyStore, memoryKeyStore, type KeyStore } from './key-store.ts'
export type { Pin, PinPrompt, PinRequest } from './pin.ts'
export type { Trust } from './trust.ts'
export type { CallOptions, PinOptions, SignRequest, Wallet } from './wallet.ts'

export interface LoginRequest {
  /** The OpenID `nonce` to log in with: it binds the token to this app's key. It stays the same until `logOut`, so a redirect may come back to it. */
  readonly nonce: string
  readonly signal?: AbortSignal
}

export interface ConnectOptions {
  /** Base URL of the API. */
  readonly url: string
  readonly trust: Trust
  /** Logs the user in and returns the ID token. Asked again when that has run out. */
  readonly login: (request: LoginRequest) => Promise<string>
  /** For calls that name none: best a prompt. */
  readonly pin?: Pin
  /** Where the client key is kept: IndexedDB where there is one, else this object's memory. */
  readonly keyStore?: KeyStore
  /** What `wallet.account(name)` knows. */
  readonly chains?: readonly ChainClient[]
  readonly fetch?: typeof fetch
  /** Of each HTTP request, milliseconds; 30,000. */
  readonly timeoutMs?: number
  /** Of connecting alone; each call has its own. */
  readonly signal?: AbortSignal
}

export interface NewWalletOptions extends Omit<PinOptions, 'otp'> {
  readonly label?: string
  /** Fixed for the wallet's life; what is left out is not permitted. */
  readonly permissions?: Partial<Permissions>
  /** Say `false` to have no recovery code: then a forgotten PIN is a lost wallet. */
  readonly recovery?: boolean
  /** UUIDv4. */
  readonly id?: string
}

export interface NewWallet extends Wallet {
  /** Show it once, as `formatRecoveryCode` writes it, and forget it; `null` when declined. */
  readonly recovery: RecoveryCode | null
}

export interface Cloister {
  /** The attested enclave that requests are sealed to. */
  attest(options?: Pick<CallOptions, 'signal' | 'timeoutMs'>): Promise<AttestedChannel>
  readonly wallets: {
    create(options?: NewWalletOptions & { readonly words?: 12 | 24 }): Promise<NewWallet>
    /** Our copy of the secret is wiped; wipe yours. */
    import(secret: ImportedSecret, options?: NewWalletOptions): Promise<NewWallet>
    /** Ids only, as the database shows them: `get` asks the enclave. */
    list(options?: Pick<CallOptions, 'signal' | 'timeoutMs'>): Promise<readonly WalletListing[]>
    get(id: string, options?: CallOptions): Promise<Wallet>
  }
  /** Every receipt of a wallet, verified: none dropped, altered or reordered. @throws CloisterError `history_invalid` */
  history(wallet: Wallet, options?: CallOptions): Promise<readonly Receipt[]>
  /** Forgets the client key: the token is worth nothing to this app any more. */
  logOut(): Promise<void>
}

/**
 * Makes a client key or finds the one that is kept, verifies the enclave, and logs in bound to that key.
 * @throws CloisterError `attestation_*`, `network`, `timeout`, or what `login` throws
 */
export async function connect(options: ConnectOptions): Promise<Cloister> {
  const { trust, login, signal, chains = [], keyStore = defaultKeyStore() } = options
  const api = { url: options.url, fetch: options.fetch ?? fetch.bind(globalThis), timeoutMs: options.timeoutMs }
  const keyName = new URL(options.url).origin
  const clientKey = (await keyStore.load(keyName)) ?? (await keyStore.keep(keyName, await createClientKey()))
  const nonce = await loginNonce(clientKey)
  const logIn = (during?: AbortSignal): Promise<string> =>
    withDeadline({ signal: during }, () => login({ nonce, ...(during === undefined ? {} : { signal: during }) }))
  const session = createSession({ api, trust, token: await logIn(signal), renewToken: logIn, clientKey })
  await session.attest({ signal })
  const context = { session, pin: options.pin, chains }

  async function make(op: Operation, parameters: CborValue, { id = crypto.randomUUID(), label = '', ...rest }: NewWalletOptions): Promise<NewWallet> {
    const value = await callWithPin(context, { op, wallet: id, label, purpose: 'choose', summaries: [] }, { op, wallet: id, parameters }, rest)
    const { view, recovery } = read(value, decodeWithRecovery)
    if (view.wallet !== id) throw new CloisterError('answer_invalid')
    return Object.assign(createWallet(context, view), { recovery })
  }

  return {
    attest: (rest) => session.attest(rest),
    wallets: {
      create: ({ words = 24, ...rest } = {}) => make('create', encodeCreateParameters({ words, ...newWallet(rest) }), rest),
      import(secret, rest = {}) {
        const copy = structuredClone(secret)
        return make('import', encodeImportParameters({ secret: copy, ...newWallet(rest) }), rest).finally(() => wipeDeep(copy))
      },
      list: async (rest = {}) => fetchWallets(api, await session.token(rest), rest),
      async get(id, rest = {}) {
        const view = read(await session.call({ op: 'view', wallet: id, parameters: {}, pin: null, ...callOptions(rest) }), decodeView)
        if (view.wallet !== id) throw new CloisterError('answer_invalid')
        return createWallet(context, view)
      },
    },
    async history(wallet, rest = {}) {
      const keys = await wallet.history(rest)
      return fetchHistory(api, await session.token(rest), keys, rest).finally(() => wipe(keys.key))
    },
    logOut: () => keyStore.remove(keyName),
  }
}

function newWallet({ label = '', permissions = {}, recovery = true }: NewWalletOptions): NewWalletParameters {
  return { label, permissions: { ...NO_PERMISSIONS, ...permissions }, recovery }
}
