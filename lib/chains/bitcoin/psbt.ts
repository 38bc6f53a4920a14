/**
 * PSBTs: version 0 (BIP-174), version 2 (BIP-370), with taproot's fields (BIP-371).
 *
 * The fields are decoded by @scure/btc-signer's tables, which know the types of each version, then encoded again and compared entry by entry: a value
 * that could be written otherwise is refused. Types that the tables don't know, and proprietary ones, are no part of what is signed: they are kept,
 * and are there again in a PSBT that is handed back.
 */
import { RawPSBTV0, RawPSBTV2 } from '@scure/btc-signer/psbt.js'
import { toHex } from '../../protocol/bytes.ts'
import { CloisterError } from '../../protocol/errors.ts'
import { OUTPUT, readMaps, valueOf, type PsbtMap, type PsbtMaps } from './psbt-maps.ts'
import type { TransactionInput, TransactionOutput, UnsignedTransaction } from './transaction.ts'

/** Where a key comes from, as the PSBT says: nothing of it is believed. */
interface Origin {
  /** Of the master key: the first four bytes of its HASH160, as a number. */
  readonly fingerprint: number
  /** Child numbers from the master key. */
  readonly path: readonly number[]
}

/** A transaction with its input scripts, which its id covers. */
interface PreviousTransaction extends UnsignedTransaction {
  readonly inputs: readonly (TransactionInput & { readonly finalScriptSig: Uint8Array })[]
}

/** Fields of an input that signing looks at. */
export interface InputFields {
  readonly nonWitnessUtxo?: PreviousTransaction | undefined
  readonly witnessUtxo?: TransactionOutput | undefined
  readonly partialSig?: readonly (readonly [Uint8Array, Uint8Array])[] | undefined
  readonly sighashType?: number | undefined
  readonly redeemScript?: Uint8Array | undefined
  readonly witnessScript?: Uint8Array | undefined
  readonly bip32Derivation?: readonly (readonly [Uint8Array, Origin])[] | undefined
  readonly finalScriptSig?: Uint8Array | undefined
  readonly finalScriptWitness?: readonly Uint8Array[] | undefined
  readonly tapKeySig?: Uint8Array | undefined
  readonly tapScriptSig?: readonly unknown[] | undefined
  readonly tapBip32Derivation?: readonly (readonly [Uint8Array, { readonly der: Origin }])[] | undefined
  readonly tapInternalKey?: Uint8Array | undefined
  readonly tapMerkleRoot?: Uint8Array | undefined
  readonly txid?: Uint8Array | undefined
  readonly index?: number | undefined
  readonly sequence?: number | undefined
  readonly requiredTimeLocktime?: number | undefined
  readonly requiredHeightLocktime?: number | undefined
}

/** Fields of an output that signing looks at. */
export interface OutputFields {
  readonly bip32Derivation?: readonly (readonly [Uint8Array, Origin])[] | undefined
  readonly tapBip32Derivation?: readonly (readonly [Uint8Array, { readonly der: Origin }])[] | undefined
  readonly amount?: bigint | undefined
  readonly script?: Uint8Array | undefined
}

/** Fields of an input or output that say whose it is. */
type OriginFields = Pick<OutputFields, 'bip32Derivation' | 'tapBip32Derivation'>

/** Each key that is named with its origin: compressed or not (33 or 65 bytes), or x-only (32). */
export function originsOf({ bip32Derivation, tapBip32Derivation }: OriginFields): readonly (readonly [Uint8Array, Origin])[] {
  return [...(bip32Derivation ?? []), ...(tapBip32Derivation ?? []).map(([key, { der }]) => [key, der] as const)]
}

export interface Psbt {
  readonly maps: PsbtMaps
  readonly tx: UnsignedTransaction
  /** One for each input, in their order. */
  readonly inputs: readonly InputFields[]
  /** One for each output, in their order. */
  readonly outputs: readonly OutputFields[]
}

