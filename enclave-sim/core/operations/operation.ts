import type { AnswerOutcome } from '../../../lib/protocol/answer.ts'
import { CloisterError } from '../../../lib/protocol/errors.ts'
import type { WalletRecord } from '../../../lib/protocol/record.ts'
import type { RequestBody } from '../../../lib/protocol/request.ts'
import type { Admission } from '../admission.ts'
import type { Guarded } from '../guarded.ts'
import type { NsmPort } from '../ports.ts'
import type { WalletQueue, WalletTurn } from '../wallet-queue.ts'

export interface Core extends Guarded {
  readonly nsm: NsmPort
  readonly queue: WalletQueue
  readonly admission: Admission
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
export function inTurn(input: OperationInput, task: (turn: WalletTurn) => Promise<Result>): Promise<Result> {
  const { core, owner, body } = input
  return core.queue.run(owner, body.wallet, (turn) => core.admission.run(owner, () => task(turn)))
}
