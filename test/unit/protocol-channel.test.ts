/** The channel: opened by one key, under one header, once; and its answer by whoever asked. RFC 9180 and RFC 9458 §4.4 by another hand. */
import { createDecipheriv, hkdfSync } from 'node:crypto'
import { AEAD_AES_256_GCM, CipherSuite, KDF_HKDF_SHA256, KEM_DHKEM_X25519_HKDF_SHA256 } from 'hpke'
import { concat, toHex, utf8 } from '../../lib/protocol/bytes.ts'
import { channelKeyId, generateChannelKey, openRequest, parseChannelKey, serializeChannelKey, startRequest, type ChannelKeyPair } from '../../lib/protocol/channel.ts'
import { framed, LABELS } from '../../lib/protocol/labels.ts'
import { jwkThumbprint, signProof, tokenNonce, verifyProof } from '../../lib/protocol/proof.ts'
import type { UnprovenBody } from '../../lib/protocol/request.ts'
import { flipped } from '../support/core-codes.ts'

const suite = new CipherSuite(KEM_DHKEM_X25519_HKDF_SHA256, KDF_HKDF_SHA256, AEAD_AES_256_GCM)
const header = utf8('header')
let pair: ChannelKeyPair
beforeAll(async () => {
  pair = await generateChannelKey()
})

async function exchange(body = utf8('body')) {
  const { enc, seal } = await startRequest(pair.publicKey)
  return { enc, ...(await seal(header, body)) }
}

describe('a request', () => {
  test('opens, whatever its length', async () => {
    for (const length of [0, 1, 100, 200_000]) {
      const { enc, ciphertext } = await exchange(new Uint8Array(length).fill(7))
      expect((await openRequest(pair, header, enc, ciphertext))?.body).toEqual(new Uint8Array(length).fill(7))
    }
  })

  test('rejects another header, enc, ciphertext or key', async () => {
    const { enc, ciphertext } = await exchange()
    const opens = async (...[with_, under, from, of]: Parameters<typeof openRequest>): Promise<boolean> => (await openRequest(with_, under, from, of)) !== undefined
    expect(await opens(pair, header, enc, ciphertext)).toBe(true)
    expect(await opens(pair, utf8('headeR'), enc, ciphertext)).toBe(false)
    expect(await opens(pair, new Uint8Array(), enc, ciphertext)).toBe(false)
    for (let at = 0; at < ciphertext.length; at++) expect(await opens(pair, header, enc, flipped(ciphertext, at))).toBe(false)
    expect(await opens(pair, header, enc, ciphertext.slice(0, -1))).toBe(false)
    expect(await opens(pair, header, enc, new Uint8Array())).toBe(false)
    for (const bad of [flipped(enc, 3), new Uint8Array(32), enc.slice(1), concat(enc, new Uint8Array(1)), new Uint8Array()]) expect(await opens(pair, header, bad, ciphertext)).toBe(false)
    expect(await opens(await generateChannelKey(), header, enc, ciphertext)).toBe(false)
  })

  test('is plain HPKE base mode with our info and the header as AAD: another implementation of the sender', async () => {
    const { encapsulatedSecret, ciphertext } = await suite.Seal(pair.publicKey, utf8('body'), { info: utf8('cloister/v1 request'), aad: header })
    expect((await openRequest(pair, header, encapsulatedSecret, ciphertext))?.body).toEqual(utf8('body'))
    const other = await suite.Seal(pair.publicKey, utf8('body'), { info: utf8('cloister/v2 request'), aad: header })
    expect(await openRequest(pair, header, other.encapsulatedSecret, other.ciphertext)).toBeUndefined()
  })

  test('the private key can not be taken out', async () => {
    expect(pair.privateKey.extractable).toBe(false)
    await expect(crypto.subtle.exportKey('pkcs8', pair.privateKey)).rejects.toThrow()
  })
})

describe('an answer', () => {
  test('opens for the one who asked, under its binding', async () => {
    const { enc, ciphertext, openAnswer } = await exchange()
    const opened = await openRequest(pair, header, enc, ciphertext)
    const sealed = await opened?.sealAnswer(utf8('answer'), utf8('binding')) as Uint8Array
    expect(await openAnswer(sealed, utf8('binding'))).toEqual(utf8('answer'))
    expect(await openAnswer(sealed, utf8('bindinG'))).toBeUndefined()
    for (let at = 0; at < sealed.length; at++) expect(await openAnswer(flipped(sealed, at), utf8('binding'))).toBeUndefined()
    for (const length of [0, 31, 47, sealed.length - 1]) expect(await openAnswer(sealed.slice(0, length), utf8('binding'))).toBeUndefined()
    const other = await exchange()
    expect(await other.openAnswer(sealed, utf8('binding'))).toBeUndefined()
  })

  test('is sealed anew each time', async () => {
    const { enc, ciphertext, openAnswer } = await exchange()
    const opened = await openRequest(pair, header, enc, ciphertext)
    const sealed = await Promise.all([1, 2, 3].map(async () => (await opened?.sealAnswer(utf8('answer'), header)) as Uint8Array))
    expect(new Set(sealed.map((one) => toHex(one.slice(0, 32)))).size).toBe(3)
    for (const one of sealed) expect(await openAnswer(one, header)).toEqual(utf8('answer'))
  })

  test('is RFC 9458 §4.4 with the exporter context of ours: by node:crypto', async () => {
    const { encapsulatedSecret: enc, ctx } = await suite.SetupSender(pair.publicKey, { info: utf8('cloister/v1 request') })
    const ciphertext = await ctx.Seal(utf8('body'), header)
    const secret = await ctx.Export(utf8('cloister/v1 answer'), 32)
    const opened = await openRequest(pair, header, enc, ciphertext)
    const sealed = (await opened?.sealAnswer(utf8('answer'), utf8('binding'))) as Uint8Array
    const [nonce, content, tag] = [sealed.slice(0, 32), sealed.slice(32, -16), sealed.slice(-16)]
    const salt = concat(enc, nonce)
    // HKDF-Expand(HKDF-Extract(salt, secret), info) is what hkdfSync does.
    const key = new Uint8Array(hkdfSync('sha256', secret, salt, utf8('key'), 32))
    const iv = new Uint8Array(hkdfSync('sha256', secret, salt, utf8('nonce'), 12))
    const decipher = createDecipheriv('aes-256-gcm', key, iv)
    decipher.setAAD(utf8('binding'))
    decipher.setAuthTag(tag)
    expect(concat(decipher.update(content), decipher.final())).toEqual(utf8('answer'))
  })
})

