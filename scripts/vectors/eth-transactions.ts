/**
 * Transactions. The project takes unsigned ones and gives signed ones back: so a signed vector is taken apart, its
 * unsigned form parsed, the signature made (or, without a key, taken over), and what is assembled must be the vector's
 * bytes.
 */
import { getPublicKey } from '@noble/secp256k1'
import { keccak_256 } from '@noble/hashes/sha3.js'
import { ethereum } from '../../lib/chains/ethereum/ethereum.ts'
import { writeRlp } from '../../lib/chains/ethereum/rlp.ts'
import { concat, equal } from '../../lib/protocol/bytes.ts'
import { CloisterError } from '../../lib/protocol/errors.ts'
import { chainIdOf, takeApart, toItem, unwrap } from './eth-parts.ts'
import { codeOfRefusal, planPayload, type Planned } from './eth-plan.ts'
import { addressOf, signAsEnclave } from './eth-sign.ts'
import { bigint, hex, hexField, isObject, object, text, UnknownShape, type Json } from './fields.ts'
import { Failure, must, skip, type Report } from './report.ts'

const addressOfKey = (publicKey: Uint8Array): string => ethereum.address({ path: 'm', publicKey, chainCode: null })

/** One transaction in several forms: `unsigned<Form>` and `signed<Form>`, null or empty where it can't be expressed. */
export async function checkForms(report: Report, path: string, id: string, vector: Json): Promise<void> {
  for (const form of Object.keys(vector).flatMap((name) => /^unsigned(.+)$/.exec(name)?.slice(1) ?? [])) {
    if (isNone(vector[`unsigned${form}`]) || isNone(vector[`signed${form}`])) continue
    await report.check(path, `${id}/${form}`, () => {
      const privateKey = hexField(vector, 'privateKey')
      const unsigned = hexField(vector, `unsigned${form}`)
      const refusal = refusalOf(form, object(vector['transaction'], 'transaction'))
      if (refusal !== undefined) return must(codeOfRefusal(() => planPayload(chainIdOf(unsigned), 'transaction', unsigned)) === refusal, 'not refused')
      const parsed = parse(unsigned)
      checkSummary(parsed, vector['transaction'])
      checkSigning(parsed, privateKey, hexField(vector, `signed${form}`))
    })
  }
}

/** ethers writes random transactions, whatever the EIPs say of them. */
function refusalOf(form: string, transaction: Json): string | undefined {
  const blobs = transaction['blobVersionedHashes']
  if (form !== 'Legacy' && bigint(transaction['chainId'], 'chainId') === 0n) return 'tx_chain_id_missing'
  const isTipAboveFee = bigint(transaction['maxPriorityFeePerGas'], 'a tip') > bigint(transaction['maxFeePerGas'], 'a fee')
  if (/London|Cancun/.test(form) && isTipAboveFee) return 'tx_field_invalid'
  return form === 'Cancun' && (isNone(transaction['to']) || !Array.isArray(blobs) || blobs.length === 0) ? 'tx_field_invalid' : undefined
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

/** A valid signed transaction, perhaps with its sender, its hash, or the digest that was signed. */
export function checkSigned(bytes: Uint8Array, vector: Json): void {
  const signed = unwrap(bytes)
  const { unsigned, signature } = takeApart(signed)
  const parsed = parse(unsigned)
  must(codeOfRefusal(() => planPayload(chainIdOf(unsigned), 'transaction', signed)) === 'tx_already_signed', 'signed again')
  if (signature === undefined) throw new Failure('its signature is not read')
  const sender = addressOf(signature.compact, signature.recovery, parsed.digest)
  const expected = vector['sender'] ?? vector['sendersAddress']
  if (typeof expected === 'string' && expected !== 'TODO' && sender.toLowerCase() !== `0x${expected.replace(/^0x/, '')}`.toLowerCase()) {
    if (vector['privateKey'] !== undefined) skip('the signature in it is not from its sender')
    throw new Failure('another sender')
  }
  const done = parsed.assemble(signature, sender)
  must(equal(done.signed, signed), 'other signed bytes')
  if (typeof vector['digest'] === 'string') must(equal(parsed.digest, hexField(vector, 'digest')), 'another digest')
  if (typeof vector['hash'] === 'string') must(equal(done.hash, hexField(vector, 'hash')), 'another hash')
}

/**
 * An invalid signed transaction. That it is refused for being signed says nothing: its unsigned form must be refused, or warned of (gas rules
 * are the chain's), or these very bytes must be ones that no signature is assembled to.
 */
export function checkInvalid(vector: Json): void {
  const signed = hexField(vector, 'tx')
  const fault = String(vector['exception'])
  // Those about the chain id are wrong for a chain 1.
  const chain = (bytes: Uint8Array): string => (fault.includes('CHAINID') ? 'eip155:1' : chainIdOf(bytes))
  const isEmpty = /CHAINID|SIGNATURE/.test(fault) // EIP-155 writes an unsigned transaction with nothing for r and s
  must(isEmpty || codeOfRefusal(() => planPayload(chain(signed), 'transaction', signed)) !== undefined, 'accepted as it is')
  let parts
  try {
    parts = takeApart(signed)
  } catch {
    return
  }
  const { unsigned, signature } = parts
  let parsed: Planned
  try {
    parsed = planPayload(chain(unsigned), 'transaction', unsigned)
  } catch (error) {
    if (error instanceof CloisterError) return
    throw error
  }
  if (fault.includes('INTRINSIC_GAS')) return must(parsed.summary.warnings.includes('gas_below_intrinsic'), 'not warned of')
  if (signature === undefined) return
  let assembled
  try {
    assembled = parsed.assemble(signature, addressOf(signature.compact, signature.recovery, parsed.digest)).signed
  } catch {
    return // from nobody, or not canonical
  }
  must(!equal(assembled, signed), 'accepted')
}

function checkSigning(parsed: Planned, privateKey: Uint8Array, signed: Uint8Array): void {
  const done = parsed.assemble(signAsEnclave(parsed.digest, privateKey), addressOfKey(getPublicKey(privateKey, true)))
  must(equal(done.signed, signed), 'other signed bytes')
  must(equal(done.hash, keccak_256(signed)), 'another hash')
}

/** What a person would read before the PIN. */
function checkSummary(parsed: Planned, transaction: unknown): void {
  if (!isObject(transaction)) throw new UnknownShape('no transaction')
  const { fields } = parsed.summary
  for (const name of ['chainId', 'nonce', 'value', 'gasLimit', 'gasPrice', 'maxFeePerGas', 'maxPriorityFeePerGas', 'maxFeePerBlobGas']) {
    const expected = String(bigint(transaction[name], name))
    must(fields[name] === undefined || fields[name] === expected, `the summary has another ${name}`)
  }
  const { to, data } = transaction
  const recipient = typeof to === 'string' ? to.toLowerCase() : 'contract creation'
  must(fields['to']?.toLowerCase() === recipient, 'the summary has another to')
  must(fields['data'] === (typeof data === 'string' ? data.toLowerCase() : '0x'), 'the summary has other data')
}

function parse(unsigned: Uint8Array): Planned {
  try {
    return planPayload(chainIdOf(unsigned), 'transaction', unsigned)
  } catch (error) {
    if (!(error instanceof CloisterError)) throw error
    if (error.code === 'tx_too_large') skip('larger than a request can be')
    throw new Failure(`refused: ${error.code}`)
  }
}

function isNone(value: unknown): boolean {
  return value === null || value === undefined || value === '' || value === '0x'
}
