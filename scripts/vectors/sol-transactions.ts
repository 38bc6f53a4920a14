/**
 * Transactions and their messages through lib/chains/solana: read, their signatures verified, and signed with the keys that the vector
 * gives. A bare message gets empty slots. Lookup tables that the vector doesn't have are made up, for what is signed doesn't depend on them.
 */
import { sha256 } from '@noble/hashes/sha2.js'
import { base58 } from '@scure/base'
import { VersionedTransaction } from '@solana/web3.js'
import { publicKeyOf } from '../../enclave-sim/core/hd.ts'
import { signEd25519 } from '../../enclave-sim/core/signing.ts'
import type { SigningContext } from '../../lib/chains/chain.ts'
import { solana } from '../../lib/chains/solana/solana.ts'
import { addressOf, isMissing, readTransaction, type Transaction } from '../../lib/chains/solana/transaction.ts'
import type { CborValue } from '../../lib/protocol/cbor.ts'
import { concat, equal } from '../../lib/protocol/bytes.ts'
import { CloisterError } from '../../lib/protocol/errors.ts'
import { NO_PERMISSIONS } from '../../lib/protocol/operations.ts'
import type { Json } from './fields.ts'
import { mustFail, pleasing, readings, seedsOf } from './sol-bytes.ts'
import { isValidEd25519 } from './sol-ed25519.ts'
import { must, skip } from './report.ts'

const CHAIN = 'solana:5eykt4UsFv8P8NJdTREpY1vzqKqZKvdp'
const PATH = "m/44'/501'/0'/0'"
const WIRE = ['signed', 'signedTransaction', 'transaction', 'tx', 'wire', 'serialized', 'serializedTransaction', 'rawTransaction', 'raw', 'unsigned', 'unsignedTransaction', 'encoded', 'bytes', 'data', 'base64', 'base58', 'hex']
const MESSAGE = ['message', 'serializedMessage', 'messageBytes', 'signData', 'payload', 'msg', ...WIRE]

interface Found {
  readonly wire: Uint8Array
  readonly context: CborValue
  readonly transaction: Transaction
}

/** The transaction in a vector, if there is one. */
export function findTransaction(vector: Json): Found | undefined {
  const wire = pleasing(vector, WIRE, (bytes) => found(bytes) !== undefined) ?? pleasing(vector, MESSAGE, (bytes) => found(unsigned(bytes)) !== undefined)
  if (wire === undefined) return undefined
  return found(wire) ?? found(unsigned(wire))
}

export function checkTransaction(vector: Json, { wire, context, transaction }: Found): void {
  const { signers, signatures, message, recentBlockhash, version } = transaction
  for (const [index, signature] of signatures.entries()) {
    if (!isMissing(signature)) must(isValidEd25519(base58.decode(signers[index] as string), message, signature) !== mustFail(vector), 'a signature that is not what is said')
  }
  const given = readings(vector['message'] ?? vector['serializedMessage'])
  const isMessage = given.some((bytes) => found(unsigned(bytes)) !== undefined)
  if (isMessage) must(given.some((bytes) => equal(bytes, message)), 'another message')
  const said = vector['recentBlockhash'] ?? vector['blockhash']
  if (typeof said === 'string') must(said === recentBlockhash, 'another blockhash')
  if (vector['version'] === 'legacy' || vector['version'] === 0) must(version === (vector['version'] === 0 ? 'v0' : 'legacy'), 'another version')
  checkSigning(vector, wire, context, transaction)
}

/** Signs with every key that is given; what comes of it must be the transaction as it is, where that was signed. */
function checkSigning(vector: Json, wire: Uint8Array, context: CborValue, transaction: Transaction): void {
  let signed = cleared(wire, transaction)
  for (const seed of seedsOf(vector)) {
    const publicKey = publicKeyOf('ed25519', seed)
    const slot = transaction.signers.indexOf(addressOf(publicKey))
    if (slot < 0) continue
    const account = { namespace: 'solana', path: PATH, address: addressOf(publicKey), publicKey, chainCode: null }
    const signing: SigningContext = { account, accounts: [account], permissions: NO_PERMISSIONS }
    let plan
    try {
      plan = solana.read({ chain: CHAIN, kind: 'transaction', data: signed, context }).plan(signing)
    } catch (error) {
      if (error instanceof CloisterError && /^tx_(malformed|trailing_bytes|overflow)$/.test(error.code)) skip('an instruction that its program would not take')
      throw error
    }
    signed = plan.assemble([signEd25519(seed, publicKey, transaction.message)]).signed
    const expected = transaction.signatures[slot] as Uint8Array
    must(isMissing(expected) || equal(expected, signed.subarray(1 + 64 * slot, 65 + 64 * slot)), 'another signature')
  }
}

/** Must be refused: whatever the vector's bytes are. */
export function checkRefused(vector: Json): void {
  const candidates = WIRE.flatMap((name) => readings(vector[name]))
  must(!candidates.some((bytes) => found(bytes) !== undefined), 'accepted')
}

function found(wire: Uint8Array): Found | undefined {
  try {
    const context = contextOf(wire)
    return { wire, context, transaction: readTransaction(wire, context) }
  } catch {
    return undefined
  }
}

function contextOf(wire: Uint8Array): CborValue {
  const keys = VersionedTransaction.deserialize(wire).message.addressTableLookups.map(({ accountKey }) => accountKey.toBytes())
  const unique = keys.filter((key, index) => keys.findIndex((other) => equal(other, key)) === index)
  if (unique.length === 0) return null
  return { tables: unique.map((key) => ({ key, addresses: Array.from({ length: 256 }, (_, i) => sha256(concat(key, Uint8Array.of(i)))) })) }
}

/** A bare message, in the form that travels. */
function unsigned(message: Uint8Array): Uint8Array {
  const count = message[(message[0] ?? 0) < 0x80 ? 0 : 1] ?? 0
  return count > 0 && count < 20 ? concat(Uint8Array.of(count), new Uint8Array(64 * count), message) : new Uint8Array()
}

function cleared(wire: Uint8Array, { signatures }: Transaction): Uint8Array {
  return Uint8Array.from(wire).fill(0, 1, 1 + 64 * signatures.length)
}
