/** Which inputs of a PSBT an account signs, and with which keys. */
import { equal } from '../../protocol/bytes.ts'
import { CloisterError } from '../../protocol/errors.ts'
import type { AccountKeys, OwnKey } from './keys.ts'
import { oneKeyScripts } from './one-key-scripts.ts'
import type { Prevout } from './prevouts.ts'
import { originsOf, type InputFields, type Psbt } from './psbt.ts'
import { formOf, scriptOf, witnessKeyHashScript, type ScriptType } from './scripts.ts'
import { NO_BYTES } from './transaction.ts'

export interface OwnInput {
  /** Its place in the transaction. */
  readonly index: number
  readonly key: OwnKey
  readonly type: ScriptType
  readonly prevout: Prevout
  readonly fields: InputFields
  /** Taproot's; empty where there is no script tree, and for every other type. */
  readonly merkleRoot: Uint8Array
}

/** One signature takes 20 ms, and others wait. */
export const MAX_OWN_INPUTS = 250
/** Inputs with a script tree: whether one is ours takes a millisecond. */
export const MAX_SCRIPT_TREES = 250

/**
 * The inputs that the account can spend, in their order. For a whole account, an input is its own if the PSBT names a key below the account's path, and the
 * key derived there is that very key; the output that is spent must then be that key's. An account of one key knows its outputs by their scripts.
 * @throws CloisterError `tx_path_mismatch`, `tx_signer_mismatch`, `tx_previous_missing`, `tx_already_signed`, `tx_field_invalid`, `tx_too_large`
 */
export function ownInputs(psbt: Psbt, prevouts: readonly (Prevout | undefined)[], keys: AccountKeys): readonly OwnInput[] {
  const found = keys.only === null ? byOrigin(psbt, prevouts, keys) : byScript(psbt, prevouts, keys, keys.only)
  if (found.length === 0) throw new CloisterError('tx_signer_mismatch')
  if (found.length > MAX_OWN_INPUTS) throw new CloisterError('tx_too_large')
  for (const input of found) checkInput(input)
  return found
}

/** Whether any signature is there already, ours or another's. */
function isSigned({ partialSig, tapKeySig, tapScriptSig, finalScriptSig, finalScriptWitness }: InputFields): boolean {
  const some = [partialSig, tapScriptSig].some((list) => list !== undefined && list.length > 0)
  return some || [tapKeySig, finalScriptSig, finalScriptWitness].some((value) => value !== undefined)
}

interface Claim {
  readonly index: number
  readonly fingerprint: number
  readonly key: OwnKey
  /** Whether the key that is named is the one that is derived. */
  readonly holds: boolean
}

/**
 * Wallets of others number their accounts the same, and their inputs may be named with the same paths: what tells them apart is the fingerprint of their master
 * key. Ours is not known here, so it is taken from the inputs whose keys are ours: under that one (or if there are none), another key is a wrong path.
 */
/** One key's own, a few co-signers', and no more: a derivation takes a millisecond or two, before anybody has shown a PIN. */
export const MAX_ORIGINS = 20

function byOrigin({ inputs }: Psbt, prevouts: readonly (Prevout | undefined)[], keys: AccountKeys): OwnInput[] {
  if (inputs.some((fields) => originsOf(fields).length > MAX_ORIGINS)) throw new CloisterError('tx_too_large')
  const named = inputs.flatMap((fields) => originsOf(fields).filter(([, { path }]) => keys.positionOf(path) !== undefined))
  if (named.length > MAX_OWN_INPUTS) throw new CloisterError('tx_too_large')
  const claims = inputs.flatMap((fields, index): Claim[] =>
    originsOf(fields).flatMap(([publicKey, { fingerprint, path }]) => {
      const position = keys.positionOf(path)
      if (position === undefined) return []
      const key = keys.at(position)
      return [{ index, fingerprint, key, holds: equal(publicKey, publicKey.length === 32 ? key.publicKey.subarray(1) : key.publicKey) }]
    }),
  )
  const ours = new Set(claims.filter(({ holds }) => holds).map(({ fingerprint }) => fingerprint))
  if (claims.some(({ holds, fingerprint }) => !holds && (ours.size === 0 || ours.has(fingerprint)))) throw new CloisterError('tx_path_mismatch')
  const holding = new Map(claims.filter(({ holds }) => holds).map((claim) => [claim.index, claim.key]))
  return [...holding].map(([index, key]) => {
    const prevout = prevouts[index]
    if (prevout === undefined) throw new CloisterError('tx_previous_missing')
    const own = match(index, inputs[index] as InputFields, prevout, key, keys.parsed.scripts)
    if (own === undefined) throw new CloisterError('tx_path_mismatch')
    return own
  })
}

function byScript({ inputs }: Psbt, prevouts: readonly (Prevout | undefined)[], keys: AccountKeys, key: OwnKey): OwnInput[] {
  if (inputs.filter(({ tapMerkleRoot }) => tapMerkleRoot !== undefined).length > MAX_SCRIPT_TREES) throw new CloisterError('tx_too_large')
  const scripts = oneKeyScripts([keys])
  return inputs.flatMap((fields, index) => {
    const prevout = prevouts[index]
    if (prevout === undefined) return []
    // With a script tree, the output's key is its own, whatever it is without one.
    const hasTree = fields.tapMerkleRoot !== undefined && formOf(prevout.script) === 'p2tr'
    const type = hasTree ? undefined : scripts(prevout.script)?.type
    const own = hasTree ? match(index, fields, prevout, key, keys.parsed.scripts) : type && { index, key, type, prevout, fields, merkleRoot: NO_BYTES }
    return own === undefined ? [] : [own]
  })
}

function match(index: number, fields: InputFields, prevout: Prevout, key: OwnKey, types: readonly ScriptType[]): OwnInput | undefined {
  const type = formOf(prevout.script)
  if (type === undefined || !types.includes(type)) return undefined
  const merkleRoot = type === 'p2tr' ? (fields.tapMerkleRoot ?? NO_BYTES) : NO_BYTES
  return equal(scriptOf(type, key.publicKey, merkleRoot), prevout.script) ? { index, key, type, prevout, fields, merkleRoot } : undefined
}

function checkInput({ type, key, prevout, fields }: OwnInput): void {
  if (isSigned(fields)) throw new CloisterError('tx_already_signed')
  // Before segwit, digests don't cover amounts: only the previous transaction says what is spent, and so what the fee is (BIP-174).
  if (type === 'p2pkh' && !prevout.proven) throw new CloisterError('tx_previous_missing')
  const { redeemScript, witnessScript, tapInternalKey } = fields
  const wrongRedeem = redeemScript !== undefined && (type !== 'p2sh-p2wpkh' || !equal(redeemScript, witnessKeyHashScript(key.publicKey)))
  const wrongInternal = tapInternalKey !== undefined && (type !== 'p2tr' || !equal(tapInternalKey, key.publicKey.subarray(1)))
  if (wrongRedeem || witnessScript !== undefined || wrongInternal) throw new CloisterError('tx_field_invalid')
}
