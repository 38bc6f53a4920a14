/** Parameters and results of everything but signing, as CBOR inside the sealed body and answer. */
import type { CborValue } from './cbor.ts'
import { array, attempt, boolean, bytes, Malformed, nullable, object, oneOf, text } from './fields.ts'
import { FACTOR_OPERATIONS, type Operation } from './header.ts'
import { LIMITS } from './limits.ts'
import { decodeAccount, decodePermissions, encodeAccount, encodePermissions, NAMESPACE, PATH, type Account, type Permissions } from './operations.ts'
import {
  encodePendingExport, EXPORTS, LABEL, readPendingExport, readWalletView, encodeWalletView, type Exported, type PendingExport, type WalletView,
} from './wallet-view.ts'

/** What a new wallet is, however its keys come about. */
export interface NewWallet {
  /** Up to 64 characters, for its owner to tell wallets apart; sealed like the rest. */
  readonly label: string
  readonly permissions: Permissions
  /** Whether to make a recovery code. */
  readonly recovery: boolean
}

export interface CreateParameters extends NewWallet {
  /** BIP-39 words: 12 (128 bits of entropy) or 24 (256 bits). */
  readonly words: 12 | 24
}

export type ImportedSecret =
  /** BIP-39, English: the sentence in UTF-8, and the passphrase in UTF-8 NFKD. */
  | { readonly kind: 'mnemonic'; readonly mnemonic: Uint8Array; readonly passphrase: Uint8Array }
  /** secp256k1: the scalar, 32 bytes, big-endian; ed25519: the seed, 32 bytes (RFC 8032 §5.1.5). */
  | { readonly kind: 'secp256k1' | 'ed25519'; readonly key: Uint8Array }

export interface ImportParameters extends NewWallet {
  readonly secret: ImportedSecret
}

/** 128 bits; codec for people: recovery-code.ts. */
export type RecoveryCode = Uint8Array

/** Result of `create`, `import`, `recover` and `renewRecovery`: the code is shown here and never again. */
export interface WalletWithRecovery {
  readonly view: WalletView
  readonly recovery: RecoveryCode | null
}

/** An account by namespace and path. */
export interface AccountName {
  readonly namespace: string
  readonly path: string
}

export interface RecoverParameters {
  readonly code: RecoveryCode
  /** Take off the second factor as well: the telephone is gone too. */
  readonly removeFactor: boolean
}

export interface ExportParameters {
  readonly what: Exported
  readonly path: string | null
}

export type ExportResult =
  | { readonly kind: 'pending'; readonly export: PendingExport; readonly view: WalletView }
  | { readonly kind: 'mnemonic'; readonly mnemonic: Uint8Array; readonly passphrase: Uint8Array; readonly view: WalletView }
  | { readonly kind: 'privateKey'; readonly account: Account; readonly key: Uint8Array; readonly view: WalletView }
  /** The file's content: backup.ts. */
  | { readonly kind: 'backup'; readonly file: Uint8Array; readonly view: WalletView }

/** Result of `history`. */
export interface HistoryKey {
  readonly view: WalletView
  /** Opens stored receipts, 32 bytes (receipt.ts). */
  readonly key: Uint8Array
  /** Receipts that may not be in the table yet, oldest first. */
  readonly tail: readonly Uint8Array[]
}

/** Result of `enrolFactor`. */
export interface FactorSecret {
  readonly view: WalletView
  /** HMAC-SHA-1 key of RFC 6238, 20 bytes. */
  readonly secret: Uint8Array
}

const newWallet = ({ label, permissions, recovery }: NewWallet) => ({ label, permissions: encodePermissions(permissions), recovery })
const readNewWallet = (fields: Readonly<Record<string, unknown>>): NewWallet => ({
  label: text(fields['label'], LABEL),
  permissions: decodePermissions(fields['permissions']),
  recovery: boolean(fields['recovery']),
})

export function encodeCreateParameters(parameters: CreateParameters): CborValue {
  return { words: parameters.words, ...newWallet(parameters) }
}

export function decodeCreateParameters(value: CborValue): CreateParameters | undefined {
  return attempt(() => {
    const fields = object(value, ['words', 'label', 'permissions', 'recovery'])
    const words = fields['words']
    if (words !== 12 && words !== 24) throw new Malformed()
    return { words, ...readNewWallet(fields) }
  })
}

export function encodeImportParameters(parameters: ImportParameters): CborValue {
  return { secret: { ...parameters.secret }, ...newWallet(parameters) }
}

/** Whether the words or the key are good ones is not judged here, so that bad ones get their own code. */
export function decodeImportParameters(value: CborValue): ImportParameters | undefined {
  return attempt(() => {
    const fields = object(value, ['secret', 'label', 'permissions', 'recovery'])
    return { secret: readImportedSecret(fields['secret']), ...readNewWallet(fields) }
  })
}

function readImportedSecret(value: unknown): ImportedSecret {
  const kind = (value as { kind?: unknown } | null)?.kind
  if (kind === 'mnemonic') {
    const fields = object(value, ['kind', 'mnemonic', 'passphrase'])
    return { kind, mnemonic: bytes(fields['mnemonic'], 0, 1024), passphrase: bytes(fields['passphrase'], 0, LIMITS.maxPassphraseBytes) }
  }
  const fields = object(value, ['kind', 'key'])
  return { kind: oneOf(kind, ['secp256k1', 'ed25519']), key: bytes(fields['key'], 0, 64) }
}

export function decodeNothing(value: CborValue): Record<string, never> | undefined {
  return attempt(() => (object(value, []), {}))
}

