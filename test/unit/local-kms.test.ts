import { execFileSync, spawnSync } from 'node:child_process'
import { generateKeyPairSync, randomBytes, type KeyObject } from 'node:crypto'
import { existsSync, readFileSync } from 'node:fs'
import { writeFile } from 'node:fs/promises'
import { join } from 'node:path'
import { openBlob, readUnverifiedHeader, sealBlob } from '../../local/kms/ciphertext.ts'
import { parseRecipientKey, sealEnvelope } from '../../local/kms/envelope.ts'
import { openKeyStore } from '../../local/kms/keys.ts'
import { stateDir } from '../support/local.ts'

const vectors = join('..', 'shared', 'vectors', 'cms')
const hasOpenssl = spawnSync('openssl', ['version']).status === 0
const spkiOf = (key: KeyObject): Uint8Array => new Uint8Array(key.export({ format: 'der', type: 'spki' }))
const { publicKey, privateKey } = generateKeyPairSync('rsa', { modulusLength: 2048 })

describe('CiphertextForRecipient', () => {
  const recipient = parseRecipientKey(spkiOf(publicKey)) as KeyObject

  test.each([[1, 461], [15, 461], [16, 477], [32, 493]])('a plaintext of %i bytes makes %i', (length, expected) => {
    expect(sealEnvelope(new Uint8Array(length), recipient)).toHaveLength(expected)
  })

  test.each([1, 32, 47, 111, 112, 128, 1024])('openssl opens one of %i bytes', async (length) => {
    if (!hasOpenssl) return console.warn('openssl is not on this machine: skipped')
    const dir = await stateDir()
    const plaintext = randomBytes(length)
    await writeFile(join(dir, 'key.pem'), privateKey.export({ format: 'pem', type: 'pkcs8' }))
    await writeFile(join(dir, 'envelope'), sealEnvelope(plaintext, recipient))
    const opened = execFileSync('openssl', ['cms', '-decrypt', '-inform', 'DER', '-in', join(dir, 'envelope'), '-inkey', join(dir, 'key.pem')])
    expect(opened.equals(plaintext)).toBe(true)
  })

  test('has the bytes of the real ones wherever those do not vary', () => {
    if (!existsSync(vectors)) return console.warn('no vectors beside the repository: skipped')
    const real = readFileSync(join(vectors, 'sequence-waas-decrypt.ber'))
    const ours = sealEnvelope(new Uint8Array(32), recipient)
    // Key identifier, wrapped key, IV and ciphertext, by their offsets.
    const varying: readonly (readonly [number, number])[] = [[33, 65], [131, 387], [415, 431], [435, 483]]
    const masked = (bytes: Uint8Array): string => {
      const copy = Buffer.from(bytes)
      for (const [from, to] of varying) copy.fill(0, from, to)
      return copy.toString('hex')
    }
    expect(masked(ours)).toBe(masked(real))
  })

  test('a recipient key is RSA-2048 in exact SPKI, or nothing', () => {
    const spki = spkiOf(publicKey)
    expect(parseRecipientKey(spki)).toBeDefined()
    const rejected = [
      new Uint8Array(), new Uint8Array(32), spki.subarray(1), new Uint8Array([...spki, 0]),
      spkiOf(generateKeyPairSync('rsa', { modulusLength: 1024 }).publicKey),
      spkiOf(generateKeyPairSync('ec', { namedCurve: 'P-256' }).publicKey),
    ]
    for (const bytes of rejected) expect(parseRecipientKey(bytes)).toBeUndefined()
  })
})

describe('ciphertext blobs', () => {
  const header = { keyId: '01234567-89ab-cdef-0123-456789abcdef', version: 3 }
  const material = randomBytes(32)
  const context = { a: '1', b: '2' }
  const blob = sealBlob(header, material, Buffer.from('data key'), context)

  test('say whose they are and open', () => {
    expect(readUnverifiedHeader(blob)).toEqual(header)
    expect(Buffer.from(openBlob(blob, material, { b: '2', a: '1' }) as Uint8Array).toString()).toBe('data key')
  })

  test('open under no other context or key', () => {
    for (const other of [{}, { a: '1' }, { a: '2', b: '1' }, { a: '1', b: '2', c: '' }, { a: '1b', '': '2' }]) {
      expect(openBlob(blob, material, other)).toBeUndefined()
    }
    expect(openBlob(blob, randomBytes(32), context)).toBeUndefined()
  })

  test('do not open with any byte changed', () => {
    for (let i = 0; i < blob.length; i++) {
      const changed = blob.slice()
      changed[i] = (changed[i] as number) ^ 1
      expect(openBlob(changed, material, context)).toBeUndefined()
    }
  })

  test('are not read when they are another format or too short', () => {
    expect(readUnverifiedHeader(new Uint8Array())).toBeUndefined()
    expect(readUnverifiedHeader(blob.subarray(0, 48))).toBeUndefined()
    expect(readUnverifiedHeader(new Uint8Array([2, ...blob.subarray(1)]))).toBeUndefined()
  })
})

test('keys survive a restart with their state, and a damaged file is not replaced by a new key', async () => {
  const dir = await stateDir()
  const options = { dir, region: 'us-east-1', accountId: '000000000000', nowMs: () => 1000 }
  const policy = JSON.stringify({ Version: '2012-10-17', Statement: { Effect: 'Allow', Principal: '*', Action: 'kms:*', Resource: '*' } })
  const store = await openKeyStore(options)
  const { keyId, arn } = await store.create(policy, 'a key')
  await store.rotate(keyId)
  await store.update(keyId, { state: 'PendingDeletion', deletionMs: 2000 })

  const again = await openKeyStore(options)
  expect(again.find(arn)).toEqual(store.find(keyId))
  expect(again.find(arn)).toMatchObject({ state: 'PendingDeletion', description: 'a key', materials: { length: 2 } })
  expect((await openKeyStore({ ...options, nowMs: () => 2000 })).find(arn)).toBeUndefined()
  expect(again.find(arn.replace('us-east-1', 'eu-west-1'))).toBeUndefined()

  await writeFile(join(dir, `${keyId}.json`), '{')
  await expect(openKeyStore(options)).rejects.toThrow()
})
