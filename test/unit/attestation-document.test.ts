import { decodeUnverifiedAttestation } from '../../lib/attestation/document.ts'
import { concat, utf8 } from '../../lib/protocol/bytes.ts'
import {
  AT_MS, cborMap, hex, makeEntries, makeKeys, makePki, pcrs, Raw, signDocument, type Entry, type Pki,
} from '../support/attestation-pki.ts'

let pki: Pki
beforeAll(async () => {
  pki = await makePki(await makeKeys())
})

type Edit = (entries: Entry[]) => readonly Entry[] | Uint8Array
const same: Edit = (entries) => entries
const set = (changes: Readonly<Record<string, unknown>>): Edit => () => makeEntries(pki, changes)
const append = (key: unknown, value: unknown): Edit => (entries) => [...entries, [key, value]]

const decode = async (edit: Edit, parts: Parameters<typeof signDocument>[2] = {}, indefinite = false): Promise<ReturnType<typeof decodeUnverifiedAttestation>> => {
  const payload = edit(makeEntries(pki))
  return decodeUnverifiedAttestation(await signDocument(payload instanceof Uint8Array ? payload : cborMap(payload, indefinite), pki.keys.leaf, parts))
}
const malformed = { code: 'attestation_malformed' }

test.each([false, true])('reads a document, indefinite map: %s', async (indefinite) => {
  const { document, payload, protectedHeader, signature } = await decode(same, {}, indefinite)
  expect(document).toEqual({
    moduleId: 'i-0123456789abcdef0-enc0123456789abcdef', digest: 'SHA384', timestampMs: AT_MS, pcrs: pcrs(), certificate: pki.leafDer,
    cabundle: [pki.rootDer, ...pki.intermediates], publicKey: utf8('key'), userData: null, nonce: utf8('nonce'),
  })
  expect(payload[0]).toBe(indefinite ? 0xbf : 0xa9)
  expect(protectedHeader).toEqual(hex('a1013822'))
  expect(signature).toHaveLength(96)
})

test.each<[string, Edit]>([
  ['optional fields left out', set({ public_key: undefined, user_data: undefined, nonce: undefined })],
  ['optional fields empty', set({ public_key: hex(''), user_data: hex(''), nonce: hex('') })],
  ['optional fields of 1,024 bytes', set({ public_key: new Uint8Array(1024), user_data: new Uint8Array(1024), nonce: new Uint8Array(1024) })],
  ['all 32 PCRs', set({ pcrs: pcrs(31) })],
  ['one PCR', set({ pcrs: new Map([[31, new Uint8Array(48)]]) })],
  ['one certificate in the bundle', set({ cabundle: [hex('00')] })],
  ['eight certificates in the bundle', set({ cabundle: Array.from({ length: 8 }, () => hex('00')) })],
  ['fields in another order', (entries) => entries.toReversed()],
  ['indefinite pcrs and cabundle', set({ pcrs: new Raw(`bf00 5830${'01'.repeat(48)} ff`), cabundle: new Raw('9f4100ff') })],
])('reads %s', async (_name, edit) => {
  await expect(decode(edit)).resolves.toBeDefined()
})

test.each<[string, Parameters<typeof signDocument>[2] & object]>([
  ['tag 18', { head: hex('d284') }],
  ['tag 98', { head: hex('d86284') }],
  ['an indefinite array', { head: hex('9f') }],
  ['an array length that is not the shortest', { head: hex('9804') }],
  ['a map', { head: hex('a2') }],
  ['ES256', { header: hex('a10126') }],
  ['ES512', { header: hex('a1013823') }],
  ['an algorithm that is not in shortest form', { header: hex('a101390022') }],
  ['a second protected header', { header: hex('a201382204 40') }],
  ['an empty protected header', { header: hex('') }],
  ['an indefinite protected header', { header: hex('bf013822ff') }],
  ['an unprotected header', { unprotected: hex('a10440') }],
  ['an unprotected header of bytes', { unprotected: hex('a14040') }],
  ['an indefinite unprotected header', { unprotected: hex('bfff') }],
  ['an unprotected header that is null', { unprotected: hex('f6') }],
  ['an unprotected header that is an array', { unprotected: hex('80') }],
  ['an unprotected header that is bytes', { unprotected: hex('40') }],
  ['a signature of 95 bytes', { signature: new Uint8Array(95) }],
  ['a signature of 97 bytes', { signature: new Uint8Array(97) }],
])('refuses an envelope with %s', async (_name, parts) => {
  await expect(decode(same)).resolves.toBeDefined()
  await expect(decode(same, parts)).rejects.toMatchObject(malformed)
})

test.each<[string, Edit]>([
  ['empty', () => hex('')],
  ['no map', () => hex('80')],
  ['too long', append('x', new Uint8Array(16_384))],
  ['followed by a byte', (entries) => concat(cborMap(entries), hex('00'))],
  ['short of a byte', (entries) => cborMap(entries).subarray(0, -1)],
  ['short of its break', (entries) => cborMap(entries, true).subarray(0, -1)],
  ['tagged', (entries) => concat(hex('d9d9f7'), cborMap(entries))],
  ['nested too deep', () => new Uint8Array(16_000).fill(0x81)],
  ['with an unknown field', append('extra', null)],
  ['with a key that is no text', append(1, null)],
  ['with a field twice', append('nonce', null)],
  ['with a key in bytes', (entries) => entries.map(([key, value]) => [key === 'nonce' ? utf8('nonce') : key, value] as const)],
  ['broken off at a value', (entries) => concat(hex('bf'), cborMap(entries).subarray(1, -6), hex('ffff'))],
  ...['module_id', 'digest', 'timestamp', 'pcrs', 'certificate', 'cabundle'].flatMap((name): [string, Edit][] => [
    [`without ${name}`, set({ [name]: undefined })],
    [`with null for ${name}`, set({ [name]: null })],
  ]),
])('refuses a payload %s', async (_name, edit) => {
  await expect(decode(edit)).rejects.toMatchObject(malformed)
})

