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
import { createClientKey, loginNonce } from './client-key.ts'
import { fetchHistory } from './history.ts'
import { fetchWallets, type WalletListing } from './http.ts'
import { createSession } from './session.ts'
import type { AttestedChannel, Trust } from './trust.ts'
import { callOptions, createWallet, read, withSecrets, type CallOptions, type PinOptions, type Wallet } from './wallet.ts'

export { CloisterError } from '../lib/protocol/errors.ts'
export type { CallOptions, Pin, PinOptions, SignRequest, Wallet } from './wallet.ts'

export interface ConnectOptions {
  /** Base URL of the API. */
  readonly url: string
  readonly trust: Trust
  /** Logs the user in with this OpenID `nonce` and returns the ID token. */
  readonly login: (request: { readonly nonce: string }) => Promise<string>
  readonly fetch?: typeof fetch
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
  attest(): Promise<AttestedChannel>
  readonly wallets: {
    create(options: NewWalletOptions & { readonly words?: 12 | 24 }): Promise<NewWallet>
    /** Our copy of the secret is wiped; wipe yours. */
    import(secret: ImportedSecret, options: NewWalletOptions): Promise<NewWallet>
    /** Ids only, as the database shows them: `get` asks the enclave. */
    list(options?: { readonly signal?: AbortSignal }): Promise<readonly WalletListing[]>
    get(id: string, options?: CallOptions): Promise<Wallet>
  }
  /** Every receipt of a wallet, verified: none dropped, altered or reordered. @throws CloisterError `history_invalid` */
  history(wallet: Wallet, options?: CallOptions): Promise<readonly Receipt[]>
}

/** Makes a client key, logs in bound to it, and verifies the enclave. @throws CloisterError `attestation_*`, `network`, or what `login` throws */
export async function connect(options: ConnectOptions): Promise<Cloister> {
  const api = { url: options.url, fetch: options.fetch ?? fetch.bind(globalThis) }
  const clientKey = await createClientKey()
  const token = await options.login({ nonce: await loginNonce(clientKey) })
  const session = createSession({ api, trust: options.trust, token, clientKey })
  await session.attest()

  async function make(op: Operation, parameters: CborValue, { id = crypto.randomUUID(), ...rest }: NewWalletOptions): Promise<NewWallet> {
    const value = await withSecrets(rest, (pin) => session.call({ op, wallet: id, parameters, pin, ...callOptions(rest) }))
    const { view, recovery } = read(value, decodeWithRecovery)
    if (view.wallet !== id) throw new CloisterError('answer_invalid')
    return Object.assign(createWallet(session, view), { recovery })
  }

  return {
    attest: () => session.attest(),
    wallets: {
      create: ({ words = 24, ...rest }) => make('create', encodeCreateParameters({ words, ...newWallet(rest) }), rest),
      import(secret, rest) {
        const copy = structuredClone(secret)
        return make('import', encodeImportParameters({ secret: copy, ...newWallet(rest) }), rest).finally(() => wipeDeep(copy))
      },
      list: ({ signal } = {}) => fetchWallets(api, token, signal),
      async get(id, rest = {}) {
        const view = read(await session.call({ op: 'view', wallet: id, parameters: {}, pin: null, ...callOptions(rest) }), decodeView)
        if (view.wallet !== id) throw new CloisterError('answer_invalid')
        return createWallet(session, view)
      },
    },
    async history(wallet, rest = {}) {
      const keys = await wallet.history(rest)
      return fetchHistory(api, token, keys, rest.signal).finally(() => wipe(keys.key))
    },
  }
}

function newWallet({ label = '', permissions = {}, recovery = true }: NewWalletOptions): NewWalletParameters {
  return { label, permissions: { ...NO_PERMISSIONS, ...permissions }, recovery }
}