describe('a channel key', () => {
  test('has 32 bytes, and an id of 16 that it alone has', async () => {
    const bytes = await serializeChannelKey(pair.publicKey)
    expect(bytes).toHaveLength(32)
    expect(await serializeChannelKey(await parseChannelKey(bytes))).toEqual(bytes)
    const id = await channelKeyId(bytes)
    expect(id).toHaveLength(16)
    expect(await channelKeyId(flipped(bytes))).not.toEqual(id)
  })

  test.each([0, 31, 33])('rejects %i bytes', async (length) => {
    await expect(parseChannelKey(new Uint8Array(length))).rejects.toThrow()
  })
})

describe('labels', () => {
  test('each purpose its own', () => {
    const labels = Object.values(LABELS)
    expect(new Set(labels).size).toBe(labels.length)
  })

  test('no two lists of parts give the same bytes', () => {
    const lists: string[][] = [[], [''], ['', ''], ['a'], ['a', ''], ['', 'a'], ['a', 'b'], ['ab'], ['b', 'a'], ['a', '\0\0\0\u0001b'], ['\0\0\0\0'], ['\0\0\0\0', '']]
    const framings = ['', 'l', 'la'].flatMap((label) => lists.map((list) => toHex(framed(label, ...list.map((part) => utf8(part))))))
    expect(new Set(framings).size).toBe(framings.length)
    expect(toHex(framed('l', utf8('ab')))).toBe('000000016c000000026162')
  })
})

describe('the client key', () => {
  const random = new Uint8Array(32).fill(3)
  const enc = new Uint8Array(32).fill(4)
  const bytes16 = new Uint8Array(16)
  const body: UnprovenBody = { op: 'view', wallet: 'w', request: bytes16, issuedAtMs: 1, idempotency: bytes16, token: random, pin: null, otp: null, parameters: {} }
  async function newKey() {
    const { privateKey, publicKey } = await crypto.subtle.generateKey({ name: 'ECDSA', namedCurve: 'P-256' }, true, ['sign', 'verify'])
    const point = new Uint8Array(await crypto.subtle.exportKey('raw', publicKey))
    return { privateKey, publicKey, x: point.slice(1, 33), y: point.slice(33), random }
  }

  test('thumbprint of RFC 7638, as jose makes it', async () => {
    const { calculateJwkThumbprint, exportJWK } = await import('jose')
    const key = await newKey()
    expect(Buffer.from(await jwkThumbprint(key)).toString('base64url')).toBe(await calculateJwkThumbprint(await exportJWK(key.publicKey)))
  })

  test('the nonce commits to key and random value', async () => {
    const [one, two] = [await newKey(), await newKey()]
    const nonces = [await tokenNonce(one, random), await tokenNonce(two, random), await tokenNonce(one, flipped(random)), await tokenNonce({ x: one.y, y: one.x }, random)]
    expect(new Set(nonces).size).toBe(4)
    expect(nonces[0]).toMatch(/^[A-Za-z0-9_-]{43}$/)
  })

  test('a proof holds for its header, enc and body, and for nothing else', async () => {
    const proof = await signProof(await newKey(), header, enc, body)
    expect(await verifyProof(proof, header, enc, body)).toBe(true)
    expect(await verifyProof(proof, flipped(header), enc, body)).toBe(false)
    expect(await verifyProof(proof, header, flipped(enc), body)).toBe(false)
    expect(await verifyProof(proof, enc, header, body)).toBe(false)
    expect(await verifyProof(proof, header, enc, { ...body, issuedAtMs: 2 })).toBe(false)
    expect(await verifyProof(proof, header, enc, { ...body, pin: new Uint8Array(4) })).toBe(false)
  })

  test.each<[string, (proof: Awaited<ReturnType<typeof signProof>>) => object]>([
    ['another key', () => ({ x: new Uint8Array(32).fill(1) })],
    ['the point at infinity', () => ({ x: new Uint8Array(32), y: new Uint8Array(32) })],
    ['a zero signature', () => ({ signature: new Uint8Array(64) })],
    ['a signature cut short', ({ signature }) => ({ signature: signature.slice(1) })],
    ['a signature in DER', ({ signature }) => ({ signature: concat(Uint8Array.of(0x30, 0x44, 2, 32), signature.slice(0, 32), Uint8Array.of(2, 32), signature.slice(32)) })],
  ])('a proof with %s does not', async (_what, change) => {
    const proof = await signProof(await newKey(), header, enc, body)
    expect(await verifyProof({ ...proof, ...change(proof) }, header, enc, body)).toBe(false)
  })
})
