import { verifyAttestation } from '../../lib/attestation/verify.ts'
import { CloisterError } from '../../lib/protocol/errors.ts'
import { utf8 } from '../../lib/protocol/bytes.ts'
import { AWS_NITRO_ROOT_G1_SHA256, assertAwsRoot } from '../../lib/attestation/root.ts'
import { mutants } from '../support/attestation-mutants.ts'
import {
  AT_MS, cborMap, commonName, hex, makeDocument, makeEntries, makeKey, makeKeys, makePki, signDocument, utcTime, type Key, type Link, type Pki,
} from '../support/attestation-pki.ts'

let keys: Record<Link, Key>
let pki: Pki
let document: Uint8Array
beforeAll(async () => {
  keys = await makeKeys()
  pki = await makePki(keys)
  document = await makeDocument(pki)
})

const verify = (bytes: Uint8Array, changes: { rootDer?: Uint8Array; atMs?: number } = {}): ReturnType<typeof verifyAttestation> =>
  verifyAttestation(bytes, { rootDer: pki.rootDer, atMs: AT_MS, ...changes })

test('verifies a document under its root', async () => {
  const attestation = await verify(document)
  expect(attestation).toMatchObject({ verified: true, timestampMs: AT_MS, nonce: utf8('nonce') })
})

test('verifies a document with the largest fields', async () => {
  await expect(verify(await makeDocument(pki, { public_key: new Uint8Array(1024), user_data: new Uint8Array(1024), nonce: new Uint8Array(1024) }))).resolves.toBeDefined()
})

test('refuses another root', async () => {
  const other = await makePki(await makeKeys())
  await expect(verify(document, { rootDer: other.rootDer })).rejects.toMatchObject({ code: 'attestation_chain' })
})

test('refuses a root that is no certificate', async () => {
  await expect(verify(document, { rootDer: new Uint8Array() })).rejects.toMatchObject({ code: 'attestation_chain' })
})

test('never looks at the root that the document brings', async () => {
  await expect(verify(await makeDocument(pki, { cabundle: [hex('00'), ...pki.intermediates] }))).resolves.toBeDefined()
  const evil = await makePki(await makeKeys())
  await expect(verify(await makeDocument(evil, { cabundle: [pki.rootDer, ...evil.intermediates] }))).rejects.toMatchObject({ code: 'attestation_chain' })
  await expect(verify(await makeDocument(evil))).rejects.toMatchObject({ code: 'attestation_chain' })
})

test('judges certificates at the time the caller gives, not at the document’s', async () => {
  await expect(verify(await makeDocument(pki, { timestamp: 1 }))).resolves.toBeDefined()
  for (const atMs of [0, Date.UTC(2024, 11, 31), Date.UTC(2025, 0, 3)]) {
    await expect(verify(document, { atMs })).rejects.toMatchObject({ code: 'attestation_chain' })
  }
})

test.each<[string, () => Promise<Pki>]>([
  ['an expired leaf', () => makePki(keys, { leaf: { notAfter: utcTime('250101110000Z') } })],
  ['a broken name', () => makePki(keys, { zonal: { issuer: commonName('else') } })],
  ['no leaf at all', () => Promise.resolve({ ...pki, leafDer: hex('3000') })],
  ['an intermediate left out', () => Promise.resolve({ ...pki, intermediates: pki.intermediates.slice(1) })],
  ['the order reversed', () => Promise.resolve({ ...pki, intermediates: pki.intermediates.toReversed() })],
])('refuses a chain with %s', async (_name, make) => {
  await expect(verify(await makeDocument(await make()))).rejects.toMatchObject({ code: 'attestation_chain' })
})

const payload = (): Uint8Array => cborMap(makeEntries(pki))

test.each<[string, () => Promise<Uint8Array>]>([
  ['the key of an intermediate', () => signDocument(payload(), keys.instance)],
  ['another key', async () => signDocument(payload(), await makeKey())],
  ['zeros', () => signDocument(payload(), keys.leaf, { signature: new Uint8Array(96) })],
  ['ones', () => signDocument(payload(), keys.leaf, { signature: new Uint8Array(96).fill(0xff) })],
])('refuses a document signed with %s', async (_name, make) => {
  await expect(verify(await make())).rejects.toMatchObject({ code: 'attestation_signature' })
})

test('lets no small change through, and fails with its own codes only', async () => {
  const accepted: string[] = []
  let tried = 0
  for (const { name, bytes } of mutants(document, process.env.SLOW ? 1 : 23)) {
    tried++
    const error: unknown = await verify(bytes).then(() => accepted.push(name), (reason: unknown) => reason)
    if (!(error instanceof CloisterError) || !/^attestation_(malformed|chain|signature)$/.test(error.code)) accepted.push(name)
  }
  expect(accepted).toEqual([])
  expect(tried).toBeGreaterThan(300)
}, 600_000)

test('takes no option for granted', async () => {
  const call = verifyAttestation as (bytes: unknown, options: unknown) => Promise<unknown>
  await expect(call(document, { atMs: AT_MS })).rejects.toThrow(TypeError)
  await expect(call(document, { rootDer: pki.rootDer })).rejects.toThrow(TypeError)
  await expect(call(document, { rootDer: pki.rootDer, atMs: Number.NaN })).rejects.toThrow(TypeError)
  await expect(call(undefined, { rootDer: pki.rootDer, atMs: AT_MS })).rejects.toMatchObject({ code: 'attestation_malformed' })
})

test('tells AWS’s root from others', async () => {
  expect(AWS_NITRO_ROOT_G1_SHA256).toHaveLength(64)
  await expect(assertAwsRoot(pki.rootDer)).rejects.toMatchObject({ code: 'attestation_chain' })
})
