/** Bitcoin Core's PSBT vectors (BIP-174, BIP-371): every valid one is read and written back the same, every invalid one refused; and the roles that we have. */
import { sha256 } from '@noble/hashes/sha2.js'
import { finalOf } from '../../lib/chains/bitcoin/assemble.ts'
import { bitcoin } from '../../lib/chains/bitcoin/bitcoin.ts'
import { MAINNET } from '../../lib/chains/bitcoin/networks.ts'
import { prevoutsOf } from '../../lib/chains/bitcoin/prevouts.ts'
import { writeMaps } from '../../lib/chains/bitcoin/psbt-maps.ts'
import { readPsbt, type Psbt } from '../../lib/chains/bitcoin/psbt.ts'
import { hash160, isWitnessProgram, keyHashScript } from '../../lib/chains/bitcoin/scripts.ts'
import { legacyDigest, segwitDigest } from '../../lib/chains/bitcoin/sighash.ts'
import { encodeSigned } from '../../lib/chains/bitcoin/transaction.ts'
import { concat, equal, toHex } from '../../lib/protocol/bytes.ts'
import { CloisterError } from '../../lib/protocol/errors.ts'
import { verifies } from './btc-sighash.ts'
import { hexField, list, object, text, UnknownShape, type Json } from './fields.ts'
import { must, skip } from './report.ts'

export function checkPsbt(section: string, value: unknown): void {
  switch (section) {
    case 'valid':
      return checkValid(bytesOf(value))
    case 'invalid':
      return checkInvalid(bytesOf(value))
    case 'invalid_with_msg':
      return checkInvalid(bytesOf(list(value, 'v')[0]))
    case 'creator':
      return checkCreated(object(value, 'v'))
    case 'signer':
      return checkSigned(bytesOf(object(value, 'v')['result']))
    case 'extractor':
      return checkExtracted(object(value, 'v'))
    case 'combiner':
    case 'finalizer':
      return skip(`a ${section} is not what the project is`)
    default:
      throw new UnknownShape('another section')
  }
}

function checkValid(bytes: Uint8Array): void {
  must(equal(writeMaps(readPsbt(bytes).maps), bytes), 'written back otherwise')
}

function checkInvalid(bytes: Uint8Array): void {
  try {
    bitcoin.read({ chain: MAINNET.id, kind: 'transaction', data: bytes, context: null })
  } catch (error) {
    return must(error instanceof CloisterError, 'refused without a code')
  }
  must(false, 'accepted')
}

function checkCreated(value: Json): void {
  const { tx } = readPsbt(bytesOf(value['result']))
  const inputs = list(value['inputs'], 'inputs').map((one) => object(one, 'an input'))
  must(inputs.every((input, i) => toHex(tx.inputs[i]?.txid ?? new Uint8Array()) === text(input, 'txid') && tx.inputs[i]?.index === input['vout']), 'another input')
  const amounts = list(value['outputs'], 'outputs').map((one) => Math.round(Number(Object.values(object(one, 'an output'))[0]) * 1e8))
  must(amounts.every((amount, i) => tx.outputs[i]?.amount === BigInt(amount)), 'another amount')
}

/** Several keys share these scripts, so they are not signed here: the signatures that are there must be over our digests. */
function checkSigned(bytes: Uint8Array): void {
  const psbt = readPsbt(bytes)
  const prevouts = prevoutsOf(psbt)
  let checked = 0
  for (const [index, fields] of psbt.inputs.entries()) {
    const { partialSig } = fields
    if (isAltered(fields, prevouts[index]?.script)) continue // signers are to refuse these: the hash is not the output's
    for (const [publicKey, signature] of partialSig ?? []) {
      const prevout = prevouts[index]
      must(prevout !== undefined && verifies(signature, digestOf(psbt, index, prevout, signature.at(-1) as number), publicKey), 'a signature is over another digest')
      checked += 1
    }
  }
  if (checked === 0) skip('no signature but by script path')
}

function isAltered({ redeemScript, witnessScript }: Psbt['inputs'][number], spent: Uint8Array | undefined): boolean {
  const nested = redeemScript === undefined ? spent : concat(Uint8Array.of(0xa9, 0x14), hash160(redeemScript), Uint8Array.of(0x87))
  const program = redeemScript ?? spent
  const hashed = witnessScript === undefined ? program : concat(Uint8Array.of(0, 0x20), sha256(witnessScript))
  return [nested, spent, program, hashed].every((one) => one !== undefined) && !(equal(nested as Uint8Array, spent as Uint8Array) && equal(program as Uint8Array, hashed as Uint8Array))
}

function digestOf({ tx, inputs }: Psbt, index: number, prevout: { readonly script: Uint8Array; readonly amount: bigint }, type: number): Uint8Array {
  const { redeemScript, witnessScript } = inputs[index] ?? {}
  const program = redeemScript ?? prevout.script
  if (!isWitnessProgram(program)) return legacyDigest(tx, index, program, type)
  return segwitDigest(tx, index, witnessScript ?? keyHashScript(program.subarray(2)), prevout.amount, type)
}

function checkExtracted(value: Json): void {
  const { tx, inputs } = readPsbt(bytesOf(value['extract']))
  const finals = inputs.map(finalOf).filter((one) => one !== undefined)
  must(finals.length === inputs.length && equal(encodeSigned(tx, finals), hexField(value, 'result')), 'another transaction')
}

function bytesOf(value: unknown): Uint8Array {
  if (typeof value !== 'string') throw new UnknownShape('not a PSBT')
  // As lenient as can be: an invalid one must be refused for what it holds.
  return new Uint8Array(Buffer.from(value, /^([0-9a-f]{2})+$/.test(value) ? 'hex' : 'base64'))
}
