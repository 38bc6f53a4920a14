import { wipe } from '../../../lib/protocol/bytes.ts'
import { CloisterError } from '../../../lib/protocol/errors.ts'
import { decodeViewParameters, encodeWalletView } from '../../../lib/protocol/operations.ts'
import type { WalletRecord } from '../../../lib/protocol/record.ts'
import { requireCurrent } from '../guarded.ts'
import { guessState } from '../guesses.ts'
import type { WalletState } from '../state.ts'
import { openRecord } from '../unlock.ts'
import { currentRecord, inTurn, type OperationHandler, type Result } from './operation.ts'

/** Shows accounts and guesses left. Needs no PIN, and changes nothing; but what it says is what the table holds, not what the relay handed in. */
export const view: OperationHandler = async (input) => {
  const { core, body } = input
  if (decodeViewParameters(body.parameters) === undefined || body.pin !== null) throw new CloisterError('parameters_malformed')
  return inTurn(input, async (turn) => {
    const record = currentRecord(input, turn)
    if (record === null) throw new CloisterError('wallet_not_found')
    const { state, dataKey } = await openRecord(core.vault, record)
    wipe(dataKey)
    await requireCurrent(core, record)
    turn.leave(record)
    return viewOf(record, state, core.clock.nowMs())
  })
}

export function viewOf(record: WalletRecord, state: Pick<WalletState, 'accounts' | 'fingerprint' | 'createdAtMs'>, nowMs: number): Result {
  const { accounts, fingerprint, createdAtMs } = state
  const { wallet, version } = record
  return encodeWalletView({ wallet, version, createdAtMs, accounts, fingerprint, ...guessState(record, nowMs) })
}
