import type { AnswerOutcome } from '../../../lib/protocol/answer.ts'
import { CloisterError } from '../../../lib/protocol/errors.ts'
import type { WalletRecord } from '../../../lib/protocol/record.ts'
import type { RequestBody } from '../../../lib/protocol/request.ts'
import type { Admission } from '../admission.ts'
import { withSecret, type Done, type Guarded, type Use } from '../guarded.ts'
import type { NsmPort } from '../ports.ts'
import { requirePin } from '../unlock.ts'
import type { WalletQueue, WalletTurn } from '../wallet-queue.ts'

export interface Core extends Guarded {
  readonly nsm: NsmPort
  readonly queue: WalletQueue
  readonly admission: Admission
  /** How long an export is announced before it is made, milliseconds. */
  readonly exportDelayMs: number
}

export type Result = Extract<AnswerOutcome, { ok: true }>['result']

export interface OperationInput {
  readonly core: Core
  /** The verified owner's partition. */
  readonly owner: string
  readonly body: RequestBody
  /** As the relay read it; not believed. */
  readonly record: WalletRecord | null
}

export type OperationHandler = (input: OperationInput) => Promise<Result>

/**
 * The record to work on: the one handed in, or a newer one that the last turn left in memory.
 * @throws CloisterError `record_invalid` when it is another owner's or wallet's
 */
export function currentRecord(input: OperationInput, turn: WalletTurn): WalletRecord | null {
  const { owner, body, record } = input
  const latest = turn.latest
  if (latest !== undefined && (record === null || latest.version >= record.version)) return latest
  if (record !== null && (record.owner !== owner || record.wallet !== body.wallet)) throw new CloisterError('record_invalid')
  return record
}

/** The order of the queues: first a place, then the wallet's turn would let one wallet take every place; so the other way round. */
export function inTurn<T>(input: OperationInput, task: (turn: WalletTurn) => Promise<T>): Promise<T> {
  const { core, owner, body } = input
  return core.queue.run(owner, body.wallet, (turn) => core.admission.run(owner, () => task(turn)))
}

/** What the parameters say. @throws CloisterError `parameters_malformed` */
export function parametersOf<T>(body: RequestBody, decode: (value: RequestBody['parameters']) => T | undefined): T {
  const parameters = decode(body.parameters)
  if (parameters === undefined) throw new CloisterError('parameters_malformed')
  return parameters
}

/** An operation on a wallet that exists, with its PIN unless `use` opens it otherwise. */
export async function onWallet<T>(input: OperationInput, use: Use<T>): Promise<Done<T>> {
  requirePin(input.body.pin)
  return inTurn(input, async (turn) => {
    const record = currentRecord(input, turn)
    if (record === null) throw new CloisterError('wallet_not_found')
    return withSecret(input.core, input.body, record, turn, use)
  })
}
