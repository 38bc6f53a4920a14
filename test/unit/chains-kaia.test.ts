/** Kaia's fee-delegated types against Kaia's own SDK: what the sender signs, what the fee payer signs, and what is refused. */
import { KlaytnTxFactory } from '@kaiachain/js-ext-core'
import fc from 'fast-check'
import { concatHex, getAddress, keccak256, toHex, toRlp, type Hex } from 'viem'
import { sign as viemSign } from 'viem/accounts'
import { LIMITS } from '../../lib/protocol/limits.ts'
import { codeOf } from '../support/core-codes.ts'
import { accountOf, digestOf, hex, KEY, planOf, RUNS, sign } from '../support/evm.ts'
import { bytesHex, uint } from '../support/evm-values.ts'

const PAYER = hex('47'.repeat(32))
const FROM = accountOf().address as Hex

const TYPES = [[0x09, false, false], [0x0a, false, true], [0x11, true, false], [0x12, true, true], [0x31, true, false], [0x32, true, true]] as const

interface Kaia {
  readonly type: number
  readonly chainId: number
  readonly nonce: number
  readonly gasPrice: bigint
  readonly gasLimit: number
  readonly to: Hex
  readonly value: bigint
  readonly data?: Hex
  readonly feeRatio?: number
}

const bytesOf = (value: bigint | number): Hex => (BigInt(value) === 0n ? '0x' : (`0x${BigInt(value).toString(16).padStart(2 * Math.ceil(BigInt(value).toString(16).length / 2), '0')}`))
const itemsOf = (tx: Kaia): Hex[] => [
  bytesOf(tx.nonce), bytesOf(tx.gasPrice), bytesOf(tx.gasLimit), tx.to, bytesOf(tx.value), FROM,
  ...(tx.data === undefined ? [] : [tx.data]), ...(tx.feeRatio === undefined ? [] : [bytesOf(tx.feeRatio)]),
]
const typed = (type: number, items: unknown): Uint8Array => hex(concatHex([toHex(type, { size: 1 }), toRlp(items as Hex[])]))
const chainOf = ({ chainId }: Kaia): string => `eip155:${chainId}`

async function vrs(rlp: string, key: Uint8Array, chainId: number): Promise<[Hex, Hex, Hex]> {
  const { r, s, yParity } = await viemSign({ hash: keccak256(rlp as Hex), privateKey: toHex(key) })
  return [bytesOf(chainId * 2 + 35 + (yParity as number)), r, s]
}

describe.each(TYPES)('type %i', (type, hasInput, hasRatio) => {
  const random = fc
    .record({
      chainId: fc.constantFrom(8217, 1001), nonce: fc.nat(), gasPrice: uint(190n), gasLimit: fc.nat(), to: bytesHex(20, 20).map((raw) => getAddress(raw)), value: uint(256n),
      data: bytesHex(0, 100), feeRatio: fc.integer({ min: 1, max: 99 }),
    })
    .map(({ data, feeRatio, ...rest }): Kaia => ({ ...rest, type, ...(hasInput ? { data } : {}), ...(hasRatio ? { feeRatio } : {}) }))

  test('signed as the SDK signs it: by the sender, then by the fee payer', async () => {
    await fc.assert(
      fc.asyncProperty(random, async (tx) => {
        const theirs = KlaytnTxFactory.fromObject({ ...tx, from: FROM })
        const senderPlan = planOf(chainOf(tx), 'transaction', typed(type, itemsOf(tx)))
        expect(toHex(digestOf(senderPlan))).toBe(keccak256(theirs.sigRLP() as Hex))
        theirs.addSenderSig(await vrs(theirs.sigRLP(), KEY, tx.chainId))
        const sent = sign(senderPlan)
        expect(toHex(sent.signed)).toBe(theirs.senderTxHashRLP())
        expect(toHex(sent.hash)).toBe(keccak256(theirs.senderTxHashRLP() as Hex))

        const payer = accountOf(PAYER).address
        theirs.setFields({ ...tx, from: FROM, txSignatures: theirs.getField('txSignatures'), feePayer: payer })
        const payerPlan = planOf(chainOf(tx), 'feePayer', sent.signed, { key: PAYER })
        expect(toHex(digestOf(payerPlan))).toBe(keccak256(theirs.sigFeePayerRLP() as Hex))
        theirs.addFeePayerSig(await vrs(theirs.sigFeePayerRLP(), PAYER, tx.chainId))
        const paid = sign(payerPlan, PAYER)
        expect(toHex(paid.signed)).toBe(theirs.txHashRLP())
        expect(toHex(paid.hash)).toBe(keccak256(theirs.txHashRLP() as Hex))
        expect(payerPlan.summary.warnings).not.toContain('sender_unverified')
      }),
      { numRuns: RUNS },
    )
  }, 600_000)
})

