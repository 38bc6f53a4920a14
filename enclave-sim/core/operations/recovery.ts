import { equal, wipe } from '../../../lib/protocol/bytes.ts'
import { CloisterError } from '../../../lib/protocol/errors.ts'
import { decodeNothing, decodeRecoverParameters, encodeWithRecovery } from '../../../lib/protocol/lifecycle.ts'
import { recoveryPublicKey } from '../../../lib/protocol/recovery-seal.ts'
import type { RequestBody } from '../../../lib/protocol/request.ts'
import type { Moment, Work } from '../guarded.ts'
import { recoveryCode } from '../recovery.ts'
import type { WalletContent, WalletState } from '../state.ts'
import { openRecovery, openSeed, requirePin } from '../unlock.ts'
import { onWallet, parametersOf, type OperationHandler, type OperationInput, type Result } from './operation.ts'
import { viewOf } from './view.ts'

/** Sets a new PIN with the recovery code, unlocks, and changes the code. `pin` is the new one. */
export const recover: OperationHandler = async (input) => {
  const { body } = input
  const { code, removeFactor } = parametersOf(body, decodeRecoverParameters)
  const newPin = requirePin(body.pin, 'new_pin_malformed')
  try {
    return await recoverWith(input, code, newPin, removeFactor)
  } finally {
    wipe(code)
  }
}

async function recoverWith(input: OperationInput, code: Uint8Array, newPin: Uint8Array, removeFactor: boolean): Promise<Result> {
  const { core, body } = input
  const done = await onWallet(input, {
    guess: 'code',
    whileDeleted: true, // to be restored with the new PIN
    check(state) {
      if (state.recoveryKey === null) throw new CloisterError('recovery_off')
    },
    asksForCode: () => false,
    // The code that a repeat brings has been used: it is its new PIN that opens.
    unlock: (opened, moment) => (moment.isRepeat ? openSeed(core.vault, opened, newPin) : openRecovery(core.vault, opened, code, newPin)),
    work: (state, _secret, moment, joined) => freshCode(state, joined, body, moment, removeFactor ? { factor: null } : {}),
  })
  return encodeWithRecovery({ view: viewOf(done.record, done.state, core.clock.nowMs()), recovery: done.result })
}

/** Makes a new recovery code, with the PIN: the old one was lost, or there never was one. */
export const renewRecovery: OperationHandler = async (input) => {
  const { core, body } = input
  parametersOf(body, decodeNothing)
  const done = await onWallet(input, { work: (state, _secret, moment, joined) => freshCode(state, joined, body, moment, {}) })
  return encodeWithRecovery({ view: viewOf(done.record, done.state, core.clock.nowMs()), recovery: done.result })
}

async function freshCode(
  state: WalletState,
  joined: Uint8Array,
  body: RequestBody,
  moment: Moment,
  changes: Partial<WalletContent>,
): Promise<Work<Uint8Array | null>> {
  if (moment.isRepeat) return { result: await repeatedCode(state, joined, body) }
  const code = recoveryCode(state.idempotencyKey, joined, body.idempotency)
  const recoveryKey = await recoveryPublicKey(code)
  // The same key again, long after its first use was forgotten: the code would not change.
  if (state.recoveryKey !== null && equal(recoveryKey, state.recoveryKey)) throw new CloisterError('idempotency_mismatch')
  return { result: code, changes: { ...changes, recoveryKey, recoveryMadeAtMs: moment.nowMs } }
}

/** The code that this request made, while it is the current one. */
export async function repeatedCode(state: WalletState, joined: Uint8Array, body: RequestBody): Promise<Uint8Array | null> {
  if (state.recoveryKey === null) return null
  const code = recoveryCode(state.idempotencyKey, joined, body.idempotency)
  return equal(await recoveryPublicKey(code), state.recoveryKey) ? code : null
}
