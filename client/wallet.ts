/** One wallet, as its owner's app sees it: every operation sealed to the attested enclave, every answer checked to be this wallet's. */
import { equal, utf8, wipe } from '../lib/protocol/bytes.ts'
import type { CborValue } from '../lib/protocol/cbor.ts'
import { CloisterError, type GuessState } from '../lib/protocol/errors.ts'
import type { Operation } from '../lib/protocol/header.ts'
import {
  decodeAccounts, decodeExportResult, decodeFactorSecret, decodeHistoryKey, decodeView, decodeWithRecovery, encodeAccountNames,
  type AccountName, type ExportParameters, type ExportResult, type FactorSecret, type HistoryKey, type RecoverParameters, type WalletWithRecovery,
} from '../lib/protocol/lifecycle.ts'
import { decodeSignResult, encodeSignParameters, type Account, type Payload, type SignedPayload, type SignResult } from '../lib/protocol/operations.ts'
import type { WalletView } from '../lib/protocol/wallet-view.ts'
import type { Session } from './session.ts'

/** A PIN: 4 to 64 bytes, or text that becomes UTF-8. Bytes are better: they can be wiped, and our copy is, once used. */
export type Pin = Uint8Array | string

export interface CallOptions {
  /** 16 bytes. Give the same again to repeat a call whose answer was lost: it is done once, and answered each time. */
  readonly idempotencyKey?: Uint8Array
  readonly signal?: AbortSignal
}

export interface PinOptions extends CallOptions {
  readonly pin: Pin
  /** Six digits, where a second factor asks for them. */
  readonly otp?: string
}

/** One thing to sign; `path` is the chain's first account of the wallet when left out. */
export type SignRequest = Pick<Payload, 'chain' | 'kind' | 'data'> & Partial<Pick<Payload, 'path' | 'context' | 'summary'>>

export interface TransactionRequest {
  /** CAIP-2 chain id. */
  readonly chain: string
  readonly transaction: Uint8Array
  readonly path?: string
}

export interface Wallet {
  readonly id: string
  /** As the enclave last showed it; `view()` asks again. */
  readonly last: WalletView
  view(options?: CallOptions): Promise<WalletView>
  /**
   * Signs up to 100 payloads with one PIN: all or none.
   * @throws CloisterError `pin_wrong`, `wallet_locked` (with `guesses`), `tx_*`, …
   */
  sign(requests: readonly SignRequest[], options: PinOptions): Promise<SignResult>
  /** One transaction in its chain's own serialisation. */
  signTransaction(request: TransactionRequest, options: PinOptions): Promise<SignedPayload & GuessState>
  /** Shows accounts without adding them. */
  discover(names: readonly AccountName[], options: PinOptions): Promise<readonly Account[]>
  addAccounts(names: readonly AccountName[], options: PinOptions): Promise<WalletView>
  rename(label: string, options: PinOptions): Promise<WalletView>
  /** The wallet is gone in seven days, unless it is restored. */
  delete(options: PinOptions): Promise<WalletView>
  restore(options: PinOptions): Promise<WalletView>
  changePin(newPin: Pin, options: PinOptions): Promise<WalletView>
  verifyPin(options: PinOptions): Promise<WalletView>
  /** Sets a new PIN with the recovery code, and returns the next code: show it once. */
  recover(parameters: RecoverParameters, options: CallOptions & { readonly newPin: Pin }): Promise<WalletWithRecovery>
  renewRecovery(options: PinOptions): Promise<WalletWithRecovery>
  /** `pending`: announced; ask again when it is ready. */
  export(parameters: ExportParameters, options: PinOptions): Promise<ExportResult>
  cancelExport(options: PinOptions): Promise<WalletView>
  history(options?: CallOptions): Promise<HistoryKey>
  enrolFactor(operations: readonly Operation[], options: PinOptions): Promise<FactorSecret>
  confirmFactor(options: PinOptions & { readonly otp: string }): Promise<WalletView>
  removeFactor(options: PinOptions): Promise<WalletView>
}

type Decode<T> = (value: CborValue) => T | undefined