const TX: Kaia = { type: 0x32, chainId: 8217, nonce: 7, gasPrice: 25_000_000_000n, gasLimit: 100_000, to: getAddress(`0x${'35'.repeat(20)}`), value: 5n, data: '0x01020304', feeRatio: 30 }
const ITEMS = itemsOf(TX)
const put = (at: number, value: unknown, items: readonly unknown[] = ITEMS): readonly unknown[] => items.map((item, i) => (i === at ? value : item))
const read = (bytes: Uint8Array, chain = 'eip155:8217'): string => codeOf(() => planOf(chain, 'transaction', bytes))
const SIGNATURES = [[['0x4055', `0x${'11'.repeat(32)}`, `0x${'22'.repeat(32)}`]]]

test('the summary names both who sends and who pays', () => {
  const fields = {
    chainId: '8217', nonce: '7', gasPrice: '25000000000', gasLimit: '100000', value: '5', maximumFee: '2500000000000000', feeRatio: '30', to: TX.to, from: FROM, input: '0x01020304',
  }
  const call = { action: 'unknown_call', fields: { from: FROM, to: TX.to, value: '5', data: '0x01020304' } }
  const sent = planOf('eip155:8217', 'transaction', typed(0x32, ITEMS))
  expect(sent.summary).toEqual({ chain: 'eip155:8217', kind: 'fee_delegated_smart_contract_execution_with_ratio', actions: [call], fields, warnings: ['fee_delegated', 'unknown_call'] })
  const feePayer = accountOf(PAYER).address
  expect(planOf('eip155:8217', 'feePayer', sign(sent).signed, { key: PAYER }).summary).toEqual({
    chain: 'eip155:8217', kind: 'fee_delegated_smart_contract_execution_with_ratio',
    actions: [{ action: 'pay_fee', fields: { feePayer, maximumFee: '750000000000000' } }, call], fields: { ...fields, feePayer }, warnings: ['pays_fee', 'unknown_call'],
  })
  const memo = planOf('eip155:8217', 'transaction', typed(0x11, ITEMS.slice(0, 7)))
  expect(memo.summary).toMatchObject({ actions: [{ action: 'transfer', fields: { to: TX.to, amount: '5', memo: '0x01020304' } }], fields: { feeRatio: '100' }, warnings: ['fee_delegated'] })
})

test('Ethereum’s own types work on Kaia', () => {
  const eip1559 = ['0x2019', '0x07', '0x3b9aca00', '0x06fc23ac00', '0x5208', TX.to, '0x01', '0x', []]
  expect(planOf('eip155:8217', 'transaction', typed(2, eip1559)).summary.kind).toBe('eip1559')
})

test.each<[string, string, Uint8Array]>([
  ['another sender', 'tx_signer_mismatch', typed(0x32, put(5, `0x${'11'.repeat(20)}`))],
  ['a field too few', 'tx_malformed', typed(0x32, ITEMS.slice(0, 7))],
  ['two fields too many', 'tx_malformed', typed(0x32, [...ITEMS, '0x', '0x'])],
  ['a signed one', 'tx_already_signed', typed(0x32, [...ITEMS, ...SIGNATURES])],
  ['a paid one', 'tx_already_signed', typed(0x32, [...ITEMS, ...SIGNATURES, FROM, ...SIGNATURES])],
  ['a type alone', 'tx_malformed', Uint8Array.of(0x32)],
  ['trailing bytes', 'tx_trailing_bytes', Uint8Array.of(...typed(0x32, ITEMS), 0)],
  ['a leading zero', 'tx_not_canonical', typed(0x32, put(0, '0x0007'))],
  ['a list for a number', 'tx_malformed', typed(0x32, put(0, []))],
  ['a list for the input', 'tx_malformed', typed(0x32, put(6, []))],
  ['no recipient', 'tx_field_invalid', typed(0x32, put(3, '0x'))],
  ['a sender of 19 bytes', 'tx_field_invalid', typed(0x32, put(5, `0x${'11'.repeat(19)}`))],
  ['a ratio of 0', 'tx_field_invalid', typed(0x32, put(7, '0x'))],
  ['a ratio of 100', 'tx_field_invalid', typed(0x32, put(7, '0x64'))],
  ['a ratio of two bytes', 'tx_field_invalid', typed(0x32, put(7, '0x0101'))],
  ['a nonce of nine bytes', 'tx_field_invalid', typed(0x32, put(0, `0x01${'00'.repeat(8)}`))],
  ['a value of 33 bytes', 'tx_overflow', typed(0x32, put(4, `0x${'11'.repeat(33)}`))],
  ['gas of nine bytes', 'tx_overflow', typed(0x32, put(2, `0x01${'00'.repeat(8)}`))],
  ['a fee beyond 2^256', 'tx_overflow', typed(0x32, put(1, `0x${'ff'.repeat(32)}`))],
  ['a type of Kaia’s that is not signed', 'tx_type_unknown', typed(0x29, ITEMS)],
  ['type 8, which nobody pays for', 'tx_type_unknown', typed(0x08, ITEMS)],
  ['too much', 'tx_too_large', new Uint8Array(LIMITS.maxTransactionBytes + 1).fill(0x32)],
])('rejects %s as %s', (_what, code, bytes) => {
  expect(read(bytes)).toBe(code)
})

