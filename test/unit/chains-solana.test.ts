/** Solana: what is read is what is signed, as web3.js signs it; what the runtime would not take is refused by its own code. */
import fc from 'fast-check'
import {
  AddressLookupTableAccount, ComputeBudgetProgram, MessageV0, PublicKey, SystemProgram, Transaction, TransactionInstruction, TransactionMessage, VersionedTransaction, type Keypair,
} from '@solana/web3.js'
import { sha256 } from '@noble/hashes/sha2.js'
import type { Action, Signed } from '../../lib/chains/chain.ts'
import { solana } from '../../lib/chains/solana/solana.ts'
import type { CborValue } from '../../lib/protocol/cbor.ts'
import { concat } from '../../lib/protocol/bytes.ts'
import { codeOf, flipped } from '../support/core-codes.ts'
import { address, CHAIN, contextOf, keypair, planFor, read, signFor, signPlan } from '../support/solana.ts'
import { allSamples, partsOf } from '../support/solana-instructions.ts'

const numRuns = process.env['SLOW'] === '1' ? 1000 : 50
const [me, you, third] = [keypair(1), keypair(2), keypair(3)]
const BLOCKHASH = address(99).toBase58()
const HASH_BYTES = address(99).toBytes()

/** Any few instructions of any two signers, the first of whom pays. */
const instructions = fc
  .tuple(fc.array(fc.nat(), { minLength: 1, maxLength: 4 }), fc.nat(1000), fc.bigInt(0n, 2n ** 60n), fc.boolean())
  .map(([picks, first, amount, isPair]) => {
    const others = [1, 2, 3, 4, 5, 6].map((i) => address(1000 + first + i))
    const lists = [me, ...(isPair ? [you] : [])].map((signer) => allSamples(partsOf(signer, others, { amount })))
    return picks.map((pick, i) => {
      const list = lists[i % lists.length] as (typeof lists)[number]
      return (list[pick % list.length] as (typeof list)[number]).instruction
    })
  })
const ours = (transaction: Uint8Array, context: CborValue = null): { signers: string[]; message: Uint8Array } => {
  const plan = planFor(me, transaction, context)
  const scheme = plan.tasks[0]?.scheme
  return { signers: (plan.summary.fields['signers'] as string).split(' '), message: scheme?.kind === 'ed25519' ? scheme.message : new Uint8Array() }
}
const pairOf = (signer: string): Keypair | undefined => [me, you].find(({ publicKey }) => publicKey.toBase58() === signer)

/** Each signer in turn, the last one first, as long as there is a key for them. */
function signAll(transaction: Uint8Array, signers: readonly string[], context: CborValue): Signed {
  let done: Signed = { signed: transaction, hash: new Uint8Array() }
  for (const signer of [...signers].reverse()) {
    const pair = pairOf(signer)
    if (pair !== undefined) done = signFor(pair, done.signed, context)
  }
  return done
}

