/**
 * Transactions. The project takes unsigned ones and gives signed ones back: so a signed vector is taken apart, its unsigned form parsed, the signature made (or, without
 * a key, taken over), and what is assembled must be the vector's bytes. What the project refuses by design (no chain id) or doesn't know yet is skipped.
 */
import { getPublicKey } from '@noble/secp256k1'
import { keccak_256 } from '@noble/hashes/sha3.js'
import { chainOf, type EcdsaSignature, type ParsedTransaction } from '../../lib/chains/chain.ts'
import { readRlpList, type RlpItem } from '../../lib/chains/ethereum/rlp.ts'
import { concat, equal, toHex } from '../../lib/protocol/bytes.ts'
import { CloisterError } from '../../lib/protocol/errors.ts'
import { numberBytes, writeRlp } from './eth-rlp.ts'
import { addressOf, signAsEnclave } from './eth-sign.ts'
import { bigint, hex, hexField, isObject, text, UnknownShape, type Json } from './fields.ts'
import { Failure, must, skip, type Report } from './report.ts'

const ethereum = chainOf('eip155')

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
  if (vector['rlp'] !== undefined) return checkSigned(hexField(vector, 'rlp'), { sender: vector['sender'], digest: vector['hash'] }) // what EIP-155's own table calls hash is what was signed
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
 * An invalid signed transaction. That it is refused for being signed says nothing: then its unsigned form must be refused, or its signature. Gas rules
 * are the chain's, and v is written here, never read.
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
  if (code === 'tx_type_unknown') return fault.includes('TYPE_NOT_SUPPORTED') ? undefined : skip(`type ${signed[0]} is not there yet`)
  if (code !== 'tx_already_signed') return
  const { protectedForm, signature } = takeApart(signed)
  if (refusalCode(protectedForm) !== undefined) return
  if (/CHAINID|_V$/.test(fault) || signature === undefined) skip('v is written here, never read')
  const parsed = parse(protectedForm)
  let sender
  try {
    sender = addressOf(signature.compact, signature.recovery, parsed.digest)
  } catch {
    sender = ethereum.address(getPublicKey(new Uint8Array(32).fill(1), true)) // from nobody: any address will do
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
  const done = parsed.assemble(signAsEnclave(parsed.digest, privateKey), ethereum.address(getPublicKey(privateKey, true)))
  must(equal(done.signed, signed), 'other signed bytes')
  must(equal(done.hash, keccak_256(signed)), 'another hash')
}

/** What a person would read before the PIN. */
function checkSummary(parsed: ParsedTransaction, transaction: unknown): void {
  if (!isObject(transaction)) throw new UnknownShape('no transaction')
  const { fields } = parsed.summary
  for (const name of ['chainId', 'nonce', 'value', 'gasLimit', 'gasPrice', 'maxFeePerGas', 'maxPriorityFeePerGas']) {
    if (fields[name] !== undefined) must(fields[name] === String(bigint(transaction[name], name)), `the summary has another ${name}`)
  }
  const { to, data } = transaction
  must(fields['to']?.toLowerCase() === (typeof to === 'string' ? to.toLowerCase() : 'contract creation'), 'the summary has another to')
  must(fields['data'] === (typeof data === 'string' ? data.toLowerCase() : '0x'), 'the summary has other data')
}

function parse(unsigned: Uint8Array): ParsedTransaction {
  try {
    return ethereum.parse(chainIdOf(unsigned), unsigned)
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
    ethereum.parse(chainIdOf(bytes), bytes)
    return undefined
  } catch (error) {
    if (error instanceof CloisterError) return error.code
    throw error
  }
}

/** The chain id that an unsigned transaction names, in CAIP-2. */
function chainIdOf(unsigned: Uint8Array): string {
  let item: RlpItem | undefined
  try {
    const isTyped = (unsigned[0] ?? 0) < 0xc0
    item = readRlpList(isTyped ? unsigned.subarray(1) : unsigned)[isTyped ? 0 : 6]
  } catch {
    item = undefined
  }
  return `eip155:${item instanceof Uint8Array ? toNumber(item) : 0n}`
}

interface Parts {
  /** What was signed. */
  readonly unsigned: Uint8Array
  /** The same with a chain id, if it had none: it is not refused for that. */
  readonly protectedForm: Uint8Array
  /** `undefined` if v is none of those that there are. */
  readonly signature: EcdsaSignature | undefined
  /** r and s are there, and empty. */
  readonly isUnsigned: boolean
}

function takeApart(signed: Uint8Array): Parts {
  const type = (signed[0] ?? 0) < 0xc0 ? signed.subarray(0, 1) : new Uint8Array()
  let items: readonly RlpItem[]
  try {
    items = readRlpList(signed.subarray(type.length))
  } catch (error) {
    throw new Failure(`its RLP is refused${error instanceof CloisterError ? `: ${error.code}` : ''}`)
  }
  const [v, r, s] = items.slice(-3)
  if (type.length > 0 && type[0] !== 2) return typed(type, items, undefined, false) // only to hear that the type is unknown
  if (!(v instanceof Uint8Array) || !(r instanceof Uint8Array) || !(s instanceof Uint8Array)) throw new Failure('its signature is not read')
  const isUnsigned = r.length === 0 && s.length === 0
  const compact = concat(pad32(r), pad32(s))
  const number = toNumber(v)
  if (type.length > 0) return typed(type, items, number <= 1n ? { compact, recovery: number === 0n ? 0 : 1 } : undefined, isUnsigned)
  const fields = items.slice(0, -3)
  const none = new Uint8Array()
  const withChain = (chainId: bigint): Uint8Array => writeRlp([...fields, numberBytes(chainId), none, none])
  if (number < 37n) {
    const recovery = number === 27n ? 0 : number === 28n ? 1 : undefined
    return { unsigned: writeRlp(fields), protectedForm: withChain(1n), signature: recovery === undefined ? undefined : { compact, recovery }, isUnsigned }
  }
  const form = withChain((number - 35n) / 2n) // EIP-155
  return { unsigned: form, protectedForm: form, signature: { compact, recovery: number % 2n === 1n ? 0 : 1 }, isUnsigned }
}

function typed(type: Uint8Array, items: readonly RlpItem[], signature: EcdsaSignature | undefined, isUnsigned: boolean): Parts {
  const unsigned = concat(type, writeRlp(items.slice(0, -3)))
  return { unsigned, protectedForm: unsigned, signature, isUnsigned }
}

/** Typed transactions are sometimes given as an RLP string. */
function unwrap(bytes: Uint8Array): Uint8Array {
  const first = bytes[0] ?? 0
  if (first < 0x80 || first >= 0xc0) return bytes
  const inner = first < 0xb8 ? bytes.subarray(1) : bytes.subarray(1 + first - 0xb7)
  if (!equal(writeRlp(inner), bytes)) throw new UnknownShape('not a transaction in an RLP string')
  return inner
}

function toItem(value: unknown): RlpItem {
  return Array.isArray(value) ? value.map(toItem) : hex(value, 'an item')
}

function isNone(value: unknown): boolean {
  return value === null || value === undefined || value === '' || value === '0x'
}

function pad32(bytes: Uint8Array): Uint8Array {
  if (bytes.length > 32) throw new Failure('r or s is longer than 32 bytes')
  return concat(new Uint8Array(32 - bytes.length), bytes)
}

function toNumber(bytes: Uint8Array): bigint {
  return bytes.length === 0 ? 0n : BigInt(`0x${toHex(bytes)}`)
}
