/** Ethereum's transactions: what is read is what is signed, and what can't be read is refused by its own code. */
import fc from 'fast-check'
import {
  concatHex, fromRlp, keccak256, parseTransaction, serializeTransaction, toHex as viemHex, toRlp, type Hex, type TransactionSerializable,
} from 'viem'
import { sign as viemSign } from 'viem/accounts'
import { allChains, chainOf } from '../../lib/chains/registry.ts'
import { ethereum } from '../../lib/chains/ethereum/ethereum.ts'
import { codeOf, flipped } from '../support/core-codes.ts'
import { digestOf, hex, KEY, planOf, sign } from '../support/evm.ts'
import { address, bytesHex, uint } from '../support/evm-values.ts'

const parse = (chain: string, bytes: Uint8Array) => {
  const plan = planOf(chain, 'transaction', bytes)
  return { ...plan, digest: digestOf(plan) }
}
const TO = '0x3535353535353535353535353535353535353535' as const
const rlp = (items: unknown): Hex => toRlp(items as Hex[])

const common = {
  chainId: fc.oneof(fc.integer({ min: 1, max: 2 ** 32 }), fc.constantFrom(1, 10, 137, 8453, 42161)),
  nonce: fc.oneof(fc.nat(300), fc.integer({ min: 0, max: Number.MAX_SAFE_INTEGER })),
  gas: uint(64n), value: uint(256n), data: fc.oneof(fc.constant<Hex>('0x'), bytesHex(1, 200)), to: fc.oneof(address, address, fc.constant(undefined)),
}
// 64 bits of gas at a price of 192 bits: more than 2^256 wei nobody can pay, and nobody reads.
const legacy = fc.record({ type: fc.constant('legacy' as const), ...common, gasPrice: uint(192n) })
const accessList = fc.array(fc.record({ address, storageKeys: fc.array(bytesHex(32, 32), { maxLength: 3 }) }), { maxLength: 3 })
const fees = uint(191n).chain((tip) => fc.record({ maxPriorityFeePerGas: fc.constant(tip), maxFeePerGas: fc.bigInt(tip, 2n ** 192n - 1n) }))
const eip1559 = fc.record({ type: fc.constant('eip1559' as const), ...common, accessList, fees }).map(({ fees: { maxFeePerGas, maxPriorityFeePerGas }, ...rest }) => ({ ...rest, maxFeePerGas, maxPriorityFeePerGas }))
const transaction = fc.oneof(legacy, eip1559)
const encode = (tx: object): Uint8Array => hex(serializeTransaction(tx as TransactionSerializable))

describe('what viem serialises', () => {
  test('is read: digest and every field of the summary', () => {
    fc.assert(
      fc.property(transaction, (tx) => {
        const bytes = encode(tx)
        const parsed = parse(`eip155:${tx.chainId}`, bytes)
        expect(viemHex(parsed.digest)).toBe(keccak256(viemHex(bytes)))
        const price = tx.type === 'legacy' ? tx.gasPrice : tx.maxFeePerGas
        const { actions: _actions, warnings: _warnings, ...summary } = parsed.summary
        expect(summary).toEqual({
          chain: `eip155:${tx.chainId}`,
          kind: tx.type,
          fields: {
            chainId: String(tx.chainId), nonce: String(tx.nonce), value: String(tx.value), gasLimit: String(tx.gas), maximumFee: String(tx.gas * price),
            to: tx.to ?? 'contract creation', data: tx.data,
            ...(tx.type === 'legacy'
              ? { gasPrice: String(price) }
              : { maxFeePerGas: String(price), maxPriorityFeePerGas: String(tx.maxPriorityFeePerGas), accessList: JSON.stringify(tx.accessList) }),
          },
        })
      }),
      { numRuns: 300 },
    )
  })

  test('for another chain is refused', () => {
    fc.assert(
      fc.property(transaction, fc.integer({ min: 1, max: 2 ** 32 }), (tx, other) => {
        fc.pre(other !== tx.chainId)
        expect(codeOf(() => parse(`eip155:${other}`, encode(tx)))).toBe('tx_chain_id_mismatch')
      }),
    )
  })
})