describe('what web3.js builds', () => {
  test('legacy: the same message, the same signed bytes, the same id', () => {
    fc.assert(
      fc.property(instructions, (list) => {
        const transaction = new Transaction({ feePayer: me.publicKey, recentBlockhash: BLOCKHASH }).add(...list)
        const message = transaction.compileMessage()
        fc.pre(message.serialize().length + 64 * message.header.numRequiredSignatures < 1200)
        const bytes = new Uint8Array(transaction.serialize({ requireAllSignatures: false, verifySignatures: false }))
        const { signers, message: signedBytes } = ours(bytes)
        expect(Buffer.from(signedBytes).equals(message.serialize())).toBe(true)
        expect(signers).toEqual(message.accountKeys.slice(0, message.header.numRequiredSignatures).map(String))
        const keys = signers.map(pairOf).filter((pair) => pair !== undefined)
        transaction.sign(...keys)
        const { signed, hash } = signAll(bytes, signers, null)
        expect(Buffer.from(signed).equals(transaction.serialize({ requireAllSignatures: false, verifySignatures: false }))).toBe(true)
        expect(Buffer.from(hash).equals(transaction.signature as Buffer)).toBe(true)
      }),
      { numRuns },
    )
  })

  test('version 0, with lookup tables: the same message, the same signed bytes, the same id', () => {
    let looked = 0
    fc.assert(
      fc.property(instructions, fc.array(fc.boolean(), { minLength: 12, maxLength: 12 }), (list, choice) => {
        const keys = [...new Set(list.flatMap((one) => one.keys.map(({ pubkey }) => pubkey.toBase58())))].map((key) => new PublicKey(key))
        const half = (which: boolean): PublicKey[] => [address(50), ...keys.filter((_, i) => choice[i] === which), address(51)]
        const tables = [half(true), half(false)].map((addresses, i) => new AddressLookupTableAccount({ key: address(60 + i), state: { addresses, authority: me.publicKey, deactivationSlot: 0n, lastExtendedSlot: 0, lastExtendedSlotStartIndex: 0 } }))
        const message = new TransactionMessage({ payerKey: me.publicKey, recentBlockhash: BLOCKHASH, instructions: list }).compileToV0Message(tables)
        const transaction = new VersionedTransaction(message)
        const used = new Set(message.addressTableLookups.map(({ accountKey }) => accountKey.toBase58()))
        looked += used.size
        const context = used.size === 0 ? null : { tables: tables.filter(({ key }) => used.has(key.toBase58())).map(({ key, state }) => ({ key: key.toBytes(), addresses: state.addresses.map((one) => one.toBytes()) })) }
        const bytes = transaction.serialize()
        fc.pre(bytes.length <= 1232)
        const { signers, message: signedBytes } = ours(bytes, context)
        expect(Buffer.from(signedBytes).equals(message.serialize())).toBe(true)
        transaction.sign(signers.map(pairOf).filter((pair) => pair !== undefined))
        const { signed, hash } = signAll(bytes, signers, context)
        expect(Buffer.from(signed).equals(transaction.serialize())).toBe(true)
        expect(Buffer.from(hash).equals(transaction.signatures[0] as Uint8Array)).toBe(true)
        // The accounts are those of the instructions, wherever they came from.
        const summary = planFor(me, bytes, context).summary
        expect(summary.warnings.includes('lookup_tables_claimed')).toBe(used.size > 0)
        const plain = new VersionedTransaction(new TransactionMessage({ payerKey: me.publicKey, recentBlockhash: BLOCKHASH, instructions: list }).compileToV0Message())
        if (plain.message.serialize().length < 1100) expectSame(summary.actions, planFor(me, plain.serialize()).summary.actions, list, message)
      }),
      { numRuns },
    )
    expect(looked).toBeGreaterThan(numRuns / 2)
  })
})

/** The actions are those of plain accounts, and say which are claimed; with a claimed sysvar, nobody says what is done. */
function expectSame(actions: readonly Action[], plain: readonly Action[], list: readonly TransactionInstruction[], { staticAccountKeys }: MessageV0): void {
  const fixed = new Set(staticAccountKeys.map(String))
  const isBudget = ({ programId }: TransactionInstruction): boolean => programId.equals(ComputeBudgetProgram.programId)
  const lists = list.filter((one) => !isBudget(one)).map(({ keys }) => [...new Set(keys.map(({ pubkey }) => pubkey.toBase58()).filter((key) => !fixed.has(key)))])
  expect(actions).toHaveLength(plain.length)
  for (const [i, action] of actions.entries()) {
    const { claimed = '', ...fields } = action.fields
    expect(claimed).toBe(lists[i]?.join(' '))
    if (/Sysvar|StakeConfig/.test(claimed)) expect(action.action).toMatch(/^unknown_/)
    else expect({ ...action, fields }).toEqual(plain[i])
  }
}

const transfer = (from: Keypair = me, to: PublicKey = third.publicKey): TransactionInstruction => SystemProgram.transfer({ fromPubkey: from.publicKey, toPubkey: to, lamports: 1000 })
const legacy = (...list: TransactionInstruction[]): Uint8Array =>
  new Uint8Array(new Transaction({ feePayer: me.publicKey, recentBlockhash: BLOCKHASH }).add(...(list.length > 0 ? list : [transfer()])).serialize({ requireAllSignatures: false, verifySignatures: false }))
const SYSTEM = new Uint8Array(32)
const DATA = Uint8Array.from([2, 0, 0, 0, 232, 3, 0, 0, 0, 0, 0, 0])

