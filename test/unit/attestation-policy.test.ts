import { acceptAttestation, measurementsOf, type AttestationPolicy } from '../../lib/attestation/policy.ts'
import { verifyAttestation, type VerifiedAttestation } from '../../lib/attestation/verify.ts'
import { utf8 } from '../../lib/protocol/bytes.ts'
import { CloisterError } from '../../lib/protocol/errors.ts'
import { AT_MS, makeDocument, makeKeys, makePki, pcrs, type Pki } from '../support/attestation-pki.ts'

let pki: Pki
let attestation: VerifiedAttestation
beforeAll(async () => {
  pki = await makePki(await makeKeys())
  attestation = await attest()
})

const attest = async (changes: Readonly<Record<string, unknown>> = {}): Promise<VerifiedAttestation> =>
  verifyAttestation(await makeDocument(pki, changes), { rootDer: pki.rootDer, atMs: AT_MS })

const good = { pcr0: '01'.repeat(48), pcr1: '02'.repeat(48), pcr2: '03'.repeat(48), pcr16: '11'.repeat(48) }
const other = { pcr0: 'a1'.repeat(48), pcr1: 'a2'.repeat(48), pcr2: 'a3'.repeat(48), pcr16: 'a4'.repeat(48) }
const policy: AttestationPolicy = { measurements: [other, good], nonce: utf8('nonce'), nowMs: AT_MS, maxAgeMs: 60_000, maxSkewMs: 5000 }

/** The code that acceptance fails with, or `undefined`. */
const codeOf = (document: VerifiedAttestation, changes: Partial<AttestationPolicy> = {}): string | undefined => {
  try {
    acceptAttestation(document, { ...policy, ...changes })
    return undefined
  } catch (error) {
    if (error instanceof CloisterError) return error.code
    throw error
  }
}

test('accepts what it pins', () => {
  expect(codeOf(attestation)).toBeUndefined()
  expect(measurementsOf(attestation)).toEqual(good)
})

test.each([0, 1, 2])('refuses debug mode, PCR%d zero, even when that is pinned', async (index) => {
  const debug = await attest({ pcrs: pcrs().set(index, new Uint8Array(48)) })
  expect(codeOf(debug, { measurements: [measurementsOf(debug)] })).toBe('attestation_debug')
})

test('a zero in other PCRs is not debug mode', async () => {
  expect(codeOf(await attest({ pcrs: pcrs().set(3, new Uint8Array(48)) }))).toBeUndefined()
})

test('refuses another nonce, or none', async () => {
  expect(codeOf(attestation, { nonce: utf8('nonc3') })).toBe('attestation_nonce')
  expect(codeOf(attestation, { nonce: utf8('nonce2') })).toBe('attestation_nonce')
  for (const nonce of [null, undefined, new Uint8Array()]) expect(codeOf(await attest({ nonce }))).toBe('attestation_nonce')
  expect(codeOf(await attest({ nonce: null }), { nonce: null })).toBeUndefined()
})

test('is fresh from maxSkew before to maxAge after', () => {
  expect(codeOf(attestation, { nowMs: AT_MS + 60_000 })).toBeUndefined()
  expect(codeOf(attestation, { nowMs: AT_MS + 60_001 })).toBe('attestation_stale')
  expect(codeOf(attestation, { nowMs: AT_MS - 5000 })).toBeUndefined()
  expect(codeOf(attestation, { nowMs: AT_MS - 5001 })).toBe('attestation_stale')
  expect(codeOf(attestation, { nowMs: null, maxAgeMs: 0 })).toBeUndefined()
})

test.each(['pcr0', 'pcr1', 'pcr2', 'pcr16'] as const)('refuses another %s', (name) => {
  expect(codeOf(attestation, { measurements: [{ ...good, [name]: other[name] }] })).toBe('attestation_measurements')
})

test('a set matches as a whole: sets are not mixed', () => {
  const halves = [{ ...good, pcr16: other.pcr16 }, { ...other, pcr16: good.pcr16 }]
  expect(codeOf(attestation, { measurements: halves })).toBe('attestation_measurements')
  expect(codeOf(attestation, { measurements: [] })).toBe('attestation_measurements')
})

test.each([0, 1, 2, 16])('refuses a document without PCR%d', async (index) => {
  const partial = pcrs()
  partial.delete(index)
  const document = await attest({ pcrs: partial })
  expect(codeOf(document)).toBe('attestation_measurements')
  expect(() => measurementsOf(document)).toThrow(CloisterError)
})

test('checks in this order: debug, nonce, freshness, measurements', async () => {
  const wrong = { nonce: utf8('other'), nowMs: 0, measurements: [] }
  expect(codeOf(await attest({ pcrs: pcrs().set(0, new Uint8Array(48)) }), wrong)).toBe('attestation_debug')
  expect(codeOf(attestation, wrong)).toBe('attestation_nonce')
  expect(codeOf(attestation, { ...wrong, nonce: null })).toBe('attestation_stale')
  expect(codeOf(attestation, { ...wrong, nonce: null, nowMs: null })).toBe('attestation_measurements')
})

const { pcr16: _, ...incomplete } = good
test.each<[string, Record<string, unknown>]>([
  ...['measurements', 'nonce', 'nowMs', 'maxAgeMs', 'maxSkewMs'].map((name): [string, Record<string, unknown>] => [`${name} undefined`, { [name]: undefined }]),
  ['measurements null', { measurements: null }],
  ['measurements in upper case', { measurements: [{ ...good, pcr0: 'AB'.repeat(48) }] }],
  ['measurements of 47 bytes', { measurements: [{ ...good, pcr0: '01'.repeat(47) }] }],
  ['measurements without PCR16', { measurements: [incomplete] }],
  ['an empty nonce', { nonce: new Uint8Array() }],
  ['a nonce as text', { nonce: 'nonce' }],
  ['nowMs NaN', { nowMs: Number.NaN }],
  ['maxAgeMs null', { maxAgeMs: null }],
  ['maxAgeMs NaN', { maxAgeMs: Number.NaN }],
  ['maxAgeMs infinite', { maxAgeMs: Number.POSITIVE_INFINITY }],
  ['maxSkewMs negative', { maxSkewMs: -1 }],
])('throws TypeError for %s', (_name, changes) => {
  const accept = acceptAttestation as (document: unknown, options: unknown) => void
  expect(() => accept(attestation, { ...policy, ...changes })).toThrow(TypeError)
})

test('throws TypeError for a document that was only decoded', () => {
  const { verified: _verified, ...decoded } = attestation
  // @ts-expect-error: an AttestationDocument is not a VerifiedAttestation
  expect(() => acceptAttestation(decoded, policy)).toThrow(TypeError)
})
