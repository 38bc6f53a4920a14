/** Ethereum: what is read is what is signed, and what can't be read is refused by its own code. */
import fc from 'fast-check'
import {
  concatHex, getAddress, keccak256, parseTransaction, serializeTransaction, toHex as viemHex, toRlp, type Hex, type TransactionSerializable,
} from 'viem'
import { privateKeyToAccount, sign as viemSign } from 'viem/accounts'
import { allChains, chainOf } from '../../lib/chains/registry.ts'
import { ethereum, parse } from '../../lib/chains/ethereum/ethereum.ts'
import { codeOf, flipped } from '../support/core-codes.ts'

const hex = (text: string): Uint8Array => new Uint8Array(Buffer.from(text.replace(/^0x/, ''), 'hex'))
const TO = '0x3535353535353535353535353535353535353535' as const
const rlp = (items: unknown): Hex => toRlp(items as Hex[])

const uint = (bits: bigint): fc.Arbitrary<bigint> => fc.oneof(fc.bigInt(0n, 2n ** bits - 1n), fc.bigInt(0n, 1000n), fc.constantFrom(0n, 1n, 127n, 128n, 255n, 256n, 2n ** bits - 1n))
const bytesHex = (minLength: number, maxLength: number): fc.Arbitrary<Hex> => fc.uint8Array({ minLength, maxLength }).map((bytes) => viemHex(Uint8Array.from(bytes)))
const address = bytesHex(20, 20).map((raw) => getAddress(raw))
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
        expect(parsed.summary).toEqual({
          chain: `eip155:${tx.chainId}`,
          kind: tx.type,
          fields: {
            chainId: String(tx.chainId), nonce: String(tx.nonce), value: String(tx.value), gasLimit: String(tx.gas), maximumFee: String(tx.gas * price),
            to: tx.to ?? 'contract creation', data: tx.data,
            ...(tx.type === 'legacy' ? { gasPrice: String(price) } : { maxFeePerGas: String(price), maxPriorityFeePerGas: String(tx.maxPriorityFeePerGas) }),
          },
        })
      }),
      { numRuns: 300 },
    )
  })

  test('is signed as viem signs it', async () => {
    await fc.assert(
      fc.asyncProperty(transaction, fc.uint8Array({ minLength: 32, maxLength: 32 }), async (tx, raw) => {
        raw[0] = 1 // below the group's order
        const account = privateKeyToAccount(viemHex(Uint8Array.from(raw)))
        const parsed = parse(`eip155:${tx.chainId}`, encode(tx))
        const { r, s, yParity } = await viemSign({ hash: viemHex(parsed.digest), privateKey: viemHex(Uint8Array.from(raw)) })
        const { signed, hash } = parsed.assemble({ compact: hex(`${r}${s.slice(2)}`), recovery: yParity as 0 | 1 }, account.address)
        expect(viemHex(signed)).toBe(await account.signTransaction(tx as TransactionSerializable))
        expect(viemHex(hash)).toBe(keccak256(viemHex(signed)))
      }),
      { numRuns: 25 },
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
  ['type 1 (EIP-2930)', 'tx_type_unknown', hexOf('eip2930')],
  ['type 3 (EIP-4844)', 'tx_type_unknown', typed(rlp(EIP1559), '0x03')],
  ['type 4 (EIP-7702)', 'tx_type_unknown', typed(rlp(EIP1559), '0x04')],
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
  ['a number of 33 bytes', 'tx_field_invalid', at1559(6, `0x${'11'.repeat(33)}`)],
  ['a list for a number', 'tx_malformed', at1559(1, [])],
  ['trailing bytes', 'tx_trailing_bytes', concatHex([typed(rlp(EIP1559)), '0x00'])],
  ['trailing bytes of a legacy one', 'tx_trailing_bytes', concatHex([rlp(LEGACY), '0xc0'])],
])('rejects %s as %s', (_what, code, bytes) => {
  expect(codeOf(() => parse('eip155:1', hex(bytes)))).toBe(code)
})

function hexOf(_type: 'eip2930'): Hex {
  return serializeTransaction({ type: 'eip2930', chainId: 1, gasPrice: 1n, gas: 21_000n, to: TO })
}

test.each<[string, Hex]>([
  ['a fee that is more than 2^256 wei in all', at1559(3, `0x${'ff'.repeat(32)}`)],
  ['a tip above the fee', at1559(2, '0x06fc23ac01')],
  ['a nonce of nine bytes', at1559(1, `0x01${'00'.repeat(8)}`)],
  ['a gas limit of nine bytes', at1559(4, `0x01${'00'.repeat(8)}`)],
  ['an address of 19 bytes', at1559(5, `0x${'35'.repeat(19)}`)],
  ['an address of 21 bytes', at1559(5, `0x${'35'.repeat(21)}`)],
  ['a list for an address', at1559(5, [])],
  ['a list for data', at1559(7, ['0x01'])],
  ['a string for the access list', at1559(8, '0x')],
  ['an access list of strings', at1559(8, ['0x01'])],
  ['an access with a short address', at1559(8, [['0x35', []]])],
  ['an access with a short key', at1559(8, [[TO, [`0x${'11'.repeat(31)}`]]])],
  ['an access with a long key', at1559(8, [[TO, [`0x${'11'.repeat(33)}`]]])],
  ['an access with three parts', at1559(8, [[TO, [], []]])],
  ['a key that is a list', at1559(8, [[TO, [[]]]])],
])('rejects %s', (_what, bytes) => {
  expect(codeOf(() => parse('eip155:1', hex(bytes)))).toMatch(/^tx_(malformed|field_invalid)$/)
})

test('rejects a transaction above the limit before it reads it', () => {
  expect(codeOf(() => parse('eip155:1', new Uint8Array(128 * 1024 + 1).fill(2)))).toBe('tx_too_large')
  const large = encode({ type: 'eip1559', chainId: 1, gas: 1n, maxFeePerGas: 1n, data: viemHex(new Uint8Array(127 * 1024).fill(1)) })
  expect(codeOf(() => parse('eip155:1', large))).toBe('ok')
})

test.each(['eip155:01', 'eip155:0x1', 'eip155:', 'eip155', 'eip155:1 ', 'EIP155:1', 'eip155:1:1'])('rejects to take %j for chain 1', (chain) => {
  expect(codeOf(() => parse(chain, hex(rlp(LEGACY))))).toBe('tx_chain_id_mismatch')
})

describe('assembling', () => {
  const account = privateKeyToAccount(`0x${'46'.repeat(32)}`)
  const parsed = parse('eip155:1', hex(rlp(LEGACY)))
  const signature = async (privateKey: Hex = `0x${'46'.repeat(32)}`) => {
    const { r, s, yParity } = await viemSign({ hash: viemHex(parsed.digest), privateKey })
    return { compact: hex(`${r}${s.slice(2)}`), recovery: yParity as 0 | 1 }
  }

  test('EIP-155’s own example', async () => {
    expect(viemHex(parsed.assemble(await signature(), account.address).signed)).toBe(
      '0xf86c098504a817c800825208943535353535353535353535353535353535353535880de0b6b3a76400008025a028ef61340bd939bc2195fe537567866003e1a15d3c71ff63e1590620aa636276a067cbe9d8997f761aecb703304b3800ccf555c9f3dc64214b297fb1966a3b6d83',
    )
  })

  test('rejects a signature of another key, for another digest, of the other parity, or with a high s', async () => {
    const good = await signature()
    const other = await signature(`0x${'47'.repeat(32)}`)
    const n = BigInt('0xfffffffffffffffffffffffffffffffebaaedce6af48a03bbfd25e8cd0364141')
    const highS = (n - BigInt(viemHex(good.compact.subarray(32)))).toString(16).padStart(64, '0')
    const high = { compact: hex(`${viemHex(good.compact.subarray(0, 32))}${highS}`), recovery: (1 - good.recovery) as 0 | 1 }
    for (const bad of [other, { ...good, compact: flipped(good.compact, 3) }, { ...good, recovery: (1 - good.recovery) as 0 | 1 }, high, { ...good, compact: new Uint8Array(64) }]) {
      expect(() => parsed.assemble(bad, account.address)).toThrow()
    }
    expect(() => parsed.assemble(good, TO)).toThrow('not from the account')
  })
})

test('chains by id: theirs, and none that is not there', () => {
  expect(chainOf('eip155:1')).toBe(ethereum)
  expect(chainOf('eip155')).toBe(ethereum)
  for (const id of ['', 'eip', 'eip1559:1', 'EIP155:1', 'cosmos:1', '__proto__', 'constructor']) expect(codeOf(() => chainOf(id))).toBe('chain_unknown')
  expect(allChains()).toContain(ethereum)
})
