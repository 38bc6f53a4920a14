/** Strict JSON: what JSON.parse reads, but for what could be read in two ways. */
import fc from 'fast-check'
import { MAX_DEPTH, MAX_NODES, parseStrictJson, type Json } from '../../lib/chains/ethereum/strict-json.ts'
import { attempt } from '../../lib/protocol/fields.ts'
import { RUNS } from '../support/messages.ts'

const plain = (value: Json): unknown => {
  if (value instanceof Map) return Object.fromEntries([...(value as ReadonlyMap<string, Json>)].map(([name, one]) => [name, plain(one)]))
  return Array.isArray(value) ? value.map(plain) : value
}
const read = (text: string): unknown => attempt(() => plain(parseStrictJson(text)))

const value = fc.letrec((tie) => ({
  any: fc.oneof({ depthSize: 'small' }, fc.constantFrom(null, true, false), fc.maxSafeInteger().map((number) => (number === 0 ? 0 : number)), fc.string({ unit: 'grapheme' }), tie('list'), tie('object')),
  list: fc.array(tie('any'), { maxLength: 4 }),
  object: fc.dictionary(fc.string(), tie('any'), { maxKeys: 4, noNullPrototype: true }),
})).any

test('reads what JSON.stringify writes, indented or not', () => {
  fc.assert(
    fc.property(value, fc.constantFrom(undefined, 2, '\t'), (one, space) => {
      const text = JSON.stringify(one, undefined, space)
      expect(read(text)).toEqual(JSON.parse(text))
    }),
    { numRuns: 4 * RUNS },
  )
})

test('whatever it reads, JSON.parse reads alike', () => {
  const token = fc.constantFrom('{', '}', '[', ']', ':', ',', '"a"', '"b"', '"\\u0041"', '"\\x"', '"', '1', '-1', '0', '01', '1.0', '1e1', 'true', 'null', 'nul', ' ', '\n', '\u00a0')
  fc.assert(
    fc.property(fc.array(token, { maxLength: 9 }), (tokens) => {
      const text = tokens.join('')
      const ours = read(text)
      if (ours !== undefined) expect(ours).toEqual(JSON.parse(text))
    }),
    { numRuns: 20 * RUNS },
  )
})

test('__proto__ is a name like any other', () => {
  expect([...(parseStrictJson('{"__proto__":1,"constructor":2}') as ReadonlyMap<string, Json>)]).toEqual([['__proto__', 1], ['constructor', 2]])
})

test.each([
  '', ' ', '{', '{"a"}', '{"a":}', '{"a":1,}', '{a:1}', "{'a':1}", '[1,]', '[,1]', '[1 2]', '1 2', 'undefined', 'NaN', 'True', '// x\n1', '\u00a01', '\ufeff1',
  '{"a":1,"a":1}', '{"a":1,"\\u0061":2}', '{"b":{"a":1,"a":2}}',
  '1.0', '1.5', '1e3', '1E3', '-0', '01', '+1', '.5', '0x1', '-', '9007199254740992', '-9007199254740992', '99999999999999999999',
  '"a', '"\n"', '"\t"', '"\\x"', '"\\u12"', '"\\ud83d"', '"\\ude00\\ud83d"', '{"\\ud83d":1}',
])('refuses %j', (text) => {
  expect(read(text)).toBeUndefined()
})

test('refuses more levels and more values than there may be', () => {
  expect(read(`${'['.repeat(MAX_DEPTH)}${']'.repeat(MAX_DEPTH)}`)).toBeDefined()
  expect(read(`${'['.repeat(MAX_DEPTH + 1)}${']'.repeat(MAX_DEPTH + 1)}`)).toBeUndefined()
  expect(read(`[${Array(MAX_NODES - 1).fill('0').join()}]`)).toBeDefined()
  expect(read(`[${Array(MAX_NODES).fill('0').join()}]`)).toBeUndefined()
})
