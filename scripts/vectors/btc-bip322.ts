/** BIP-322: ours are verified, theirs too. Verifying is done here alone, for the scripts of one key; proofs and other scripts are not what the project signs. */
import { schnorr } from '@noble/curves/secp256k1.js'
import { sha256 } from '@noble/hashes/sha2.js'
import { base64, bech32, bech32m, createBase58check } from '@scure/base'
import { RawWitness } from '@scure/btc-signer/script.js'
import { messageHash, toSign, toSpendTxid } from '../../lib/chains/bitcoin/bip322.ts'
import { hash160, isTaproot, keyHashScript, scriptOf } from '../../lib/chains/bitcoin/scripts.ts'
import { legacyDigest, segwitDigest, taprootDigest } from '../../lib/chains/bitcoin/sighash.ts'
import { decodeSigned, txidOf, type Satisfaction, type UnsignedTransaction } from '../../lib/chains/bitcoin/transaction.ts'
import { concat, equal, utf8 } from '../../lib/protocol/bytes.ts'
import { fromWif, PATHS, planWith, signWith } from './btc-keys.ts'
import { verifies } from './btc-sighash.ts'
import { hexField, list, text, UnknownShape, type Json } from './fields.ts'
import { must, skip } from './report.ts'

export function checkMessageHashes(value: Json): void {
  const [message, script] = [utf8(text(value, 'message')), scriptAt(text(value, 'address'))]
  must(equal(messageHash(message), hexField(value, 'message_hash')), 'another message hash')
  must(equal(toSpendTxid(message, script), hexField(value, 'to_spend_tx_hash')), 'another to_spend')
  must(equal(txidOf(toSign(message, script)), hexField(value, 'to_sign_tx_hash')), 'another to_sign')
}

export function checkSimple(value: Json): void {
  const path = PATHS[text(value, 'type')] ?? skip('a script of more than one key')
  const message = utf8(text(value, 'message'))
  const address = text(value, 'address')
  const key = fromWif(String(list(value['private_keys'], 'private_keys')[0]))
  const { plan, context } = planWith(key, path, 'message', message)
  must(context.account.address === address, 'another address')
  const { signed, hash } = plan.assemble(signWith(key, plan.tasks))
  must(equal(hash, messageHash(message)), 'another message hash')
  must(verifySimple(message, address, signed), 'our signature does not verify')
  for (const theirs of list(value['bip322_signatures'], 'bip322_signatures')) {
    must(verifySimple(message, address, base64.decode(String(theirs).replace(/^smp/, ''))), 'a valid signature is refused')
  }
}

/** Full signatures are not made, but are over the same digests. */
export function checkFull(value: Json): void {
  if (PATHS[text(value, 'type')] === undefined) skip('a script of more than one key')
  for (const theirs of list(value['bip322_signatures'], 'bip322_signatures')) {
    const tx = base64.decode(String(theirs).replace(/^ful/, ''))
    must(verifyFull(utf8(text(value, 'message')), text(value, 'address'), tx), 'a valid signature is refused')
  }
}

export function checkMessageError(value: Json): void {
  const [message, address, signature] = [utf8(text(value, 'message')), text(value, 'address'), text(value, 'signature')]
  const script = scriptAt(address)
  if (script.length === 34 && script[0] === 0) skip('a script of more than one key')
  const [, prefix, encoded] = /^(smp|ful|pof|)(.*)$/s.exec(signature) ?? []
  if (prefix === 'pof') skip('proofs of funds are not signed')
  let accepted = false
  try {
    const bytes = base64.decode(encoded as string)
    accepted = prefix === 'ful' ? verifyFull(message, address, bytes) : verifySimple(message, address, bytes)
  } catch {
    // refused
  }
  must(!accepted, 'an invalid signature is accepted')
}

function verifySimple(message: Uint8Array, address: string, bytes: Uint8Array): boolean {
  const script = scriptAt(address)
  const witness = RawWitness.decode(bytes)
  // P2SH says by what it is unlocked in its own script, which a simple signature leaves out.
  return verifyInput(toSign(message, script), script, { scriptSig: new Uint8Array(), witness }, true)
}

function verifyFull(message: Uint8Array, address: string, bytes: Uint8Array): boolean {
  const script = scriptAt(address)
  const { tx, satisfactions } = decodeSigned(bytes)
  const [input, ...others] = tx.inputs
  const [output, ...more] = tx.outputs
  if (input === undefined || output === undefined || others.length + more.length > 0) return false
  if (!equal(input.txid, toSpendTxid(message, script)) || input.index !== 0 || output.amount !== 0n || !equal(output.script, Uint8Array.of(0x6a))) return false
  return verifyInput(tx, script, satisfactions[0] as Satisfaction, false)
}

function verifyInput(tx: UnsignedTransaction, script: Uint8Array, { scriptSig, witness }: Satisfaction, isSimple: boolean): boolean {
  const [signature, publicKey] = witness.length > 0 ? witness : pushed(scriptSig)
  if (signature === undefined) return false
  if (isTaproot(script)) {
    const type = signature.length === 64 ? 0 : (signature[64] as number)
    if (witness.length !== 1 || ![64, 65].includes(signature.length) || type > 1 || (signature.length === 65 && type === 0)) return false
    return schnorr.verify(signature.subarray(0, 64), taprootDigest(tx, 0, [{ amount: 0n, script }], type), script.subarray(2))
  }
  if (publicKey?.length !== 33 || signature.at(-1) !== 1) return false
  const nested = equal(script, scriptOf('p2sh-p2wpkh', publicKey))
  if (nested && !isSimple && !equal(scriptSig, concat(Uint8Array.of(22), scriptOf('p2wpkh', publicKey)))) return false
  if (nested || equal(script, scriptOf('p2wpkh', publicKey))) return witness.length === 2 && verifies(signature, segwitDigest(tx, 0, keyHashScript(hash160(publicKey)), 0n, 1), publicKey)
  return equal(script, scriptOf('p2pkh', publicKey)) && !isSimple && verifies(signature, legacyDigest(tx, 0, script, 1), publicKey)
}

/** Two pushes, as P2PKH has them. */
function pushed(scriptSig: Uint8Array): readonly Uint8Array[] {
  const first = scriptSig[0] ?? 0
  const second = scriptSig[first + 1] ?? 0
  return first + second + 2 === scriptSig.length ? [scriptSig.subarray(1, first + 1), scriptSig.subarray(first + 2)] : []
}

/** The output script of a mainnet address. */
function scriptAt(address: string): Uint8Array {
  const segwit = /^bc1([qp])/.exec(address)?.[1]
  try {
    if (segwit !== undefined) {
      const { words } = (segwit === 'q' ? bech32 : bech32m).decode(address as `bc1${string}`)
      const program = bech32.fromWords(words.slice(1))
      return concat(Uint8Array.of(words[0] === 0 ? 0 : 0x50 + (words[0] as number), program.length), program)
    }
    const bytes = createBase58check(sha256).decode(address)
    if (bytes[0] === 0) return keyHashScript(bytes.subarray(1))
    if (bytes[0] === 5) return concat(Uint8Array.of(0xa9, 0x14), bytes.subarray(1), Uint8Array.of(0x87))
  } catch {
    // refused below
  }
  throw new UnknownShape('not a mainnet address')
}
