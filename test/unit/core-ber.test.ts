/** The BER reader: the forms that KMS writes, and no others. */
import fc from 'fast-check'
import { BerError, createBerReader } from '../../enclave-sim/core/ber.ts'
import { fromHex, toHex } from '../../lib/protocol/bytes.ts'

const hex = (text: string): Uint8Array => fromHex(text.replaceAll(' ', '')) as Uint8Array
const of = (text: string) => createBerReader(hex(text))

describe('reads', () => {
  test('primitives, short and long lengths', () => {
    const long = 'aa'.repeat(128)
    const longer = 'bb'.repeat(256)
    const longest = 'cc'.repeat(65_536)
    const reader = of(`0400 0401ff 048180${long} 04820100${longer} 0483010000${longest}`)
    expect(['', 'ff', long, longer, longest].map(() => toHex(reader.read(4)))).toEqual(['', 'ff', long, longer, longest])
    expect(reader.next()).toBeUndefined()
    reader.end()
  })

  test('constructed ones, definite and indefinite, one in another', () => {
    const top = of('3080 3005 020102 0400 a080 3080 0401aa 0000 0000 0000')
    const outer = top.enter(0x30)
    const first = outer.enter(0x30)
    first.expect(2, hex('02'))
    expect(first.next()).toBe(4)
    first.read(4)
    expect(first.next()).toBeUndefined()
    first.end()
    const tagged = outer.enter(0xa0)
    const inner = tagged.enter(0x30)
    expect(toHex(inner.read(4))).toBe('aa')
    inner.end()
    tagged.end()
    outer.end()
    top.end()
  })

  test('an element whole', () => {
    const reader = of('3003020105 0401aa')
    expect(toHex(reader.element())).toBe('3003020105')
    expect(toHex(reader.element())).toBe('0401aa')
    reader.end()
  })
})

describe('rejects', () => {
  test.each<[string, string, (reader: ReturnType<typeof of>) => unknown]>([
    ['another tag', '0400', (reader) => reader.read(2)],
    ['nothing at all', '', (reader) => reader.read(4)],
    ['a tag alone', '04', (reader) => reader.read(4)],
    ['a cut length', '0482 01', (reader) => reader.read(4)],
    ['cut content', '0402aa', (reader) => reader.read(4)],
    ['an indefinite primitive', '0480 0000', (reader) => reader.read(4)],
    ['a long length that a short one would do for', '04817f', (reader) => reader.read(4)],
    ['a length with a leading zero', `04820080${'00'.repeat(128)}`, (reader) => reader.read(4)],
    ['a length of four bytes', `0484 00000001 aa`, (reader) => reader.read(4)],
    ['a length of 127 bytes', '04ff', (reader) => reader.read(4)],
    ['another value', '020103', (reader) => reader.expect(2, hex('02'))],
    ['a longer value', '02020002', (reader) => reader.expect(2, hex('02'))],
    ['trailing bytes', '040000', (reader) => (reader.read(4), reader.end())],
    ['an indefinite element', '3080 0000', (reader) => reader.element()],
    ['no element', '', (reader) => reader.element()],
    ['something left in a definite one', '3003020105', (reader) => reader.enter(0x30).end()],
    ['something left in an indefinite one', '3080 0401aa 0000', (reader) => reader.enter(0x30).end()],
    ['an end that is missing', '3080 0400', (reader) => { const inner = reader.enter(0x30); inner.read(4); inner.end() }],
    ['half an end', '3080 0400 00', (reader) => { const inner = reader.enter(0x30); inner.read(4); inner.end() }],
    ['an end outside of a definite parent', '3004 3080 0400 0000', (reader) => { const inner = reader.enter(0x30).enter(0x30); inner.read(4); inner.end() }],
    ['content beyond its parent', '3003 0402aabb', (reader) => reader.enter(0x30).read(4)],
  ])('%s', (_what, bytes, read) => {
    expect(() => read(of(bytes))).toThrow(BerError)
  })
})

test('never reads beyond its input, never throws anything else, never hangs', () => {
  const steps = fc.array(fc.tuple(fc.constantFrom('next', 'read', 'enter', 'end', 'element'), fc.constantFrom(0x30, 0x04, 0x02, 0xa0, 0x80)), { maxLength: 30 })
  const soup = fc.array(fc.oneof(fc.constantFrom(0x30, 0x80, 0x04, 0x00, 0x02, 0xa0, 0x81, 0x82, 1, 2, 3), fc.nat(255)), { maxLength: 60 })
  fc.assert(
    fc.property(soup, steps, (bytes, moves) => {
      const input = Uint8Array.from(bytes)
      const readers = [createBerReader(input)]
      for (const [move, tag] of moves) {
        const reader = readers.at(-1) as ReturnType<typeof of>
        try {
          if (move === 'enter') readers.push(reader.enter(tag))
          else if (move === 'end') {
            reader.end()
            if (readers.length > 1) readers.pop()
          }
          else if (move === 'read') expect(reader.read(tag).length).toBeLessThanOrEqual(input.length)
          else if (move === 'element') expect(reader.element().length).toBeGreaterThanOrEqual(2)
          else reader.next()
        } catch (error) {
          if (!(error instanceof BerError)) throw error
          return
        }
      }
    }),
    { numRuns: 3000 },
  )
})