test('bytes that are changed are refused, or are another transaction that is written the same', () => {
  const change = fc.record({ at: fc.nat(), to: fc.nat(255), how: fc.constantFrom('set', 'insert', 'drop') })
  fc.assert(
    fc.property(transaction, change, (tx, { at, to, how }) => {
      const bytes = [...encode(tx)]
      bytes.splice(at % bytes.length, how === 'insert' ? 0 : 1, ...(how === 'drop' ? [] : [to]))
      const changed = Uint8Array.from(bytes)
      let parsed: ReturnType<typeof parse> | undefined
      const code = codeOf(() => (parsed = parse(`eip155:${tx.chainId}`, changed)))
      if (parsed === undefined) {
        expect(code).toMatch(/^tx_/)
        return
      }
      expect(viemHex(parsed.digest)).toBe(keccak256(viemHex(changed)))
      const { fields } = parsed.summary
      if (BigInt(fields['nonce'] as string) > Number.MAX_SAFE_INTEGER || BigInt(fields['chainId'] as string) > Number.MAX_SAFE_INTEGER) return // viem's limit
      // viem reads the same bytes, and writes them back.
      const { r: _r, s: _s, v: _v, yParity: _y, ...again } = parseTransaction(viemHex(changed) as never) as Record<string, unknown>
      expect(encode(again)).toEqual(changed)
      expect(fields['nonce']).toBe(String(again['nonce'] ?? 0))
      expect(fields['value']).toBe(String(again['value'] ?? 0n))
      expect(fields['to']?.toLowerCase()).toBe(String(again['to'] ?? 'contract creation').toLowerCase())
    }),
    { numRuns: 3000 },
  )
})

test('any bytes at all: a code, never anything else', () => {
  const soup = fc.array(fc.oneof(fc.constantFrom(0x02, 0x80, 0xc0, 0xf8, 0xf9, 0xa0, 0x94, 0), fc.nat(255)), { maxLength: 120 })
  fc.assert(
    fc.property(soup, (bytes) => {
      expect(codeOf(() => parse('eip155:1', Uint8Array.from(bytes)))).toMatch(/^(tx_.*|ok)$/)
    }),
    { numRuns: 2000 },
  )
})

// nonce, gasPrice, gasLimit, to, value, data, chainId, '', ''
const LEGACY: readonly unknown[] = ['0x09', '0x04a817c800', '0x5208', TO, '0x0de0b6b3a7640000', '0x', '0x01', '0x', '0x']
// chainId, nonce, tip, fee, gasLimit, to, value, data, accessList
const EIP1559: readonly unknown[] = ['0x01', '0x07', '0x3b9aca00', '0x06fc23ac00', '0x5208', TO, '0x01', '0x', []]
const SIGNATURE = ['0x01', `0x${'11'.repeat(32)}`, `0x${'22'.repeat(32)}`]
const put = (list: readonly unknown[], at: number, value: unknown): Hex => rlp(list.map((item, i) => (i === at ? value : item)))
const typed = (payload: Hex, type: Hex = '0x02'): Hex => concatHex([type, payload])
const at1559 = (at: number, value: unknown): Hex => typed(put(EIP1559, at, value))

test('the two that everything below is made from are good', () => {
  for (const good of [rlp(LEGACY), typed(rlp(EIP1559))]) expect(codeOf(() => parse('eip155:1', hex(good)))).toBe('ok')
  // EIP-155's own example: the digest that it gives.
  expect(viemHex(parse('eip155:1', hex(rlp(LEGACY))).digest)).toBe('0xdaf5a779ae972f972197303d7b574746c7ef83eadac0f2791ad23db92e4c8e53')
})

