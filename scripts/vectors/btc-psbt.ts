/** Bitcoin Core's PSBT vectors (BIP-174, BIP-371): every valid one is read and written back the same, every invalid one refused; and the roles that we have. */
import { base64 } from '@scure/base'
import { finalOf } from '../../lib/chains/bitcoin/assemble.ts'
import { bitcoin } from '../../lib/chains/bitcoin/bitcoin.ts'
import { MAINNET } from '../../lib/chains/bitcoin/networks.ts'
import { prevoutsOf } from '../../lib/chains/bitcoin/prevouts.ts'
import { writeMaps } from '../../lib/chains/bitcoin/psbt-maps.ts'
import { readPsbt, type Psbt } from '../../lib/chains/bitcoin/psbt.ts'
import { isWitnessProgram, keyHashScript } from '../../lib/chains/bitcoin/scripts.ts'
import { legacyDigest, segwitDigest } from '../../lib/chains/bitcoin/sighash.ts'
import { encodeSigned } from '../../lib/chains/bitcoin/transaction.ts'
import { equal, toHex } from '../../lib/protocol/bytes.ts'
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
  for (const [index, { partialSig }] of psbt.inputs.entries()) {
    for (const [publicKey, signature] of partialSig ?? []) {
      const prevout = prevouts[index]
      must(prevout !== undefined && verifies(signature, digestOf(psbt, index, prevout, signature.at(-1) as number), publicKey), 'a signature is over another digest')
      checked += 1
    }
  }
  if (checked === 0) skip('no signature but by script path')
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
  const isHex = /^([0-9a-f]{2})+$/.test(value)
  try {
    return isHex ? Uint8Array.from(value.match(/../g) ?? [], (byte) => Number.parseInt(byte, 16)) : base64.decode(value)
  } catch {
    throw new UnknownShape('not a PSBT')
  }
}
