/** One wallet, as its owner's app sees it: every operation sealed to the attested enclave, every answer checked to be this wallet's. */
import type { Summary } from '../lib/chains/chain.ts'
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
import { accountGetter, findAccount, type ChainClient, type GetAccount } from './account.ts'
import { obtainPin, type Pin, type PinRequest } from './pin.ts'
import type { Call, Session } from './session.ts'
import { summaryHash } from './summary.ts'

export interface CallOptions {
  /** 16 bytes. Give the same again to repeat a call whose answer was lost: it is done once, and answered each time. */
  readonly idempotencyKey?: Uint8Array
  readonly signal?: AbortSignal
  /** Of each HTTP request, milliseconds; 30,000, or what `connect` was given. The user at the prompt has all the time. */
  readonly timeoutMs?: number
}

export interface PinOptions extends CallOptions {
  /** The one that `connect` was given when left out. */
  readonly pin?: Pin
  /** Six digits, where a second factor asks for them. */
  readonly otp?: string
}

/** One thing to sign; `path` is the chain's first account of the wallet when left out. */
export type SignRequest = Pick<Payload, 'chain' | 'kind' | 'data'> &
  Partial<Pick<Payload, 'path' | 'context'>> & {
    /** What the user is shown, or its SHA-256: the enclave refuses what comes to anything else. */
    readonly summary?: Summary | Uint8Array | null
  }

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
  /** An account with what its chain can do: `wallet.account('ethereum')`, or any by namespace and path. */
  readonly account: GetAccount
  /** Asks for the PIN once, for several calls that follow each other; wipes it after them. */
  withPin<T>(op: Operation, options: PinOptions, use: (pin: Uint8Array) => Promise<T>): Promise<T>
  /**
   * Signs up to 100 payloads with one PIN: all or none.
   * @throws CloisterError `pin_wrong`, `wallet_locked` (with `guesses`), `tx_*`, …
   */
  sign(requests: readonly SignRequest[], options?: PinOptions): Promise<SignResult>
  /** One transaction in its chain's own serialisation. */
  signTransaction(request: TransactionRequest, options?: PinOptions): Promise<SignedPayload & GuessState>
  /** Shows accounts without adding them. */
  discover(names: readonly AccountName[], options?: PinOptions): Promise<readonly Account[]>
  addAccounts(names: readonly AccountName[], options?: PinOptions): Promise<WalletView>
  rename(label: string, options?: PinOptions): Promise<WalletView>
  /** The wallet is gone in seven days, unless it is restored. */
  delete(options?: PinOptions): Promise<WalletView>
  restore(options?: PinOptions): Promise<WalletView>
  changePin(newPin: Pin, options?: PinOptions): Promise<WalletView>
  verifyPin(options?: PinOptions): Promise<WalletView>
  /** Sets a new PIN with the recovery code, and returns the next code: show it once. */
  recover(parameters: RecoverParameters, options: CallOptions & { readonly newPin: Pin }): Promise<WalletWithRecovery>
  renewRecovery(options?: PinOptions): Promise<WalletWithRecovery>
  /** `pending`: announced; ask again when it is ready. */
  export(parameters: ExportParameters, options?: PinOptions): Promise<ExportResult>
  cancelExport(options?: PinOptions): Promise<WalletView>
  history(options?: CallOptions): Promise<HistoryKey>
  enrolFactor(operations: readonly Operation[], options?: PinOptions): Promise<FactorSecret>
  confirmFactor(options: PinOptions & { readonly otp: string }): Promise<WalletView>
  removeFactor(options?: PinOptions): Promise<WalletView>
}

type Decode<T> = (value: CborValue) => T | undefined

/** What each call of a wallet comes with. */
export interface WalletContext {
  readonly session: Session
  /** Where a call names none. */
  readonly pin: Pin | undefined
  readonly chains: readonly ChainClient[]
}

const WITHOUT_PIN: ReadonlySet<Operation> = new Set(['view', 'history'])

