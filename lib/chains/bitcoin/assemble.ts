/** Signatures into the PSBT: the network's transaction if that completes it, else the PSBT with the account's part. */
import { concat, equal } from '../../protocol/bytes.ts'
import type { Signature, Signed, SigningTask } from '../chain.ts'
import type { OwnInput } from './own-inputs.ts'
import { GLOBAL, INPUT, valueOf, withEntry, writeMaps, type PsbtMap, type PsbtMaps } from './psbt-maps.ts'
import type { InputFields, Psbt } from './psbt.ts'
import { SIGHASH } from './sighash.ts'
import { checkSignature, encodeSignature, satisfy } from './sign-inputs.ts'
import { decodeSigned, encodeSigned, encodeStripped, NO_BYTES, txidOf, type Satisfaction } from './transaction.ts'

export interface OwnTask {
  readonly own: OwnInput
  readonly hashType: number
  readonly task: SigningTask
}

/**
 * `signed` is a transaction if every input is final then, and `hash` its id in display order. Otherwise `signed` is the PSBT with a partial signature for
 * each input of the account, and `hash` the id of its unsigned transaction, which is the later one where all inputs are native segwit.
 * @throws Error when a signature does not verify
 */
export function assemble(psbt: Psbt, tasks: readonly OwnTask[], signatures: readonly Signature[]): Signed {
  if (signatures.length !== tasks.length) throw new Error('one signature a task')
  const encoded = tasks.map(({ own, hashType, task }, i) => encodeSignature(own.type, checkSignature(task, signatures[i]), hashType))
  const ours = new Map(tasks.map(({ own }, i) => [own.index, satisfy(own.type, own.key.publicKey, encoded[i] as Uint8Array)]))
  const satisfactions = psbt.inputs.map((fields, i) => ours.get(i) ?? finalOf(fields))
  if (!satisfactions.every((one) => one !== undefined)) return { signed: writeMaps(withSignatures(psbt.maps, tasks, encoded)), hash: txidOf(psbt.tx) }
  const signed = encodeSigned(psbt.tx, satisfactions)
  if (!equal(encodeStripped(decodeSigned(signed).tx), encodeStripped(psbt.tx))) throw new Error('the transaction is not the one that was read')
  return { signed, hash: txidOf(psbt.tx, satisfactions.map(({ scriptSig }) => scriptSig)) }
}

/** What another signer finished. */
export function finalOf({ finalScriptSig, finalScriptWitness }: InputFields): Satisfaction | undefined {
  if (finalScriptSig === undefined && finalScriptWitness === undefined) return undefined
  return { scriptSig: finalScriptSig ?? NO_BYTES, witness: finalScriptWitness ?? [] }
}

function withSignatures(maps: PsbtMaps, tasks: readonly OwnTask[], encoded: readonly Uint8Array[]): PsbtMaps {
  const inputs = [...maps.inputs]
  for (const [i, { own }] of tasks.entries()) {
    const key = own.type === 'p2tr' ? Uint8Array.of(INPUT.TAP_KEY_SIG) : concat(Uint8Array.of(INPUT.PARTIAL_SIG), own.key.publicKey)
    inputs[own.index] = withEntry(inputs[own.index] as PsbtMap, key, encoded[i] as Uint8Array)
  }
  return { ...maps, inputs, global: maps.version === 2 ? fixed(maps.global, tasks) : maps.global }
}

/** BIP-370: who signs takes back what may still be changed (bit 0: inputs, bit 1: outputs) and says whether SINGLE is in use (bit 2). */
function fixed(global: PsbtMap, tasks: readonly OwnTask[]): PsbtMap {
  const before = valueOf(global, GLOBAL.TX_MODIFIABLE)
  let flags = before?.[0] ?? 0
  for (const { hashType } of tasks) {
    if ((hashType & SIGHASH.ANYONECANPAY) === 0) flags &= ~1
    if ((hashType & 3) !== SIGHASH.NONE) flags &= ~2
    if ((hashType & 3) === SIGHASH.SINGLE) flags |= 4
  }
  return before === undefined && flags === 0 ? global : withEntry(global, Uint8Array.of(GLOBAL.TX_MODIFIABLE), Uint8Array.of(flags))
}