/** A transaction from its parts, right or wrong. */
interface Parts {
  readonly signatures?: readonly Uint8Array[]
  readonly prefix?: readonly number[]
  readonly header?: readonly [number, number, number]
  readonly keys?: readonly Uint8Array[]
  readonly instructions?: readonly { readonly program?: number; readonly accounts?: readonly number[]; readonly data?: Uint8Array }[]
  readonly lookups?: readonly { readonly table?: Uint8Array; readonly writable?: readonly number[]; readonly readonly?: readonly number[] }[]
  readonly after?: readonly number[]
}
const KEYS = [me.publicKey.toBytes(), third.publicKey.toBytes(), SYSTEM]
const list = (items: readonly Uint8Array[]): Uint8Array => concat(Uint8Array.of(items.length), ...items)
const some = (bytes: readonly number[]): Uint8Array => Uint8Array.of(bytes.length, ...bytes)
function build({ signatures = [new Uint8Array(64)], prefix = [], header = [1, 0, 1], keys = KEYS, instructions: its = [{}], lookups, after = [] }: Parts): Uint8Array {
  const compiled = its.map(({ program = 2, accounts = [0, 1], data = DATA }) => concat(Uint8Array.of(program), some(accounts), some([...data])))
  const looked = (lookups ?? []).map(({ table = you.publicKey.toBytes(), writable = [], readonly = [] }) => concat(table, some(writable), some(readonly)))
  return concat(list(signatures), Uint8Array.from([...prefix, ...header]), list(keys), HASH_BYTES, list(compiled), lookups === undefined ? new Uint8Array() : list(looked), Uint8Array.from(after))
}
const v0 = (parts: Parts): Uint8Array => build({ prefix: [0x80], lookups: [], ...parts })
const refusal = (data: Uint8Array, context: CborValue = null): string => codeOf(() => planFor(me, data, context))
const tableOf = (count: number, key: Uint8Array = you.publicKey.toBytes()): { key: Uint8Array; addresses: Uint8Array[] } => ({ key, addresses: Array.from({ length: count }, (_, i) => address(200 + i).toBytes()) })
const tables = (...given: CborValue[]): CborValue => ({ tables: given })
const LOOKED: Parts = { keys: [me.publicKey.toBytes(), SYSTEM], lookups: [{ writable: [4] }], instructions: [{ program: 1, accounts: [0, 2] }] }

test('the ones that everything below is made from are good', () => {
  expect(build({})).toEqual(legacy())
  expect(refusal(build({}))).toBe('ok')
  expect(refusal(v0({}))).toBe('ok')
  expect(refusal(v0(LOOKED), tables(tableOf(5)))).toBe('ok')
})

const cut = (bytes: Uint8Array, from: number, count: number, ...put: number[]): Uint8Array => concat(bytes.subarray(0, from), Uint8Array.from(put), bytes.subarray(from + count))
const GOOD = build({})
/** Where the number of keys is: after signatures and header. */
const KEYS_AT = 1 + 64 + 3