test('rejects Kaia’s types on any other chain', () => {
  for (const chain of ['eip155:1', 'eip155:31337', 'eip155:08217']) {
    for (const [type] of TYPES) expect(read(typed(type, ITEMS), chain)).toBe('tx_type_unknown')
    expect(codeOf(() => planOf(chain, 'feePayer', typed(0x32, [...ITEMS, ...SIGNATURES])))).toBe('payload_kind_unknown')
  }
})

describe('the fee payer', () => {
  const sent = sign(planOf('eip155:8217', 'transaction', typed(0x32, ITEMS))).signed
  const pay = (bytes: Uint8Array, chain = 'eip155:8217') => planOf(chain, 'feePayer', bytes, { key: PAYER })
  const [V, R, S] = ['0x4055', `0x${'11'.repeat(32)}`, `0x${'22'.repeat(32)}`]
  const withSignatures = (...signatures: unknown[]): Uint8Array => typed(0x32, [...ITEMS, signatures])

  test('is warned when the sender’s signature is not by the key of its address: accounts may have others', () => {
    expect(pay(sent).summary.warnings).toEqual(['pays_fee', 'unknown_call'])
    expect(pay(withSignatures([V, R, S])).summary.warnings).toEqual(['pays_fee', 'sender_unverified', 'unknown_call'])
    expect(pay(withSignatures(...Array.from({ length: 10 }, () => [V, R, S]))).summary.warnings).toContain('sender_unverified')
  })

  test('may find its own place empty, as caver leaves it', async () => {
    const { r, s, yParity } = await viemSign({ hash: toHex(digestOf(planOf('eip155:8217', 'transaction', typed(0x32, ITEMS)))), privateKey: toHex(KEY) })
    const signature = [bytesOf(8217 * 2 + 35 + (yParity as number)), r, s]
    expect(typed(0x32, [...ITEMS, [signature]])).toEqual(sent)
    const blank = typed(0x32, [...ITEMS, [signature], '0x', [['0x01', '0x', '0x']]])
    expect(sign(pay(blank), PAYER)).toEqual(sign(pay(sent), PAYER))
  })

  test.each<[string, string, Uint8Array]>([
    ['what no sender signed', 'tx_malformed', typed(0x32, ITEMS)],
    ['no signature in the list', 'tx_field_invalid', withSignatures()],
    ['eleven signatures', 'tx_field_invalid', withSignatures(...Array.from({ length: 11 }, () => [V, R, S]))],
    ['a signature of two parts', 'tx_malformed', withSignatures([V, R])],
    ['a string for the signatures', 'tx_malformed', typed(0x32, [...ITEMS, '0x11'])],
    ['a signature for another chain', 'tx_chain_id_mismatch', withSignatures(['0x07f5', R, S])],
    ['a v of 27', 'tx_field_invalid', withSignatures(['0x1b', R, S])],
    ['a high s', 'tx_field_invalid', withSignatures([V, R, `0x${'aa'.repeat(32)}`])],
    ['an empty r', 'tx_field_invalid', withSignatures([V, '0x', S])],
    ['a leading zero in r', 'tx_not_canonical', withSignatures([V, `0x00${'11'.repeat(31)}`, S])],
    ['one that is paid already', 'tx_already_signed', typed(0x32, [...ITEMS, [[V, R, S]], FROM, [[V, R, S]]])],
    ['one with a signature and no fee payer', 'tx_already_signed', typed(0x32, [...ITEMS, [[V, R, S]], '0x', [[V, R, S]]])],
    ['one with a fee payer and no signature', 'tx_already_signed', typed(0x32, [...ITEMS, [[V, R, S]], FROM, []])],
    ['Ethereum’s types', 'tx_type_unknown', typed(2, ITEMS)],
    ['nothing', 'tx_malformed', new Uint8Array()],
    ['trailing bytes', 'tx_trailing_bytes', Uint8Array.of(...sent, 0)],
  ])('rejects %s as %s', (_what, code, bytes) => {
    expect(codeOf(() => pay(bytes))).toBe(code)
  })

  test('rejects a signature of another key than the account’s', () => {
    expect(() => sign(pay(sent), KEY)).toThrow('not from the account')
  })
})
