/** RLP lists, canonical or not at all. */
import fc from 'fast-check'
import { toRlp } from 'viem'
import { readRlpList, type RlpItem } from '../../lib/chains/ethereum/rlp.ts'
import { codeOf } from '../support/core-codes.ts'

const hex = (text: string): Uint8Array => new Uint8Array(Buffer.from(text.replace(/^0x|\s/g, ''), 'hex'))
type Tree = Uint8Array | readonly Tree[]
const plain = (item: RlpItem): unknown => (item instanceof Uint8Array ? Buffer.from(item).toString('hex') : item.map(plain))
const encode = (tree: Tree): Uint8Array => new Uint8Array(toRlp(tree as Uint8Array[], 'bytes'))

test.each<[string, string, unknown]>([
  ['an empty list', 'c0', []],
  ['single bytes', 'c3 00 01 7f', ['00', '01', '7f']],
  ['an empty string, and one byte above 0x7f', 'c3 80 8180', ['', '80']],
  ['lists in lists', 'c5 c0 c1 c0 c1 05', [[], [[]], ['05']]],
  ['55 bytes', `f838b7${'aa'.repeat(55)}`, ['aa'.repeat(55)]],
  ['56 bytes', `f83ab838${'bb'.repeat(56)}`, ['bb'.repeat(56)]],
  ['300 bytes', `f9012fb9012c${'cc'.repeat(300)}`, ['cc'.repeat(300)]],
])('reads %s', (_what, bytes, items) => {
  expect(plain(readRlpList(hex(bytes)))).toEqual(items)
})

test.each<[string, string, string]>([
  ['nothing', '', 'tx_malformed'],
  ['a string where a list should be', '83646f67', 'tx_malformed'],
  ['a byte where a list should be', '05', 'tx_malformed'],
  ['a trailing byte', 'c000', 'tx_trailing_bytes'],
  ['a second list', 'c0c0', 'tx_trailing_bytes'],
  ['a cut list', 'c3 0001', 'tx_malformed'],
  ['a cut string', 'c2 8201', 'tx_malformed'],
  ['a string beyond its list', 'c2 8201aa', 'tx_malformed'],
  ['a small byte with a length', 'c2 8105', 'tx_not_canonical'],
  ['zero with a length', 'c2 8100', 'tx_not_canonical'],
  ['a long length for a short string', `c3 b801 80`, 'tx_not_canonical'],
  ['a long length for 55 bytes', `f839 b837${'aa'.repeat(55)}`, 'tx_not_canonical'],
  ['a long length for a short list', 'f801 05', 'tx_not_canonical'],
  ['a length with a leading zero', `fa 00003c b838${'bb'.repeat(56)}`, 'tx_not_canonical'],
  ['a cut length', 'f9 01', 'tx_malformed'],
  ['a length of five bytes', 'fc 0000000001 05', 'tx_malformed'],
  ['a length of eight bytes', `ff ffffffffffffffff 00`, 'tx_malformed'],
  ['a length of four gigabytes', `fb ffffffff 00`, 'tx_malformed'],
])('rejects %s', (_what, bytes, code) => {
  expect(codeOf(() => readRlpList(hex(bytes)))).toBe(code)
})

test('rejects nesting that is deeper than any transaction', () => {
  const nested = (depth: number): Tree => (depth === 0 ? [] : [nested(depth - 1)])
  expect(codeOf(() => readRlpList(encode(nested(8))))).toBe('ok')
  expect(codeOf(() => readRlpList(encode(nested(9))))).toBe('tx_malformed')
  expect(codeOf(() => readRlpList(new Uint8Array(100_000).fill(0xc1)))).toBe('tx_malformed')
})

const tree = fc.letrec<{ tree: Tree }>((tie) => ({
  tree: fc.oneof({ maxDepth: 5 }, fc.uint8Array({ maxLength: 70 }).map((bytes) => Uint8Array.from(bytes)), fc.array(tie('tree'), { maxLength: 5 })),
})).tree

test('reads what viem writes', () => {
  fc.assert(
    fc.property(fc.array(tree, { maxLength: 6 }), (items) => {
      expect(plain(readRlpList(encode(items)))).toEqual(items.map(plain))
    }),
  )
})

test('one list, one encoding: whatever is read is written back the same', () => {
  const soup = fc.array(fc.oneof(fc.constantFrom(0x80, 0x81, 0xb8, 0xb7, 0xc0, 0xc1, 0xf8, 0xf7, 0), fc.nat(255)), { minLength: 1, maxLength: 80 })
  const mutated = fc.tuple(fc.array(tree, { maxLength: 5 }), fc.nat(), fc.nat(255)).map(([items, at, value]) => {
    const bytes = encode(items)
    bytes[at % bytes.length] = value
    return bytes
  })
  fc.assert(
    fc.property(fc.oneof(soup.map((bytes) => Uint8Array.from(bytes)), mutated), (bytes) => {
      let items: readonly RlpItem[] | undefined
      const code = codeOf(() => (items = readRlpList(bytes)))
      if (items !== undefined) expect(encode(items as Tree)).toEqual(bytes)
      else expect(['tx_malformed', 'tx_not_canonical', 'tx_trailing_bytes']).toContain(code)
    }),
    { numRuns: 2000 },
  )
})
