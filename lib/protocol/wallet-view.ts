/** What the enclave says of a wallet: the result of `view`, and part of every other result. */
import { decodeGuesses, encodeGuesses } from './answer.ts'
import type { CborValue } from './cbor.ts'
import type { GuessState } from './errors.ts'
import { array, boolean, bytes, integer, nullable, object, oneOf, text } from './fields.ts'
import { OPERATIONS, WALLET_ID, type Operation } from './header.ts'
import { LIMITS } from './limits.ts'
import { decodeAccount, decodePermissions, encodeAccount, encodePermissions, PATH, type Account, type Permissions } from './operations.ts'

/** What a wallet is made of: BIP-39 entropy, or one private key. */
export const WALLET_KINDS = ['mnemonic', 'secp256k1', 'ed25519'] as const
export type WalletKind = (typeof WALLET_KINDS)[number]

export const EXPORTS = ['mnemonic', 'privateKey', 'backup'] as const
/** What leaves: the BIP-39 sentence, the private key at `path`, or a file that only the recovery code opens. */
export type Exported = (typeof EXPORTS)[number]

export interface PendingExport {
  readonly what: Exported
  /** Of the account whose key leaves; `null` for the others. */
  readonly path: string | null
  readonly readyAtMs: number
}

/** The owner's second factor. */
interface FactorView {
  /** It counts from its first code on. */
  readonly confirmed: boolean
  /** Which operations ask for a code. */
  readonly operations: readonly Operation[]
}

/** Where the chain of receipts stands (receipt.ts). */
export interface ReceiptsHead {
  /** P-256 public key that all of the wallet's receipts verify under: x ‖ y, 64 bytes. */
  readonly key: Uint8Array
  readonly count: number
  /** SHA-256 of the last receipt, 32 bytes; zeros when there is none. */
  readonly head: Uint8Array
}

export interface WalletView extends GuessState {
  readonly wallet: string
  readonly version: number
  readonly createdAtMs: number
  readonly label: string
  readonly kind: WalletKind
  readonly accounts: readonly Account[]
  readonly permissions: Permissions
  /** SHA-256(label ‖ root public key), 32 bytes: clients pin it. */
  readonly fingerprint: Uint8Array
  /** When the recovery code was made; `null`: there is none. A code that its owner does not remember making is somebody else's. */
  readonly recoveryMadeAtMs: number | null
  readonly factor: FactorView | null
  readonly export: PendingExport | null
  /** When a deleted wallet is gone, milliseconds since the epoch; `null`: it is not deleted. */
  readonly goneAtMs: number | null
  readonly receipts: ReceiptsHead
}

const MAX_TIME = Number.MAX_SAFE_INTEGER
/** Unicode letters, digits, punctuation and spaces; nothing that hides or turns around. */
export const LABEL = /^[^\p{C}\p{Zl}\p{Zp}]{0,64}$/u

export function encodeWalletView(view: WalletView): CborValue {
  const { wallet, version, createdAtMs, label, kind, fingerprint, recoveryMadeAtMs, factor, goneAtMs, receipts } = view
  return {
    wallet, version, createdAt: createdAtMs, label, kind, fingerprint, recoveryMadeAt: recoveryMadeAtMs, goneAt: goneAtMs,
    accounts: view.accounts.map(encodeAccount),
    permissions: encodePermissions(view.permissions),
    factor: factor === null ? null : { confirmed: factor.confirmed, operations: [...factor.operations] },
    export: view.export === null ? null : encodePendingExport(view.export),
    receipts: { key: receipts.key, count: receipts.count, head: receipts.head },
    guesses: encodeGuesses(view),
  }
}

/** @throws Malformed */
export function readWalletView(value: unknown): WalletView {
  const fields = object(value, [
    'wallet', 'version', 'createdAt', 'label', 'kind', 'accounts', 'permissions', 'fingerprint', 'recoveryMadeAt', 'factor', 'export', 'goneAt', 'receipts', 'guesses',
  ])
  const receipts = object(fields['receipts'], ['key', 'count', 'head'])
  return {
    wallet: text(fields['wallet'], WALLET_ID),
    version: integer(fields['version'], 1, Number.MAX_SAFE_INTEGER),
    createdAtMs: integer(fields['createdAt'], 0, MAX_TIME),
    label: text(fields['label'], LABEL),
    kind: oneOf(fields['kind'], WALLET_KINDS),
    accounts: array(fields['accounts'], LIMITS.maxAccounts, decodeAccount),
    permissions: decodePermissions(fields['permissions']),
    fingerprint: bytes(fields['fingerprint'], 32),
    recoveryMadeAtMs: nullable(fields['recoveryMadeAt'], (atMs) => integer(atMs, 0, MAX_TIME)),
    factor: nullable(fields['factor'], readFactorView),
    export: nullable(fields['export'], readPendingExport),
    goneAtMs: nullable(fields['goneAt'], (atMs) => integer(atMs, 0, MAX_TIME)),
    receipts: { key: bytes(receipts['key'], 64), count: integer(receipts['count'], 0, MAX_TIME), head: bytes(receipts['head'], 32) },
    ...decodeGuesses(fields['guesses']),
  }
}

function readFactorView(value: unknown): FactorView {
  const fields = object(value, ['confirmed', 'operations'])
  return { confirmed: boolean(fields['confirmed']), operations: array(fields['operations'], OPERATIONS.length, (op) => oneOf(op, OPERATIONS)) }
}

export function encodePendingExport({ what, path, readyAtMs }: PendingExport): CborValue {
  return { what, path, readyAt: readyAtMs }
}

/** Also used inside the record's sealed state. @throws Malformed */
export function readPendingExport(value: unknown): PendingExport {
  const fields = object(value, ['what', 'path', 'readyAt'])
  return { what: oneOf(fields['what'], EXPORTS), path: nullable(fields['path'], (path) => text(path, PATH)), readyAtMs: integer(fields['readyAt'], 0, MAX_TIME) }
}