test.each<[string, string, Uint8Array]>([
  ['nothing', 'tx_malformed', new Uint8Array()],
  ['no signatures', 'tx_malformed', build({ signatures: [], header: [0, 0, 1] })],
  ['a signature less than signers', 'tx_malformed', build({ header: [2, 0, 1] })],
  ['a signature more than signers', 'tx_malformed', build({ signatures: [new Uint8Array(64), new Uint8Array(64)] })],
  ['more signers than keys', 'tx_malformed', build({ signatures: Array.from({ length: 4 }, () => new Uint8Array(64)), header: [4, 0, 0] })],
  ['a fee payer that is read-only', 'tx_malformed', build({ header: [1, 1, 1] })],
  ['more read-only accounts than there are', 'tx_malformed', build({ header: [1, 0, 3] })],
  ['a key twice', 'tx_malformed', build({ keys: [KEYS[0] as Uint8Array, KEYS[0] as Uint8Array, SYSTEM] })],
  ['the fee payer as program', 'tx_malformed', build({ instructions: [{ program: 0 }] })],
  ['a program there is not', 'tx_malformed', build({ instructions: [{ program: 3 }] })],
  ['an account there is not', 'tx_malformed', build({ instructions: [{ accounts: [0, 3] }] })],
  ['version 1', 'tx_type_unknown', v0({ prefix: [0x81] })],
  ['version 127', 'tx_type_unknown', v0({ prefix: [0xff] })],
  ['an off-chain message behind a signature', 'tx_type_unknown', concat(Uint8Array.of(1), new Uint8Array(64), Uint8Array.of(0xff), Buffer.from('solana offchain'), new Uint8Array(90))],
  ['version 0 without lookups', 'tx_malformed', build({ prefix: [0x80] })],
  ['a lookup of nothing', 'tx_malformed', v0({ lookups: [{}] })],
  ['more lookups than bytes', 'tx_malformed', cut(v0({}), v0({}).length - 1, 1, 0xff, 0xff, 3)],
  ['a byte after a legacy one', 'tx_trailing_bytes', build({ after: [0] })],
  ['a byte after version 0', 'tx_trailing_bytes', v0({ after: [0] })],
  ['two bytes for a small length', 'tx_not_canonical', cut(GOOD, KEYS_AT, 1, 0x83, 0)],
  ['three bytes for a small length', 'tx_not_canonical', cut(GOOD, KEYS_AT, 1, 0x83, 0x80, 0)],
  ['two bytes for no signature', 'tx_not_canonical', cut(GOOD, 0, 1, 0x80, 0)],
  ['a length of more than 16 bits', 'tx_malformed', cut(GOOD, KEYS_AT, 1, 0x83, 0x80, 4)],
  ['a length of four bytes', 'tx_malformed', cut(GOOD, KEYS_AT, 1, 0x83, 0x80, 0x80, 1)],
  ['more keys than bytes', 'tx_malformed', cut(GOOD, KEYS_AT, 1, 0xff, 0xff, 3)],
  ['1233 bytes', 'tx_too_large', concat(GOOD, new Uint8Array(1233 - GOOD.length))],
  ['signed by us', 'tx_already_signed', build({ signatures: [new Uint8Array(64).fill(1, 63)] })],
  ['signed by others only', 'tx_signer_mismatch', legacyOf(you)],
  ['ours is an account, and no signer', 'tx_signer_mismatch', build({ keys: [you.publicKey.toBytes(), me.publicKey.toBytes(), SYSTEM] })],
])('rejects %s as %s', (_what, code, bytes) => {
  expect(refusal(bytes)).toBe(code)
})

function legacyOf(payer: Keypair): Uint8Array {
  return new Uint8Array(new Transaction({ feePayer: payer.publicKey, recentBlockhash: BLOCKHASH }).add(transfer(payer)).serialize({ requireAllSignatures: false, verifySignatures: false }))
}

test('rejects a bare message', () => {
  for (const good of [GOOD, v0({})]) expect(refusal(good.subarray(65))).toMatch(/^tx_(malformed|type_unknown)$/)
})

test('every cut of good bytes is refused', () => {
  for (const good of [GOOD, v0({}), v0(LOOKED)]) {
    for (let length = 0; length < good.length; length++) expect([length, refusal(good.subarray(0, length), tables(tableOf(5)))]).toEqual([length, 'tx_malformed'])
  }
})

test('the largest packet there is', () => {
  const memo = (length: number): TransactionInstruction => new TransactionInstruction({ programId: address(9), keys: [], data: Buffer.alloc(length) })
  const base = legacy(memo(200)).length - 200
  expect(legacy(memo(1232 - base))).toHaveLength(1232)
  expect(refusal(legacy(memo(1232 - base)))).toBe('ok')
  expect(refusal(concat(legacy(memo(1232 - base)), Uint8Array.of(0)))).toBe('tx_too_large')
})

test('a transaction that does nothing but pay its fee', () => {
  expect(planFor(me, build({ instructions: [] })).summary.actions).toEqual([])
})

