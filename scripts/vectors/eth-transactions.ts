/**
 * Transactions. The project takes unsigned ones and gives signed ones back: so a signed vector is taken apart, its
 * unsigned form parsed, the signature made (or, without a key, taken over), and what is assembled must be the vector's
 * bytes. What the project refuses by design (no chain id) or doesn't know yet is skipped.
 */
import { getPublicKey } from '@noble/secp256k1'
import { keccak_256 } from '@noble/hashes/sha3.js'
import { ethereum, parse as parseTransaction, type ParsedTransaction } from '../../lib/chains/ethereum/ethereum.ts'
import { concat, equal } from '../../lib/protocol/bytes.ts'
import { CloisterError } from '../../lib/protocol/errors.ts'
import { chainIdOf, takeApart, toItem, unwrap } from './eth-parts.ts'
import { writeRlp } from './eth-rlp.ts'
import { addressOf, signAsEnclave } from './eth-sign.ts'
import { bigint, hex, hexField, isObject, text, UnknownShape, type Json } from './fields.ts'
import { Failure, must, skip, type Report } from './report.ts'

const addressOfKey = (publicKey: Uint8Array): string => ethereum.address({ path: 'm', publicKey, chainCode: null })

/** One transaction in several forms: `unsigned<Form>` and `signed<Form>`, null or empty where it can't be expressed. */
export async function checkForms(report: Report, path: string, id: string, vector: Json): Promise<void> {
  for (const form of Object.keys(vector).flatMap((name) => /^unsigned(.+)$/.exec(name)?.slice(1) ?? [])) {
    if (isNone(vector[`unsigned${form}`]) || isNone(vector[`signed${form}`])) continue
    await report.check(path, `${id}/${form}`, () => {
      const privateKey = hexField(vector, 'privateKey')
      const parsed = parse(hexField(vector, `unsigned${form}`))
      checkSummary(parsed, vector['transaction'])
      checkSigning(parsed, privateKey, hexField(vector, `signed${form}`))
    })
  }
}

/** ethereumjs: signed by key, signed by nobody's key, or in fields. */
export function checkFixture(vector: Json): void {
  // EIP-155's own table: what it calls hash is what was signed.
  if (vector['rlp'] !== undefined) return checkSigned(hexField(vector, 'rlp'), { sender: vector['sender'], digest: vector['hash'] })
  if (vector['signedTransactionRLP'] !== undefined) {
    const signed = unwrap(hexField(vector, 'signedTransactionRLP'))
    return checkSigning(parse(takeApart(signed).unsigned), hexField(vector, 'privateKey'), signed)
  }
  const raw = vector['raw']
  if (typeof raw === 'string') return checkSigned(hex(raw, 'raw'), vector)
  const type = { legacy: [], eip2930: [1], eip1559: [2], eip4844: [3], eip7702: [4] }[text(vector, 'set')]
  if (type === undefined) throw new UnknownShape('another set')
  checkSigned(concat(Uint8Array.from(type), writeRlp(toItem(raw))), vector)
}

/** A valid signed transaction, with its sender and perhaps its hash, or the digest that was signed. */
export function checkSigned(signed: Uint8Array, vector: Json): void {
  const { unsigned, signature } = takeApart(unwrap(signed))
  const parsed = parse(unsigned)
  if (signature === undefined) throw new Failure('its v is not read')
  const sender = addressOf(signature.compact, signature.recovery, parsed.digest)
  const expected = vector['sender'] ?? vector['sendersAddress']
  if (typeof expected !== 'string') throw new UnknownShape('no sender')
  if (sender.toLowerCase() !== `0x${expected.replace(/^0x/, '')}`.toLowerCase()) {
    if (vector['privateKey'] !== undefined) skip('the signature in it is not from its sender')
    throw new Failure('another sender')
  }
  const done = parsed.assemble(signature, sender)
  must(equal(done.signed, signed), 'other signed bytes')
  if (typeof vector['digest'] === 'string') must(equal(parsed.digest, hexField(vector, 'digest')), 'another digest')
  if (typeof vector['hash'] === 'string') must(equal(done.hash, hexField(vector, 'hash')), 'another hash')
}

