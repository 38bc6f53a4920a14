/** Solana's own runtime (LiteSVM) takes what is signed here, and does what the summary says. */
import {
  AddressLookupTableProgram, ComputeBudgetProgram, NONCE_ACCOUNT_LENGTH, NonceAccount, SystemProgram, Transaction, TransactionMessage, VersionedTransaction,
  type AddressLookupTableAccount, type Keypair, type PublicKey, type TransactionInstruction,
} from '@solana/web3.js'
import {
  ACCOUNT_SIZE, AccountLayout, MINT_SIZE, TOKEN_2022_PROGRAM_ID, TOKEN_PROGRAM_ID, createApproveInstruction, createAssociatedTokenAccountInstruction, createCloseAccountInstruction,
  createInitializeMint2Instruction, createMintToInstruction, createTransferCheckedInstruction, getAssociatedTokenAddressSync,
} from '@solana/spl-token'
import type * as Kit from '@solana/kit'
import type * as Lite from 'litesvm'
import type { CborValue } from '../../lib/protocol/cbor.ts'
import { codeOf, flipped } from '../support/core-codes.ts'
import { keypair, planFor, signFor } from '../support/solana.ts'

const isHere = process.platform === 'linux' && process.arch === 'x64' && Boolean((process.report.getReport() as { header?: { glibcVersionRuntime?: string } }).header?.glibcVersionRuntime)
if (!isHere) process.stdout.write('LiteSVM is installed for Linux on x64 with glibc alone: the runtime is not asked\n')
const suite = isHere ? describe : describe.skip

const [me, you] = [keypair(1), keypair(2)]
const SOL = 1_000_000_000n

