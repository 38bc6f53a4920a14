/** KMS envelopes as public repositories show them, through the enclave's own reader; and what becomes of one with a byte changed. */
import { constants, createCipheriv, createHash, createPrivateKey, createPublicKey, generateKeyPairSync, publicEncrypt, type KeyObject } from 'node:crypto'
import { EnvelopeError, openEnvelope } from '../../enclave-sim/core/cms.ts'
import { concat } from '../../lib/protocol/bytes.ts'
import { sealEnvelope } from '../../local/kms/envelope.ts'
import { flipped } from '../support/core-codes.ts'
import { describeVectors, hex, toHex, vectorBytes, vectorJson } from '../support/core-vectors.ts'

interface Sample {
  readonly name: string
  readonly file: string
  readonly key?: string
  readonly plaintext_hex?: string
  readonly content_len: number
}

const samples = vectorJson<readonly Sample[]>('cms/index.json') ?? []
const withKey = samples.filter((sample) => sample.key !== undefined)
const without = samples.filter((sample) => sample.key === undefined)
const idOf = (privateKey: KeyObject): Uint8Array => new Uint8Array(createHash('sha256').update(createPublicKey(privateKey).export({ type: 'spki', format: 'der' })).digest())

function open(envelope: Uint8Array, privateKey: KeyObject, id: Uint8Array | null = idOf(privateKey)): string {
  try {
    return toHex(openEnvelope(envelope, { privateKey, id }))
  } catch (error) {
    if (!(error instanceof EnvelopeError)) throw error
    return 'refused'
  }
}

const own = generateKeyPairSync('rsa', { modulusLength: 2048 })
const other = generateKeyPairSync('rsa', { modulusLength: 2048 })

describeVectors('cms')('samples', () => {
  test.each(withKey.map((sample) => [sample.name, sample] as const))('%s opens: named by the SHA-256 of the SPKI', (_name, { file, key, plaintext_hex: plaintext }) => {
    const privateKey = createPrivateKey(Buffer.from(vectorBytes(`cms/${key}`)))
    expect(open(vectorBytes(`cms/${file}`), privateKey)).toBe(plaintext)
    expect(open(vectorBytes(`cms/${file}`), privateKey, null)).toBe(plaintext)
    expect(open(vectorBytes(`cms/${file}`), privateKey, new Uint8Array(32))).toBe('refused')
    expect(open(vectorBytes(`cms/${file}`), own.privateKey)).toBe('refused')
    expect(open(vectorBytes(`cms/${file}`), own.privateKey, null)).toBe('refused')
  })

  /** Their keys are nobody's: so with our own key, IV and content in the same form, length for length. */
  test.each(samples.map((sample) => [sample.name, sample] as const))('%s parses: it opens when it is keyed anew', (_name, { file, content_len: length }) => {
    const bytes = Buffer.from(vectorBytes(`cms/${file}`))
    const contentKey = new Uint8Array(32).fill(7)
    const iv = new Uint8Array(16).fill(8)
    const cipher = createCipheriv('aes-256-cbc', contentKey, iv)
    const plaintext = new Uint8Array(length - 1).fill(9)
    const content = concat(cipher.update(plaintext), cipher.final())
    const wrapped = publicEncrypt({ key: own.publicKey, padding: constants.RSA_PKCS1_OAEP_PADDING, oaepHash: 'sha256' }, contentKey)
    bytes.set(wrapped, bytes.indexOf(hex('04820100')) + 4)
    bytes.set(iv, bytes.indexOf(hex('60864801650304012a0410')) + 11)
    const at = bytes.lastIndexOf(hex(`04${length.toString(16).padStart(2, '0')}`)) + 2
    const primitive = bytes.lastIndexOf(hex(`80${length.toString(16).padStart(2, '0')}`)) + 2
    bytes.set(content, Math.max(at, primitive))
    expect(open(bytes, own.privateKey, null)).toBe(toHex(plaintext))
  })

  test('there are some of either kind', () => {
    expect(withKey.length).toBeGreaterThanOrEqual(4)
    expect(without.length).toBeGreaterThanOrEqual(2)
  })
})

/** Where things are in what KMS sends. */
const AT = { id: 33, iv: 415, content: 435 } as const

