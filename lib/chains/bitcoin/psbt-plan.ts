/** A PSBT, read and planned for one account. */
import { toHex } from '../../protocol/bytes.ts'
import { CloisterError } from '../../protocol/errors.ts'
import { LIMITS } from '../../protocol/limits.ts'
import type { Plan, Reading, SigningContext } from '../chain.ts'
import { assemble, finalOf, type OwnTask } from './assemble.ts'
import { sumOf } from './fees.ts'
import { walletOf } from './wallet.ts'
import type { Network } from './networks.ts'
import { ownInputs, type OwnInput } from './own-inputs.ts'
import { checkOrigins, ownerOf } from './own-outputs.ts'
import { summarize } from './psbt-summary.ts'
import { prevoutsOf, type Prevout } from './prevouts.ts'
import { readPsbt, type Psbt } from './psbt.ts'
import { sighashTypeOf } from './sighash-types.ts'
import { SIGHASH } from './sighash.ts'
import { taskOf } from './sign-inputs.ts'
import { NO_BYTES, type TransactionOutput, type UnsignedTransaction } from './transaction.ts'

/** @throws CloisterError `tx_too_large`, and what {@link readPsbt} and {@link checkTransaction} throw */
export function readTransaction(network: Network, data: Uint8Array): Reading {
  if (data.length > LIMITS.maxPayloadBytes) throw new CloisterError('tx_too_large')
  const psbt = readPsbt(data)
  checkTransaction(psbt)
  const prevouts = prevoutsOf(psbt)
  return { plan: (context) => planOf(network, psbt, prevouts, context) }
}

/** What no node would relay, or nobody means. @throws CloisterError `tx_field_invalid`, `tx_overflow`, `tx_already_signed` */
function checkTransaction({ tx, inputs }: Psbt): void {
  checkShape(tx)
  sumOf(tx.outputs.map(({ amount }) => amount))
  if (inputs.every((fields) => finalOf(fields) !== undefined)) throw new CloisterError('tx_already_signed')
}

function checkShape({ version, inputs, outputs }: UnsignedTransaction): void {
  const spent = new Set(inputs.map(({ txid, index }) => `${toHex(txid)}:${index}`))
  if (version < 1 || version > 3 || inputs.length === 0 || outputs.length === 0 || spent.size !== inputs.length) throw new CloisterError('tx_field_invalid')
}

function planOf(network: Network, psbt: Psbt, prevouts: readonly (Prevout | undefined)[], context: SigningContext): Plan {
  const { signing, wallet } = walletOf(network, context)
  const own = ownInputs(psbt, prevouts, signing)
  const tasks = own.map((input) => ownTask(psbt.tx, input, prevouts, context.permissions.anySighash))
  checkOrigins(psbt.outputs, [signing, ...wallet])
  const owners = psbt.tx.outputs.map((output, i) => ownerOf(output, psbt.outputs[i] ?? {}, signing, wallet))
  return {
    summary: summarize({ network, psbt, prevouts, tasks, owners }),
    tasks: tasks.map(({ task }) => task),
    assemble: (signatures) => assemble(psbt, tasks, signatures),
  }
}

function ownTask(tx: UnsignedTransaction, own: OwnInput, prevouts: readonly (Prevout | undefined)[], permitsAny: boolean): OwnTask {
  const hashType = sighashTypeOf(own.type, own.fields.sighashType, own.index < tx.outputs.length, permitsAny)
  const needsAll = own.type === 'p2tr' && (hashType & SIGHASH.ANYONECANPAY) === 0
  if (needsAll && prevouts.includes(undefined)) throw new CloisterError('tx_previous_missing')
  const spent = prevouts.map((prevout): TransactionOutput => prevout ?? { amount: 0n, script: NO_BYTES })
  return { own, hashType, task: taskOf(tx, own, hashType, spent) }
}
