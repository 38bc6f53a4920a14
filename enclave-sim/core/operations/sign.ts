import { createHash } from 'node:crypto'
import { setImmediate as breathe } from 'node:timers/promises'
import { summaryValue, type Plan, type Reading, type Signature } from '../../../lib/chains/chain.ts'
import { chainOf } from '../../../lib/chains/registry.ts'
import { equal } from '../../../lib/protocol/bytes.ts'
import { encodeCbor } from '../../../lib/protocol/cbor.ts'
import { CloisterError } from '../../../lib/protocol/errors.ts'
import { LIMITS } from '../../../lib/protocol/limits.ts'
import { decodeSignParameters, encodeSignResult, type Account, type Payload, type SignedPayload } from '../../../lib/protocol/operations.ts'
import type { WalletSecret } from '../../../lib/protocol/wallet-secret.ts'
import { guessState } from '../guesses.ts'
import { signTask } from '../keys.ts'
import type { WalletState } from '../state.ts'
import { requirePin } from '../unlock.ts'
import { onWallet, parametersOf, type OperationHandler } from './operation.ts'

interface Planned {
  readonly plan: Plan
  readonly account: Account
  /** SHA-256. */
  readonly summary: Uint8Array
}

/**
 * Signs: all payloads or none. Each is read before anything is charged, and planned before the PIN is tried: what can't be read costs no guess.
 * Signatures are deterministic, so that a repeat gets the same bytes.
 */
export const sign: OperationHandler = async (input) => {
  const { core, body } = input
  const { payloads } = parametersOf(body, decodeSignParameters)
  requirePin(body.pin)
  const readings: (readonly [Payload, Reading])[] = []
  for (const payload of payloads) {
    readings.push([payload, chainOf(payload.chain).read(payload)])
    await breathe() // others wait for the processor, too
  }

  const planned: Planned[] = []
  const done = await onWallet(input, {
    async check(state) {
      for (const [payload, reading] of readings) {
        planned.push(planOf(state, payload, reading))
        await breathe()
      }
      if (planned.reduce((sum, { plan }) => sum + plan.tasks.length, 0) > LIMITS.maxSignatures) throw new CloisterError('tx_too_large')
    },
    async work(_state, secret) {
      const signatures: SignedPayload[] = []
      for (const one of planned) signatures.push(await signOne(secret, one))
      return { result: signatures, signatures: signatures.map(({ hash }, i) => ({ hash, summary: (planned[i] as Planned).summary })) }
    },
  })
  return encodeSignResult({ signatures: done.result, fingerprint: done.state.fingerprint, ...guessState(done.record, core.clock.nowMs()) })
}

function planOf(state: WalletState, payload: Payload, reading: Reading): Planned {
  const namespace = payload.chain.split(':')[0]
  const account = state.accounts.find((one) => one.namespace === namespace && one.path === payload.path)
  if (account === undefined) throw new CloisterError('account_unknown')
  const plan = reading.plan({ account, accounts: state.accounts, permissions: state.permissions })
  const summary = new Uint8Array(createHash('sha256').update(encodeCbor(summaryValue(plan.summary))).digest())
  if (payload.summary !== null && !equal(payload.summary, summary)) throw new CloisterError('summary_mismatch')
  return { plan, account, summary }
}

async function signOne(secret: WalletSecret, { plan, account }: Planned): Promise<SignedPayload> {
  const signatures: Signature[] = []
  for (const task of plan.tasks) {
    signatures.push(signTask(secret, task))
    await breathe()
  }
  return { ...plan.assemble(signatures), address: account.address }
}
