/**
 * Cloister for apps: log in, verify the enclave, sign.
 *
 * ```ts
 * const cloister = await connect({ url, trust: { root, measurements }, login })
 * const wallet = await cloister.wallets.create({ pin })
 * const { signed } = await wallet.signTransaction({ chain: 'eip155:1', transaction }, { pin })
 * ```
 */
import { equal, utf8, wipe } from '../lib/protocol/bytes.ts'
import { CloisterError } from '../lib/protocol/errors.ts'
import {
  decodeSignResult,
  decodeWalletView,
  encodeCreateParameters,
  encodeSignParameters,
  type SignResult,
  type WalletView,
} from '../lib/protocol/operations.ts'
import { createClientKey, loginNonce } from './client-key.ts'
import { fetchWallets } from './http.ts'
import { createSession, type Session } from './session.ts'
import type { AttestedChannel, Trust } from './trust.ts'

export { CloisterError } from '../lib/protocol/errors.ts'

export interface ConnectOptions {
  /** Base URL of the API. */
  readonly url: string
  readonly trust: Trust
  /** Logs the user in with this OpenID `nonce` and returns the ID token. */
  readonly login: (request: { readonly nonce: string }) => Promise<string>
  readonly fetch?: typeof fetch
}

/** A PIN: 4 to 64 bytes, or text that becomes UTF-8. Bytes are better: they can be wiped, and are, once used. */
export type Pin = Uint8Array | string

export interface CallOptions {
  /** 16 bytes. Give the same again to repeat a call whose answer was lost. */
  readonly idempotencyKey?: Uint8Array
  readonly signal?: AbortSignal
}

export interface Wallet {
  readonly id: string
  /** As the enclave last showed it; `view()` asks again. */
  readonly last: WalletView
  view(options?: CallOptions): Promise<WalletView>
  /**
   * @param request CAIP-2 chain, unsigned transaction bytes, and the account's derivation path if it isn't the chain's first
   * @throws CloisterError `pin_wrong`, `wallet_locked` (with `guesses`), `tx_*`, …
   */
  signTransaction(
    request: { readonly chain: string; readonly transaction: Uint8Array; readonly path?: string },
    options: CallOptions & { readonly pin: Pin },
  ): Promise<SignResult>
}

export interface Cloister {
  /** The attested enclave that requests are sealed to. */
  attest(): Promise<AttestedChannel>
  readonly wallets: {
    create(options: CallOptions & { readonly pin: Pin; readonly words?: 12 | 24; readonly id?: string }): Promise<Wallet>
    /** Ids only, as the database shows them: `get` asks the enclave. */
    list(options?: { readonly signal?: AbortSignal }): Promise<readonly { readonly id: string; readonly createdAtMs: number }[]>
    get(id: string, options?: CallOptions): Promise<Wallet>
  }
}

/** Makes a client key, logs in bound to it, and verifies the enclave. @throws CloisterError `attestation_*`, `network`, or what `login` throws */
export async function connect(options: ConnectOptions): Promise<Cloister> {
  const api = { url: options.url, fetch: options.fetch ?? fetch.bind(globalThis) }
  const clientKey = await createClientKey()
  const token = await options.login({ nonce: await loginNonce(clientKey) })
  const session = createSession({ api, trust: options.trust, token, clientKey })
  await session.attest()
  return {
    attest: () => session.attest(),
    wallets: {
      async create({ pin, words = 24, id = crypto.randomUUID(), ...rest }) {
        const parameters = encodeCreateParameters({ words })
        const call = { op: 'create', wallet: id, path: '/v1/wallets', parameters, ...callOptions(rest) } as const
        return walletOf(session, readView(await withPin(pin, (bytes) => session.call({ ...call, pin: bytes })), id, undefined))
      },
      list: ({ signal } = {}) => fetchWallets(api, token, signal),
      get: async (id, rest = {}) => walletOf(session, await view(session, id, undefined, rest)),
    },
  }
}

function walletOf(session: Session, first: WalletView): Wallet {
  const { wallet: id, fingerprint } = first
  let last = first
  return {
    id,
    get last() {
      return last
    },
    async view(rest = {}) {
      last = await view(session, id, fingerprint, rest)
      return last
    },
    async signTransaction({ chain, transaction, path }, { pin, ...rest }) {
      const account = last.accounts.find((one) => one.namespace === chain.split(':')[0] && (path === undefined || one.path === path))
      if (account === undefined) throw new CloisterError('account_unknown')
      const parameters = encodeSignParameters({ chain, path: account.path, transaction })
      const call = { op: 'sign', wallet: id, path: `/v1/wallets/${id}/sign`, parameters, ...callOptions(rest) } as const
      const result = decodeSignResult(await withPin(pin, (bytes) => session.call({ ...call, pin: bytes })))
      if (result === undefined || !equal(result.fingerprint, fingerprint)) throw new CloisterError('answer_invalid')
      return result
    },
  }
}

async function view(session: Session, id: string, pinned: Uint8Array | undefined, rest: CallOptions): Promise<WalletView> {
  const call = { op: 'view', wallet: id, path: `/v1/wallets/${id}/view`, parameters: {}, pin: null, ...callOptions(rest) } as const
  return readView(await session.call(call), id, pinned)
}

/** The root key's fingerprint is pinned from the first answer on: a wallet does not change its keys. */
function readView(value: Parameters<typeof decodeWalletView>[0], id: string, pinned: Uint8Array | undefined): WalletView {
  const read = decodeWalletView(value)
  if (read === undefined || read.wallet !== id) throw new CloisterError('answer_invalid')
  if (pinned !== undefined && !equal(read.fingerprint, pinned)) throw new CloisterError('answer_invalid')
  return read
}

function callOptions({ idempotencyKey, signal }: CallOptions): { idempotency?: Uint8Array; signal?: AbortSignal } {
  return { ...(idempotencyKey === undefined ? {} : { idempotency: idempotencyKey }), ...(signal === undefined ? {} : { signal }) }
}

/** Hands over a copy of the PIN, and wipes that copy. */
async function withPin<T>(pin: Pin, use: (bytes: Uint8Array) => Promise<T>): Promise<T> {
  const bytes = typeof pin === 'string' ? utf8(pin) : pin.slice()
  try {
    return await use(bytes)
  } finally {
    wipe(bytes)
  }
}