test.each<[string, string, Hex]>([
  ['nothing', 'tx_malformed', '0x'],
  ['a string', 'tx_malformed', '0x83646f67'],
  ['type 0', 'tx_type_unknown', typed(rlp(EIP1559), '0x00')],
  ['type 5', 'tx_type_unknown', typed(rlp(EIP1559), '0x05')],
  ['type 9, which is Kaia’s', 'tx_type_unknown', typed(rlp(EIP1559), '0x09')],
  ['type 0x7f', 'tx_type_unknown', typed(rlp(EIP1559), '0x7f')],
  ['a type alone', 'tx_malformed', '0x02'],
  ['a type and a string', 'tx_malformed', '0x0283646f67'],
  ['legacy: too few fields', 'tx_malformed', rlp(LEGACY.slice(0, 5))],
  ['legacy: eight fields', 'tx_malformed', rlp(LEGACY.slice(0, 8))],
  ['legacy: ten fields', 'tx_malformed', rlp([...LEGACY, '0x'])],
  ['legacy without a chain id (six fields)', 'tx_chain_id_missing', rlp(LEGACY.slice(0, 6))],
  ['legacy with the empty chain id', 'tx_chain_id_missing', put(LEGACY, 6, '0x')],
  ['legacy, signed', 'tx_already_signed', rlp([...LEGACY.slice(0, 6), '0x25', ...SIGNATURE.slice(1)])],
  ['legacy, signed before EIP-155', 'tx_already_signed', rlp([...LEGACY.slice(0, 6), '0x1b', ...SIGNATURE.slice(1)])],
  ['legacy with only r', 'tx_already_signed', put(LEGACY, 7, '0x01')],
  ['legacy with only s', 'tx_already_signed', put(LEGACY, 8, '0x01')],
  ['legacy with zero for r', 'tx_not_canonical', put(LEGACY, 7, '0x00')],
  ['legacy with a list for r', 'tx_malformed', put(LEGACY, 7, [])],
  ['EIP-1559: eight fields', 'tx_malformed', typed(rlp(EIP1559.slice(0, 8)))],
  ['EIP-1559: ten fields', 'tx_malformed', typed(rlp([...EIP1559, '0x']))],
  ['EIP-1559, signed', 'tx_already_signed', typed(rlp([...EIP1559, ...SIGNATURE]))],
  ['EIP-1559 with an empty signature', 'tx_already_signed', typed(rlp([...EIP1559, '0x', '0x', '0x']))],
  ['EIP-1559 without a chain id', 'tx_chain_id_missing', at1559(0, '0x')],
  ['a leading zero in the chain id', 'tx_not_canonical', at1559(0, '0x0001')],
  ['a leading zero in the nonce', 'tx_not_canonical', at1559(1, '0x0007')],
  ['zero as a byte', 'tx_not_canonical', at1559(1, '0x00')],
  ['a leading zero in a fee', 'tx_not_canonical', at1559(3, '0x0006fc23ac00')],
  ['a leading zero in the gas limit', 'tx_not_canonical', put(LEGACY, 2, '0x005208')],
  ['a leading zero in the value', 'tx_not_canonical', put(LEGACY, 4, '0x0001')],
  ['a value of 33 bytes', 'tx_overflow', at1559(6, `0x${'11'.repeat(33)}`)],
  ['a fee of 33 bytes', 'tx_overflow', at1559(3, `0x${'11'.repeat(33)}`)],
  ['a fee that is more than 2^256 wei in all', 'tx_overflow', at1559(3, `0x${'ff'.repeat(32)}`)],
  ['a gas limit of nine bytes', 'tx_overflow', at1559(4, `0x01${'00'.repeat(8)}`)],
  ['a chain id of 33 bytes', 'tx_field_invalid', at1559(0, `0x${'11'.repeat(33)}`)],
  ['a tip above the fee', 'tx_field_invalid', at1559(2, '0x06fc23ac01')],
  ['a nonce of nine bytes', 'tx_field_invalid', at1559(1, `0x01${'00'.repeat(8)}`)],
  ['a nonce of 2^64 - 1 (EIP-2681)', 'tx_field_invalid', at1559(1, '0xffffffffffffffff')],
  ['an address of 19 bytes', 'tx_field_invalid', at1559(5, `0x${'35'.repeat(19)}`)],
  ['an address of 21 bytes', 'tx_field_invalid', at1559(5, `0x${'35'.repeat(21)}`)],
  ['a list for an address', 'tx_malformed', at1559(5, [])],
  ['a list for data', 'tx_malformed', at1559(7, ['0x01'])],
  ['a string for the access list', 'tx_malformed', at1559(8, '0x')],
  ['an access list of strings', 'tx_malformed', at1559(8, ['0x01'])],
  ['an access with a short address', 'tx_field_invalid', at1559(8, [['0x35', []]])],
  ['an access with a short key', 'tx_field_invalid', at1559(8, [[TO, [`0x${'11'.repeat(31)}`]]])],
  ['an access with a long key', 'tx_field_invalid', at1559(8, [[TO, [`0x${'11'.repeat(33)}`]]])],
  ['an access with one part', 'tx_malformed', at1559(8, [[TO]])],
  ['an access with three parts', 'tx_malformed', at1559(8, [[TO, [], []]])],
  ['a key that is a list', 'tx_malformed', at1559(8, [[TO, [[]]]])],
  ['init code that is too long (EIP-3860)', 'tx_field_invalid', typed(rlp(EIP1559.map((item, i) => (i === 5 ? '0x' : i === 7 ? `0x${'60'.repeat(49_153)}` : item))))],
  ['a list for a number', 'tx_malformed', at1559(1, [])],
  ['trailing bytes', 'tx_trailing_bytes', concatHex([typed(rlp(EIP1559)), '0x00'])],
  ['trailing bytes of a legacy one', 'tx_trailing_bytes', concatHex([rlp(LEGACY), '0xc0'])],
])('rejects %s as %s', (_what, code, bytes) => {
  expect(codeOf(() => parse('eip155:1', hex(bytes)))).toBe(code)
})