describe('an envelope of ours, with something else in it', () => {
  const plaintext = new Uint8Array(32).fill(5)
  const good = sealEnvelope(plaintext, own.publicKey)

  test('the layout is as these tests have it', () => {
    expect(good).toHaveLength(493)
    expect(toHex(good.slice(AT.id - 2, AT.id))).toBe('8020')
    expect(toHex(good.slice(AT.iv - 2, AT.iv))).toBe('0410')
    expect(toHex(good.slice(AT.content - 4, AT.content))).toBe('a0800430')
    expect(open(good, own.privateKey)).toBe(toHex(plaintext))
  })

  // CBC carries no MAC. What is not noticed here: a bit of the IV turns the same bit of the first plaintext block; a bit of the first ciphertext block spoils
  // that block and turns one of the second. It takes the RSA public key alone to make an envelope anyway: that it came from KMS is for TLS to prove.
  test('any bit changed is refused, but for the IV and the first block of the content', () => {
    const unnoticed: number[] = []
    for (let at = 0; at < good.length; at++) {
      for (const bit of [0, 7]) {
        const changed = good.with(at, (good[at] as number) ^ (1 << bit))
        const opened = open(changed, own.privateKey)
        expect(opened).not.toBe(toHex(plaintext))
        // A changed last block may end like padding by chance, once in 256.
        if (opened !== 'refused' && at < AT.content + 32) unnoticed.push(at)
      }
    }
    const malleable = Array.from({ length: 16 }, (_, i) => AT.iv + i).concat(Array.from({ length: 16 }, (_, i) => AT.content + i))
    expect([...new Set(unnoticed)]).toEqual(malleable)
    const turned = open(flipped(good, AT.iv + 3), own.privateKey)
    expect(turned).toBe(toHex(flipped(plaintext, 3)))
  })

  test('any byte dropped, doubled or inserted is refused, and so is every prefix', () => {
    for (let at = 0; at < good.length; at++) {
      expect(open(concat(good.slice(0, at), good.slice(at + 1)), own.privateKey)).toBe('refused')
      expect(open(concat(good.slice(0, at), good.slice(at, at + 1), good.slice(at)), own.privateKey)).toBe('refused')
      expect(open(good.slice(0, at), own.privateKey)).toBe('refused')
    }
    expect(open(concat(good, new Uint8Array(1)), own.privateKey)).toBe('refused')
    expect(open(concat(good, good), own.privateKey)).toBe('refused')
    expect(open(new Uint8Array(), own.privateKey)).toBe('refused')
  })

  test('sealed for another is refused, though it names us', () => {
    const theirs = sealEnvelope(plaintext, other.publicKey)
    expect(open(theirs, own.privateKey)).toBe('refused')
    const renamed = concat(theirs.slice(0, AT.id), idOf(own.privateKey), theirs.slice(AT.id + 32))
    expect(open(renamed, own.privateKey)).toBe('refused')
  })

  test.each([16, 24, 31, 33])('a content key of %i bytes is refused', (length) => {
    const wrapped = publicEncrypt({ key: own.publicKey, padding: constants.RSA_PKCS1_OAEP_PADDING, oaepHash: 'sha256' }, new Uint8Array(length))
    const at = Buffer.from(good).indexOf(hex('04820100')) + 4
    expect(open(concat(good.slice(0, at), wrapped, good.slice(at + 256)), own.privateKey)).toBe('refused')
  })

  test.each<[string, object]>([
    ['OAEP with SHA-1', { padding: constants.RSA_PKCS1_OAEP_PADDING, oaepHash: 'sha1' }],
    ['PKCS #1 v1.5', { padding: constants.RSA_PKCS1_PADDING }],
  ])('a key wrapped with %s is refused', (_what, scheme) => {
    const wrapped = publicEncrypt({ key: own.publicKey, ...scheme }, new Uint8Array(32))
    const at = Buffer.from(good).indexOf(hex('04820100')) + 4
    expect(open(concat(good.slice(0, at), wrapped, good.slice(at + 256)), own.privateKey)).toBe('refused')
  })

  test('chunks of content are joined, and none at all is refused', () => {
    const head = good.slice(0, AT.content - 2)
    const content = good.slice(AT.content, AT.content + 48)
    const tail = good.slice(AT.content + 48)
    const chunk = (bytes: Uint8Array): Uint8Array => concat(Uint8Array.of(4, bytes.length), bytes)
    expect(open(concat(head, chunk(content.slice(0, 1)), chunk(content.slice(1, 40)), chunk(new Uint8Array()), chunk(content.slice(40)), tail), own.privateKey)).toBe(toHex(plaintext))
    expect(open(concat(head, tail), own.privateKey)).toBe('refused')
    expect(open(concat(head, chunk(content.slice(0, 47)), tail), own.privateKey)).toBe('refused')
  })

  test('every failure says the same', () => {
    for (const bad of [new Uint8Array(), flipped(good), flipped(good, 100), flipped(good, AT.id), good.slice(0, -1)]) {
      expect(() => openEnvelope(bad, { privateKey: own.privateKey, id: idOf(own.privateKey) })).toThrow('the envelope does not open')
    }
  })
})
