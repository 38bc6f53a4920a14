/** Solana: each instruction that the builders of web3.js and spl-token make, and what its summary says. */
import fc from 'fast-check'
import { ComputeBudgetProgram, Ed25519Program, PublicKey, SystemProgram, Transaction, TransactionInstruction } from '@solana/web3.js'
import { createTransferInstruction, TOKEN_2022_PROGRAM_ID, TOKEN_PROGRAM_ID } from '@solana/spl-token'
import { visible } from '../../lib/chains/text.ts'
import type { Summary } from '../../lib/chains/chain.ts'
import { codeOf } from '../support/core-codes.ts'
import { address, keypair, planFor } from '../support/solana.ts'
import { allSamples, partsOf, systemSamples } from '../support/solana-instructions.ts'

const me = keypair(1)
const others = [2, 3, 4, 5, 6, 7].map(address)
const parts = partsOf(me, others)
const BLOCKHASH = address(9).toBase58()
const [alice, bob] = [address(2), address(3)]

const bytesOf = (...instructions: TransactionInstruction[]): Uint8Array =>
  new Uint8Array(new Transaction({ feePayer: me.publicKey, recentBlockhash: BLOCKHASH }).add(...instructions).serialize({ requireAllSignatures: false, verifySignatures: false }))
const summaryOf = (...instructions: TransactionInstruction[]): Summary => planFor(me, bytesOf(...instructions)).summary
const refusal = (...instructions: TransactionInstruction[]): string => codeOf(() => summaryOf(...instructions))
const withData = ({ programId, keys }: TransactionInstruction, data: Uint8Array): TransactionInstruction => new TransactionInstruction({ programId, keys, data: Buffer.from(data) })
const withKeys = ({ programId, data }: TransactionInstruction, keys: TransactionInstruction['keys']): TransactionInstruction => new TransactionInstruction({ programId, keys, data })

const samples = allSamples(parts)

test.each(samples.map((one) => [one.name, one] as const))('%s: action, every field, warnings', (_name, { instruction, action, fields, warnings }) => {
  const summary = summaryOf(instruction)
  expect(summary.actions).toHaveLength(1)
  const { program, ...its } = summary.actions[0]?.fields ?? {}
  expect(summary.actions[0]?.action).toBe(action)
  expect(fields['program'] === undefined ? its : { program, ...its }).toEqual(fields)
  expect(program).toBeTruthy()
  expect(summary.warnings.filter((warning) => warning !== 'durable_nonce')).toEqual(warnings)
})

test('every instruction with any amounts, seeds and addresses', () => {
  const amount = fc.oneof(fc.bigInt(0n, 2n ** 64n - 1n), fc.constantFrom(0n, 1n, 2n ** 53n, 2n ** 63n, 2n ** 64n - 1n))
  const seed = fc.oneof(fc.string({ maxLength: 10 }), fc.constantFrom('', 'ü', '🔑🔑', 'x'.repeat(32)))
  fc.assert(
    fc.property(amount, fc.nat(255), seed, fc.nat(60_000), fc.nat(), (value, decimals, text, first, pick) => {
      const its = partsOf(me, [1, 2, 3, 4, 5, 6].map((i) => address(first + i)), { amount: value, decimals, seed: text })
      fc.pre(first > 2 && Buffer.from(text).length <= 32 && !visible(text).isHidden && text.isWellFormed())
      const list = allSamples(its)
      const one = list[pick % list.length] as (typeof list)[number]
      const run = (): Summary => summaryOf(one.instruction)
      if (BigInt(one.fields['lamports'] ?? 0) > 2n ** 64n - 1n - 10_000n && codeOf(run) === 'tx_overflow') return // with the fee
      const { program, ...fields } = run().actions[0]?.fields ?? {}
      expect(one.fields['program'] === undefined ? fields : { program, ...fields }).toEqual(one.fields)
    }),
    { numRuns: process.env['SLOW'] === '1' ? 10_000 : 100 },
  )
})

