import { decodeCbor, encodeCbor } from '../../lib/protocol/cbor.ts'
import { fromBase64url, fromHex, toBase64url } from '../../lib/protocol/bytes.ts'
import fc from 'fast-check'

const hex = (text: string): Uint8Array => fromHex(text) as Uint8Array

test('sorts map keys bytewise and round-trips', () => {
  const bytes = encodeCbor({ bb: 1, a: new Uint8Array([1, 2]), c: [null, true, 'x', -1] })
  expect(Buffer.from(bytes).toString('hex')).toBe('a36161420102616384f6f561782062626201')
  expect(decodeCbor(bytes)).toEqual({ bb: 1, a: new Uint8Array([1, 2]), c: [null, true, 'x', -1] })
})

test.each([
  ['trailing bytes', '0000'],
  ['not shortest integer', '1800'],
  ['not shortest length', '5801aa'],
  ['indefinite array', '9f01ff'],
  ['unsorted map', 'a2616201616101'],
  ['duplicate key', 'a2616101616101'],
  ['half float', 'f93c00'],
  ['double float', 'fb3ff8000000000000'],
  ['tag', 'c000'],
  ['undefined', 'f7'],
  ['truncated', '42aa'],
  ['integer over 2^53', '1b0020000000000001'],
  ['empty', ''],
])('refuses %s', (_name, text) => {
  expect(decodeCbor(hex(text))).toBeUndefined()
})

test('never accepts bytes it would not write', () => {
  fc.assert(
    fc.property(fc.uint8Array({ maxLength: 40 }), (bytes) => {
      const value = decodeCbor(bytes)
      if (value !== undefined) expect(encodeCbor(value)).toEqual(new Uint8Array(bytes))
    }),
  )
})

test('base64url has one accepted encoding per byte string', () => {
  fc.assert(fc.property(fc.uint8Array(), (bytes) => expect(fromBase64url(toBase64url(bytes))).toEqual(new Uint8Array(bytes))))
  for (const text of ['AA==', 'AB', 'A', 'A+', 'A/', 'AA\n', ' AA']) expect(fromBase64url(text)).toBeUndefined()
})
