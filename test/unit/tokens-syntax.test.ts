/** What a token may look like: the same set for relay and enclave, whatever their libraries would forgive. */
import fc from 'fast-check'
import { toBase64url, utf8 } from '../../lib/protocol/bytes.ts'
import { LIMITS } from '../../lib/protocol/limits.ts'
import { decodeUnverifiedToken } from '../../lib/tokens/syntax.ts'
import { codeOf } from '../support/core-codes.ts'

const part = (value: string | Uint8Array): string => toBase64url(typeof value === 'string' ? utf8(value) : value)
const HEADER = part('{"alg":"ES256"}')
const PAYLOAD = part('{"sub":"alice"}')
const SIGNATURE = part(new Uint8Array(64))
const token = (header = HEADER, payload = PAYLOAD, signature = SIGNATURE): string => `${header}.${payload}.${signature}`
const code = (text: string): string => codeOf(() => decodeUnverifiedToken(text))

test.each<[string, string]>([
  ['a plain one', token()],
  ['typ JWT', token(part('{"alg":"ES256","typ":"JWT"}'))],
  ['typ jwt', token(part('{"alg":"ES256","typ":"jwt"}'))],
  ['any other header', token(part('{"alg":"ES256","kid":"1","x5t":"y"}'))],
  ['letters beyond ASCII', token(HEADER, part('{"name":"Zoë 🙂"}'))],
  ['no signature: that is for others to refuse', token(HEADER, PAYLOAD, '')],
  ['as long as allowed', token(HEADER, part(`{"a":"${'x'.repeat(6000)}"}`))],
])('takes %s', (_what, text) => {
  expect(code(text)).toBe('ok')
})

test('hands over header and payload, unverified', () => {
  expect(decodeUnverifiedToken(token())).toEqual({ header: { alg: 'ES256' }, payload: { sub: 'alice' } })
})

test.each<[string, string]>([
  ['nothing', ''],
  ['two parts', `${HEADER}.${PAYLOAD}`],
  ['four parts', `${token()}.x`],
  ['five parts (JWE)', `${HEADER}.a.b.c.d`],
  ['a trailing newline', `${token()}\n`],
  ['a leading space', ` ${token()}`],
  ['a space inside', token(`${HEADER} `)],
  ['padding', token(part('{"alg":"ES256"} '), PAYLOAD, `${SIGNATURE}==`)],
  ['padding in the header', token(`${part('{"alg":"E"}')}=`)],
  ['the other base64 alphabet', token(HEADER, PAYLOAD, '+/+/')],
  ['bits that stand for nothing', token(HEADER, PAYLOAD, 'AB')],
  ['bits that stand for nothing in the payload', token(HEADER, `${part('{"a":1}').slice(0, -1)}${bump(part('{"a":1}').at(-1) as string)}`)],
  ['one letter too many', token(HEADER, PAYLOAD, 'AAAAA')],
  ['an empty header', token('')],
  ['an empty payload', token(HEADER, '')],
  ['a header that is no JSON', token(part('alg'))],
  ['a header that is a list', token(part('["ES256"]'))],
  ['a header that is text', token(part('"ES256"'))],
  ['a header that is null', token(part('null'))],
  ['a payload that is a number', token(HEADER, part('1'))],
  ['a payload with more behind it', token(HEADER, part('{}{}'))],
  ['bytes that are no UTF-8', token(HEADER, part(new Uint8Array([0x7b, 0x22, 0xff, 0x22, 0x3a, 0x31, 0x7d])))],
  ['a byte order mark', token(HEADER, part('\ufeff{}'))],
  ['crit', token(part('{"alg":"ES256","crit":["exp"]}'))],
  ['an empty crit', token(part('{"alg":"ES256","crit":[]}'))],
  ['b64', token(part('{"alg":"ES256","b64":true}'))],
  ['an access token', token(part('{"alg":"ES256","typ":"at+jwt"}'))],
  ['a logout token', token(part('{"alg":"ES256","typ":"logout+jwt"}'))],
  ['typ that is no text', token(part('{"alg":"ES256","typ":1}'))],
  ['more than 8 KiB', token(HEADER, part(`{"a":"${'x'.repeat(LIMITS.maxTokenBytes)}"}`))],
  ['JSON serialisation', `{"payload":"${PAYLOAD}","protected":"${HEADER}","signature":"${SIGNATURE}"}`],
])('rejects %s', (_what, text) => {
  expect(code(text)).toBe('token_malformed')
})

/** The next letter: for a part whose last letter has bits to spare. */
function bump(letter: string): string {
  return String.fromCharCode(letter.charCodeAt(0) + 1)
}

test('any text at all: read or malformed, never anything else', () => {
  fc.assert(fc.property(fc.string({ maxLength: 200 }), (text) => expect(['ok', 'token_malformed']).toContain(code(text))))
  fc.assert(
    fc.property(fc.json(), fc.json(), (header, payload) => {
      expect(['ok', 'token_malformed']).toContain(code(token(part(header), part(payload))))
    }),
  )
})