describe('strictness, for every instruction that is known', () => {
  const known = samples.filter(({ action }) => !action.startsWith('unknown'))

  test('a byte more is refused, unless the data is text or a list', () => {
    for (const { name, instruction, action } of known) {
      if (['ui_amount_to_amount', 'reallocate'].includes(action)) continue
      if (instruction.data.length === 0) continue // associated token account: the next byte is the instruction's number
      expect([name, refusal(withData(instruction, Buffer.concat([instruction.data, Buffer.of(0)])))]).toEqual([name, 'tx_trailing_bytes'])
    }
  })

  test('a byte less is refused', () => {
    for (const { name, instruction, action } of known) {
      const { data } = instruction
      const says = refusal(withData(instruction, data.subarray(0, -1)))
      const endsInTheOpen = ['ui_amount_to_amount', 'reallocate'].includes(action) || data.length === 0 || (data.length === 1 && /associated|nested/.test(name))
      if (!endsInTheOpen) expect([name, says]).toEqual([name, 'tx_malformed'])
    }
  })

  test('too few accounts are refused', () => {
    for (const { name, instruction, fields } of known) {
      const needed = instruction.keys.filter(({ pubkey }) => !/^(Sysvar|StakeConfig)/.test(pubkey.toBase58()))
      if (fields['otherAccounts'] !== undefined || fields['custodian'] !== undefined || name.startsWith('create account with seed')) continue
      expect([name, refusal(withKeys(instruction, needed.slice(0, -1)))]).toEqual([name, 'tx_malformed'])
    }
  })

  test('sysvars may be left out, as newer programs allow; more accounts are shown', () => {
    const { pubkey } = { pubkey: address(77) }
    for (const { name, instruction, fields } of known) {
      const lean = withKeys(instruction, instruction.keys.filter((key) => !/^(Sysvar|StakeConfig)/.test(key.pubkey.toBase58())))
      const { program: _, ...its } = summaryOf(lean).actions[0]?.fields ?? {}
      expect([name, its]).toEqual([name, fields])
      const more = summaryOf(withKeys(instruction, [...instruction.keys, { pubkey, isSigner: false, isWritable: false }]))
      expect([name, Object.values(more.actions[0]?.fields ?? {}).join(' ')]).toEqual([name, expect.stringContaining(pubkey.toBase58())])
    }
  })
})

const SYSTEM_TRANSFER = SystemProgram.transfer({ fromPubkey: me.publicKey, toPubkey: alice, lamports: 1 })
const TOKEN_TRANSFER = createTransferInstruction(alice, bob, me.publicKey, 1)
const u32 = (value: number): number[] => [value & 255, (value >> 8) & 255, (value >> 16) & 255, value >>> 24]
const seedOf = (length: number): Uint8Array => Uint8Array.from([...u32(10), ...alice.toBytes(), ...u32(length), 0, 0, 0, 0, ...new Uint8Array(length).fill(0x61), ...bob.toBytes()])
const system = (data: ArrayLike<number>): TransactionInstruction => withData(SYSTEM_TRANSFER, Uint8Array.from(data))
const token = (data: ArrayLike<number>, programId = TOKEN_PROGRAM_ID): TransactionInstruction => new TransactionInstruction({ programId, keys: TOKEN_TRANSFER.keys, data: Buffer.from(Uint8Array.from(data)) })
const stake = (data: ArrayLike<number>): TransactionInstruction =>
  new TransactionInstruction({ programId: new PublicKey('Stake11111111111111111111111111111111111111'), keys: [alice, bob, me.publicKey, address(5)].map((pubkey) => ({ pubkey, isSigner: false, isWritable: true })), data: Buffer.from(data as number[]) })
const budget = (data: ArrayLike<number>, keys: TransactionInstruction['keys'] = []): TransactionInstruction => new TransactionInstruction({ programId: ComputeBudgetProgram.programId, keys, data: Buffer.from(data as number[]) })
const associated = (data: ArrayLike<number>): TransactionInstruction => new TransactionInstruction({ programId: new PublicKey('ATokenGPvbdGVxr1b2hvZbsiqW5xWH25efTNsLJA8knL'), keys: [1, 2, 3, 4, 5, 6, 7].map((i) => ({ pubkey: address(i), isSigner: false, isWritable: false })), data: Buffer.from(data as number[]) })