test.each<[string, Hex]>([
  ['a nonce of 2^64 - 2', at1559(1, '0xfffffffffffffffe')],
  ['init code of 49,152 bytes', typed(rlp(EIP1559.map((item, i) => (i === 5 ? '0x' : i === 7 ? `0x${'60'.repeat(49_152)}` : item))))],
])('accepts %s', (_what, bytes) => {
  expect(codeOf(() => parse('eip155:1', hex(bytes)))).toBe('ok')
})

test('rejects a transaction above the limit before it reads it', () => {
  expect(codeOf(() => parse('eip155:1', new Uint8Array(128 * 1024 + 1).fill(2)))).toBe('tx_too_large')
  const large = encode({ type: 'eip1559', chainId: 1, gas: 1n, maxFeePerGas: 1n, to: TO, data: viemHex(new Uint8Array(127 * 1024).fill(1)) })
  expect(codeOf(() => parse('eip155:1', large))).toBe('ok')
})

test.each(['eip155:01', 'eip155:0x1', 'eip155:', 'eip155', 'eip155:1 ', 'EIP155:1', 'eip155:1:1'])('rejects to take %j for chain 1', (chain) => {
  expect(codeOf(() => parse(chain, hex(rlp(LEGACY))))).toBe('tx_chain_id_mismatch')
})

describe('before EIP-155', () => {
  const bytes = hex(rlp(LEGACY.slice(0, 6)))
  const permissions = { withoutChainId: true }

  test('only with the permission, and the summary says that it is valid on any chain', () => {
    expect(codeOf(() => planOf('eip155:1', 'transaction', bytes))).toBe('tx_chain_id_missing')
    const { summary } = planOf('eip155:1', 'transaction', bytes, { permissions })
    expect(summary.warnings).toContain('any_chain')
    expect(summary.fields['chainId']).toBeUndefined()
    expect(viemHex(sign(planOf('eip155:1', 'transaction', bytes, { permissions })).signed)).toMatch(/^0xf86[0-9a-f]{3}.*(80|1b|1c)a0/)
  })

  test('rejects a chain that no request can name, permission or not', () => {
    for (const chain of ['eip155:0', 'eip155:01', 'eip155:x', 'solana:1']) expect(codeOf(() => planOf(chain, 'transaction', bytes, { permissions }))).toBe('chain_unknown')
    expect(codeOf(() => planOf('eip155:1', 'transaction', hex(put(LEGACY, 6, '0x')), { permissions }))).toBe('tx_chain_id_missing')
  })
})

