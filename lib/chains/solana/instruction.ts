/**
 * Reads an instruction by a table: a program's instructions, each with its accounts and its data.
 *
 * Data is read to its last byte. Accounts beyond the named ones are allowed, as programs do (signers of a multisig, references of Solana Pay,
 * accounts of a transfer hook), and shown.
 */
import { toHex } from '../../protocol/bytes.ts'
import { CloisterError } from '../../protocol/errors.ts'
import type { Action } from '../chain.ts'
import { decodeUtf8, visible } from '../text.ts'
import { cursorOver, type Cursor } from './cursor.ts'
import type { AccountMeta, Instruction } from './transaction.ts'

/**
 * What the instruction is called; its accounts (`name`, `name?` where it may be left out) without sysvars; its data (`name:type`); and what a
 * person should be told of it. Each list is separated by spaces.
 */
export type Row = readonly [action: string, accounts: string, data: string, warning?: string]

export interface Program {
  readonly name: string
  /** Width of the number that says which instruction it is. */
  readonly tag: 'u8' | 'u32'
  /** By that number; where a second one follows, by `first/second`. */
  readonly rows: Readonly<Record<string, Row>>
  /** No data at all stands for this instruction. */
  readonly whenEmpty?: string
  /** First numbers that a second follows. */
  readonly groups?: readonly number[]
  /** There are more instructions than the table has: they are shown as what they are, unknown. */
  readonly isPartial?: boolean
}

export interface Decoded {
  readonly action: Action
  readonly warnings: readonly string[]
  /** What the instruction moves of the chain's own coin, in lamports. */
  readonly lamports: bigint
}

interface Reading extends Cursor {
  warn(warning: string): void
  move(lamports: bigint): bigint
}

/** More than half of what can be: all that there is, for any token. */
const UNLIMITED = 2n ** 63n
const NO_KEY = '1'.repeat(32)

/**
 * Passed to programs at fixed places, in the older forms of their instructions: they say nothing to a person. Only where the message itself
 * names them: one that is claimed may be any account, and to leave that out would give its place to the next.
 */
const SYSVARS: ReadonlySet<string> = new Set([
  'SysvarC1ock11111111111111111111111111111111',
  'SysvarRent111111111111111111111111111111111',
  'SysvarRecentB1ockHashes11111111111111111111',
  'SysvarStakeHistory1111111111111111111111111',
  'StakeConfig11111111111111111111111111111111',
])

const flag = (from: Cursor): boolean => [false, true][from.u8()] ?? from.fail()
const oneOf = (from: Cursor, index: number, names: readonly string[]): string => names[index] ?? from.fail()
const text = (from: Reading, length: number): string => {
  const value = visible(decodeUtf8(from.bytes(length)) ?? from.fail())
  if (value.isHidden) from.warn('hidden_characters')
  return value.text
}

const TYPES: Readonly<Record<string, (from: Reading) => string | number | bigint>> = {
  u8: (from) => from.u8(),
  u16: (from) => from.u16(),
  u32: (from) => from.u32(),
  u64: (from) => from.u64(),
  i16: (from) => from.i16(),
  i64: (from) => from.i64(),
  lamports: (from) => from.move(from.u64()),
  allowance: (from) => {
    const amount = from.u64()
    if (amount >= UNLIMITED) from.warn('unlimited_approval')
    return amount
  },
  key: (from) => from.key(),
  'u64?': (from) => (flag(from) ? from.u64() : 'none'),
  'i64?': (from) => (flag(from) ? from.i64() : 'none'),
  'key?': (from) => (flag(from) ? from.key() : 'none'),
  /** A key that may be all zeros (spl-pod's `OptionalNonZeroPubkey`). */
  key0: (from) => {
    const key = from.key()
    return key === NO_KEY ? 'none' : key
  },
  /** bincode: 64 bits of length, and UTF-8. */
  seed: (from) => {
    const length = from.u64()
    return length > 32n ? from.fail() : text(from, Number(length)) // MAX_SEED_LEN
  },
  text: (from) => text(from, from.left()),
  bytes: (from) => `0x${toHex(from.bytes(from.left()))}`,
  tokenAuthority: (from) => {
    const kind = from.u8()
    return ['mint', 'freeze', 'owner', 'close'][kind] ?? kind
  },
  stakeAuthority: (from) => oneOf(from, from.u32(), ['staker', 'withdrawer']),
  accountState: (from) => oneOf(from, from.u8(), ['uninitialized', 'initialized', 'frozen']),
}