suite('the runtime', () => {
  let svm: Lite.LiteSVM
  let kit: typeof Kit
  let lite: typeof Lite

  beforeAll(async () => {
    kit = await import('@solana/kit')
    lite = await import('litesvm')
  })
  beforeEach(() => {
    svm = new lite.LiteSVM()
    for (const { publicKey } of [me, you]) svm.airdrop(kit.address(publicKey.toBase58()), kit.lamports(10n * SOL))
  })

  const balance = (of: PublicKey): bigint => svm.getBalance(kit.address(of.toBase58())) ?? 0n
  const dataOf = (of: PublicKey): Buffer => {
    const account = svm.getAccount(kit.address(of.toBase58()))
    if (!account.exists) throw new Error('no such account')
    return Buffer.from(account.data)
  }
  /** `ok`, or what the runtime says. */
  const send = (signed: Uint8Array): string => {
    const result = svm.sendTransaction(kit.getTransactionDecoder().decode(signed))
    svm.expireBlockhash()
    return result instanceof lite.FailedTransactionMetadata ? result.toString() : 'ok'
  }
  const legacy = (payer: Keypair, instructions: TransactionInstruction[], recentBlockhash: string = svm.latestBlockhash()): Uint8Array =>
    new Uint8Array(new Transaction({ feePayer: payer.publicKey, recentBlockhash }).add(...instructions).serialize({ requireAllSignatures: false, verifySignatures: false }))
  const signed = (transaction: Uint8Array, ...signers: Keypair[]): Uint8Array => signers.reduce((bytes, signer) => signFor(signer, bytes).signed, transaction)
  const transfer = (from: Keypair, to: PublicKey, lamports: bigint): TransactionInstruction => SystemProgram.transfer({ fromPubkey: from.publicKey, toPubkey: to, lamports })

  test('a transfer: what arrives and what it costs are what the summary says; the id is ours', () => {
    const to = keypair(7).publicKey
    const before = balance(me.publicKey)
    const price = [ComputeBudgetProgram.setComputeUnitLimit({ units: 1001 }), ComputeBudgetProgram.setComputeUnitPrice({ microLamports: 1_234_567 })]
    const bytes = legacy(me, [...price, transfer(me, to, SOL)])
    const { summary } = planFor(me, bytes)
    const { signed: done, hash } = signFor(me, bytes)
    expect(send(done)).toBe('ok')
    expect(svm.getTransaction(kit.getBase58Decoder().decode(hash) as Kit.Signature)).not.toBeNull()
    expect(svm.getTransaction(kit.getBase58Decoder().decode(flipped(hash)) as Kit.Signature)).toBeNull()
    expect(balance(to)).toBe(SOL)
    expect(before - balance(me.publicKey)).toBe(SOL + BigInt(summary.fields['maximumFee'] as string))
  })

  test('rejects a signature with a bit turned, and an amount that was changed afterwards', () => {
    const to = keypair(7).publicKey
    const done = signed(legacy(me, [transfer(me, to, SOL)]), me)
    expect(send(flipped(done, 20))).toMatch(/signature/i)
    expect(send(flipped(done, done.length - 2))).toMatch(/signature/i)
    expect(send(done)).not.toBe('ok') // its blockhash is gone by now
    expect(balance(to)).toBe(0n)
  })

  test('two signers, each on its own, in either order', () => {
    const to = keypair(7).publicKey
    for (const order of [[me, you], [you, me]]) {
      const before = balance(to)
      const bytes = legacy(me, [transfer(me, to, SOL), transfer(you, to, 2n * SOL)])
      expect(send(signed(bytes, ...order))).toBe('ok')
      expect(balance(to) - before).toBe(3n * SOL)
    }
  })

  test('version 0 with a lookup table', () => {
    const { slot } = svm.getClock()
    const [create, key] = AddressLookupTableProgram.createLookupTable({ authority: me.publicKey, payer: me.publicKey, recentSlot: Number(slot) })
    const addresses = [11, 12, 13].map((i) => keypair(i).publicKey)
    const extend = AddressLookupTableProgram.extendLookupTable({ lookupTable: key, authority: me.publicKey, payer: me.publicKey, addresses })
    expect(send(signed(legacy(me, [create, extend]), me))).toBe('ok')
    svm.warpToSlot(slot + 10n)
    const table = { key, state: { addresses } } as unknown as AddressLookupTableAccount
    const message = new TransactionMessage({ payerKey: me.publicKey, recentBlockhash: svm.latestBlockhash(), instructions: addresses.map((to, i) => transfer(me, to, BigInt(i + 1) * SOL)) }).compileToV0Message([table])
    const bytes = new VersionedTransaction(message).serialize()
    expect(codeOf(() => planFor(me, bytes))).toBe('tx_lookup_table_missing')
    const context: CborValue = { tables: [{ key: key.toBytes(), addresses: addresses.map((one) => one.toBytes()) }] }
    const { summary } = planFor(me, bytes, context)
    expect(summary.actions.map(({ fields }) => fields['to'])).toEqual(addresses.map(String))
    expect(send(signFor(me, bytes, context).signed)).toBe('ok')
    expect(addresses.map(balance)).toEqual([SOL, 2n * SOL, 3n * SOL])
  })

  test('a durable nonce: good for as long as it isn’t used, and then no more', () => {
    const nonce = keypair(20)
    const rent = svm.minimumBalanceForRentExemption(BigInt(NONCE_ACCOUNT_LENGTH))
    const create = SystemProgram.createNonceAccount({ fromPubkey: me.publicKey, noncePubkey: nonce.publicKey, authorizedPubkey: me.publicKey, lamports: Number(rent) }).instructions
    expect(send(signed(legacy(me, create), me, nonce))).toBe('ok')
    const value = NonceAccount.fromAccountData(dataOf(nonce.publicKey)).nonce
    const to = keypair(7).publicKey
    const advance = SystemProgram.nonceAdvance({ noncePubkey: nonce.publicKey, authorizedPubkey: me.publicKey })
    const bytes = legacy(me, [advance, transfer(me, to, SOL)], value)
    expect(planFor(me, bytes).summary).toMatchObject({ fields: { nonceAccount: nonce.publicKey.toBase58(), nonce: value }, warnings: ['durable_nonce'] })
    const done = signed(bytes, me)
    for (let i = 0; i < 200; i++) svm.expireBlockhash()
    expect(send(done)).toBe('ok')
    expect(balance(to)).toBe(SOL)
    expect(NonceAccount.fromAccountData(dataOf(nonce.publicKey)).nonce).not.toBe(value)
    expect(send(done)).not.toBe('ok')
  })

  test.each([['SPL Token', TOKEN_PROGRAM_ID], ['Token-2022', TOKEN_2022_PROGRAM_ID]])('%s: a mint, accounts, a transfer, an approval, an end', (_name, program) => {
    const mint = keypair(30)
    const [mine, yours] = [me, you].map(({ publicKey }) => getAssociatedTokenAddressSync(mint.publicKey, publicKey, false, program)) as [PublicKey, PublicKey]
    const lamports = Number(svm.minimumBalanceForRentExemption(BigInt(MINT_SIZE)))
    const make = legacy(me, [
      SystemProgram.createAccount({ fromPubkey: me.publicKey, newAccountPubkey: mint.publicKey, lamports, space: MINT_SIZE, programId: program }),
      createInitializeMint2Instruction(mint.publicKey, 6, me.publicKey, null, program),
      createAssociatedTokenAccountInstruction(me.publicKey, mine, me.publicKey, mint.publicKey, program),
      createAssociatedTokenAccountInstruction(me.publicKey, yours, you.publicKey, mint.publicKey, program),
      createMintToInstruction(mint.publicKey, mine, me.publicKey, 1_000_000n, [], program),
    ])
    expect(planFor(me, make).summary.actions.map(({ action }) => action)).toEqual(['create_account', 'initialize_mint', 'create_token_account', 'create_token_account', 'mint_to'])
    expect(send(signed(make, me, mint))).toBe('ok')
    const amountOf = (of: PublicKey): bigint => AccountLayout.decode(dataOf(of).subarray(0, ACCOUNT_SIZE)).amount
    const move = legacy(me, [createTransferCheckedInstruction(mine, mint.publicKey, yours, me.publicKey, 250_000n, 6, [], program)])
    expect(planFor(me, move).summary.actions[0]).toMatchObject({ action: 'token_transfer', fields: { from: mine.toBase58(), to: yours.toBase58(), amount: '250000', decimals: '6' } })
    expect(send(signed(move, me))).toBe('ok')
    expect([amountOf(mine), amountOf(yours)]).toEqual([750_000n, 250_000n])
    const approve = legacy(me, [createApproveInstruction(mine, you.publicKey, me.publicKey, 2n ** 64n - 1n, [], program)])
    expect(planFor(me, approve).summary.warnings).toEqual(['unlimited_approval'])
    expect(send(signed(approve, me))).toBe('ok')
    const take = legacy(you, [createTransferCheckedInstruction(mine, mint.publicKey, yours, you.publicKey, 750_000n, 6, [], program)])
    expect(send(signed(take, you))).toBe('ok')
    const close = legacy(me, [createCloseAccountInstruction(mine, me.publicKey, me.publicKey, [], program)])
    expect(planFor(me, close).summary.warnings).toEqual(['account_closed'])
    expect(send(signed(close, me))).toBe('ok')
  })
})
