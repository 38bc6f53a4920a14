/** The outputs that a PSBT's inputs spend, as far as it tells. */
import { equal } from '../../protocol/bytes.ts'
import { CloisterError } from '../../protocol/errors.ts'
import { checkAmount } from './fees.ts'
import type { InputFields, Psbt } from './psbt.ts'
import { txidOf, type TransactionInput, type TransactionOutput } from './transaction.ts'

export interface Prevout extends TransactionOutput {
  /** Whether the whole previous transaction was there, and its id the one that is spent: else the amount is no more than said. */
  readonly proven: boolean
}

/**
 * One for each input; `undefined` where nothing is told. Where both a previous transaction and an output are given, they must agree.
 * @throws CloisterError `tx_previous_missing`, `tx_overflow`
 */
export function prevoutsOf({ tx, inputs }: Psbt): readonly (Prevout | undefined)[] {
  return inputs.map((fields, i) => {
    const prevout = prevoutOf(tx.inputs[i] as TransactionInput, fields)
    if (prevout !== undefined) checkAmount(prevout.amount)
    return prevout
  })
}

function prevoutOf({ txid, index }: TransactionInput, { nonWitnessUtxo: previous, witnessUtxo: claimed }: InputFields): Prevout | undefined {
  if (previous === undefined) return claimed === undefined ? undefined : { ...claimed, proven: false }
  const id = txidOf(previous, previous.inputs.map(({ finalScriptSig }) => finalScriptSig))
  const output = previous.outputs[index]
  if (output === undefined || !equal(id, txid)) throw new CloisterError('tx_previous_missing')
  if (claimed !== undefined && (claimed.amount !== output.amount || !equal(claimed.script, output.script))) throw new CloisterError('tx_previous_missing')
  return { ...output, proven: true }
}
