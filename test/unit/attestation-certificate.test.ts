import { parseCertificate } from '../../lib/attestation/certificate.ts'
import { DerError } from '../../lib/attestation/der.ts'
import { concat, utf8 } from '../../lib/protocol/bytes.ts'
import {
  AT_MS, commonName, der, ES256_ALGORITHM, extension, hex, isCa, issue, makeKey, NOT_CA, OID, plan, SIGNS_CERTIFICATES, SIGNS_DATA,
  type CertificatePlan, type Key,
} from '../support/attestation-pki.ts'

let key: Key
let p256: Key
beforeAll(async () => {
  key = await makeKey()
  p256 = await makeKey('P-256')
})

const make = (changes: Partial<CertificatePlan>): Promise<Uint8Array> =>
  issue({ ...plan('issuer', 'subject', key, [NOT_CA, SIGNS_DATA]), ...changes }, key)

/** A SubjectPublicKeyInfo of the good key with some bytes replaced. */
const spkiWith = (at: number, ...bytes: number[]): Uint8Array => {
  const spki = new Uint8Array(key.spki)
  spki.set(bytes, at)
  return spki
}
const usage = (text: string): Uint8Array => extension(OID.keyUsage, true, hex(text))
const constraints = (text: string, critical = true): Uint8Array => extension(OID.basicConstraints, critical, hex(text))

test('reads a leaf', async () => {
  const leaf = parseCertificate(await make({}))
  expect(leaf).toMatchObject({
    issuer: commonName('issuer'), subject: commonName('subject'), publicKey: key.spki.subarray(-97),
    notBeforeMs: AT_MS - 43_200_000, notAfterMs: AT_MS + 43_200_000,
    ca: false, pathLength: null, signsData: true, signsCertificates: false,
  })
})

test.each([
  ['a CA', [isCa(null), SIGNS_CERTIFICATES], { ca: true, pathLength: null, signsCertificates: true }],
  ['path length 0', [isCa(0), SIGNS_CERTIFICATES], { ca: true, pathLength: 0 }],
  ['path length 200', [isCa(200), SIGNS_CERTIFICATES], { ca: true, pathLength: 200 }],
  ['no basicConstraints', [SIGNS_DATA], { ca: false, pathLength: null }],
  ['no keyUsage', [NOT_CA], { signsData: false, signsCertificates: false }],
  ['basicConstraints of a leaf that are not critical', [constraints('3000', false), SIGNS_DATA], { ca: false }],
  ['decipherOnly in a second byte', [usage('0303078080')], { signsData: true, signsCertificates: false }],
  ['an unknown extension that is not critical', [SIGNS_DATA, extension(OID.unknown, false, hex('0500'))], { signsData: true }],
])('reads %s', async (_name, extensions, expected) => {
  expect(parseCertificate(await make({ extensions }))).toMatchObject(expected)
})

test.each([
  ['a serial number of 160 bits', { serial: hex(`021500${'ff'.repeat(20)}`) }],
  ['GeneralizedTime from 2050', { notAfter: der(0x18, utf8('20500101000000Z')) }],
])('reads %s', async (_name, changes) => {
  expect(parseCertificate(await make(changes))).toMatchObject({ signsData: true })
})

