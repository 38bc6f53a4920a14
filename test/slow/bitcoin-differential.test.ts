/** Random PSBTs, built and signed by bitcoinjs-lib too: the same transaction comes out, and bitcore-lib's interpreter takes every script of ours. */
import { ECPairFactory } from 'ecpair'
import * as ecc from '@bitcoinerlab/secp256k1'
import { crypto, Transaction } from 'bitcoinjs-lib'
import fc from 'fast-check'
import { bitcoin } from '../../lib/chains/bitcoin/bitcoin.ts'
import { MAINNET } from '../../lib/chains/bitcoin/networks.ts'
import { toHex } from '../../lib/protocol/bytes.ts'
import { asVersion2, build, PURPOSES, scriptAt, type InputSpec, type OutputSpec, type PsbtSpec, type Type } from '../support/bitcoin-psbt.ts'
import { contextOf, walletFrom, type TestWallet } from '../support/bitcoin-wallet.ts'
import { scriptErrors } from '../support/bitcore.ts'

const SLOW = process.env['SLOW'] === '1'
const RUNS = SLOW ? 1000 : 50
/** The interpreter takes longer than all the rest: by default it looks at one transaction in five. */
let count = 0
const TYPES = ['p2pkh', 'p2sh-p2wpkh', 'p2wpkh', 'p2tr'] as const
jest.setTimeout(3_600_000)
const ECPair = ECPairFactory(ecc)
const wallet = walletFrom(new Uint8Array(32).fill(7))
const stranger = walletFrom(new Uint8Array(32).fill(8))

const position = fc.record({ change: fc.constantFrom(0, 1), index: fc.oneof(fc.nat(20), fc.nat(0x7fffffff)) })
const amount = fc.bigInt(10_000n, 1_000_000n)
const sequence = fc.constantFrom(0xffffffff, 0xfffffffe, 0xfffffffd, 1, 0x400001)
const payee = fc.tuple(fc.constantFrom(...TYPES), fc.nat(30)).map(([type, i]) => scriptAt(stranger, type, `m/${i}`))
const data = fc.uint8Array({ minLength: 1, maxLength: 40 }).map((bytes) => Uint8Array.of(0x6a, bytes.length, ...bytes))

/** Inputs of a whole account, or of the one key of an imported wallet; outputs to others and back; what is left is the fee. */
function spec(typeOf: fc.Arbitrary<Type>, pathOf: (type: Type, at: { change: number; index: number }) => string, sighashes: fc.Arbitrary<number | undefined>): fc.Arbitrary<PsbtSpec> {
  const input: fc.Arbitrary<InputSpec> = fc
    .record({ type: typeOf, at: position, amount, sequence, previous: fc.boolean(), sighashType: sighashes })
    .map(({ at, sighashType, ...rest }) => ({ ...rest, path: pathOf(rest.type, at), ...(sighashType === undefined ? {} : { sighashType }) }))
  const change = fc.record({ type: typeOf, index: fc.nat(1000) }).map(({ type, index }) => ({ type, path: pathOf(type, { change: 1, index }) }))
  return fc.record({
    version: fc.constantFrom(1, 2, 3),
    lockTime: fc.oneof(fc.constant(0), fc.nat(1_000_000), fc.integer({ min: 500_000_000, max: 0x7fffffff })),
    inputs: fc.array(input, { minLength: 1, maxLength: SLOW ? 4 : 2 }),
    outputs: fc.tuple(fc.array(payee, { minLength: 1, maxLength: 2 }), fc.array(change, { maxLength: 1 }), fc.array(data, { maxLength: 1 })),
  }).map(({ outputs: [payees, changes, datas], ...rest }) => {
    const spendable = (rest.inputs.reduce((sum, one) => sum + one.amount, 0n) * 9n) / 10n
    const each = spendable / BigInt(payees.length + changes.length)
    const outputs: OutputSpec[] = [
      ...payees.map((script) => ({ script, amount: each })),
      ...changes.map((key) => ({ script: scriptAt(wallet, key.type, key.path), amount: each, key })),
      ...datas.map((script) => ({ script, amount: 0n })),
    ]
    // Next to others, an input must be proven.
    const inputs = rest.inputs.map((one) => ({ ...one, previous: one.previous || rest.inputs.length > 1 }))
    return { ...rest, inputs, outputs }
  })
}