/** The root key's fingerprint is pinned from the first answer on: a wallet does not change its keys. */
export function createWallet(context: WalletContext, first: WalletView): Wallet {
  const { wallet: id, fingerprint } = first
  let last = first

  /** @param before what was known when the question was asked: a wallet does not go back from there */
  function accept(view: WalletView, before: WalletView): WalletView {
    if (view.wallet !== id || !equal(view.fingerprint, fingerprint) || !equal(view.receipts.key, first.receipts.key)) throw new CloisterError('answer_invalid')
    const isOther = view.version === before.version && !equal(view.receipts.head, before.receipts.head)
    if (view.version < before.version || view.receipts.count < before.receipts.count || isOther) throw new CloisterError('wallet_rolled_back')
    if (view.version >= last.version) last = view
    return view
  }

  async function call<T>(op: Operation, parameters: CborValue, options: PinOptions, decode: Decode<T>, summaries: readonly Summary[] = []): Promise<T> {
    const request = { op, wallet: id, label: last.label, purpose: 'authorize', summaries } as const
    if (WITHOUT_PIN.has(op)) return read(await context.session.call({ op, wallet: id, parameters, pin: null, ...callOptions(options) }), decode)
    return read(await callWithPin(context, request, { op, wallet: id, parameters }, options), decode)
  }
  async function viewing(op: Operation, parameters: CborValue, options: PinOptions = {}): Promise<WalletView> {
    const before = last
    return accept(await call(op, parameters, options, decodeView), before)
  }
  async function accepted<T extends { readonly view: WalletView }>(asked: Promise<T>): Promise<T> {
    const before = last
    const result = await asked
    accept(result.view, before)
    return result
  }

  async function sign(requests: readonly SignRequest[], options: PinOptions = {}): Promise<SignResult> {
    const payloads = await Promise.all(requests.map((request) => payloadOf(last, request)))
    const summaries = requests.flatMap(({ summary }) => (summary === null || summary === undefined || summary instanceof Uint8Array ? [] : [summary]))
    const result = await call('sign', encodeSignParameters({ payloads }), options, decodeSignResult, summaries)
    if (!equal(result.fingerprint, fingerprint) || result.signatures.length !== requests.length) throw new CloisterError('answer_invalid')
    return result
  }

  /** A new PIN, asked for before the present one. */
  async function withNewPin<T>(op: Operation, pin: Pin, signal: AbortSignal | undefined, use: (pin: Uint8Array) => Promise<T>): Promise<T> {
    const chosen = await obtainPin(pin, { op, wallet: id, label: last.label, purpose: 'choose', summaries: [] }, signal)
    return use(chosen).finally(() => wipe(chosen))
  }

  const wallet: Wallet = {
    id,
    get last() {
      return last
    },
    view: (options) => viewing('view', {}, options),
    account: accountGetter(() => wallet, context.chains),
    async withPin(op, options, use) {
      await context.session.token(callOptions(options))
      const pin = await obtainPin(options.pin ?? context.pin, { op, wallet: id, label: last.label, purpose: 'authorize', summaries: [] }, options.signal)
      return use(pin).finally(() => wipe(pin))
    },
    sign,
    async signTransaction({ chain, transaction, path }, options) {
      const request = { chain, kind: 'transaction', data: transaction, ...(path === undefined ? {} : { path }) } as const
      const { signatures, guessesLeft, lockedUntilMs, wrongTotal } = await sign([request], options)
      return { ...(signatures[0] as SignedPayload), guessesLeft, lockedUntilMs, wrongTotal }
    },
    discover: (names, options = {}) => call('discover', encodeAccountNames(names), options, decodeAccounts),
    addAccounts: (names, options) => viewing('addAccounts', encodeAccountNames(names), options),
    rename: (label, options) => viewing('rename', { label }, options),
    delete: (options) => viewing('delete', {}, options),
    restore: (options) => viewing('restore', {}, options),
    changePin: (newPin, options) => withNewPin('changePin', newPin, options?.signal, (pin) => viewing('changePin', { pin }, options)),
    verifyPin: (options) => viewing('verifyPin', {}, options),
    recover: ({ code, removeFactor }, { newPin, ...options }) =>
      withNewPin('recover', newPin, options.signal, (pin) => accepted(call('recover', { code, removeFactor }, { ...options, pin }, decodeWithRecovery))),
    renewRecovery: (options = {}) => accepted(call('renewRecovery', {}, options, decodeWithRecovery)),
    export: ({ what, path }, options = {}) => accepted(call('export', { what, path }, options, decodeExportResult)),
    cancelExport: (options) => viewing('cancelExport', {}, options),
    history: (options = {}) => accepted(call('history', {}, options, decodeHistoryKey)),
    enrolFactor: (operations, options = {}) => accepted(call('enrolFactor', { operations: [...operations] }, options, decodeFactorSecret)),
    confirmFactor: (options) => viewing('confirmFactor', {}, options),
    removeFactor: (options) => viewing('removeFactor', {}, options),
  }
  return wallet
}

async function payloadOf(view: WalletView, { chain, kind, data, path, context = null, summary = null }: SignRequest): Promise<Payload> {
  const account = findAccount(view, chain.split(':')[0] as string, path)
  return { chain, path: account.path, kind, data, context, summary: summary === null || summary instanceof Uint8Array ? summary : await summaryHash(summary) }
}

export function read<T>(value: CborValue, decode: Decode<T>): T {
  const result = decode(value)
  if (result === undefined) throw new CloisterError('answer_invalid')
  return result
}

export function callOptions({ idempotencyKey, signal, timeoutMs }: CallOptions): Pick<Call, 'idempotency' | 'signal' | 'timeoutMs'> {
  return {
    ...(idempotencyKey === undefined ? {} : { idempotency: idempotencyKey }),
    ...(signal === undefined ? {} : { signal }),
    ...(timeoutMs === undefined ? {} : { timeoutMs }),
  }
}

/** Verifies the enclave, then obtains the PIN, then seals; wipes the PIN and the one-time code. */
export async function callWithPin(
  { session, pin: usual }: Pick<WalletContext, 'session' | 'pin'>,
  request: PinRequest,
  call: Pick<Call, 'op' | 'wallet' | 'parameters'>,
  options: PinOptions,
): Promise<CborValue> {
  const rest = callOptions(options)
  // Nobody is asked for a PIN for an enclave that would not get it; and logging in again, where that is due, comes before as well.
  await session.token(rest)
  const pin = await obtainPin(options.pin ?? usual, request, options.signal)
  const otp = options.otp === undefined ? null : utf8(options.otp)
  return session.call({ ...call, pin, otp, ...rest }).finally(() => wipe(pin, otp ?? undefined))
}
