import { X509Certificate } from 'node:crypto'
import { verifyChain } from '../../lib/attestation/chain.ts'
import { concat } from '../../lib/protocol/bytes.ts'
import {
  AT_MS, commonName, ES256_ALGORITHM, extension, hex, isCa, issue, LINKS, makeKey, makeKeys, makePki, NOT_CA, OID, plan, SIGNS_CERTIFICATES,
  SIGNS_DATA, utcTime, type CertificatePlan, type Key, type Link, type Pki,
} from '../support/attestation-pki.ts'

let keys: Record<Link, Key>
let p256: Key
let good: Pki
beforeAll(async () => {
  keys = await makeKeys()
  p256 = await makeKey('P-256')
  good = await makePki(keys)
})

const check = (pki: Pki, changes: { intermediates?: readonly Uint8Array[]; rootDer?: Uint8Array; leafDer?: Uint8Array; atMs?: number } = {}): Promise<CryptoKey> =>
  verifyChain({
    rootDer: changes.rootDer ?? pki.rootDer,
    intermediatesDer: changes.intermediates ?? pki.intermediates,
    leafDer: changes.leafDer ?? pki.leafDer,
    atMs: changes.atMs ?? AT_MS,
  })
const refused = { code: 'attestation_chain' }

test('OpenSSL agrees that the generated chain is a chain', () => {
  const path = [good.rootDer, ...good.intermediates, good.leafDer].map((bytes) => new X509Certificate(bytes))
  path.forEach((certificate, i) => {
    const issuer = path[Math.max(0, i - 1)] as X509Certificate
    expect(certificate.verify(issuer.publicKey)).toBe(true)
    expect(certificate.checkIssued(issuer)).toBe(true)
    expect(certificate.ca).toBe(i < 4)
  })
})

test('accepts the good chain and gives the key of its leaf', async () => {
  const key = await check(good)
  const spki = await crypto.subtle.exportKey('spki', keys.leaf.pair.publicKey)
  expect(key).toMatchObject({ type: 'public', usages: ['verify'] })
  expect(spki.byteLength).toBe(120)
})

const PAST: Partial<CertificatePlan> = { notBefore: utcTime('240101000000Z'), notAfter: utcTime('250101115959Z') }
const FUTURE: Partial<CertificatePlan> = { notBefore: utcTime('250101120001Z'), notAfter: utcTime('260101000000Z') }

describe.each(LINKS)('%s', (link) => {
  test.each<[string, Partial<CertificatePlan>]>([
    ['expired', PAST],
    ['not yet valid', FUTURE],
    ['valid never', { notBefore: utcTime('250102000000Z'), notAfter: utcTime('250101000000Z') }],
    ['with a critical extension that is unknown', { extensions: [NOT_CA, SIGNS_DATA, extension(OID.unknown, true, hex('0500'))] }],
    ['signed with SHA-256', { algorithm: ES256_ALGORITHM, outerAlgorithm: ES256_ALGORITHM, hash: 'SHA-256' }],
    ['with bytes after it', { editCertificate: (certificate) => concat(certificate, hex('00')) }],
  ])('is refused %s', async (_name, changes) => {
    await expect(makePki(keys, { [link]: changes }).then(check)).rejects.toMatchObject(refused)
  })

  test('is refused with a P-256 key', async () => {
    await expect(makePki({ ...keys, [link]: p256 }).then(check)).rejects.toMatchObject(refused)
  })

  test('is refused with a key that is not on the curve', async () => {
    const spki = new Uint8Array(keys[link].spki)
    spki.fill(1, -48)
    await expect(makePki(keys, { [link]: { spki } }).then(check)).rejects.toMatchObject(refused)
  })
})

describe.each(LINKS.slice(0, 4))('CA %s', (link) => {
  test.each([
    ['is no CA', [NOT_CA, SIGNS_CERTIFICATES]],
    ['has no basicConstraints', [SIGNS_CERTIFICATES]],
    ['has basicConstraints that are not critical', [extension(OID.basicConstraints, false, hex('30030101ff')), SIGNS_CERTIFICATES]],
    ['may not sign certificates', [isCa(3), SIGNS_DATA]],
    ['has no keyUsage', [isCa(3)]],
  ])('is refused when it %s', async (_name, extensions) => {
    await expect(makePki(keys, { [link]: { extensions } }).then(check)).rejects.toMatchObject(refused)
  })

  test('has its path length counted', async () => {
    const below = 3 - LINKS.indexOf(link)
    await expect(makePki(keys, { [link]: { extensions: [isCa(below), SIGNS_CERTIFICATES] } }).then(check)).resolves.toBeDefined()
    await expect(makePki(keys, { [link]: { extensions: [isCa(null), SIGNS_CERTIFICATES] } }).then(check)).resolves.toBeDefined()
    if (below > 0) {
      await expect(makePki(keys, { [link]: { extensions: [isCa(below - 1), SIGNS_CERTIFICATES] } }).then(check)).rejects.toMatchObject(refused)
    }
  })
})