describe('lookup tables', () => {
  test.each<[string, string, Uint8Array, CborValue]>([
    ['no table', 'tx_lookup_table_missing', v0(LOOKED), null],
    ['another table', 'parameters_malformed', v0(LOOKED), tables(tableOf(5, me.publicKey.toBytes()))],
    ['an empty list', 'tx_lookup_table_missing', v0(LOOKED), tables()],
    ['an index past the end', 'tx_malformed', v0(LOOKED), tables(tableOf(4))],
    ['a table nobody refers to', 'parameters_malformed', v0(LOOKED), tables(tableOf(5), tableOf(1, me.publicKey.toBytes()))],
    ['a table for a legacy transaction', 'parameters_malformed', GOOD, tables(tableOf(5))],
    ['a table twice', 'parameters_malformed', v0(LOOKED), tables(tableOf(5), tableOf(5))],
    ['an address that is one of the keys', 'tx_malformed', v0(LOOKED), tables({ ...tableOf(5), addresses: Array.from({ length: 5 }, () => me.publicKey.toBytes()) })],
    ['one account from two indices', 'tx_malformed', v0({ ...LOOKED, lookups: [{ writable: [4], readonly: [4] }] }), tables(tableOf(5))],
    ['a program that is looked up', 'tx_malformed', v0({ ...LOOKED, instructions: [{ program: 2 }] }), tables(tableOf(5))],
    ['no map', 'parameters_malformed', v0(LOOKED), [tableOf(5)]],
    ['another name', 'parameters_malformed', v0(LOOKED), { table: [tableOf(5)] }],
    ['something more', 'parameters_malformed', v0(LOOKED), { tables: [tableOf(5)], more: 1 }],
    ['a short key', 'parameters_malformed', v0(LOOKED), tables(tableOf(5, new Uint8Array(31)))],
    ['a long address', 'parameters_malformed', v0(LOOKED), tables({ ...tableOf(4), addresses: [new Uint8Array(33)] })],
    ['an address as text', 'parameters_malformed', v0(LOOKED), tables({ ...tableOf(4), addresses: [me.publicKey.toBase58()] })],
    ['257 addresses', 'parameters_malformed', v0(LOOKED), tables(tableOf(257))],
    ['true', 'parameters_malformed', GOOD, true],
  ])('rejects %s as %s', (_what, code, bytes, context) => {
    expect(refusal(bytes, context)).toBe(code)
  })

  test('writable ones of every table come first, then the others; what is signed doesn’t depend on them', () => {
    const [a, b] = [tableOf(5), { ...tableOf(3, third.publicKey.toBytes()), addresses: [300, 301, 302].map((i) => address(i).toBytes()) }]
    const bytes = v0({
      keys: [me.publicKey.toBytes(), address(9).toBytes()],
      lookups: [{ writable: [4], readonly: [0] }, { table: third.publicKey.toBytes(), writable: [2], readonly: [1] }],
      instructions: [{ program: 1, accounts: [0, 2, 3, 4, 5] }],
    })
    const plan = planFor(me, bytes, tables(a, b))
    const [one, two, three, four] = [204, 302, 200, 301].map((i) => address(i).toBase58())
    const mine = me.publicKey.toBase58()
    expect(plan.summary.actions[0]?.fields).toMatchObject({ accounts: `${mine} ${one} ${two} ${three} ${four}`, writable: `${mine} ${one} ${two}`, signers: mine })
    expect(plan.summary.fields['lookupTables']).toBe(`${you.publicKey.toBase58()} ${third.publicKey.toBase58()}`)
    expect(plan.summary.warnings).toEqual(['unknown_call', 'lookup_tables_claimed'])
    const lie = planFor(me, bytes, tables({ ...a, addresses: [...a.addresses].reverse() }, b))
    expect(lie.tasks).toEqual(plan.tasks)
    expect(lie.summary).not.toEqual(plan.summary)
    expect(plan.summary.actions[0]?.fields['claimed']).toBe(`${one} ${two} ${three} ${four}`)
  })

  describe('a table that is said to hold a sysvar, and may hold anything', () => {
    const SYSVARS = ['SysvarC1ock11111111111111111111111111111111', 'SysvarRent111111111111111111111111111111111', 'SysvarRecentB1ockHashes11111111111111111111', 'SysvarStakeHistory1111111111111111111111111', 'StakeConfig11111111111111111111111111111111']
    const [mine, friend] = [me.publicKey.toBase58(), third.publicKey.toBase58()]
    const claim = (sysvar: string): CborValue => tables({ ...tableOf(5), addresses: [...tableOf(4).addresses, new PublicKey(sysvar).toBytes()] })
    const looked = (data: Uint8Array, accounts: readonly number[] = [0, 3, 1], program: Uint8Array = SYSTEM): Uint8Array => v0({ keys: [KEYS[0] as Uint8Array, KEYS[1] as Uint8Array, program], lookups: [{ writable: [4] }], instructions: [{ program: 2, accounts, data }] })

    test.each(SYSVARS)('%s doesn’t hide the account that it stands for, nor give its place to the next', (sysvar) => {
      const { summary } = planFor(me, looked(DATA), claim(sysvar))
      expect(summary.actions).toEqual([{ action: 'unknown_instruction', fields: { program: '1'.repeat(32), accounts: `${mine} ${sysvar} ${friend}`, signers: mine, writable: `${mine} ${sysvar} ${friend}`, data: '0x02000000e803000000000000', claimed: sysvar } }])
      expect(summary.warnings).toEqual(['unknown_instruction', 'lookup_tables_claimed'])
    })

    test('one that the message itself names is left out, and any other address is named as claimed', () => {
      const [sysvar = ''] = SYSVARS
      const bytes = v0({ keys: [KEYS[0] as Uint8Array, new PublicKey(sysvar).toBytes(), SYSTEM], header: [1, 0, 2], lookups: [{ writable: [4] }], instructions: [{ program: 2, accounts: [0, 1, 3], data: DATA }] })
      const to = address(204).toBase58()
      expect(planFor(me, bytes, tables(tableOf(5))).summary.actions).toEqual([{ action: 'transfer', fields: { program: 'System', lamports: '1000', from: mine, to, claimed: to } }])
    })

    test('what the data says is still told: amounts, authorities, the nonce', () => {
      const warnings = (data: Uint8Array): readonly string[] => planFor(me, looked(data), claim(SYSVARS[2] as string)).summary.warnings
      expect(warnings(concat(Uint8Array.of(1, 0, 0, 0), new Uint8Array(32)))).toEqual(['authority_change', 'unknown_instruction', 'lookup_tables_claimed'])
      expect(codeOf(() => warnings(concat(Uint8Array.of(2, 0, 0, 0), new Uint8Array(8).fill(255))))).toBe('tx_overflow')
      expect(codeOf(() => warnings(concat(DATA, Uint8Array.of(0))))).toBe('tx_trailing_bytes')
      const { summary } = planFor(me, looked(Uint8Array.of(4, 0, 0, 0), [1, 3, 0]), claim(SYSVARS[2] as string))
      expect(summary.warnings).toEqual(['unknown_instruction', 'durable_nonce', 'lookup_tables_claimed'])
      expect(summary.fields).toMatchObject({ nonceAccount: friend, nonce: BLOCKHASH })
      expect(Object.keys(summary.fields)).not.toContain('recentBlockhash')
    })

    test('rejects one among the accounts of the compute budget', () => {
      const budget = ComputeBudgetProgram.programId.toBytes()
      const data = Uint8Array.of(2, 1, 0, 0, 0)
      expect(refusal(looked(data, [], budget), claim(SYSVARS[0] as string))).toBe('ok')
      expect(refusal(looked(data, [3], budget), claim(SYSVARS[0] as string))).toBe('tx_malformed')
    })
  })

  test('rejects more than 256 accounts', () => {
    const at = (count: number): Parts => ({ keys: [me.publicKey.toBytes(), SYSTEM], lookups: [{ writable: Array.from({ length: count }, (_, i) => i) }], instructions: [] })
    const long = (count: number): Uint8Array => {
      const bytes = v0({ ...at(0), lookups: [] })
      const indices = Array.from({ length: count }, (_, i) => i)
      return concat(bytes.subarray(0, -1), Uint8Array.of(1), you.publicKey.toBytes(), Uint8Array.of((count & 0x7f) | 0x80, count >> 7), Uint8Array.from(indices), Uint8Array.of(0))
    }
    expect(refusal(long(254), tables(tableOf(256)))).toBe('ok')
    expect(refusal(long(255), tables(tableOf(256)))).toBe('tx_malformed')
  })
})

