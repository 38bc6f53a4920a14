/**
 * Digests that signatures are over: before segwit (as Bitcoin Core's `SignatureHash`), segwit version 0 (BIP-143) and taproot's key path (BIP-341).
 * Which types may be asked for is not decided here.
 */
import { schnorr } from '@noble/curves/secp256k1.js'
import { sha256 } from '@noble/hashes/sha2.js'
import { VarBytes } from '@scure/btc-signer/script.js'
import { concat } from '../../protocol/bytes.ts'
import { commonHashes, encodeOutpoint, encodeOutput, u32, u64, type CommonHashes } from './common-hashes.ts'
import { sha256d } from './scripts.ts'
import { encodeStripped, NO_BYTES, type TransactionInput, type TransactionOutput, type UnsignedTransaction } from './transaction.ts'

export const SIGHASH = { DEFAULT: 0, ALL: 1, NONE: 2, SINGLE: 3, ANYONECANPAY: 0x80 } as const

const ZEROS = new Uint8Array(32)
/** What Core hashes instead of outputs before the one that SINGLE signs. */
const BLANK: TransactionOutput = { amount: 0xffffffffffffffffn, script: NO_BYTES }

/**
 * The digest of an input before segwit.
 * @param scriptCode the script that runs: of the previous output, or the redeem script
 * @param hashType 32 bits, of which the digest holds all and the rules know eight
 */
export function legacyDigest(tx: UnsignedTransaction, index: number, scriptCode: Uint8Array, hashType: number): Uint8Array {
  const base = hashType & 0x1f
  // Core's historical answer, as a number of 256 bits in its own byte order.
  if (base === SIGHASH.SINGLE && index >= tx.outputs.length) return Uint8Array.of(1, ...ZEROS.subarray(1))
  const othersSequence = base === SIGHASH.NONE || base === SIGHASH.SINGLE ? 0 : undefined
  const all = tx.inputs.map((input, i) => ({ input: i === index ? input : { ...input, sequence: othersSequence ?? input.sequence }, own: i === index }))
  const signed = (hashType & SIGHASH.ANYONECANPAY) !== 0 ? all.filter(({ own }) => own) : all
  const outputs =
    base === SIGHASH.NONE ? [] : base === SIGHASH.SINGLE ? tx.outputs.slice(0, index + 1).map((one, i) => (i === index ? one : BLANK)) : tx.outputs
  const script = withoutCodeSeparators(scriptCode)
  const copy = { ...tx, inputs: signed.map(({ input }) => input), outputs }
  return sha256d(concat(encodeStripped(copy, signed.map(({ own }) => (own ? script : NO_BYTES))), u32(hashType)))
}

/** Scripts may hold `OP_CODESEPARATOR` (0xab) as data, so pushes are stepped over. What can't be read to its end stays as it is. */
function withoutCodeSeparators(script: Uint8Array): Uint8Array {
  const kept: Uint8Array[] = []
  let from = 0
  for (let at = 0; at < script.length; ) {
    const opcode = script[at] as number
    if (opcode === 0xab) {
      kept.push(script.subarray(from, at))
      from = at + 1
    }
    at += 1
    if (opcode < 0x4c) at += opcode
    else if (opcode <= 0x4e) {
      const width = 2 ** (opcode - 0x4c) // OP_PUSHDATA1, 2, 4
      let length = 0
      for (let i = width - 1; i >= 0; i--) length = length * 256 + (script[at + i] ?? 0)
      at += width + length
    }
  }
  return concat(...kept, script.subarray(from))
}

/**
 * The digest of an input of segwit version 0 (BIP-143).
 * @param amount of the output that it spends, satoshis
 * @param common of this very transaction, where more than one input is signed
 */
export function segwitDigest(
  tx: UnsignedTransaction, index: number, scriptCode: Uint8Array, amount: bigint, hashType: number, common: CommonHashes = commonHashes(tx, []),
): Uint8Array {
  const base = hashType & 0x1f
  const anyoneCanPay = (hashType & SIGHASH.ANYONECANPAY) !== 0
  const partial = base === SIGHASH.NONE || base === SIGHASH.SINGLE
  const input = tx.inputs[index] as TransactionInput
  const single = tx.outputs[index]
  const outputs = base === SIGHASH.SINGLE && single !== undefined ? sha256d(encodeOutput(single)) : partial ? ZEROS : sha256(common.outputs())
  return sha256d(
    concat(
      u32(tx.version),
      anyoneCanPay ? ZEROS : sha256(common.prevouts()),
      anyoneCanPay || partial ? ZEROS : sha256(common.sequences()),
      encodeOutpoint(input), VarBytes.encode(scriptCode), u64(amount), u32(input.sequence), outputs, u32(tx.lockTime), u32(hashType),
    ),
  )
}

/**
 * The digest of a taproot input that is spent by its key (BIP-341, "Common signature message"; no annex, no extension).
 * @param spent the output that each input spends, in their order
 * @param hashType one that BIP-341 knows, and for SINGLE an input that has its output
 * @param common of this very transaction and these outputs, where more than one input is signed
 */
export function taprootDigest(
  tx: UnsignedTransaction, index: number, spent: readonly TransactionOutput[], hashType: number, common: CommonHashes = commonHashes(tx, spent),
): Uint8Array {
  const base = hashType & 3
  const anyoneCanPay = (hashType & SIGHASH.ANYONECANPAY) !== 0
  const single = tx.outputs[index]
  if (![0, 1, 2, 3, 0x81, 0x82, 0x83].includes(hashType) || spent.length !== tx.inputs.length || (base === SIGHASH.SINGLE && single === undefined)) {
    throw new Error('no such taproot digest')
  }
  const input = tx.inputs[index] as TransactionInput
  const prevout = spent[index] as TransactionOutput
  const inputs = anyoneCanPay ? [] : [common.prevouts(), common.amounts(), common.scriptPubKeys(), common.sequences()]
  const outputs = base === SIGHASH.DEFAULT || base === SIGHASH.ALL ? [common.outputs()] : []
  const own = anyoneCanPay ? [encodeOutpoint(input), encodeOutput(prevout), u32(input.sequence)] : [u32(index)]
  const one = base === SIGHASH.SINGLE ? [sha256(encodeOutput(single as TransactionOutput))] : []
  const epochTypeSpend = [Uint8Array.of(0, hashType), u32(tx.version), u32(tx.lockTime), ...inputs, ...outputs, Uint8Array.of(0), ...own, ...one]
  return schnorr.utils.taggedHash('TapSighash', concat(...epochTypeSpend))
}