test.each<[string, TransactionInstruction]>([
  ['System: no data', system([])],
  ['System: three bytes', system([2, 0, 0])],
  ['System: instruction 13', system([...u32(13), ...new Uint8Array(48)])],
  ['System: 2^24 + 2', system([2, 0, 0, 1, ...new Uint8Array(8)])],
  ['System: a seed of 33 bytes', system(seedOf(33))],
  ['System: a seed longer than the data', system([...u32(10), ...alice.toBytes(), ...u32(20), 0, 0, 0, 0, 0x61])],
  ['System: a seed of 2^32 bytes', system([...u32(10), ...alice.toBytes(), 0, 0, 0, 0, 1, 0, 0, 0, ...bob.toBytes()])],
  ['System: a seed that is no UTF-8', system([...u32(10), ...alice.toBytes(), ...u32(1), 0, 0, 0, 0, 0xff, ...bob.toBytes()])],
  ['Token: no data', token([])],
  ['Token: an extension', token([25, 0])],
  ['Token: batch', token([255, 3, 9])],
  ['Token: an option that is neither', token([20, 6, ...alice.toBytes(), 2, ...bob.toBytes()])],
  ['Token-2022: no data', token([], TOKEN_2022_PROGRAM_ID)],
  ['Token-2022: a group without its second number', token([26], TOKEN_2022_PROGRAM_ID)],
  ['Token-2022: an account state there is not', token([28, 0, 3], TOKEN_2022_PROGRAM_ID)],
  ['Stake: an instruction there is not', stake(u32(18))],
  ['Stake: an authority there is not', stake([...u32(10), ...u32(2)])],
  ['Stake: an option that is neither', stake([...u32(12), 2, 0])],
  ['Compute Budget: the old request of units', budget([0, ...u32(1), ...u32(1)])],
  ['Compute Budget: an instruction there is not', budget([5, 0, 0, 0, 0])],
  ['Compute Budget: no data', budget([])],
  ['Compute Budget: an account', budget([2, ...u32(1)], [{ pubkey: alice, isSigner: false, isWritable: false }])],
  ['Associated Token Account: an instruction there is not', associated([3])],
  ['Memo: no UTF-8', new TransactionInstruction({ programId: new PublicKey('MemoSq4gqABAXKb96qnH8TysNcWxMyWCqXgDLGmfcHr'), keys: [], data: Buffer.of(0xc0, 0x80) })],
])('rejects %s', (_what, instruction) => {
  expect(refusal(instruction)).toBe('tx_malformed')
})

test('an option that says no more is followed by nothing', () => {
  expect(refusal(token([20, 6, ...alice.toBytes(), 0, ...bob.toBytes()]))).toBe('tx_trailing_bytes')
})

test.each([[2n ** 64n - 1n, true], [2n ** 64n - 2n, true], [2n ** 63n, true], [2n ** 63n - 1n, false], [1n, false]])('an approval of %d: unlimited, %s', (amount, isUnlimited) => {
  const bytes = Array.from({ length: 8 }, (_, i) => Number((amount >> BigInt(8 * i)) & 255n))
  for (const data of [[4, ...bytes], [13, ...bytes, 6]]) {
    for (const programId of [TOKEN_PROGRAM_ID, TOKEN_2022_PROGRAM_ID]) {
      const keys = [alice, bob, address(4), me.publicKey].map((pubkey) => ({ pubkey, isSigner: false, isWritable: true }))
      expect(summaryOf(withKeys(token(data, programId), keys)).warnings).toEqual(isUnlimited ? ['unlimited_approval'] : [])
    }
  }
})

test('a seed that hides characters is written out', () => {
  const data = seedOf(3)
  data.set([0xe2, 0x80, 0xae], 44)
  const { actions, warnings } = summaryOf(system(data))
  expect(actions[0]?.fields['seed']).toBe('\\u{202e}')
  expect(warnings).toEqual(['authority_change', 'hidden_characters'])
})

test('the longest seed there may be', () => {
  expect(refusal(system(seedOf(32)))).toBe('ok')
})