describe('several signers', () => {
  const both = legacy(transfer(you), transfer(me))

  test('each fills its own slot, in any order, and leaves the others as they are', () => {
    const first = signFor(you, both)
    expect(first.hash).toEqual(sha256(both.subarray(129))) // the fee payer's signature, the id, is not there yet
    const whole = signFor(me, first.signed)
    expect(whole.signed).toEqual(signFor(you, signFor(me, both).signed).signed)
    expect(whole.hash).toEqual(whole.signed.slice(1, 65))
    expect(Transaction.from(whole.signed).verifySignatures()).toBe(true)
    expect(signFor(me, both).hash).toEqual(whole.hash)
  })

  test('who signed already is said; who has can’t again', () => {
    const { signed } = signFor(you, both)
    expect(planFor(me, both).summary.fields['signedBy']).toBeUndefined()
    expect(planFor(me, signed).summary.fields['signedBy']).toBe(you.publicKey.toBase58())
    expect(codeOf(() => planFor(you, signed))).toBe('tx_already_signed')
  })

  test('a signature of somebody else is passed on as it came', () => {
    const odd = Uint8Array.from(both)
    odd.fill(7, 65, 129)
    expect(signFor(me, odd).signed.slice(65, 129)).toEqual(new Uint8Array(64).fill(7))
  })
})

