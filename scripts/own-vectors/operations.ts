/** Vectors of each operation's parameters and result. */
import type { SignedPayload } from '../../lib/protocol/operations.ts'
import { encodeCbor, type CborValue } from '../../lib/protocol/cbor.ts'
import { utf8 } from '../../lib/protocol/bytes.ts'
import * as lifecycle from '../../lib/protocol/lifecycle.ts'
import { encodeSignParameters, encodeSignResult, NO_PERMISSIONS, type Payload } from '../../lib/protocol/operations.ts'
import type { WalletView } from '../../lib/protocol/wallet-view.ts'
import { codec, count } from './files.ts'
import { fixed } from './fixed.ts'
import { account, accounts, CHAIN, createParameters, fingerprint, NOW_MS, otpSecret, recovery, sentence, transaction, WALLET } from './wallet.ts'

export const guesses = { guessesLeft: 5, lockedUntilMs: 0, wrongTotal: 1 }
export const payload: Payload = { chain: CHAIN, path: account.path, kind: 'transaction', data: transaction, context: null, summary: null }

interface Given {
  readonly signed: SignedPayload
  readonly receipts: WalletView['receipts']
  readonly receipt: Uint8Array
  readonly storageKey: Uint8Array
  readonly backup: Uint8Array
}

export function operationVectors({ signed, receipts, receipt, storageKey, backup }: Given): readonly object[] {
  const bare: WalletView = {
    wallet: WALLET, version: 1, createdAtMs: NOW_MS, label: '', kind: 'secp256k1', accounts: [], permissions: NO_PERMISSIONS, fingerprint, recoveryMadeAtMs: null, factor: null, export: null, goneAtMs: null,
    receipts, ...guesses, wrongTotal: 0,
  }
  const made: WalletView = { ...bare, label: createParameters.label, kind: 'mnemonic', accounts, permissions: createParameters.permissions, recoveryMadeAtMs: NOW_MS }
  const pending = { what: 'privateKey', path: account.path, readyAtMs: NOW_MS + 86_400_000 } as const
  const full: WalletView = {
    ...made, permissions: { exportable: true, rawHash: true, withoutChainId: true, anySighash: true }, accounts: [{ ...account, chainCode: fixed('chain code') }], factor: { confirmed: true, operations: ['sign', 'export'] },
    export: pending, goneAtMs: NOW_MS + 604_800_000, ...guesses,
  }
  const newWallet = { label: '', permissions: NO_PERMISSIONS, recovery: false }
  const names = [{ namespace: 'eip155', path: "m/44'/60'/0'/0/1" }, { namespace: 'eip155', path: "m/44'/60'/1'/0/0" }]
  const result = { signatures: [signed], fingerprint, ...guesses }
  const create = (id: string, value: lifecycle.CreateParameters) => codec(id, 'createParameters', value, encodeCbor(lifecycle.encodeCreateParameters(value)))
  const imported = (id: string, value: lifecycle.ImportParameters) => codec(id, 'importParameters', value, encodeCbor(lifecycle.encodeImportParameters(value)))
  const plainly = (id: string, format: string, value: CborValue) => codec(id, format, value, encodeCbor(value))
  const sign = (id: string, payloads: readonly Payload[]) => codec(id, 'signParameters', { payloads }, encodeCbor(encodeSignParameters({ payloads })))
  const exported = (id: string, value: lifecycle.ExportResult) => codec(id, 'exportResult', value, encodeCbor(lifecycle.encodeExportResult(value)))
  const withRecovery = (id: string, value: lifecycle.WalletWithRecovery) => codec(id, 'withRecovery', value, encodeCbor(lifecycle.encodeWithRecovery(value)))
  return [
    create('create-parameters', createParameters),
    create('create-parameters-plain', { words: 24, ...newWallet }),
    imported('import-parameters-mnemonic', { secret: { kind: 'mnemonic', mnemonic: sentence, passphrase: utf8('TREZOR') }, ...newWallet, recovery: true }),
    imported('import-parameters-secp256k1', { secret: { kind: 'secp256k1', key: count(1, 32) }, ...newWallet }),
    imported('import-parameters-ed25519', { secret: { kind: 'ed25519', key: count(1, 32) }, ...newWallet, permissions: full.permissions }),
    plainly('no-parameters', 'noParameters', {}),
    codec('account-names', 'accountNames', names, encodeCbor(lifecycle.encodeAccountNames(names))),
    plainly('rename-parameters', 'renameParameters', { label: 'Ärger 🗝' }),
    plainly('change-pin-parameters', 'changePinParameters', { pin: utf8('271828') }),
    plainly('recover-parameters', 'recoverParameters', { code: recovery, removeFactor: true }),
    plainly('export-parameters-mnemonic', 'exportParameters', { what: 'mnemonic', path: null }),
    plainly('export-parameters-private-key', 'exportParameters', { what: 'privateKey', path: account.path }),
    plainly('export-parameters-backup', 'exportParameters', { what: 'backup', path: null }),
    plainly('enrol-factor-parameters', 'factorParameters', { operations: ['sign', 'export'] }),
    sign('sign-parameters', [payload]),
    sign('sign-parameters-two', [{ ...payload, summary: fixed('summary') }, { ...payload, chain: 'solana:5eykt4UsFv8P8NJdTREpY1vzqKqZKvdp', path: "m/44'/501'/0'/0'", kind: 'message', data: utf8('hello'), context: { tables: [] } }]),
    codec('sign-result', 'signResult', result, encodeCbor(encodeSignResult(result))),
    codec('view', 'view', made, encodeCbor(lifecycle.encodeView(made))),
    codec('view-bare', 'view', bare, encodeCbor(lifecycle.encodeView(bare))),
    codec('view-full', 'view', full, encodeCbor(lifecycle.encodeView(full))),
    withRecovery('with-recovery', { view: made, recovery }),
    withRecovery('with-recovery-declined', { view: bare, recovery: null }),
    codec('accounts', 'accounts', accounts, encodeCbor(lifecycle.encodeAccounts(accounts))),
    exported('export-result-pending', { kind: 'pending', export: pending, view: { ...made, export: pending } }),
    exported('export-result-mnemonic', { kind: 'mnemonic', mnemonic: sentence, passphrase: utf8(''), view: made }),
    exported('export-result-private-key', { kind: 'privateKey', account, key: count(1, 32), view: made }),
    exported('export-result-backup', { kind: 'backup', file: backup, view: made }),
    codec('history-result', 'historyKey', { view: made, key: storageKey, tail: [receipt] }, encodeCbor(lifecycle.encodeHistoryKey({ view: made, key: storageKey, tail: [receipt] }))),
    codec('factor-secret', 'factorSecret', { view: made, secret: otpSecret }, encodeCbor(lifecycle.encodeFactorSecret({ view: made, secret: otpSecret }))),
  ]
}