function signWithBitcoinjs(from: PsbtSpec): Transaction {
  const { psbt } = build(wallet, from)
  const allowed = [0, 1, 2, 3, 0x81, 0x82, 0x83]
  for (const [i, { type, path }] of from.inputs.entries()) {
    const key = ECPair.fromPrivateKey(wallet.privateKey(path))
    const internal = key.publicKey.subarray(1)
    psbt.signInput(i, type === 'p2tr' ? key.tweak(crypto.taggedHash('TapTweak', internal)) : key, allowed)
  }
  return psbt.finalizeAllInputs().extractTransaction(true)
}

function check(signer: TestWallet, accountPath: string, from: PsbtSpec, isVersion2: boolean): void {
  const { bytes, spent } = build(wallet, from)
  const payload = { chain: MAINNET.id, kind: 'transaction', data: isVersion2 ? asVersion2(bytes) : bytes, context: null } as const
  const plan = bitcoin.read(payload).plan(contextOf(signer.account(accountPath), { permissions: { anySighash: true } }))
  const { signed, hash } = plan.assemble(signer.sign(plan.tasks))
  const theirs = signWithBitcoinjs(from)
  expect(toHex(hash)).toBe(theirs.getId())
  expect(Transaction.fromBuffer(signed).getId()).toBe(theirs.getId())
  count += 1
  if (SLOW || count % 5 === 1) expect(scriptErrors(signed, spent)).toEqual([])
  // RFC 6979 on both sides, and neither grinds for a low r: not only the id is the same.
  if (from.inputs.every(({ type }) => type !== 'p2tr')) expect(toHex(signed)).toBe(theirs.toHex())
  const fee = spent.reduce((sum, one) => sum + one.amount, 0n) - from.outputs.reduce((sum, one) => sum + one.amount, 0n)
  const change = from.outputs.filter(({ key }) => key !== undefined).reduce((sum, one) => sum + one.amount, 0n)
  expect(plan.summary.fields).toMatchObject({ fee: String(fee), change: String(change), lockTime: String(from.lockTime), version: String(from.version) })
  expect(Math.abs(Number(plan.summary.fields['virtualSize']) - theirs.virtualSize())).toBeLessThanOrEqual(2 * from.inputs.length)
}

const whole = fc.constant(undefined)
describe.each(TYPES)('%s', (type) => {
  const account = `m/${PURPOSES[type]}'/0'/3'`
  const pathOf = (_: Type, { change, index }: { change: number; index: number }): string => `${account}/${change}/${index}`
  const parts = fc.constantFrom(undefined, 1, 2, 0x81, 0x82)

  test('a whole account', () => {
    fc.assert(fc.property(spec(fc.constant(type), pathOf, whole), fc.boolean(), (from, isVersion2) => check(wallet, account, from, isVersion2)), { numRuns: RUNS })
  })

  test('other sighash types', () => {
    fc.assert(fc.property(spec(fc.constant(type), pathOf, parts), fc.boolean(), (from, isVersion2) => check(wallet, account, from, isVersion2)), { numRuns: RUNS / 10 })
  })

  test('SINGLE, with an output for each input', () => {
    const single = spec(fc.constant(type), pathOf, fc.constantFrom(3, 0x83)).filter(({ inputs, outputs }) => inputs.length <= outputs.length)
    fc.assert(fc.property(single, fc.boolean(), (from, isVersion2) => check(wallet, account, from, isVersion2)), { numRuns: RUNS / 10 })
  })
})

test('one key, every type in one transaction', () => {
  fc.assert(fc.property(spec(fc.constantFrom(...TYPES), () => 'm', whole), fc.boolean(), (from, isVersion2) => check(wallet, 'm', from, isVersion2)), { numRuns: RUNS })
})

test('the interpreter takes no altered transaction', () => {
  for (const type of TYPES) {
    const path = `m/${PURPOSES[type]}'/0'/0'/0/0`
    const { bytes, spent } = build(wallet, { inputs: [{ type, path, amount: 50_000n }], outputs: [{ script: scriptAt(stranger, 'p2wpkh', 'm/0'), amount: 49_000n }] })
    const plan = bitcoin.read({ chain: MAINNET.id, kind: 'transaction', data: bytes, context: null }).plan(contextOf(wallet.account(path.slice(0, -4))))
    const { signed } = plan.assemble(wallet.sign(plan.tasks))
    const altered = Transaction.fromBuffer(signed)
    altered.locktime = 1
    expect(scriptErrors(signed, spent)).toEqual([])
    expect(scriptErrors(altered.toBuffer(), spent)).toHaveLength(1)
  }
})