describe('assembling', () => {
  const plan = planFor(me, GOOD)
  const good = signFor(me, GOOD).hash

  test('rejects a signature of another key, of another message, with a bit turned, too short, missing, or one too many', () => {
    const other = signPlan({ ...plan, assemble: ([one]) => ({ signed: one?.compact as Uint8Array, hash: new Uint8Array() }) }, you.secretKey.slice(0, 32)).signed
    const elsewhere = signFor(me, build({ header: [1, 0, 0] })).hash
    for (const bad of [other, elsewhere, flipped(good, 3), flipped(good, 63), new Uint8Array(64), good.subarray(0, 63)]) {
      expect(() => plan.assemble([{ compact: bad, recovery: null }])).toThrow('the signature is not from the account')
    }
    expect(() => plan.assemble([])).toThrow('not from the account')
    expect(() => plan.assemble([{ compact: good, recovery: null }, { compact: good, recovery: null }])).toThrow('not from the account')
    expect(plan.assemble([{ compact: good, recovery: null }]).hash).toEqual(good)
  })

  test('rejects a key of small order, for which anybody could sign anything (ZIP 215 takes it)', () => {
    const publicKey = new Uint8Array(32).fill(1, 0, 1)
    const compact = concat(publicKey, new Uint8Array(32))
    const reading = read(build({ keys: [publicKey, third.publicKey.toBytes(), SYSTEM] }))
    expect(() => reading.plan(contextOf(publicKey)).assemble([{ compact, recovery: null }])).toThrow('not from the account')
  })

  test('bytes that the caller changes after reading change nothing', () => {
    const bytes = Uint8Array.from(GOOD)
    const reading = read(bytes)
    bytes.fill(9)
    expect(signPlan(reading.plan(contextOf(me.publicKey.toBytes())), me.secretKey.slice(0, 32)).signed).toEqual(signFor(me, GOOD).signed)
  })
})

test('any bytes at all: a code, never anything else', () => {
  const soup = fc.oneof(
    fc.uint8Array({ maxLength: 200 }),
    fc.tuple(fc.nat(), fc.uint8Array({ minLength: 1, maxLength: 3 }), fc.constantFrom(GOOD, v0({}), v0(LOOKED))).map(([at, put, good]) => cut(good, at % good.length, at % 4, ...put)),
  )
  fc.assert(
    fc.property(soup, fc.constantFrom<CborValue>(null, tables(tableOf(5))), (bytes, context) => {
      const data = Uint8Array.from(bytes)
      const code = refusal(data, context)
      expect(code).toMatch(/^(tx_.*|parameters_malformed|ok)$/)
      if (code !== 'ok') return
      // web3.js reads it too, and writes the same bytes back.
      expect(Buffer.from(VersionedTransaction.deserialize(data).serialize()).equals(data)).toBe(true)
    }),
    { numRuns: process.env['SLOW'] === '1' ? 100_000 : 2000 },
  )
})

test.each(['typedData', 'hash', 'authorization', 'userOperation', 'feePayer'] as const)('rejects a payload of kind %s', (kind) => {
  expect(codeOf(() => read(GOOD, null, kind))).toBe('payload_kind_unknown')
})