test('what web3.js has no builder for', () => {
  const action = (instruction: TransactionInstruction): unknown => summaryOf(instruction).actions[0]
  const [a, b, c, d] = [alice, bob, me.publicKey, address(5)].map(String)
  const key = address(8)
  expect(action(system(u32(12)))).toEqual({ action: 'upgrade_nonce', fields: { program: 'System', nonceAccount: String(me.publicKey), otherAccounts: a } })
  const it = (name: string, fields: object): object => ({ action: name, fields: { program: 'Stake', ...fields } })
  const negative = [0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff]
  expect(action(stake([...u32(6), 1, ...negative, 0, 1, ...key.toBytes()]))).toEqual(it('set_lockup', { stake: a, authority: b, lockupUntilSec: '-1', lockupEpoch: 'none', newCustodian: String(key), otherAccounts: `${c} ${d}` }))
  expect(action(stake(u32(9)))).toEqual(it('initialize_stake', { stake: a, staker: b, withdrawer: c, otherAccounts: d }))
  expect(action(stake([...u32(10), ...u32(1)]))).toEqual(it('authorize_stake', { stake: a, authority: b, newAuthority: c, custodian: d, kind: 'withdrawer' }))
  expect(action(stake([...u32(11), ...u32(0), ...u32(2), ...u32(0), 0x68, 0x69, ...key.toBytes()]))).toEqual(it('authorize_stake', { stake: a, base: b, newAuthority: c, custodian: d, kind: 'staker', seed: 'hi', owner: String(key) }))
  expect(action(stake([...u32(12), 0, 1, ...u32(7), ...u32(0)]))).toEqual(it('set_lockup', { stake: a, authority: b, newCustodian: c, otherAccounts: d, lockupUntilSec: 'none', lockupEpoch: '7' }))
  expect(action(stake(u32(14)))).toEqual(it('deactivate_delinquent_stake', { stake: a, vote: b, referenceVote: c, otherAccounts: d }))
  expect(action(stake(u32(15)))).toEqual(it('redelegate_stake', { stake: a, to: b, vote: c, authority: d }))
  for (const [tag, name] of [[16, 'move_stake'], [17, 'move_lamports']] as const) {
    expect(action(stake([...u32(tag), ...u32(5), ...u32(0)]))).toEqual(it(name, { stake: a, to: b, authority: c, lamports: '5', otherAccounts: d }))
  }
  expect(action(token([38]))).toMatchObject({ action: 'withdraw_excess_lamports', fields: { from: a, to: b, authority: c } })
  expect(action(token([21]))).toMatchObject({ action: 'get_account_data_size' })
  expect(action(token([21, 7, 0], TOKEN_2022_PROGRAM_ID))).toMatchObject({ fields: { extensions: '0x0700' } })
  expect(action(token([6, 9, 0], TOKEN_2022_PROGRAM_ID))).toMatchObject({ fields: { kind: '9', newAuthority: 'none' } })
  for (const data of [[27, 0], [26, 6], [37, 0], [42, 1], [200], [255, 1]]) {
    expect(summaryOf(token(data, TOKEN_2022_PROGRAM_ID))).toMatchObject({ actions: [{ action: 'unknown_instruction' }], warnings: ['unknown_instruction'] })
  }
})

