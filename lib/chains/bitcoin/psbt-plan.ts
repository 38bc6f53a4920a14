/** A PSBT, read and planned for one account. */
import { toHex } from '../../protocol/bytes.ts'
import { CloisterError } from '../../protocol/errors.ts'
import { LIMITS } from '../../protocol/limits.ts'
import type { Plan, Reading, SigningContext } from '../chain.ts'
import { assemble, finalOf, type OwnTask } from './assemble.ts'
import { sumOf } from './fees.ts'
import { walletOf } from './wallet.ts'
import type { Network } from './networks.ts'
import { oneKeyScripts } from './one-key-scripts.ts'
import { ownInputs, type OwnInput } from './own-inputs.ts'
import { checkOrigins, ownerOf } from './own-outputs.ts'
import { summarize } from './psbt-summary.ts'
import { prevoutsOf, type Prevout } from './prevouts.ts'
import { readPsbt, type Psbt } from './psbt.ts'
import { commitsToAll, sighashTypeOf } from './sighash-types.ts'
import { spendingOf, taskOf, type Spending } from './sign-inputs.ts'
import { encodeStripped, NO_BYTES, type TransactionOutput, type UnsignedTransaction } from './transaction.ts'

/** Inputs, and as many outputs: a node relays no more than 100,000 virtual bytes, and each is looked at before anybody has shown a PIN. */
export const MAX_PARTS = 2_000
/** Bytes that are hashed for inputs of before segwit, together. */
const MAX_LEGACY_BYTES = 5_000_000
/** Inputs and outputs that are encoded for these: 250 inputs, each signed over all of them and 150 outputs. */
const MAX_LEGACY_PARTS = 100_000

/** @throws CloisterError `tx_too_large`, and what {@link readPsbt} and {@link checkTransaction} throw */
export function readTransaction(network: Network, data: Uint8Array): Reading {
  if (data.length > LIMITS.maxPayloadBytes) throw new CloisterError('tx_too_large')
  const psbt = readPsbt(data)
  checkTransaction(psbt)
  const prevouts = prevoutsOf(psbt)
  return { plan: (context) => planOf(network, psbt, prevouts, context) }
}

/** What no node would relay, or nobody means. @throws CloisterError `tx_too_large`, `tx_field_invalid`, `tx_overflow`, `tx_already_signed` */
function checkTransaction({ tx, inputs }: Psbt): void {
  if (tx.inputs.length > MAX_PARTS || tx.outputs.length > MAX_PARTS) throw new CloisterError('tx_too_large')
  checkShape(tx)
  sumOf(tx.outputs.map(({ amount }) => amount))
  if (inputs.every((fields) => finalOf(fields) !== undefined)) throw new CloisterError('tx_already_signed')
}

function checkShape({ version, inputs, outputs }: UnsignedTransaction): void {
  const spent = new Set(inputs.map(({ txid, index }) => `${toHex(txid)}:${index}`))
  if (version < 1 || version > 3 || inputs.length === 0 || outputs.length === 0 || spent.size !== inputs.length) throw new CloisterError('tx_field_invalid')
}

function planOf(network: Network, psbt: Psbt, prevouts: readonly (Prevout | undefined)[], context: SigningContext): Plan {
  const { signing, wallet, anyChain } = walletOf(network, context)
  const own = ownInputs(psbt, prevouts, signing)
  checkLegacyWork(psbt.tx, own)
  const spending = spendingOf(psbt.tx, prevouts.map((prevout): TransactionOutput => prevout ?? { amount: 0n, script: NO_BYTES }))
  const tasks = own.map((input) => ownTask(spending, input, !prevouts.includes(undefined), context.permissions.anySighash))
  checkProven(psbt.tx, tasks)
  checkNoMessage(psbt.tx, own)
  checkOrigins(psbt.outputs, [signing, ...wallet])
  const oneKeys = oneKeyScripts([signing, ...wallet])
  const owners = psbt.tx.outputs.map((output, i) => ownerOf(output, psbt.outputs[i] ?? {}, signing, wallet, oneKeys))
  return {
    summary: summarize({ network, anyChain, psbt, prevouts, tasks, owners }),
    tasks: tasks.map(({ task }) => task),
    assemble: (signatures) => assemble(psbt, tasks, signatures),
  }
}

/** Before segwit, each digest is over the whole transaction again. */
function checkLegacyWork(tx: UnsignedTransaction, own: readonly OwnInput[]): void {
  const digests = own.filter(({ type }) => type === 'p2pkh').length
  const parts = digests * (tx.inputs.length + tx.outputs.length)
  if (parts > MAX_LEGACY_PARTS || (digests > 0 && digests * encodeStripped(tx).length > MAX_LEGACY_BYTES)) throw new CloisterError('tx_too_large')
}

/**
 * Segwit's digest covers the amount of its own input alone. Of two requests with one lie each, about another input, either has a signature that is good for
 * the true transaction, whose fee nobody was shown (see BIP-341's rationale). So where a signature does not commit to all amounts, those of the account are
 * proven by their previous transactions; the one amount of a lone input is in its digest. Taproot inputs too: that they are the account's is a claim as well.
 */
function checkProven({ inputs }: UnsignedTransaction, tasks: readonly OwnTask[]): void {
  const isCommitted = inputs.length === 1 || tasks.every(({ own, hashType }) => commitsToAll(own.type, hashType))
  if (!isCommitted && tasks.some(({ own }) => !own.prevout.proven)) throw new CloisterError('tx_previous_missing')
}

/** A full BIP-322 signature is over such a transaction: a message that nobody was shown. */
function checkNoMessage({ outputs }: UnsignedTransaction, own: readonly OwnInput[]): void {
  const [output, ...others] = outputs
  const isBare = others.length === 0 && output?.script.length === 1 && output.script[0] === 0x6a
  if (isBare && own.some(({ prevout }) => prevout.amount === 0n)) throw new CloisterError('tx_field_invalid')
}

function ownTask(spending: Spending, own: OwnInput, knowsAll: boolean, permitsAny: boolean): OwnTask {
  const hashType = sighashTypeOf(own.type, own.fields.sighashType, own.index < spending.tx.outputs.length, permitsAny)
  if (commitsToAll(own.type, hashType) && !knowsAll) throw new CloisterError('tx_previous_missing')
  return { own, hashType, task: taskOf(spending, own, hashType) }
}