describe('chain ids', () => {
  test.each(['5eykt4UsFv8P8NJdTREpY1vzqKqZKvdp', 'EtWTRABZaYq6iMfeYKouRu166VU2xqa1', '4uhcVJyU9pJkvQyS88uRDiswHXSCkY3z', '1'.repeat(32)])('%s: mainnet, devnet, testnet, a validator of one’s own', (reference) => {
    expect(read(GOOD, null, 'transaction', `solana:${reference}`).plan(contextOf(me.publicKey.toBytes())).summary.chain).toBe(`solana:${reference}`)
  })

  test('a transaction that is said to be for another cluster than mainnet may be sent there all the same', () => {
    const warnings = (reference: string): readonly string[] => read(GOOD, null, 'transaction', `solana:${reference}`).plan(contextOf(me.publicKey.toBytes())).summary.warnings
    expect(warnings('5eykt4UsFv8P8NJdTREpY1vzqKqZKvdp')).toEqual([])
    for (const other of ['EtWTRABZaYq6iMfeYKouRu166VU2xqa1', '4uhcVJyU9pJkvQyS88uRDiswHXSCkY3z', '1'.repeat(32)]) expect(warnings(other)).toEqual(['any_chain'])
  })

  test.each(['solana', 'solana:', 'solana:mainnet', 'solana:101', `${CHAIN}x`, CHAIN.slice(0, -1), `solana:${'0'.repeat(32)}`, `solana:${'l'.repeat(32)}`, 'eip155:1', `SOLANA:${CHAIN.slice(7)}`])('rejects %s', (chain) => {
    for (const kind of ['transaction', 'message'] as const) expect(codeOf(() => read(GOOD, null, kind, chain))).toBe('chain_unknown')
  })
})

describe('accounts', () => {
  test('paths, as wallets number them', () => {
    expect(solana.path(0)).toBe("m/44'/501'/0'/0'")
    expect(solana.path(7, null)).toBe("m/44'/501'/7'/0'")
    expect(solana.path(7, 'phantom')).toBe("m/44'/501'/7'/0'")
    expect(solana.path(7, 'ledger-live')).toBe("m/44'/501'/7'")
    expect(solana.path(0, 'root')).toBe("m/44'/501'")
    for (const [index, variant] of [[-1, null], [0.5, null], [2 ** 31, null], [Number.NaN, null], [1, 'root'], [0, 'bip84'], [0, ''], [0, 'constructor']] as const) {
      expect(codeOf(() => solana.path(index, variant))).toBe('account_path_invalid')
    }
  })

  test('paths that are accepted: hardened throughout', () => {
    for (const good of ['m', "m/44'/501'", "m/44'/501'/0'", "m/44'/501'/0'/0'", "m/44'/501'/2147483647'/0'", "m/44'/501'/0'/0'/5'"]) expect([good, solana.accepts(good)]).toEqual([good, true])
    for (const bad of ['', "m/44'", "m/44'/501", "m/44'/501'/0", "m/44'/501'/0'/0", "m/44'/60'/0'/0'", "m/44'/501'/2147483648'", "m/44'/501'/00'", "m/501'/0'/0'", "m/44'/501'/0'/0'/0'/0'", " m/44'/501'", "m/44'/501'/0'\n"]) {
      expect([bad, solana.accepts(bad)]).toEqual([bad, false])
    }
    expect(solana.variants).toEqual(['phantom', 'ledger-live', 'root'])
    for (const variant of [null, ...solana.variants]) expect(solana.accepts(solana.path(0, variant))).toBe(true)
  })

  test('an address is the key in base58; no other key than one of 32 bytes has one', () => {
    for (let i = 0; i < 50; i++) expect(solana.address({ path: 'm', publicKey: address(i).toBytes(), chainCode: null })).toBe(address(i).toBase58())
    expect(solana.address({ path: 'm', publicKey: new Uint8Array(32), chainCode: null })).toBe('11111111111111111111111111111111')
    for (const length of [0, 31, 33]) expect(() => solana.address({ path: 'm', publicKey: new Uint8Array(length), chainCode: null })).toThrow('32 bytes')
  })
})

test('a task is for the account’s own path and key, over the whole message', () => {
  const { tasks } = planFor(me, GOOD)
  expect(tasks).toEqual([{ path: "m/44'/501'/0'/0'", publicKey: me.publicKey.toBytes(), scheme: { kind: 'ed25519', message: GOOD.slice(65) } }])
  expect(MessageV0.deserialize(v0({}).subarray(65)).header.numRequiredSignatures).toBe(1)
})
