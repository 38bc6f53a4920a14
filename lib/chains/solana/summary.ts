/** What a transaction does, as a person reads it before the PIN. */
import { CloisterError } from '../../protocol/errors.ts'
import type { Summary } from '../chain.ts'
import { decodeUtf8, visible } from '../text.ts'
import { readInstruction, unknown, type Decoded } from './instruction.ts'
import { MEMO_PROGRAMS, PROGRAMS, SIGNATURE_PROGRAMS } from './programs/registry.ts'
import { COMPUTE_BUDGET } from './programs/others.ts'
import { SYSTEM } from './programs/system.ts'
import { isMissing, type Instruction, type Transaction } from './transaction.ts'

/** Lamports for each signature that is checked. */
const SIGNATURE_FEE = 5000n
/** Compute units a transaction can ask for; and gets for each instruction where it asks for none. */
const MAX_UNITS = 1_400_000n
const DEFAULT_UNITS = 200_000n
const MICRO = 1_000_000n
const MAX_U64 = 2n ** 64n - 1n
/** Nothing in a transaction says that it is for another cluster: whatever has worth may move here. */
const MAINNET = 'solana:5eykt4UsFv8P8NJdTREpY1vzqKqZKvdp'
/** The System program's instruction, as its first byte says; there are fewer than 256. */
const ADVANCE_NONCE = 4

type Fields = Record<string, string>

/** @throws CloisterError `tx_malformed`, `tx_trailing_bytes` (an instruction's data), `tx_overflow` */
export function summarize(chain: string, transaction: Transaction): Summary {
  const { version, signers, signatures, instructions, lookupTables } = transaction
  const decoded = instructions.map((instruction) => withClaimed(instruction, decode(instruction)))
  const isBudget = (index: number): boolean => PROGRAMS.get(instructions[index]?.program ?? '') === COMPUTE_BUDGET
  // None takes accounts.
  if (instructions.some(({ accounts }, index) => isBudget(index) && accounts.length > 0)) throw new CloisterError('tx_malformed')
  const budget = mergeBudget(decoded.filter((_, index) => isBudget(index)))
  const fee = maximumFee(transaction, budget)
  const lamports = decoded.reduce((sum, one) => sum + one.lamports, fee)
  if (lamports > MAX_U64) throw new CloisterError('tx_overflow') // more than there can be
  const nonce = durableNonce(transaction, decoded[0])
  const present = signers.filter((_, index) => !isMissing(signatures[index] as Uint8Array))
  const warnings = decoded.flatMap((one) => one.warnings)
  if (nonce !== undefined) warnings.push('durable_nonce')
  if (lookupTables.length > 0) warnings.push('lookup_tables_claimed')
  if (chain !== MAINNET) warnings.push('any_chain')
  return {
    chain,
    kind: version,
    actions: decoded.filter((_, index) => !isBudget(index)).map(({ action }) => action),
    fields: {
      feePayer: signers[0] as string,
      maximumFee: String(fee),
      ...budget,
      signers: signers.join(' '),
      ...(present.length > 0 ? { signedBy: present.join(' ') } : {}),
      ...(nonce ?? { recentBlockhash: transaction.recentBlockhash }),
      ...(lookupTables.length > 0 ? { lookupTables: lookupTables.join(' ') } : {}),
    },
    warnings: [...new Set(warnings)],
  }
}

function decode(instruction: Instruction): Decoded {
  const program = PROGRAMS.get(instruction.program)
  if (program !== undefined) return readInstruction(program, instruction)
  if (MEMO_PROGRAMS.has(instruction.program)) return readMemo(instruction)
  return { ...unknown(instruction, 'unknown_call'), lamports: 0n }
}

function readMemo({ data, accounts }: Instruction): Decoded {
  const decoded = decodeUtf8(data)
  if (decoded === undefined) throw new CloisterError('tx_malformed')
  const { text, isHidden } = visible(decoded)
  const signers = accounts.length > 0 ? { signers: accounts.map(({ address }) => address).join(' ') } : {}
  return { action: { action: 'memo', fields: { text, ...signers } }, warnings: isHidden ? ['hidden_characters'] : [], lamports: 0n }
}

/** An action says which of its addresses are the app's word alone. */
function withClaimed({ accounts }: Instruction, decoded: Decoded): Decoded {
  const claimed = [...new Set(accounts.filter(({ isClaimed }) => isClaimed).map(({ address }) => address))]
  if (claimed.length === 0) return decoded
  const { action, fields } = decoded.action
  return { ...decoded, action: { action, fields: { ...fields, claimed: claimed.join(' ') } } }
}

/** Each may be there once. */
function mergeBudget(instructions: readonly Decoded[]): Fields {
  const fields: Fields = {}
  for (const { action } of instructions) {
    const { program: _, ...its } = action.fields
    for (const [name, value] of Object.entries(its)) {
      if (Object.hasOwn(fields, name)) throw new CloisterError('tx_malformed')
      fields[name] = value
    }
  }
  return fields
}

/** In lamports: what the signatures cost, and the priority fee for all compute units that can be used, rounded up. */
function maximumFee({ signers, instructions }: Transaction, budget: Fields): bigint {
  const checked = instructions.filter(({ program }) => SIGNATURE_PROGRAMS.has(program)).reduce((sum, { data }) => sum + (data[0] ?? 0), signers.length)
  const asked = BigInt(budget['computeUnitLimit'] ?? DEFAULT_UNITS * BigInt(instructions.length))
  const units = asked < MAX_UNITS ? asked : MAX_UNITS
  const price = BigInt(budget['computeUnitPriceMicroLamports'] ?? 0)
  return BigInt(checked) * SIGNATURE_FEE + (units * price + MICRO - 1n) / MICRO
}

/**
 * A transaction that begins by advancing a nonce names it in place of a blockhash, and does not expire; also where a claimed sysvar among its
 * accounts makes the instruction unknown: the runtime goes by program, data and first account.
 */
function durableNonce({ instructions: [first], recentBlockhash }: Transaction, decoded: Decoded | undefined): Fields | undefined {
  if (first === undefined || decoded === undefined || PROGRAMS.get(first.program) !== SYSTEM || first.data[0] !== ADVANCE_NONCE) return undefined
  const authority = decoded.action.fields['authority']
  return {
    nonceAccount: first.accounts[0]?.address as string,
    ...(authority === undefined ? {} : { nonceAuthority: authority }),
    nonce: recentBlockhash,
  }
}
