/** Digests before taproot: Bitcoin Core's random ones, and BIP-143's examples. */
import { secp256k1 } from '@noble/curves/secp256k1.js'
import { hash160, isWitnessProgram, keyHashScript } from '../../lib/chains/bitcoin/scripts.ts'
import { writeMaps } from '../../lib/chains/bitcoin/psbt-maps.ts'
import { legacyDigest, segwitDigest } from '../../lib/chains/bitcoin/sighash.ts'
import { decodeSigned, encodeStripped, type UnsignedTransaction } from '../../lib/chains/bitcoin/transaction.ts'
import { concat, equal, toHex } from '../../lib/protocol/bytes.ts'
import { planWith, signWith } from './btc-keys.ts'
import { hex, hexField, list, UnknownShape, type Json } from './fields.ts'
import { must, skip } from './report.ts'

/** `[transaction, script, input, type, digest]`, the digest in display order. */
export function checkLegacyDigest(row: readonly unknown[]): void {
  const [raw, script, index, type, digest] = row
  if (typeof index !== 'number' || typeof type !== 'number') throw new UnknownShape('not a row of digests')
  const ours = legacyDigest(decodeSigned(hex(raw, 'transaction')).tx, index, hex(script, 'script'), type)
  must(equal(ours.reverse(), hex(digest, 'digest')), 'another digest')
}

/** Each signature of a witness is over one of the digests; where one key signs the only input, our own transaction is the very one. */
export function checkBip143(vector: Json): void {
  const { tx, satisfactions } = decodeSigned(hexField(vector, 'signed'))
  must(equal(encodeStripped(tx), encodeStripped(decodeSigned(hexField(vector, 'unsigned')).tx)), 'another transaction')
  const expected = list(vector['sighashes'], 'sighashes').map((one) => toHex(hex(one, 'a digest')))
  const amounts = list(vector['scriptPubKeys'], 'scriptPubKeys').map((pair) => satoshis(list(pair, 'a scriptPubKey')[1]))
  let checked = 0
  for (const [index, { witness }] of satisfactions.entries()) {
    for (const signature of witness.filter(isSignature)) {
      const type = signature.at(-1) as number
      const digests = scriptCodes(witness).flatMap((code) => amounts.map((amount) => segwitDigest(tx, index, code, amount, type)))
      const found = digests.filter((digest) => expected.includes(toHex(digest)))
      must(found.length > 0, 'another digest')
      // One of the examples is older than BIP-146, and has a high s.
      must(keysIn(witness).some((key) => found.some((digest) => verifies(signature, digest, key, false))), 'the signature is of no key of the script')
      checked += 1
    }
  }
  if (checked === 0) skip('no segwit signature')
  checkOneKey(vector, tx)
}

function checkOneKey(vector: Json, tx: UnsignedTransaction): void {
  const keys = list(vector['privkeys'], 'privkeys')
  const [script, amount] = list(list(vector['scriptPubKeys'], 'scriptPubKeys')[0], 'a scriptPubKey')
  if (keys.length !== 1 || tx.inputs.length !== 1 || !isOneKeys(hex(script, 'script'), vector['redeemScript'])) return
  const key = hex(keys[0], 'a private key')
  const value = new Uint8Array(8)
  new DataView(value.buffer).setBigUint64(0, satoshis(amount), true)
  const spent = hex(script, 'script')
  const input = [{ key: Uint8Array.of(1), value: concat(value, Uint8Array.of(spent.length), spent) }]
  const psbt = writeMaps({ version: 0, global: [{ key: Uint8Array.of(0), value: encodeStripped(tx) }], inputs: [input], outputs: tx.outputs.map(() => []) })
  const { plan } = planWith(key, 'm', 'transaction', psbt)
  must(equal(plan.assemble(signWith(key, plan.tasks)).signed, hexField(vector, 'signed')), 'another transaction is signed')
}

function isOneKeys(script: Uint8Array, redeemScript: unknown): boolean {
  const program = typeof redeemScript === 'string' ? hex(redeemScript, 'redeemScript') : script
  return isWitnessProgram(program) && program.length === 22
}

const isSignature = (item: Uint8Array): boolean => item[0] === 0x30 && item.length >= 9 && item.length <= 73

/** The script that runs, from each place where it may be cut: behind an `OP_CODESEPARATOR`. */
function scriptCodes(witness: readonly Uint8Array[]): readonly Uint8Array[] {
  const last = witness.at(-1) as Uint8Array
  if (last.length === 33 && witness.length === 2) return [keyHashScript(hash160(last))]
  return [last, ...[...last.keys()].filter((i) => last[i] === 0xab).map((i) => last.subarray(i + 1))]
}

function keysIn(witness: readonly Uint8Array[]): readonly Uint8Array[] {
  const script = witness.at(-1) as Uint8Array
  if (script.length === 33) return [script]
  const starts = [...script.keys()].filter((i) => script[i] === 33 && (script[i + 1] === 2 || script[i + 1] === 3))
  return [...starts.map((i) => script.subarray(i + 1, i + 34)), ...witness.filter(({ length }) => length === 33)]
}

export function verifies(signature: Uint8Array, digest: Uint8Array, key: Uint8Array, lowS = true): boolean {
  try {
    return secp256k1.verify(signature.subarray(0, -1), digest, key, { prehash: false, lowS, format: 'der' })
  } catch {
    return false
  }
}

/** Bitcoin with up to eight decimals. */
function satoshis(amount: unknown): bigint {
  const [, whole, part = ''] = /^(\d+)(?:\.(\d{1,8}))?$/.exec(String(amount)) ?? []
  if (whole === undefined) throw new UnknownShape('an amount is not bitcoin')
  return BigInt(whole) * 100_000_000n + BigInt(part.padEnd(8, '0'))
}
