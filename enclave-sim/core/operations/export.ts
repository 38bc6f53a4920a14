import { concat } from '../../../lib/protocol/bytes.ts'
import { CloisterError } from '../../../lib/protocol/errors.ts'
import { makeBackup } from '../../../lib/protocol/backup.ts'
import { decodeExportParameters, decodeNothing, encodeExportResult, encodeView, type ExportParameters, type ExportResult } from '../../../lib/protocol/lifecycle.ts'
import type { Account } from '../../../lib/protocol/operations.ts'
import type { WalletSecret } from '../../../lib/protocol/wallet-secret.ts'
import type { Moment, Work } from '../guarded.ts'
import { exportKey } from '../keys.ts'
import { mnemonicBytes } from '../mnemonic.ts'
import type { WalletState } from '../state.ts'
import { onWallet, parametersOf, type Core, type OperationHandler } from './operation.ts'
import { viewOf } from './view.ts'

/** How long an export can be made once its delay is over; then it must be announced anew. */
const OPEN_MS = 86_400_000

type Leaving = { readonly kind: 'pending'; readonly export: NonNullable<WalletState['export']> } | Extract<WithoutView, { kind: 'mnemonic' | 'privateKey' | 'backup' }>
type WithoutView = ExportResult extends infer R ? (R extends ExportResult ? Omit<R, 'view'> : never) : never

/**
 * Lets keys out, to the client alone, when the wallet was made for it. Where the configuration says so it is announced first, in every view of the
 * wallet, and made when it is asked for again after the delay. Nothing of it is stored: a repeat makes it anew.
 */
export const exportWallet: OperationHandler = async (input) => {
  const { core, body } = input
  const asked = parametersOf(body, decodeExportParameters)
  const done = await onWallet(input, {
    check(state) {
      if (!state.permissions.exportable) throw new CloisterError('not_exportable')
      if (asked.what === 'mnemonic' && state.kind !== 'mnemonic') throw new CloisterError('parameters_conflict')
      if (asked.what === 'backup' && state.recoveryKey === null) throw new CloisterError('recovery_off')
      if (asked.path !== null) accountAt(state, asked.path)
    },
    work: (state, secret, moment, joined) => leave(core, state, secret, moment, joined, asked, body.wallet),
  })
  return encodeExportResult({ ...done.result, view: viewOf(done.record, done.state, core.clock.nowMs()) })
}

/** Takes an announcement back. */
export const cancelExport: OperationHandler = async (input) => {
  parametersOf(input.body, decodeNothing)
  const done = await onWallet(input, { work: (_state, _secret, { isRepeat }) => ({ result: null, changes: isRepeat ? {} : { export: null } }) })
  return encodeView(viewOf(done.record, done.state, input.core.clock.nowMs()))
}

async function leave(
  core: Core,
  state: WalletState,
  secret: WalletSecret,
  { nowMs, isRepeat }: Moment,
  joined: Uint8Array,
  asked: ExportParameters,
  wallet: string,
): Promise<Work<Leaving>> {
  if (core.exportDelayMs > 0) {
    const { export: announced } = state
    const isSame = announced !== null && announced.what === asked.what && announced.path === asked.path && announced.readyAtMs + OPEN_MS > nowMs
    if (!isSame) {
      // It was announced once by this very request, and taken back: only a new one announces again.
      if (isRepeat) throw new CloisterError('idempotency_mismatch')
      const pending = { ...asked, readyAtMs: nowMs + core.exportDelayMs }
      return { result: { kind: 'pending', export: pending }, changes: { export: pending }, outcome: 'announced' }
    }
    if (announced.readyAtMs > nowMs) return { result: { kind: 'pending', export: announced }, outcome: 'announced' }
    // It stays announced: whoever lost the answer asks again.
  }
  return { result: await content(state, secret, joined, asked, wallet), outcome: asked.what }
}

async function content(state: WalletState, secret: WalletSecret, joined: Uint8Array, asked: ExportParameters, wallet: string): Promise<Leaving> {
  if (asked.path !== null) {
    const account = accountAt(state, asked.path)
    return { kind: 'privateKey', account, key: exportKey(secret, account) }
  }
  if (asked.what === 'backup') {
    const { fingerprint, createdAtMs, accounts, recoveryKey } = state
    if (recoveryKey === null) throw new CloisterError('recovery_off')
    return { kind: 'backup', file: await makeBackup({ wallet, fingerprint, createdAtMs, accounts }, joined, recoveryKey) }
  }
  if (secret.kind !== 'mnemonic') throw new CloisterError('parameters_conflict')
  return { kind: 'mnemonic', mnemonic: mnemonicBytes(secret.entropy), passphrase: concat(secret.passphrase) }
}

function accountAt(state: WalletState, path: string): Account {
  const account = state.accounts.find((one) => one.path === path)
  if (account === undefined) throw new CloisterError('account_unknown')
  return account
}
