import fc from 'fast-check'
import { toHex } from '../../lib/protocol/bytes.ts'
import {
  DerError, readBits, readChildren, readDer, readFields, readOid, readTimeMs, readTrue, readUnsigned, TAG,
} from '../../lib/attestation/der.ts'
import { parseCertificate } from '../../lib/attestation/certificate.ts'
import { der, hex, LINKS, makeKey, plan, issue, NOT_CA, SIGNS_DATA } from '../support/attestation-pki.ts'

const runs = process.env.SLOW ? 20_000 : 1000
const any = (text: string): ReturnType<typeof readDer> => readDer(hex(text), hex(text)[0] as number)

test('reads nested values and keeps their bytes', () => {
  const [number, inner] = readFields(any('3008 020105 3003 0101ff'), TAG.integer, TAG.sequence)
  expect(toHex(readUnsigned(number))).toBe('05')
  expect(toHex(inner.bytes)).toBe('30030101ff')
  expect(readChildren(inner).map(readTrue)).toEqual([true])
})

test.each([0, 0x7f, 0x80, 0xff, 0x100, 0xffff])('reads a length of %d', (length) => {
  expect(readDer(der(0x04, new Uint8Array(length)), 0x04).content).toHaveLength(length)
})

test.each([
  ['nothing', ''],
  ['a tag alone', '04'],
  ['a short content', '0402aa'],
  ['a short length', '0482'],
  ['trailing bytes', '0401aa00'],
  ['indefinite length', '3080 0000'],
  ['long form below 128', '04817f' + '00'.repeat(127)],
  ['long form with a zero in front', '04820080' + '00'.repeat(128)],
  ['three length bytes', '0483010000' + '00'.repeat(65_536)],
  ['reserved length', '04ff'],
  ['a tag of several bytes', '1f0401aa'],
  ['a tag that announces several bytes', '1f01aa'],
])('refuses %s', (_name, text) => {
  expect(() => readDer(hex(text), hex(text)[0] ?? 0)).toThrow(DerError)
})

test('refuses another tag, and other fields than asked for', () => {
  expect(() => readDer(hex('0500'), TAG.sequence)).toThrow(DerError)
  const pair = any('3006 020105 0101ff')
  expect(readFields(pair, TAG.integer, TAG.boolean)).toHaveLength(2)
  expect(() => readFields(pair, TAG.integer)).toThrow(DerError)
  expect(() => readFields(pair, TAG.boolean, TAG.integer)).toThrow(DerError)
  expect(() => readFields(pair, TAG.integer, TAG.boolean, TAG.integer)).toThrow(DerError)
})

test.each([['020100', ''], ['02017f', '7f'], ['02020080', '80'], ['0203010000', '010000']])('INTEGER %s', (text, magnitude) => {
  expect(toHex(readUnsigned(any(text)))).toBe(magnitude)
})

test.each([
  ['empty INTEGER', '0200', readUnsigned],
  ['negative INTEGER', '020180', readUnsigned],
  ['padded INTEGER', '0202007f', readUnsigned],
  ['INTEGER of another tag', '040101', readUnsigned],
  ['FALSE', '010100', readTrue],
  ['TRUE as 1', '010101', readTrue],
  ['TRUE of another tag', '0401ff', readTrue],
  ['BOOLEAN of two bytes', '0102ffff', readTrue],
  ['empty OBJECT IDENTIFIER', '0600', readOid],
  ['unfinished OBJECT IDENTIFIER', '06025583', readOid],
  ['padded subidentifier', '0603558001', readOid],
  ['OBJECT IDENTIFIER of another tag', '040155', readOid],
  ['empty BIT STRING', '0300', readBits],
  ['BIT STRING of padding alone', '030101', readBits],
  ['padding over 7', '03020800', readBits],
  ['padding that is not zero', '03020101', readBits],
  ['BIT STRING of another tag', '04020000', readBits],
])('refuses %s', (_name, text, read) => {
  expect(() => read(any(text))).toThrow(DerError)
})

const time = (tag: number, text: string): number => readTimeMs(readDer(der(tag, new TextEncoder().encode(text)), tag))

test.each([
  [TAG.utcTime, '191028132805Z', '2019-10-28T13:28:05Z'],
  [TAG.utcTime, '491231235959Z', '2049-12-31T23:59:59Z'],
  [TAG.utcTime, '500101000000Z', '1950-01-01T00:00:00Z'],
  [TAG.utcTime, '240229000000Z', '2024-02-29T00:00:00Z'],
  [TAG.generalizedTime, '20500101000000Z', '2050-01-01T00:00:00Z'],
  [TAG.generalizedTime, '99991231235959Z', '9999-12-31T23:59:59Z'],
])('time %d %s', (tag, text, iso) => {
  expect(time(tag, text)).toBe(Date.parse(iso))
})

test.each([
  ['no seconds', TAG.utcTime, '1910281328Z'],
  ['an offset', TAG.utcTime, '191028132805+0000'],
  ['no Z', TAG.utcTime, '191028132805'],
  ['something after', TAG.utcTime, '191028132805Z\n'],
  ['a 30th of February', TAG.utcTime, '240230000000Z'],
  ['a 29th of February in 2023', TAG.utcTime, '230229000000Z'],
  ['month 13', TAG.utcTime, '241301000000Z'],
  ['month 0', TAG.utcTime, '240001000000Z'],
  ['hour 24', TAG.utcTime, '240101240000Z'],
  ['second 60', TAG.utcTime, '240101000060Z'],
  ['four digits of year in UTCTime', TAG.utcTime, '20500101000000Z'],
  ['two digits in GeneralizedTime', TAG.generalizedTime, '500101000000Z'],
  ['GeneralizedTime before 2050', TAG.generalizedTime, '20491231235959Z'],
  ['fractions', TAG.generalizedTime, '20500101000000.5Z'],
  ['other digits', TAG.utcTime, '１91028132805Z'],
  ['another tag', TAG.octetString, '20500101000000Z'],
])('refuses a time with %s', (_name, tag, text) => {
  expect(() => time(tag, text)).toThrow(DerError)
})

test('throws nothing but DerError, on noise and on mutated certificates', async () => {
  const key = await makeKey()
  const certificate = await issue(plan(LINKS[3], LINKS[4], key, [NOT_CA, SIGNS_DATA]), key)
  fc.assert(fc.property(fc.uint8Array({ maxLength: 64 }), throwsOnlyItsOwn), { numRuns: runs })
  const edit = fc.record({ at: fc.nat(certificate.length - 1), remove: fc.nat(3), insert: fc.uint8Array({ maxLength: 3 }) })
  fc.assert(
    fc.property(fc.array(edit, { minLength: 1, maxLength: 3 }), (edits) => {
      const bytes = Array.from(certificate)
      for (const { at, remove, insert } of edits) bytes.splice(at, remove, ...insert)
      throwsOnlyItsOwn(Uint8Array.from(bytes))
    }),
    { numRuns: runs },
  )
})

function throwsOnlyItsOwn(bytes: Uint8Array): void {
  try {
    parseCertificate(bytes)
  } catch (error) {
    expect(error).toBeInstanceOf(DerError)
  }
}
