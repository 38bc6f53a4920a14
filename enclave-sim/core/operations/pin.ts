import { decodeChangePinParameters, decodeNothing, encodeView } from '../../../lib/protocol/lifecycle.ts'
import { wipe } from '../../../lib/protocol/bytes.ts'
import { hashPin, openSeed, requirePin } from '../unlock.ts'
import { onWallet, parametersOf, type OperationHandler } from './operation.ts'
import { viewOf } from './view.ts'

/** The old PIN stops working with the commit that makes the new one work: there is no moment at which both do, or neither. */
export const changePin: OperationHandler = async (input) => {
  const { core, body } = input
  const parameters = parametersOf(body, decodeChangePinParameters)
  try {
    requirePin(body.pin)
    const newPin = requirePin(parameters.pin, 'new_pin_malformed')
    const done = await onWallet(input, {
      // When it was done before, the old PIN opens nothing any more.
      unlock: (opened, moment) => openSeed(core.vault, opened, moment.isRepeat ? newPin : requirePin(body.pin)),
      newPin: (state, { isRepeat }) => (isRepeat ? Promise.resolve(undefined) : hashPin(core.vault, newPin, state.idempotencyKey)),
      work: () => ({ result: null }),
    })
    return encodeView(viewOf(done.record, done.state, core.clock.nowMs()))
  } finally {
    wipe(parameters.pin)
  }
}

/** Whether it is the PIN: a wrong one costs a guess like any other, a right one clears what was spent. */
export const verifyPin: OperationHandler = async (input) => {
  parametersOf(input.body, decodeNothing)
  const done = await onWallet(input, { work: () => ({ result: null }) })
  return encodeView(viewOf(done.record, done.state, input.core.clock.nowMs()))
}
