import { CloisterError } from '../../../lib/protocol/errors.ts'
import { decodeNothing, encodeView } from '../../../lib/protocol/lifecycle.ts'
import { LIMITS } from '../../../lib/protocol/limits.ts'
import { onWallet, parametersOf, type OperationHandler } from './operation.ts'
import { viewOf } from './view.ts'

/** Deletes a wallet, with seven days to think: until then it signs nothing and can be restored, then the table forgets it. */
export const deleteWallet: OperationHandler = async (input) => {
  parametersOf(input.body, decodeNothing)
  const done = await onWallet(input, {
    whileDeleted: true,
    check(state, { isRepeat }) {
      if (state.goneAtMs !== null && !isRepeat) throw new CloisterError('wallet_deleted')
    },
    work: (_state, _secret, { isRepeat, nowMs }) => ({ result: null, changes: isRepeat ? {} : { goneAtMs: nowMs + LIMITS.deletionGraceMs } }),
  })
  return encodeView(viewOf(done.record, done.state, input.core.clock.nowMs()))
}

export const restore: OperationHandler = async (input) => {
  parametersOf(input.body, decodeNothing)
  const done = await onWallet(input, {
    whileDeleted: true,
    check(state, { isRepeat }) {
      if (state.goneAtMs === null && !isRepeat) throw new CloisterError('wallet_not_deleted')
    },
    work: (_state, _secret, { isRepeat }) => ({ result: null, changes: isRepeat ? {} : { goneAtMs: null } }),
  })
  return encodeView(viewOf(done.record, done.state, input.core.clock.nowMs()))
}