interface Decoded {
  readonly global: { readonly unsignedTx?: UnsignedTransaction | undefined; readonly txVersion?: number | undefined; readonly fallbackLocktime?: number | undefined }
  readonly inputs: readonly InputFields[]
  readonly outputs: readonly OutputFields[]
}

/**
 * Reads a PSBT to its last byte.
 * @throws CloisterError `tx_type_unknown`, `tx_malformed`, `tx_not_canonical`, `tx_trailing_bytes`, `tx_overflow`, `tx_field_invalid`
 */
export function readPsbt(bytes: Uint8Array): Psbt {
  const maps = readMaps(bytes)
  // The table's own refusal says nothing of why.
  if (maps.version === 2 && maps.outputs.some((output) => ((valueOf(output, OUTPUT.AMOUNT)?.[7] ?? 0) & 0x80) !== 0)) throw new CloisterError('tx_overflow')
  const codec = maps.version === 0 ? RawPSBTV0 : RawPSBTV2
  const fields = decode(bytes, codec)
  if (!isSame(maps, readMaps(codec.encode(fields as never)))) throw new CloisterError('tx_not_canonical')
  const { inputs, outputs } = fields
  checkInputs(inputs)
  return { maps, tx: maps.version === 0 ? unsignedOfV0(fields) : unsignedOfV2(fields), inputs, outputs: outputs.slice(0, maps.outputs.length) }
}

function decode(bytes: Uint8Array, codec: typeof RawPSBTV0 | typeof RawPSBTV2): Decoded {
  try {
    return codec.decode(bytes)
  } catch {
    throw new CloisterError('tx_malformed')
  }
}

function isSame(a: PsbtMaps, b: PsbtMaps): boolean {
  const sorted = (map: PsbtMap): string => map.map(({ key, value }) => `${toHex(key)}:${toHex(value)}`).sort().join()
  const all = ({ global, inputs, outputs }: PsbtMaps): string => [global, ...inputs, ...outputs].map(sorted).join(';')
  return all(a) === all(b)
}

/** What the tables let through: sighash types in partial signatures are the last byte, so there is one. */
function checkInputs(inputs: readonly InputFields[]): void {
  for (const { partialSig } of inputs) {
    if ((partialSig ?? []).some(([, signature]) => signature.length < 9 || signature.length > 73)) throw new CloisterError('tx_malformed')
  }
}

function unsignedOfV0({ global }: Decoded): UnsignedTransaction {
  const { unsignedTx } = global
  if (unsignedTx === undefined) throw new CloisterError('tx_malformed')
  const { version, inputs, outputs, lockTime } = unsignedTx
  return { version, inputs, outputs, lockTime }
}

function unsignedOfV2({ global, inputs, outputs }: Decoded): UnsignedTransaction {
  return {
    version: (global.txVersion ?? 0) | 0,
    inputs: inputs.map(({ txid, index, sequence }) => {
      if (txid === undefined || index === undefined) throw new CloisterError('tx_malformed')
      return { txid, index, sequence: sequence ?? 0xffffffff }
    }),
    outputs: outputs.map(({ amount, script }): TransactionOutput => {
      if (amount === undefined || script === undefined) throw new CloisterError('tx_malformed')
      return { amount, script }
    }),
    lockTime: lockTimeOf(inputs, global.fallbackLocktime ?? 0),
  }
}

/** BIP-370, "Determining Lock Time". */
function lockTimeOf(inputs: readonly InputFields[], fallback: number): number {
  const bound = inputs.filter((input) => input.requiredHeightLocktime !== undefined || input.requiredTimeLocktime !== undefined)
  if (bound.length === 0) return fallback
  for (const kind of ['requiredHeightLocktime', 'requiredTimeLocktime'] as const) {
    if (bound.every((input) => input[kind] !== undefined)) return Math.max(...bound.map((input) => input[kind] as number))
  }
  throw new CloisterError('tx_field_invalid')
}