describe('the summary', () => {
  const summaryOf = (bytes: Hex) => parse('eip155:1', hex(bytes)).summary

  test('of a transfer, a contract creation, a call that is not known', () => {
    expect(summaryOf(rlp(LEGACY)).actions).toMatchObject([{ action: 'transfer', fields: { to: TO, amount: '1000000000000000000' } }])
    expect(summaryOf(rlp(LEGACY)).warnings).toEqual([])
    const creation = summaryOf(typed(rlp(EIP1559.map((item, i) => (i === 5 ? '0x' : i === 7 ? '0x6000' : item)))))
    expect(creation).toMatchObject({ actions: [{ action: 'create' }], fields: { to: 'contract creation' } })
    expect(creation.warnings).toEqual(['contract_creation', 'gas_below_intrinsic'])
    expect(summaryOf(at1559(7, '0x01020304'))).toMatchObject({ actions: [{ action: 'unknown_call', fields: { data: '0x01020304' } }], warnings: ['unknown_call', 'gas_below_intrinsic'] })
  })

  test.each<[string, Hex, number]>([
    ['a transfer', rlp(LEGACY), 21_000],
    ['calldata (EIP-2028, EIP-7623)', put(LEGACY, 5, '0x0001'), 21_000 + 50],
    ['creation (EIP-3860)', rlp(LEGACY.map((item, i) => (i === 3 ? '0x' : i === 5 ? `0x${'00'.repeat(33)}` : item))), 21_000 + 32_000 + 33 * 4 + 4],
    ['an access list (EIP-2930)', at1559(8, [[TO, [`0x${'11'.repeat(32)}`]]]), 21_000 + 2400 + 1900],
  ])('warns of less gas than is used before anything runs: %s', (_what, bytes, needed) => {
    const withGas = (gas: number): Hex => {
      const isLegacy = !bytes.startsWith('0x02')
      const items = fromRlp(isLegacy ? bytes : `0x${bytes.slice(4)}`, 'hex') as Hex[]
      const list = rlp(items.map((item, i) => (i === (isLegacy ? 2 : 4) ? viemHex(gas) : item)))
      return isLegacy ? list : typed(list)
    }
    expect(summaryOf(withGas(needed)).warnings).not.toContain('gas_below_intrinsic')
    expect(summaryOf(withGas(needed - 1)).warnings).toContain('gas_below_intrinsic')
  })
})

test('rejects a context that nothing takes', () => {
  expect(codeOf(() => planOf('eip155:1', 'transaction', hex(rlp(LEGACY)), { context: {} }))).toBe('parameters_malformed')
})

describe('assembling', () => {
  const plan = planOf('eip155:1', 'transaction', hex(rlp(LEGACY)))
  const signature = async (privateKey: Hex = viemHex(KEY)) => {
    const { r, s, yParity } = await viemSign({ hash: viemHex(digestOf(plan)), privateKey })
    return { compact: hex(`${r}${s.slice(2)}`), recovery: yParity as 0 | 1 }
  }

  test('EIP-155’s own example', async () => {
    expect(viemHex(plan.assemble([await signature()]).signed)).toBe(
      '0xf86c098504a817c800825208943535353535353535353535353535353535353535880de0b6b3a76400008025a028ef61340bd939bc2195fe537567866003e1a15d3c71ff63e1590620aa636276a067cbe9d8997f761aecb703304b3800ccf555c9f3dc64214b297fb1966a3b6d83',
    )
  })

  test('rejects a signature of another key, for another digest, of the other parity, with a high s, of another length, and any other number of them', async () => {
    const good = await signature()
    const other = await signature(`0x${'47'.repeat(32)}`)
    const n = BigInt('0xfffffffffffffffffffffffffffffffebaaedce6af48a03bbfd25e8cd0364141')
    const highS = (n - BigInt(viemHex(good.compact.subarray(32)))).toString(16).padStart(64, '0')
    const high = { compact: hex(`${viemHex(good.compact.subarray(0, 32))}${highS}`), recovery: (1 - good.recovery) as 0 | 1 }
    const bad = [
      other, { ...good, compact: flipped(good.compact, 3) }, { ...good, recovery: (1 - good.recovery) as 0 | 1 }, { ...good, recovery: null }, high,
      { ...good, compact: new Uint8Array(64) }, { ...good, compact: good.compact.subarray(0, 63) },
    ]
    for (const one of bad) expect(() => plan.assemble([one])).toThrow()
    expect(() => plan.assemble([])).toThrow()
    expect(() => plan.assemble([good, good])).toThrow()
    expect(() => planOf('eip155:1', 'transaction', hex(rlp(LEGACY)), { key: hex('47'.repeat(32)) }).assemble([good])).toThrow('not from the account')
  })
})

test('chains by id: theirs, and none that is not there', () => {
  expect(chainOf('eip155:1')).toBe(ethereum)
  expect(chainOf('eip155')).toBe(ethereum)
  for (const id of ['', 'eip', 'eip1559:1', 'EIP155:1', 'cosmos:1', '__proto__', 'constructor']) expect(codeOf(() => chainOf(id))).toBe('chain_unknown')
  expect(allChains()).toContain(ethereum)
})
