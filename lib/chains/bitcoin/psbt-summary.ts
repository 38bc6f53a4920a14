/** What a person reads before a PSBT is signed. */
import { toHex } from '../../protocol/bytes.ts'
import type { Action, Summary } from '../chain.ts'
import { finalOf, type OwnTask } from './assemble.ts'
import { checkFee, feeRate, placeholder, sumOf, virtualSizeOf } from './fees.ts'
import type { Network } from './networks.ts'
import type { Owner } from './own-outputs.ts'
import type { Prevout } from './prevouts.ts'
import type { Psbt } from './psbt.ts'
import { addressOf, isTaproot } from './scripts.ts'
import { commitsToAll, sighashWarning } from './sighash-types.ts'
import type { TransactionOutput, UnsignedTransaction } from './transaction.ts'

interface PsbtFacts {
  readonly network: Network
  /** The account's path has no coin type: its signatures are good on every network. */
  readonly anyChain: boolean
  readonly psbt: Psbt
  readonly prevouts: readonly (Prevout | undefined)[]
  readonly tasks: readonly OwnTask[]
  /** One for each output. */
  readonly owners: readonly (Owner | undefined)[]
}

const FINAL_SEQUENCE = 0xffffffff
/** BIP-125: a sequence below says that the transaction may be replaced. */
const REPLACEABLE_BELOW = 0xfffffffe
/** BIP-68: without this bit, a sequence is a relative lock time (from version 2 on). */
const NO_RELATIVE_LOCK = 0x80000000

/** @throws CloisterError `tx_fee_invalid`, `tx_overflow` */
export function summarize(facts: PsbtFacts): Summary {
  const { network, psbt, owners, tasks } = facts
  const { tx } = psbt
  const change = tx.outputs.filter((_, i) => owners[i]?.isChange === true)
  const changeAddresses = [...new Set(change.map(({ script }) => addressOf(script, network) as string))]
  const fees = feesOf(facts)
  return {
    chain: network.id,
    kind: 'psbt',
    actions: tx.outputs.flatMap((output, i) => (owners[i]?.isChange === true ? [] : [actionOf(output, owners[i], network)])),
    fields: {
      network: network.name,
      ...fees.fields,
      change: String(sumOf(change.map(({ amount }) => amount))),
      ...(change.length === 0 ? {} : { changeAddresses: changeAddresses.join(' ') }),
      inputs: String(tx.inputs.length),
      inputsSigned: String(tasks.length),
      inputsSignedTotal: String(sumOf(tasks.map(({ own }) => own.prevout.amount))),
      version: String(tx.version),
      lockTime: String(tx.lockTime),
      replaceable: String(tx.inputs.some(({ sequence }) => sequence < REPLACEABLE_BELOW)),
    },
    warnings: [...new Set([...fees.warnings, ...warningsOf(facts)])],
  }
}

function actionOf({ amount, script }: TransactionOutput, owner: Owner | undefined, network: Network): Action {
  if (script[0] === 0x6a) return { action: 'data', fields: { data: hexOf(script), ...(amount === 0n ? {} : { amount: String(amount) }) } }
  const to = addressOf(script, network)
  if (to === undefined) return { action: 'transfer', fields: { script: hexOf(script), amount: String(amount) } }
  return { action: 'transfer', fields: { to, amount: String(amount), ...(owner === undefined ? {} : { owner: owner.account }) } }
}

/** Where an input's amount is not told, the fee is what the others leave at least: too much of that is refused as well. */
function feesOf({ psbt: { tx, inputs }, prevouts, tasks }: PsbtFacts): { readonly fields: Record<string, string>; readonly warnings: readonly string[] } {
  const types = new Map(tasks.map(({ own }) => [own.index, own.type]))
  const satisfactions = inputs.map((fields, i) => finalOf(fields) ?? placeholder(types.get(i) ?? (isTaproot(prevouts[i]?.script ?? new Uint8Array()) ? 'p2tr' : 'p2wpkh')))
  const virtualSize = virtualSizeOf(tx, satisfactions)
  const known = prevouts.filter((prevout) => prevout !== undefined)
  const spent = sumOf(known.map(({ amount }) => amount))
  const fee = spent - sumOf(tx.outputs.map(({ amount }) => amount))
  if (known.length < prevouts.length) {
    if (fee > 0n) checkFee(fee, spent, virtualSize)
    return { fields: { virtualSize: String(virtualSize) }, warnings: ['fee_unknown'] }
  }
  checkFee(fee, spent, virtualSize)
  return { fields: { fee: String(fee), feeRate: feeRate(fee, virtualSize), virtualSize: String(virtualSize), inputsTotal: String(spent) }, warnings: [] }
}

function warningsOf({ psbt: { tx }, prevouts, tasks, network, anyChain }: PsbtFacts): string[] {
  const isCommitted = tasks.every(({ own, hashType }) => commitsToAll(own.type, hashType))
  const ours = new Set(tasks.map(({ own }) => own.index))
  const found: Readonly<Record<string, boolean>> = {
    any_chain: anyChain,
    foreign_inputs: tasks.length < tx.inputs.length,
    // Those of others; the account's own are proven or committed to.
    amounts_unproven: !isCommitted && prevouts.some((prevout, i) => prevout?.proven === false && !ours.has(i)),
    locktime: tx.lockTime !== 0 && tx.inputs.some(({ sequence }) => sequence !== FINAL_SEQUENCE),
    relative_locktime: hasRelativeLock(tx),
    data_burns_amount: tx.outputs.some(({ script, amount }) => script[0] === 0x6a && amount > 0n),
    unknown_script: tx.outputs.some(({ script }) => script[0] !== 0x6a && addressOf(script, network) === undefined),
    script_tree: tasks.some(({ own }) => own.merkleRoot.length > 0),
  }
  const sighashes = tasks.map(({ hashType }) => sighashWarning(hashType)).filter((warning) => warning !== undefined)
  return [...sighashes, ...Object.keys(found).filter((name) => found[name] === true)]
}

function hasRelativeLock({ version, inputs }: UnsignedTransaction): boolean {
  return version >= 2 && inputs.some(({ sequence }) => sequence < NO_RELATIVE_LOCK)
}

function hexOf(bytes: Uint8Array): string {
  return `0x${toHex(bytes)}`
}
