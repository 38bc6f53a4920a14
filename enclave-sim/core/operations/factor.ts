import { concat } from '../../../lib/protocol/bytes.ts'
import { CloisterError } from '../../../lib/protocol/errors.ts'
import { decodeFactorParameters, decodeNothing, encodeFactorSecret, encodeView } from '../../../lib/protocol/lifecycle.ts'
import { factorSecret } from '../factor.ts'
import { onWallet, parametersOf, type OperationHandler } from './operation.ts'
import { viewOf } from './view.ts'

/** Makes the secret of a second factor. It is asked for from its confirmation on: a telephone that never took it in locks nobody out. */
export const enrolFactor: OperationHandler = async (input) => {
  const { core, body } = input
  const { operations } = parametersOf(body, decodeFactorParameters)
  const done = await onWallet(input, {
    check(state) {
      if (state.factor?.confirmed === true) throw new CloisterError('factor_exists')
    },
    work(state, _secret, { isRepeat }, joined) {
      const secret = factorSecret(state.idempotencyKey, joined, body.idempotency)
      return { result: secret, changes: isRepeat ? {} : { factor: { secret: concat(secret), lastStep: 0, lastRequest: null, operations, confirmed: false } } }
    },
  })
  return encodeFactorSecret({ view: viewOf(done.record, done.state, core.clock.nowMs()), secret: done.result })
}

/** The first code: from now on it counts. */
export const confirmFactor: OperationHandler = async (input) => {
  parametersOf(input.body, decodeNothing)
  const done = await onWallet(input, {
    check(state) {
      if (state.factor === null) throw new CloisterError('factor_unknown')
    },
    asksForCode: () => true,
    work: (state) => ({ result: null, changes: { factor: state.factor === null ? null : { ...state.factor, confirmed: true } } }),
  })
  return encodeView(viewOf(done.record, done.state, input.core.clock.nowMs()))
}

/** Takes the second factor off, with one of its codes; without one, the recovery code does (`recover`). */
export const removeFactor: OperationHandler = async (input) => {
  parametersOf(input.body, decodeNothing)
  const done = await onWallet(input, {
    check(state, { isRepeat }) {
      if (state.factor === null && !isRepeat) throw new CloisterError('factor_unknown')
    },
    asksForCode: (state) => state.factor?.confirmed === true,
    work: (_state, _secret, { isRepeat }) => ({ result: null, changes: isRepeat ? {} : { factor: null } }),
  })
  return encodeView(viewOf(done.record, done.state, input.core.clock.nowMs()))
}
