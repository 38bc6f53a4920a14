/** Sighash types: which part of a transaction a signature commits to, and which of them are signed. */
import { CloisterError } from '../../protocol/errors.ts'
import type { ScriptType } from './scripts.ts'
import { SIGHASH } from './sighash.ts'

const NAMES: Readonly<Record<number, string>> = {
  0: 'sighash_default', 1: 'sighash_all', 2: 'sighash_none', 3: 'sighash_single',
  0x81: 'sighash_all_anyonecanpay', 0x82: 'sighash_none_anyonecanpay', 0x83: 'sighash_single_anyonecanpay',
}

/**
 * The type to sign an input with: the one that the PSBT asks for, or DEFAULT for taproot and ALL before it. DEFAULT exists in taproot alone; what leaves a
 * part of the transaction open needs the wallet's permission; SINGLE without an output at the input's place would sign nothing, and is never signed.
 * @throws CloisterError `tx_sighash_not_allowed`
 */
export function sighashTypeOf(type: ScriptType, asked: number | undefined, hasOutput: boolean, permitsAny: boolean): number {
  const hashType = asked ?? (type === 'p2tr' ? SIGHASH.DEFAULT : SIGHASH.ALL)
  const isWhole = hashType === SIGHASH.ALL || (hashType === SIGHASH.DEFAULT && type === 'p2tr')
  const isPart = hashType !== SIGHASH.DEFAULT && hashType in NAMES && (hasOutput || (hashType & 3) !== SIGHASH.SINGLE)
  if (!isWhole && !(isPart && permitsAny)) throw new CloisterError('tx_sighash_not_allowed')
  return hashType
}

/** Whether a signature commits to the amounts and scripts of all inputs' outputs (BIP-341), and so is worth nothing if one of them was a lie. */
export function commitsToAll(type: ScriptType, hashType: number): boolean {
  return type === 'p2tr' && (hashType & SIGHASH.ANYONECANPAY) === 0
}

/** The warning for a type that leaves something open; `undefined` for those that don't. */
export function sighashWarning(hashType: number): string | undefined {
  return hashType === SIGHASH.DEFAULT || hashType === SIGHASH.ALL ? undefined : NAMES[hashType]
}