describe('fees', () => {
  const setComputeUnitLimit = (of: { units: number }): TransactionInstruction => ComputeBudgetProgram.setComputeUnitLimit(of)
  const setComputeUnitPrice = (of: { microLamports: number | bigint }): TransactionInstruction => ComputeBudgetProgram.setComputeUnitPrice(of)
  const requestHeapFrame = (of: { bytes: number }): TransactionInstruction => ComputeBudgetProgram.requestHeapFrame(of)

  test('one signature, and nothing asked for', () => {
    expect(summaryOf(SYSTEM_TRANSFER).fields).toEqual({ feePayer: String(me.publicKey), maximumFee: '5000', signers: String(me.publicKey), recentBlockhash: BLOCKHASH })
  })

  test('the compute budget is no action: limit, price, heap and data in fields; the fee rounded up', () => {
    const accounts = budget([4, ...u32(65_536)])
    const summary = summaryOf(setComputeUnitLimit({ units: 300_001 }), setComputeUnitPrice({ microLamports: 5 }), requestHeapFrame({ bytes: 65_536 }), accounts, SYSTEM_TRANSFER)
    expect(summary.actions).toEqual([{ action: 'transfer', fields: { program: 'System', from: String(me.publicKey), to: String(alice), lamports: '1' } }])
    expect(summary.fields).toMatchObject({ computeUnitLimit: '300001', computeUnitPriceMicroLamports: '5', heapBytes: '65536', loadedAccountsBytes: '65536', maximumFee: '5002' })
    expect(summary.warnings).toEqual([])
  })

  test('a price without a limit is for what each instruction gets; never for more than 1.4 million units', () => {
    expect(summaryOf(setComputeUnitPrice({ microLamports: 1_000_000 }), SYSTEM_TRANSFER).fields['maximumFee']).toBe('405000')
    expect(summaryOf(setComputeUnitLimit({ units: 2_000_000 }), setComputeUnitPrice({ microLamports: 1_000_000 })).fields['maximumFee']).toBe('1405000')
    expect(summaryOf(...Array.from({ length: 8 }, () => SYSTEM_TRANSFER), setComputeUnitPrice({ microLamports: 1_000_000 })).fields['maximumFee']).toBe('1405000')
  })

  test('signatures that a program checks cost as the others do', () => {
    const check = Ed25519Program.createInstructionWithPrivateKey({ privateKey: keypair(4).secretKey, message: Buffer.from('hi') })
    expect(summaryOf(check, SYSTEM_TRANSFER)).toMatchObject({ fields: { maximumFee: '10000' }, warnings: ['unknown_call'] })
  })

  test('rejects one instruction of the budget twice', () => {
    expect(refusal(setComputeUnitLimit({ units: 1 }), setComputeUnitLimit({ units: 1 }))).toBe('tx_malformed')
  })

  test('rejects more lamports in all than there can be', () => {
    const half = SystemProgram.transfer({ fromPubkey: me.publicKey, toPubkey: alice, lamports: 2n ** 63n })
    expect(refusal(half)).toBe('ok')
    expect(refusal(half, half)).toBe('tx_overflow')
    const rest = (lamports: bigint): TransactionInstruction => SystemProgram.transfer({ fromPubkey: me.publicKey, toPubkey: alice, lamports })
    expect(refusal(half, rest(2n ** 63n - 5001n))).toBe('ok')
    expect(refusal(half, rest(2n ** 63n - 5000n))).toBe('tx_overflow')
    expect(refusal(setComputeUnitLimit({ units: 1_400_000 }), setComputeUnitPrice({ microLamports: 2n ** 64n - 1n }))).toBe('tx_overflow')
  })
})

describe('memos', () => {
  const memo = (text: string, programId: string, signers: PublicKey[] = []): TransactionInstruction =>
    new TransactionInstruction({ programId: new PublicKey(programId), keys: signers.map((pubkey) => ({ pubkey, isSigner: true, isWritable: false })), data: Buffer.from(text) })

  test.each(['Memo1UhkJRfHyvLMcVucJwxXeuD728EqVDDwQDxFMNo', 'MemoSq4gqABAXKb96qnH8TysNcWxMyWCqXgDLGmfcHr'])('%s', (programId) => {
    expect(summaryOf(memo('für Élise 🎹', programId)).actions).toEqual([{ action: 'memo', fields: { text: 'für Élise 🎹' } }])
    expect(summaryOf(memo('x', programId, [me.publicKey])).actions).toEqual([{ action: 'memo', fields: { text: 'x', signers: String(me.publicKey) } }])
    const hiding = summaryOf(memo('pay \u202Eecila', programId))
    expect(hiding.warnings).toEqual(['hidden_characters'])
    expect(hiding.actions[0]?.fields['text']).toBe('pay \\u{202e}ecila')
  })
})

test('a durable nonce is told, in the place of a blockhash, where it comes first', () => {
  const [advance] = systemSamples(parts).filter(({ action }) => action === 'advance_nonce')
  const instruction = advance?.instruction as TransactionInstruction
  const first = summaryOf(instruction, SYSTEM_TRANSFER)
  expect(first.fields).toEqual({ feePayer: String(me.publicKey), maximumFee: '5000', signers: String(me.publicKey), nonceAccount: String(alice), nonceAuthority: String(me.publicKey), nonce: BLOCKHASH })
  expect(first.warnings).toEqual(['durable_nonce'])
  const second = summaryOf(SYSTEM_TRANSFER, instruction)
  expect(second.fields['recentBlockhash']).toBe(BLOCKHASH)
  expect(second.warnings).toEqual([])
})

test('each warning is given once', () => {
  const [assign] = systemSamples(parts).filter(({ action }) => action === 'assign')
  const instruction = assign?.instruction as TransactionInstruction
  expect(summaryOf(instruction, instruction).warnings).toEqual(['authority_change'])
})