test.each<[string, () => Partial<CertificatePlan>]>([
  ['version 1', () => ({ version: hex('020100') })],
  ['version 2', () => ({ version: hex('020101') })],
  ['two versions', () => ({ version: hex('020102020102') })],
  ['a negative serial number', () => ({ serial: hex('0201ff') })],
  ['serial number 0', () => ({ serial: hex('020100') })],
  ['a serial number of 161 bits', () => ({ serial: hex(`021501${'00'.repeat(20)}`) })],
  ['ecdsa-with-SHA256, inside', () => ({ algorithm: ES256_ALGORITHM })],
  ['ecdsa-with-SHA256, outside', () => ({ outerAlgorithm: ES256_ALGORITHM })],
  ['algorithm parameters', () => ({ algorithm: hex('300c06082a8648ce3d0403030500'), outerAlgorithm: hex('300c06082a8648ce3d0403030500') })],
  ['an empty issuer', () => ({ issuer: hex('3000') })],
  ['an empty subject', () => ({ subject: hex('3000') })],
  ['a name with an empty part', () => ({ subject: hex('30023100') })],
  ['a name part that is no set', () => ({ subject: hex('300c 300a 3008 0603550403 0c0161') })],
  ['a name attribute without value', () => ({ subject: hex('3009 3107 3005 0603550403') })],
  ['a name attribute without type', () => ({ subject: hex('300a 3108 3006 0c0161 0c0161') })],
  ['a name attribute of three parts', () => ({ subject: hex('300e 310c 300a 0603550403 0c0161 0500') })],
  ['a name attribute that is no sequence', () => ({ subject: hex('300c 310a 3108 0603550403 0c0161') })],
  ['a time that is none', () => ({ notBefore: hex('020100') })],
  ['GeneralizedTime before 2050', () => ({ notAfter: der(0x18, utf8('20250102000000Z')) })],
  ['a third time', () => ({ notAfter: concat(hex('170d323530313032303030303030 5a'), hex('0500')) })],
  ['a P-256 key', () => ({ spki: p256.spki })],
  ['a compressed key', () => ({ spki: spkiWith(23, 2) })],
  ['a key on another named curve', () => ({ spki: spkiWith(19, 0x23) })],
  ['a key shorter than its curve', () => ({ spki: der(0x30, key.spki.subarray(2, 20), der(0x03, hex('00'), key.spki.subarray(23, 119))) })],
  ['unused bits in the key', () => ({ spki: concat(spkiWith(22, 1).subarray(0, 119), hex('00')) })],
  ['a unique identifier', () => ({ extra: hex('81020000') })],
  ['no extensions', () => ({ extensions: [] })],
  ['a critical extension that is unknown', () => ({ extensions: [SIGNS_DATA, extension(OID.unknown, true, hex('0500'))] })],
  ['critical name constraints', () => ({ extensions: [SIGNS_DATA, extension(OID.nameConstraints, true, hex('3000'))] })],
  ['an extension twice', () => ({ extensions: [SIGNS_DATA, NOT_CA, SIGNS_DATA] })],
  ['an unknown extension twice', () => ({ extensions: [extension(OID.unknown, false, hex('0500')), extension(OID.unknown, false, hex('0500'))] })],
  ['an extension without value', () => ({ extensions: [der(0x30, OID.keyUsage)] })],
  ['an extension with a fourth part', () => ({ extensions: [der(0x30, OID.keyUsage, hex('0101ff'), hex('0101ff'), hex('0404030206c0'))] })],
  ['critical FALSE, spelled out', () => ({ extensions: [der(0x30, OID.keyUsage, hex('010100'), hex('0404030206c0'))] })],
  ['an extension that is no sequence', () => ({ extensions: [der(0x31, OID.keyUsage, hex('0404030206c0'))] })],
  ['basicConstraints of a CA that are not critical', () => ({ extensions: [constraints('30030101ff', false)] })],
  ['cA FALSE, spelled out', () => ({ extensions: [constraints('3003010100')] })],
  ['a path length without cA', () => ({ extensions: [constraints('3003020100')] })],
  ['a negative path length', () => ({ extensions: [constraints('30060101ff0201ff')] })],
  ['a path length over 255', () => ({ extensions: [constraints('30070101ff02020100')] })],
  ['basicConstraints with a third part', () => ({ extensions: [constraints('30090101ff020100020100')] })],
  ['bytes after basicConstraints', () => ({ extensions: [constraints('300000')] })],
  ['keyUsage without bits', () => ({ extensions: [usage('030100')] })],
  ['keyUsage with trailing zero bits', () => ({ extensions: [usage('03020080')] })],
  ['keyUsage of three bytes', () => ({ extensions: [usage('030400808001')] })],
  ['keyUsage that is no bit string', () => ({ extensions: [usage('0401c0')] })],
  ['a signature with unused bits', () => ({ editCertificate: unusedBits })],
  ['a signature of three numbers', () => ({ editSignature: () => hex('3009 020101 020101 020101') })],
  ['a signature with r = 0', () => ({ editSignature: () => hex('3006 020100 020101') })],
  ['a signature with a negative s', () => ({ editSignature: () => hex('3006 020101 0201ff') })],
  ['a signature number padded with zeros', () => ({ editSignature: () => hex('3007 02020001 020101') })],
  ['a signature number over 384 bits', () => ({ editSignature: () => hex(`3036 023101${'00'.repeat(48)} 020101`) })],
  ['bytes after the signature sequence', () => ({ editSignature: (signature) => concat(signature, hex('00')) })],
  ['a signature that is raw', () => ({ editSignature: () => new Uint8Array(96).fill(1) })],
  ['trailing bytes', () => ({ editCertificate: (certificate) => concat(certificate, hex('00')) })],
  ['a missing byte', () => ({ editCertificate: (certificate) => certificate.subarray(0, -1) })],
  ['a length that is not the shortest', () => ({ editCertificate: (certificate) => concat(hex('308300'), certificate.subarray(2)) })],
])('refuses %s', async (_name, changes) => {
  const certificate = await make(changes())
  expect(() => parseCertificate(certificate)).toThrow(DerError)
})

/** Makes the outer BIT STRING claim one unused bit, which is zero: the last bit of the signature goes to padding. */
function unusedBits(certificate: Uint8Array): Uint8Array {
  const out = new Uint8Array(certificate)
  const at = out.findLastIndex((byte, i) => byte === 0 && out[i + 1] === 0x30 && out[i - 2] === 0x03)
  out[at] = 1
  out[out.length - 1] = (out.at(-1) as number) & 0xfe
  return out
}