describe.each(LINKS.slice(1))('issued %s', (link) => {
  test('is refused when another key signed it', async () => {
    const other = await makeKey()
    const before = LINKS[LINKS.indexOf(link) - 1] as Link
    const forged = await makePki({ ...keys, [before]: other })
    const at = LINKS.indexOf(link) - 1
    const intermediates = good.intermediates.map((certificate, i) => (i === at ? (forged.intermediates[i] as Uint8Array) : certificate))
    await expect(check(good, link === 'leaf' ? { leafDer: forged.leafDer } : { intermediates })).rejects.toMatchObject(refused)
  })

  test('is refused when it names another issuer', async () => {
    await expect(makePki(keys, { [link]: { issuer: commonName('somebody') } }).then(check)).rejects.toMatchObject(refused)
  })

  test('is refused when its issuer is named in another string type', async () => {
    const issuer = commonName(LINKS[LINKS.indexOf(link) - 1] as Link)
    issuer[issuer.indexOf(0x0c)] = 0x13
    await expect(makePki(keys, { [link]: { issuer } }).then(check)).rejects.toMatchObject(refused)
  })
})

describe('leaf', () => {
  test.each([
    ['is a CA', [isCa(null), SIGNS_DATA]],
    ['may sign certificates', [NOT_CA, extension(OID.keyUsage, true, hex('03020284'))]],
    ['may not sign data', [NOT_CA, extension(OID.keyUsage, true, hex('03020640'))]],
    ['has no keyUsage', [NOT_CA]],
    ['has a path length', [extension(OID.basicConstraints, true, hex('3003020100')), SIGNS_DATA]],
  ])('is refused when it %s', async (_name, extensions) => {
    await expect(makePki(keys, { leaf: { extensions } }).then(check)).rejects.toMatchObject(refused)
  })

  test('is accepted without basicConstraints, and with any other extension that is not critical', async () => {
    const extensions = [SIGNS_DATA, extension(OID.subjectKeyId, false, hex('0400'))]
    await expect(makePki(keys, { leaf: { extensions } }).then(check)).resolves.toBeDefined()
  })

  test('is refused when it signed itself', async () => {
    const leafDer = await issue(plan('leaf', 'leaf', keys.leaf, [NOT_CA, SIGNS_DATA]), keys.leaf)
    await expect(check(good, { leafDer })).rejects.toMatchObject(refused)
    await expect(check(good, { leafDer, rootDer: leafDer, intermediates: [] })).rejects.toMatchObject(refused)
  })

  test('is refused when it is self-issued, though signed by its issuer', async () => {
    const pki = await makePki(keys, { leaf: { subject: commonName('instance') } })
    await expect(check(pki)).rejects.toMatchObject(refused)
  })
})

describe('path', () => {
  test('may be short: the root can issue the leaf', async () => {
    const leafDer = await issue(plan('root', 'leaf', keys.leaf, [NOT_CA, SIGNS_DATA]), keys.root)
    await expect(check(good, { leafDer, intermediates: [] })).resolves.toBeDefined()
  })

  test.each<[string, (pki: Pki) => readonly Uint8Array[]]>([
    ['in the wrong order', ({ intermediates }) => intermediates.toReversed()],
    ['with two swapped', ({ intermediates: [a, b, c] }) => [b, a, c] as Uint8Array[]],
    ['without its last', ({ intermediates }) => intermediates.slice(0, -1)],
    ['without its first', ({ intermediates }) => intermediates.slice(1)],
    ['with none', () => []],
    ['with one twice', ({ intermediates: [a, b, c] }) => [a, a, b, c] as Uint8Array[]],
    ['with the root again', ({ rootDer, intermediates }) => [rootDer, ...intermediates]],
    ['with the leaf among them', ({ intermediates, leafDer }) => [...intermediates, leafDer]],
    ['with an empty one', ({ intermediates }) => [...intermediates, new Uint8Array()]],
  ])('is refused %s', async (_name, intermediates) => {
    await expect(check(good, { intermediates: intermediates(good) })).rejects.toMatchObject(refused)
  })

  test('is refused with an extra certificate, even a well-signed one', async () => {
    const extra = await issue(plan('instance', 'extra', await makeKey(), [isCa(null), SIGNS_CERTIFICATES]), keys.instance)
    await expect(check(good, { intermediates: [...good.intermediates, extra] })).rejects.toMatchObject(refused)
  })

  test('is refused under another root, of another name or the same', async () => {
    const other = await makePki(await makeKeys())
    await expect(check(good, { rootDer: other.rootDer })).rejects.toMatchObject(refused)
    await expect(check(good, { rootDer: good.intermediates[0] as Uint8Array })).rejects.toMatchObject(refused)
  })

  test('counts the time in whole seconds, both ends included', async () => {
    const first = Date.UTC(2025, 0, 1)
    const last = Date.UTC(2025, 0, 2)
    await expect(check(good, { atMs: first })).resolves.toBeDefined()
    await expect(check(good, { atMs: first - 1 })).rejects.toMatchObject(refused)
    await expect(check(good, { atMs: last + 999 })).resolves.toBeDefined()
    await expect(check(good, { atMs: last + 1000 })).rejects.toMatchObject(refused)
    await expect(check(good, { atMs: Number.NaN })).rejects.toMatchObject(refused)
  })
})