/** Nobody can say whether its place counts, so nobody can say which account is which. */
const isClaimedSysvar = ({ address, isClaimed }: AccountMeta): boolean => isClaimed && SYSVARS.has(address)

/** @throws CloisterError `tx_malformed`, `tx_trailing_bytes` */
export function readInstruction(program: Program, instruction: Instruction): Decoded {
  const warnings: string[] = []
  let lamports = 0n
  const cursor: Reading = {
    ...cursorOver(instruction.data, 'tx_malformed'),
    warn: (warning) => void warnings.push(warning),
    move: (amount) => ((lamports += amount), amount),
  }
  const row = findRow(program, cursor)
  if (row === undefined) return { ...unknown(instruction, 'unknown_instruction'), lamports: 0n }
  const [action, accounts, data, warning] = row
  if (warning !== undefined) cursor.warn(warning)
  const its = readData(cursor, data)
  if (instruction.accounts.some(isClaimedSysvar)) {
    const shown = unknown(instruction, 'unknown_instruction')
    return { action: shown.action, warnings: [...warnings, ...shown.warnings], lamports }
  }
  return { action: { action, fields: { program: program.name, ...its, ...readAccounts(cursor, accounts, instruction) } }, warnings, lamports }
}

function findRow({ tag, rows, whenEmpty, groups, isPartial }: Program, cursor: Cursor): Row | undefined {
  if (isPartial === true && cursor.left() === 0) cursor.fail()
  const first = whenEmpty !== undefined && cursor.left() === 0 ? whenEmpty : String(cursor[tag]())
  const key = groups?.includes(Number(first)) === true ? `${first}/${cursor.u8()}` : first
  if (Object.hasOwn(rows, key)) return rows[key]
  return isPartial === true ? undefined : cursor.fail()
}

function readData(cursor: Reading, data: string): Record<string, string> {
  const fields: Record<string, string> = {}
  for (const field of data.split(' ').filter(Boolean)) {
    const [name, type] = field.split(':') as [string, string]
    fields[name] = String((TYPES[type] as (from: Reading) => unknown)(cursor))
  }
  if (cursor.left() > 0) throw new CloisterError('tx_trailing_bytes')
  return fields
}

function readAccounts(cursor: Cursor, names: string, instruction: Instruction): Record<string, string> {
  const given = instruction.accounts.map(({ address }) => address).filter((address) => !SYSVARS.has(address))
  const fields: Record<string, string> = {}
  for (const name of names.split(' ').filter(Boolean)) {
    const address = given.shift()
    if (address !== undefined) fields[name.replace('?', '')] = address
    else if (!name.endsWith('?')) cursor.fail()
  }
  return given.length > 0 ? { ...fields, otherAccounts: given.join(' ') } : fields
}

/** An instruction that nobody can say the meaning of: everything that is in it. */
export function unknown({ program, accounts, data }: Instruction, warning: string): Omit<Decoded, 'lamports'> {
  const list = (some: readonly { readonly address: string }[]): string => some.map(({ address }) => address).join(' ')
  const fields = {
    program,
    accounts: list(accounts),
    signers: list(accounts.filter(({ isSigner }) => isSigner)),
    writable: list(accounts.filter(({ isWritable }) => isWritable)),
    data: `0x${toHex(data)}`,
  }
  return { action: { action: warning, fields }, warnings: [warning] }
}
