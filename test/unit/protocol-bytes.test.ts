import fc from 'fast-check'
import { concat, equal, fromBase64url, fromHex, secretBytes, toBase64url, toHex, utf8, wipe } from '../../lib/protocol/bytes.ts'
import { decodeCbor, encodeCbor } from '../../lib/protocol/cbor.ts'
import { array, attempt, base64url, boolean, bytes, integer, Malformed, nullable, object, oneOf, text } from '../../lib/protocol/fields.ts'
import { CloisterError, ERRORS } from '../../lib/protocol/errors.ts'

const hex = (value: string): Uint8Array => fromHex(value) as Uint8Array

describe('bytes', () => {
  test('joined, compared, wiped', () => {
    expect(concat(Uint8Array.of(1), new Uint8Array(), Uint8Array.of(2, 3))).toEqual(Uint8Array.of(1, 2, 3))
    expect(concat()).toEqual(new Uint8Array())
    fc.assert(fc.property(fc.uint8Array(), fc.uint8Array(), (a, b) => expect(equal(a, b)).toBe(toHex(a) === toHex(b))))
    const secret = Uint8Array.of(1, 2)
    wipe(secret, undefined)
    expect(secret).toEqual(new Uint8Array(2))
    expect(secretBytes(5).buffer.byteLength).toBe(5)
    expect(utf8('ä')).toEqual(Uint8Array.of(0xc3, 0xa4))
  })

  test('hex and base64url, as Node writes them, and back', () => {
    fc.assert(
      fc.property(fc.uint8Array({ maxLength: 100 }), (raw) => {
        const value = Uint8Array.from(raw)
        expect(toHex(value)).toBe(Buffer.from(value).toString('hex'))
        expect(toBase64url(value)).toBe(Buffer.from(value).toString('base64url'))
        expect(fromHex(toHex(value).toUpperCase())).toEqual(value)
        expect(fromBase64url(toBase64url(value))).toEqual(value)
      }),
    )
    expect(toBase64url(new Uint8Array(100_000))).toHaveLength(133_334)
  })

  test.each(['0', '0x00', 'zz', '00 ', '00\n', ' 00'])('rejects %j as hex', (value) => expect(fromHex(value)).toBeUndefined())
  test.each(['A', 'AB', 'AA==', 'AA=', 'A A', 'AAAA\n', 'A+AA', 'A/AA', 'AAAAA', 'ÄÄ', 'AAB', 'AA\u0000A'])('rejects %j as base64url', (value) => expect(fromBase64url(value)).toBeUndefined())
})

describe('CBOR that is not ours', () => {
  test.each<[string, string]>([
    ['integer keys', 'a10102'],
    ['a float that is an integer', 'fb3ff0000000000000'],
    ['negative zero', 'f98000'],
    ['a negative integer below -2^53', '3b0020000000000000'],
    ['text that is no UTF-8', '62c328'],
    ['an indefinite string', '5f41aaff'],
    ['an indefinite map', 'bf616101ff'],
    ['a simple value', 'e0'],
    ['a break', 'ff'],
    ['a length beyond the input', '5b7fffffffffffffff'],
    ['a big number', 'c249010000000000000000'],
  ])('rejects %s', (_what, value) => {
    expect(decodeCbor(hex(value))).toBeUndefined()
  })

  test('a key by the name of __proto__ is a key and nothing else', () => {
    const value = decodeCbor(hex('a1695f5f70726f746f5f5fa1616101')) as Record<string, unknown>
    expect(Object.getPrototypeOf(value)).toBe(Object.prototype)
    expect(value['a']).toBeUndefined()
    expect(attempt(() => object(value, ['a']))).toBeUndefined()
  })

  test('rejects nesting without end, and lives on', () => {
    expect(decodeCbor(new Uint8Array(200_000).fill(0x81))).toBeUndefined()
    expect(({} as Record<string, unknown>)['polluted']).toBeUndefined()
  })

  test('a decoded value stands by itself: wiping the input leaves it', () => {
    const input = encodeCbor({ pin: Uint8Array.of(1, 2, 3, 4) })
    const value = decodeCbor(input)
    wipe(input)
    expect(value).toEqual({ pin: Uint8Array.of(1, 2, 3, 4) })
  })
})

describe('fields', () => {
  test.each<[string, () => unknown]>([
    ['object: missing', () => object({ a: 1 }, ['a', 'b'])],
    ['object: more', () => object({ a: 1, b: 2 }, ['a'])],
    ['object: inherited', () => object(Object.create({ a: 1 }), ['a'])],
    ['object: an array', () => object([], [])],
    ['object: null', () => object(null, [])],
    ['object: bytes', () => object(new Uint8Array(), [])],
    ['bytes: short', () => bytes(new Uint8Array(1), 2)],
    ['bytes: long', () => bytes(new Uint8Array(3), 1, 2)],
    ['bytes: an array', () => bytes([1, 2], 2)],
    ['text: not a string', () => text(1, /1/)],
    ['text: not in the form', () => text('ab', /^a$/)],
    ['integer: a fraction', () => integer(1.5, 0, 2)],
    ['integer: not a number', () => integer(Number.NaN, 0, 2)],
    ['integer: beyond 2^53', () => integer(2 ** 53, 0, 2 ** 60)],
    ['integer: below', () => integer(-1, 0, 2)],
    ['integer: above', () => integer(3, 0, 2)],
    ['integer: text', () => integer('1', 0, 2)],
    ['boolean: 0', () => boolean(0)],
    ['array: too long', () => array([1, 2], 1, (item) => item)],
    ['array: an object', () => array({ length: 0 }, 1, (item) => item)],
    ['array: an item', () => array(['x'], 1, (item) => integer(item, 0, 1))],
    ['oneOf: another', () => oneOf('c', ['a', 'b'])],
    ['oneOf: of another kind', () => oneOf(0, ['0'])],
    ['nullable: not null', () => nullable(undefined, (value) => integer(value, 0, 1))],
    ['base64url: padded', () => base64url('AA==', 1)],
    ['base64url: short', () => base64url('AA', 2)],
    ['base64url: no text', () => base64url(new Uint8Array(1), 1)],
  ])('rejects %s', (_what, read) => {
    expect(read).toThrow(Malformed)
    expect(attempt(read)).toBeUndefined()
  })

  test('takes what is right', () => {
    expect(object({ a: 1 }, ['a'])).toEqual({ a: 1 })
    expect([bytes(new Uint8Array(2), 1, 2).length, text('a', /^a$/), integer(2, 0, 2), boolean(false), oneOf('b', ['a', 'b'])]).toEqual([2, 'a', 2, false, 'b'])
    expect([array([1], 1, (item) => item), nullable(null, () => 1), nullable(1, (value) => value), base64url('AA', 1)]).toEqual([[1], null, 1, new Uint8Array(1)])
  })

  test('attempt lets other errors through', () => {
    expect(() => attempt(() => { throw new TypeError('x') })).toThrow(TypeError)
  })
})

test('an error says its title and nothing of what was put in', () => {
  const error = new CloisterError('pin_wrong', { retryAfterSec: 3, guesses: { guessesLeft: 1, lockedUntilMs: 0, wrongTotal: 2 } })
  expect(error).toMatchObject({ message: ERRORS.pin_wrong.title, name: 'CloisterError', code: 'pin_wrong', retryAfterSec: 3, guesses: { guessesLeft: 1 } })
  expect(new CloisterError('stale')).toMatchObject({ retryAfterSec: undefined, guesses: undefined })
})
