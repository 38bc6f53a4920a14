/**
 * A transaction as it travels: signatures, then the message that they sign.
 *
 * Accepted: legacy messages and version 0, in canonical encoding and as the runtime would sanitise them; every signer has a slot, zeroed where
 * the signature is missing. Nothing follows, and the whole fits a packet.
 */
import { base58 } from '@scure/base'
import type { CborValue } from '../../protocol/cbor.ts'
import { CloisterError } from '../../protocol/errors.ts'
import { cursorOver, type Cursor } from './cursor.ts'
import { resolveLookups, type Lookup } from './lookup-tables.ts'

/** IPv6's least MTU, less its headers: what a validator takes. */
const MAX_BYTES = 1232
const MAX_ACCOUNTS = 256

export interface AccountMeta {
  /** base58 */
  readonly address: string
  readonly isSigner: boolean
  readonly isWritable: boolean
  /** Looked up in a table: that the account has this address is the app's word. */
  readonly isClaimed: boolean
}

export interface Instruction {
  /** The program's address. */
  readonly program: string
  readonly accounts: readonly AccountMeta[]
  readonly data: Uint8Array
}

export interface Transaction {
  readonly version: 'legacy' | 'v0'
  /** What is signed. */
  readonly message: Uint8Array
  /** One a signer, in their order; all zeros where it is missing. */
  readonly signatures: readonly Uint8Array[]
  /** Addresses whose signatures are required; the first pays the fee. */
  readonly signers: readonly string[]
  /** base58; of a transaction with a durable nonce, the nonce. */
  readonly recentBlockhash: string
  readonly instructions: readonly Instruction[]
  /** Addresses of the lookup tables that it takes accounts from. */
  readonly lookupTables: readonly string[]
}

interface Header {
  readonly required: number
  readonly readonlySigned: number
  readonly readonlyUnsigned: number
}

/**
 * @param context `{tables: [{key: 32 bytes, addresses: [32 bytes, …]}]}`, or `null`
 * @throws CloisterError `tx_too_large`, `tx_malformed`, `tx_not_canonical`, `tx_trailing_bytes`, `tx_type_unknown`, `tx_lookup_table_missing`,
 * `parameters_malformed` (the context)
 */
export function readTransaction(data: Uint8Array, context: CborValue): Transaction {
  if (data.length > MAX_BYTES) throw new CloisterError('tx_too_large')
  const cursor = cursorOver(data, 'tx_malformed')
  const signatures = listOf(cursor, () => cursor.bytes(64))
  const message = data.subarray(data.length - cursor.left())
  const version = readVersion(cursor, message[0] ?? cursor.fail())
  const header = { required: cursor.u8(), readonlySigned: cursor.u8(), readonlyUnsigned: cursor.u8() }
  const keys = listOf(cursor, () => cursor.key())
  checkHeader(cursor, header, signatures.length, keys.length)
  const recentBlockhash = cursor.key()
  const compiled = listOf(cursor, () => readInstruction(cursor))
  const lookups = version === 'v0' ? listOf(cursor, () => readLookup(cursor)) : []
  if (cursor.left() > 0) throw new CloisterError('tx_trailing_bytes')

  const accounts = [...keys.map((address, i) => metaOf(address, i, keys.length, header)), ...resolveLookups(lookups, context)]
  if (accounts.length > MAX_ACCOUNTS || new Set(accounts.map(({ address }) => address)).size < accounts.length) cursor.fail()
  const instructions = compiled.map(({ program, indices, data: its }): Instruction => {
    // Programs are never looked up, and the fee payer is none.
    if (program === 0 || program >= keys.length) cursor.fail()
    return { program: keys[program] as string, accounts: indices.map((i) => accounts[i] ?? cursor.fail()), data: its }
  })
  return { version, message, signatures, signers: keys.slice(0, header.required), recentBlockhash, instructions, lookupTables: lookups.map(({ table }) => table) }
}

/** Where the high bit is set, the rest of the first byte is a version; else that byte begins a legacy header. */
function readVersion(cursor: Cursor, first: number): Transaction['version'] {
  if (first < 0x80) return 'legacy'
  if (cursor.u8() !== 0x80) throw new CloisterError('tx_type_unknown')
  return 'v0'
}

/** The fee payer signs, and is writable. */
function checkHeader(cursor: Cursor, { required, readonlySigned, readonlyUnsigned }: Header, signatures: number, keys: number): void {
  if (readonlySigned >= required || required + readonlyUnsigned > keys || signatures !== required) cursor.fail()
}

function metaOf(address: string, index: number, keys: number, { required, readonlySigned, readonlyUnsigned }: Header): AccountMeta {
  const isSigner = index < required
  return { address, isSigner, isWritable: index < (isSigner ? required - readonlySigned : keys - readonlyUnsigned), isClaimed: false }
}

function readInstruction(cursor: Cursor): { program: number; indices: readonly number[]; data: Uint8Array } {
  const program = cursor.u8()
  const indices = [...cursor.bytes(cursor.length())]
  return { program, indices, data: cursor.bytes(cursor.length()) }
}

function readLookup(cursor: Cursor): Lookup {
  const table = cursor.key()
  const writable = [...cursor.bytes(cursor.length())]
  const readonly = [...cursor.bytes(cursor.length())]
  if (writable.length + readonly.length === 0) cursor.fail()
  return { table, writable, readonly }
}

function listOf<T>(cursor: Cursor, read: () => T): readonly T[] {
  const count = cursor.length()
  if (count > cursor.left()) cursor.fail() // each item is a byte at least
  return Array.from({ length: count }, read)
}

/** Whether a slot is empty. */
export function isMissing(signature: Uint8Array): boolean {
  return signature.every((byte) => byte === 0)
}

/** The address of a key, 32 bytes. */
export function addressOf(publicKey: Uint8Array): string {
  if (publicKey.length !== 32) throw new Error('an ed25519 key is 32 bytes')
  return base58.encode(publicKey)
}