test.each<[string, () => Readonly<Record<string, unknown>>]>([
  ['an empty module_id', () => ({ module_id: '' })],
  ['a module_id in bytes', () => ({ module_id: utf8('i-0') })],
  ['a module_id that is no UTF-8', () => ({ module_id: new Raw('6269ff') })],
  ['a module_id in chunks', () => ({ module_id: new Raw('7f6169ff') })],
  ['digest SHA256', () => ({ digest: 'SHA256' })],
  ['digest sha384', () => ({ digest: 'sha384' })],
  ['timestamp 0', () => ({ timestamp: 0 })],
  ['a negative timestamp', () => ({ timestamp: -1 })],
  ['a timestamp in floating point', () => ({ timestamp: new Raw('fb4279420000000000') })],
  ['a timestamp over 2^53', () => ({ timestamp: new Raw('1b0020000000000000') })],
  ['a timestamp not in shortest form', () => ({ timestamp: new Raw('1b0000000000000001') })],
  ['a timestamp as text', () => ({ timestamp: '1' })],
  ['no PCRs', () => ({ pcrs: new Map() })],
  ['PCRs in an array', () => ({ pcrs: [new Uint8Array(48)] })],
  ['PCR 32', () => ({ pcrs: new Map([[32, new Uint8Array(48)]]) })],
  ['33 PCRs', () => ({ pcrs: pcrs(32) })],
  ['PCR −1', () => ({ pcrs: new Map([[-1, new Uint8Array(48)]]) })],
  ['a PCR index as text', () => ({ pcrs: new Map([['0', new Uint8Array(48)]]) })],
  ['a PCR index in floating point', () => ({ pcrs: new Raw(`a1f90000 5830${'01'.repeat(48)}`) })],
  ['a PCR twice', () => ({ pcrs: new Raw(`a200 5830${'01'.repeat(48)} 00 5830${'02'.repeat(48)}`) })],
  ['a PCR of 32 bytes', () => ({ pcrs: new Map([[0, new Uint8Array(32)]]) })],
  ['a PCR of 49 bytes', () => ({ pcrs: new Map([[0, new Uint8Array(49)]]) })],
  ['a PCR that is null', () => ({ pcrs: new Map([[0, null]]) })],
  ['a PCR as text', () => ({ pcrs: new Map([[0, 'x'.repeat(48)]]) })],
  ['an empty certificate', () => ({ certificate: hex('') })],
  ['a certificate of 1,025 bytes', () => ({ certificate: new Uint8Array(1025) })],
  ['an empty cabundle', () => ({ cabundle: [] })],
  ['a cabundle of nine', () => ({ cabundle: Array.from({ length: 9 }, () => hex('00')) })],
  ['an empty certificate in the cabundle', () => ({ cabundle: [pki.rootDer, hex('')] })],
  ['a certificate of 1,025 bytes in the cabundle', () => ({ cabundle: [pki.rootDer, new Uint8Array(1025)] })],
  ['a null in the cabundle', () => ({ cabundle: [pki.rootDer, null] })],
  ['a cabundle that is one certificate', () => ({ cabundle: pki.rootDer })],
  ...['public_key', 'user_data', 'nonce'].flatMap((name): [string, () => Readonly<Record<string, unknown>>][] => [
    [`${name} of 1,025 bytes`, () => ({ [name]: new Uint8Array(1025) })],
    [`${name} as text`, () => ({ [name]: 'text' })],
    [`${name} undefined`, () => ({ [name]: new Raw('f7') })],
    [`${name} false`, () => ({ [name]: false })],
    [`${name} in chunks`, () => ({ [name]: new Raw('5f4100ff') })],
    [`${name} tagged`, () => ({ [name]: new Raw('c24100') })],
  ]),
])('refuses %s', async (_name, changes) => {
  await expect(decode(set(changes()))).rejects.toMatchObject(malformed)
})

test('refuses an array of five, or of three', async () => {
  const bytes = await signDocument(cborMap(makeEntries(pki)), pki.keys.leaf)
  const five = concat(hex('85'), bytes.subarray(1), hex('40'))
  const three = concat(hex('83'), bytes.subarray(1, -98))
  for (const wrong of [five, three]) expect(() => decodeUnverifiedAttestation(wrong)).toThrow(expect.objectContaining(malformed) as Error)
})

test('refuses what is no byte string, or too long', () => {
  for (const bytes of ['84', null, undefined, [0x84], new Uint8Array(), new Uint8Array(20_000)]) {
    expect(() => decodeUnverifiedAttestation(bytes as unknown as Uint8Array)).toThrow(expect.objectContaining(malformed) as Error)
  }
})

test('keeps nothing of the memory it was given', async () => {
  const bytes = Buffer.from(await signDocument(cborMap(makeEntries(pki)), pki.keys.leaf))
  const { document } = decodeUnverifiedAttestation(bytes)
  bytes.fill(0)
  expect(document.certificate).toEqual(pki.leafDer)
})
