import { concat, wipe } from '../../../lib/protocol/bytes.ts'
import { CloisterError } from '../../../lib/protocol/errors.ts'
import { decodeNothing, encodeHistoryKey, encodeView } from '../../../lib/protocol/lifecycle.ts'
import type { WalletRecord } from '../../../lib/protocol/record.ts'
import type { WalletView } from '../../../lib/protocol/wallet-view.ts'
import { requireCurrent, requireNotGone, wipeState } from '../guarded.ts'
import { guessState } from '../guesses.ts'
import type { WalletContent, WalletState } from '../state.ts'
import { openRecord } from '../unlock.ts'
import { currentRecord, inTurn, parametersOf, type OperationHandler, type OperationInput, type Result } from './operation.ts'

/** Shows accounts and guesses left. Needs no PIN, and changes nothing; but what it says is what the table holds, not what the relay handed in. */
export const view: OperationHandler = (input) => look(input, (shown) => encodeView(shown))

/** The key that opens the receipts in the table, and those that are not there yet. */
export const history: OperationHandler = (input) =>
  look(input, (shown, { receipts }) => encodeHistoryKey({ view: shown, key: concat(receipts.storageKey), tail: receipts.tail }))

async function look(input: OperationInput, show: (view: WalletView, state: WalletState) => Result): Promise<Result> {
  const { core, body } = input
  parametersOf(body, decodeNothing)
  if (body.pin !== null || body.otp !== null) throw new CloisterError('parameters_malformed')
  return inTurn(input, async (turn) => {
    const record = currentRecord(input, turn)
    if (record === null) throw new CloisterError('wallet_not_found')
    const { state, dataKey } = await openRecord(core.vault, record)
    wipe(dataKey)
    try {
      const nowMs = core.clock.nowMs()
      requireNotGone(state, nowMs)
      await requireCurrent(core, record)
      const strict = core.floor.follow(record, state, nowMs)
      if (strict === undefined) throw new CloisterError('record_invalid')
      turn.leave(record)
      return show(viewOf(strict, state, nowMs), state)
    } finally {
      wipeState(state)
    }
  })
}

export function viewOf(record: WalletRecord, content: WalletContent, nowMs: number): WalletView {
  const { createdAtMs, label, kind, accounts, permissions, fingerprint, recoveryMadeAtMs, factor, goneAtMs, receipts } = content
  const { wallet, version } = record
  return {
    wallet, version, createdAtMs, label, kind, accounts, permissions, fingerprint, goneAtMs, recoveryMadeAtMs,
    factor: factor === null ? null : { confirmed: factor.confirmed, operations: factor.operations },
    export: content.export,
    receipts: { key: receipts.publicKey, count: receipts.count, head: receipts.head },
    ...guessState(record, nowMs),
  }
}