export function encodeAccountNames(accounts: readonly AccountName[]): CborValue {
  return { accounts: accounts.map(({ namespace, path }) => ({ namespace, path })) }
}

/** Parameters of `discover` and `addAccounts`. */
export function decodeAccountNames(value: CborValue): readonly AccountName[] | undefined {
  return attempt(() => {
    const names = array(object(value, ['accounts'])['accounts'], LIMITS.maxAccountsPerCall, (item) => {
      const fields = object(item, ['namespace', 'path'])
      return { namespace: text(fields['namespace'], NAMESPACE), path: text(fields['path'], PATH) }
    })
    if (names.length === 0) throw new Malformed()
    return names
  })
}

export function decodeRenameParameters(value: CborValue): { readonly label: string } | undefined {
  return attempt(() => ({ label: text(object(value, ['label'])['label'], LABEL) }))
}

/** The new PIN's length is not judged here, so that a short one gets its own code. */
export function decodeChangePinParameters(value: CborValue): { readonly pin: Uint8Array } | undefined {
  return attempt(() => ({ pin: bytes(object(value, ['pin'])['pin'], 0, 1024) }))
}

export function decodeRecoverParameters(value: CborValue): RecoverParameters | undefined {
  return attempt(() => {
    const fields = object(value, ['code', 'removeFactor'])
    return { code: bytes(fields['code'], 16), removeFactor: boolean(fields['removeFactor']) }
  })
}

export function decodeExportParameters(value: CborValue): ExportParameters | undefined {
  return attempt(() => {
    const fields = object(value, ['what', 'path'])
    const what = oneOf(fields['what'], EXPORTS)
    const path = nullable(fields['path'], (given) => text(given, PATH))
    if ((what === 'privateKey') !== (path !== null)) throw new Malformed()
    return { what, path }
  })
}

export function decodeFactorParameters(value: CborValue): { readonly operations: readonly Operation[] } | undefined {
  return attempt(() => {
    const operations = array(object(value, ['operations'])['operations'], FACTOR_OPERATIONS.length, (op) => oneOf(op, FACTOR_OPERATIONS))
    if (operations.length === 0 || new Set(operations).size !== operations.length) throw new Malformed()
    return { operations }
  })
}

export function encodeView(view: WalletView): CborValue {
  return { view: encodeWalletView(view) }
}

export function decodeView(value: CborValue): WalletView | undefined {
  return attempt(() => readWalletView(object(value, ['view'])['view']))
}

export function encodeWithRecovery({ view, recovery }: WalletWithRecovery): CborValue {
  return { view: encodeWalletView(view), recovery }
}

export function decodeWithRecovery(value: CborValue): WalletWithRecovery | undefined {
  return attempt(() => {
    const fields = object(value, ['view', 'recovery'])
    return { view: readWalletView(fields['view']), recovery: nullable(fields['recovery'], (code) => bytes(code, 16)) }
  })
}

/** Result of `discover`. */
export function encodeAccounts(accounts: readonly Account[]): CborValue {
  return { accounts: accounts.map(encodeAccount) }
}

export function decodeAccounts(value: CborValue): readonly Account[] | undefined {
  return attempt(() => array(object(value, ['accounts'])['accounts'], LIMITS.maxAccountsPerCall, decodeAccount))
}

export function encodeExportResult(result: ExportResult): CborValue {
  const view = encodeWalletView(result.view)
  if (result.kind === 'pending') return { kind: result.kind, export: encodePendingExport(result.export), view }
  if (result.kind === 'privateKey') return { kind: result.kind, account: encodeAccount(result.account), key: result.key, view }
  return { ...result, view }
}

export function decodeExportResult(value: CborValue): ExportResult | undefined {
  return attempt(() => {
    const kind = oneOf((value as { kind?: unknown } | null)?.kind, ['pending', ...EXPORTS])
    if (kind === 'pending') {
      const fields = object(value, ['kind', 'export', 'view'])
      return { kind, export: readPendingExport(fields['export']), view: readWalletView(fields['view']) }
    }
    if (kind === 'mnemonic') {
      const fields = object(value, ['kind', 'mnemonic', 'passphrase', 'view'])
      const mnemonic = bytes(fields['mnemonic'], 1, 1024)
      return { kind, mnemonic, passphrase: bytes(fields['passphrase'], 0, LIMITS.maxPassphraseBytes), view: readWalletView(fields['view']) }
    }
    if (kind === 'privateKey') {
      const fields = object(value, ['kind', 'account', 'key', 'view'])
      return { kind, account: decodeAccount(fields['account']), key: bytes(fields['key'], 32), view: readWalletView(fields['view']) }
    }
    const fields = object(value, ['kind', 'file', 'view'])
    return { kind, file: bytes(fields['file'], 1, 65_536), view: readWalletView(fields['view']) }
  })
}

export function encodeHistoryKey({ view, key, tail }: HistoryKey): CborValue {
  return { view: encodeWalletView(view), key, tail: [...tail] }
}

export function decodeHistoryKey(value: CborValue): HistoryKey | undefined {
  return attempt(() => {
    const fields = object(value, ['view', 'key', 'tail'])
    return { view: readWalletView(fields['view']), key: bytes(fields['key'], 32), tail: array(fields['tail'], 256, (item) => bytes(item, 1, 16_384)) }
  })
}

export function encodeFactorSecret({ view, secret }: FactorSecret): CborValue {
  return { view: encodeWalletView(view), secret }
}

export function decodeFactorSecret(value: CborValue): FactorSecret | undefined {
  return attempt(() => {
    const fields = object(value, ['view', 'secret'])
    return { view: readWalletView(fields['view']), secret: bytes(fields['secret'], 20) }
  })
}