/**
 * An invalid signed transaction. That it is refused for being signed says nothing: then its unsigned form must be
 * refused, or its signature. Gas rules are the chain's, and v is written here, never read.
 */
export function checkInvalid(vector: Json): void {
  const fault = String(vector['exception'])
  if (/INTRINSIC_GAS|INITCODE/.test(fault)) skip('gas rules are not for a signer')
  const signed = hexField(vector, 'tx')
  const code = refusalCode(signed)
  if (code === undefined) {
    // EIP-155 writes an unsigned transaction as one with its chain id for v, and nothing for r and s.
    if (takeApart(signed).isUnsigned) skip('r and s are empty: an unsigned transaction')
    throw new Failure('accepted')
  }
  if (code === 'tx_type_unknown' && !fault.includes('TYPE_NOT_SUPPORTED')) skip(`type ${signed[0]} is not there yet`)
  if (code !== 'tx_already_signed') return
  const { protectedForm, signature } = takeApart(signed)
  if (refusalCode(protectedForm) !== undefined) return
  if (/CHAINID|_V$/.test(fault) || signature === undefined) skip('v is written here, never read')
  const parsed = parse(protectedForm)
  let sender
  try {
    sender = addressOf(signature.compact, signature.recovery, parsed.digest)
  } catch {
    sender = addressOfKey(getPublicKey(new Uint8Array(32).fill(1), true)) // from nobody: any address will do
  }
  let assembled = true
  try {
    parsed.assemble(signature, sender)
  } catch {
    assembled = false
  }
  must(!assembled, 'accepted')
}

function checkSigning(parsed: ParsedTransaction, privateKey: Uint8Array, signed: Uint8Array): void {
  const done = parsed.assemble(signAsEnclave(parsed.digest, privateKey), addressOfKey(getPublicKey(privateKey, true)))
  must(equal(done.signed, signed), 'other signed bytes')
  must(equal(done.hash, keccak_256(signed)), 'another hash')
}

/** What a person would read before the PIN. */
function checkSummary(parsed: ParsedTransaction, transaction: unknown): void {
  if (!isObject(transaction)) throw new UnknownShape('no transaction')
  const { fields } = parsed.summary
  for (const name of ['chainId', 'nonce', 'value', 'gasLimit', 'gasPrice', 'maxFeePerGas', 'maxPriorityFeePerGas']) {
    const expected = String(bigint(transaction[name], name))
    must(fields[name] === undefined || fields[name] === expected, `the summary has another ${name}`)
  }
  const { to, data } = transaction
  const recipient = typeof to === 'string' ? to.toLowerCase() : 'contract creation'
  must(fields['to']?.toLowerCase() === recipient, 'the summary has another to')
  must(fields['data'] === (typeof data === 'string' ? data.toLowerCase() : '0x'), 'the summary has other data')
}

function parse(unsigned: Uint8Array): ParsedTransaction {
  try {
    return parseTransaction(chainIdOf(unsigned), unsigned)
  } catch (error) {
    if (!(error instanceof CloisterError)) throw error
    if (error.code === 'tx_type_unknown') skip(`type ${unsigned[0]} is not there yet`)
    if (error.code === 'tx_chain_id_missing') skip('without a chain id it could be replayed: refused')
    throw new Failure(`refused: ${error.code}`)
  }
}

/** `undefined`: it parses. */
function refusalCode(bytes: Uint8Array): string | undefined {
  try {
    parseTransaction(chainIdOf(bytes), bytes)
    return undefined
  } catch (error) {
    if (error instanceof CloisterError) return error.code
    throw error
  }
}

function isNone(value: unknown): boolean {
  return value === null || value === undefined || value === '' || value === '0x'
}