/** The root key's fingerprint is pinned from the first answer on: a wallet does not change its keys. */
export function createWallet(session: Session, first: WalletView): Wallet {
  const { wallet: id, fingerprint } = first
  let last = first

  function accept(view: WalletView): WalletView {
    if (view.wallet !== id || !equal(view.fingerprint, fingerprint) || !equal(view.receipts.key, first.receipts.key)) throw new CloisterError('answer_invalid')
    if (view.version >= last.version) last = view
    return view
  }

  async function call<T>(op: Operation, parameters: CborValue, options: CallOptions & Partial<PinOptions>, decode: Decode<T>): Promise<T> {
    return read(await withSecrets(options, (pin, otp) => session.call({ op, wallet: id, parameters, pin, otp, ...callOptions(options) })), decode)
  }
  const viewing = async (op: Operation, parameters: CborValue, options: CallOptions & Partial<PinOptions>): Promise<WalletView> =>
    accept(await call(op, parameters, options, decodeView))
  const accepted = <T extends { readonly view: WalletView }>(result: T): T => (accept(result.view), result)

  async function sign(requests: readonly SignRequest[], options: PinOptions): Promise<SignResult> {
    const parameters = encodeSignParameters({ payloads: requests.map((request) => payloadOf(last, request)) })
    const result = await call('sign', parameters, options, decodeSignResult)
    if (!equal(result.fingerprint, fingerprint) || result.signatures.length !== requests.length) throw new CloisterError('answer_invalid')
    return result
  }

  return {
    id,
    get last() {
      return last
    },
    view: (options = {}) => viewing('view', {}, options),
    sign,
    async signTransaction({ chain, transaction, path }, options) {
      const request = { chain, kind: 'transaction', data: transaction, ...(path === undefined ? {} : { path }) } as const
      const { signatures, guessesLeft, lockedUntilMs, wrongTotal } = await sign([request], options)
      return { ...(signatures[0] as SignedPayload), guessesLeft, lockedUntilMs, wrongTotal }
    },
    discover: (names, options) => call('discover', encodeAccountNames(names), options, decodeAccounts),
    addAccounts: (names, options) => viewing('addAccounts', encodeAccountNames(names), options),
    rename: (label, options) => viewing('rename', { label }, options),
    delete: (options) => viewing('delete', {}, options),
    restore: (options) => viewing('restore', {}, options),
    async changePin(newPin, options) {
      const pin = pinBytes(newPin)
      return viewing('changePin', { pin }, options).finally(() => wipe(pin))
    },
    verifyPin: (options) => viewing('verifyPin', {}, options),
    recover: async ({ code, removeFactor }, { newPin, ...options }) =>
      accepted(await call('recover', { code, removeFactor }, { ...options, pin: newPin }, decodeWithRecovery)),
    renewRecovery: async (options) => accepted(await call('renewRecovery', {}, options, decodeWithRecovery)),
    export: async ({ what, path }, options) => accepted(await call('export', { what, path }, options, decodeExportResult)),
    cancelExport: (options) => viewing('cancelExport', {}, options),
    history: async (options = {}) => accepted(await call('history', {}, options, decodeHistoryKey)),
    enrolFactor: async (operations, options) => accepted(await call('enrolFactor', { operations: [...operations] }, options, decodeFactorSecret)),
    confirmFactor: (options) => viewing('confirmFactor', {}, options),
    removeFactor: (options) => viewing('removeFactor', {}, options),
  }
}

function payloadOf(view: WalletView, { chain, kind, data, path, context = null, summary = null }: SignRequest): Payload {
  const account = view.accounts.find((one) => one.namespace === chain.split(':')[0] && (path === undefined || one.path === path))
  if (account === undefined) throw new CloisterError('account_unknown')
  return { chain, path: account.path, kind, data, context, summary }
}

export function read<T>(value: CborValue, decode: Decode<T>): T {
  const result = decode(value)
  if (result === undefined) throw new CloisterError('answer_invalid')
  return result
}

export function callOptions({ idempotencyKey, signal }: CallOptions): { idempotency?: Uint8Array; signal?: AbortSignal } {
  return { ...(idempotencyKey === undefined ? {} : { idempotency: idempotencyKey }), ...(signal === undefined ? {} : { signal }) }
}

/** Hands over copies of the PIN and the one-time code, and wipes these. */
export async function withSecrets<T>(options: Partial<PinOptions>, use: (pin: Uint8Array | null, otp: Uint8Array | null) => Promise<T>): Promise<T> {
  const pin = options.pin === undefined ? null : pinBytes(options.pin)
  const otp = options.otp === undefined ? null : utf8(options.otp)
  try {
    return await use(pin, otp)
  } finally {
    wipe(pin ?? undefined, otp ?? undefined)
  }
}

function pinBytes(pin: Pin): Uint8Array {
  return typeof pin === 'string' ? utf8(pin) : pin.slice()
}
