/** Power-on self-tests: a known answer for each primitive the enclave uses. One failure, and it never serves. */
import { createCipheriv, createHash, createHmac, generateKeyPairSync, hkdfSync, pbkdf2Sync, privateDecrypt, publicEncrypt, constants } from 'node:crypto'
import { keccak_256 } from '@noble/hashes/sha3.js'
import { sha256 } from '@noble/hashes/sha2.js'
import { HDKey } from '@scure/bip32'
import { equal, fromHex, toHex, utf8 } from '../../lib/protocol/bytes.ts'
import { generateChannelKey, openRequest, startRequest } from '../../lib/protocol/channel.ts'
import { jwkThumbprint, signProof, verifyProof } from '../../lib/protocol/proof.ts'
import { signEcdsa } from './signing.ts'
import { mnemonicBytes } from './mnemonic.ts'
import type { Argon2id } from './ports.ts'

const hex = (text: string): Uint8Array<ArrayBuffer> => fromHex(text) as Uint8Array<ArrayBuffer>

type Check = (argon2id: Argon2id) => string | Promise<string>

/** Name → what to compute, and the answer, with its source. */
export const SELF_TESTS: Readonly<Record<string, readonly [Check, string]>> = {
  // FIPS 180-4, "abc"
  sha256: [() => toHex(sha256(utf8('abc'))), 'ba7816bf8f01cfea414140de5dae2223b00361a396177a9cb410ff61f20015ad'],
  sha256Native: [() => createHash('sha256').update('abc').digest('hex'), 'ba7816bf8f01cfea414140de5dae2223b00361a396177a9cb410ff61f20015ad'],
  // FIPS 180-4, "abc"
  sha384: [
    () => createHash('sha384').update('abc').digest('hex'),
    'cb00753f45a35e8bb5a03d699ac65007272c32ab0eded1631a8b605a43ff5bed8086072ba1e7cc2358baeca134c825a7',
  ],
  // Keccak team, empty message
  keccak256: [() => toHex(keccak_256(new Uint8Array())), 'c5d2460186f7233c927e7db2dcc703c0e500b653ca82273b7bfad8045d85a470'],
  // RFC 4231 §4.3
  hmac: [
    () => createHmac('sha256', 'Jefe').update('what do ya want for nothing?').digest('hex'),
    '5bdcc146bf60754e6a042426089575c75a003f089d2739839dec58b964ec3843',
  ],
  // RFC 5869 §A.1
  hkdf: [
    () => toHex(new Uint8Array(hkdfSync('sha256', new Uint8Array(22).fill(11), hex('000102030405060708090a0b0c'), hex('f0f1f2f3f4f5f6f7f8f9'), 42))),
    '3cb25f25faacd57a90434f64d0362f2a2d2d0a90cf1a5a4c5db02d56ecc4c5bf34007208d5b887185865',
  ],
  // The GCM specification, test case 14
  aesGcm: [aesGcm, 'cea7403d4d606b6e074ec5d3baf39d18d0d1c8a799996bf0265b98b5d48ab919'],
  // BIP-39, Trezor's first vector
  pbkdf2: [
    () => pbkdf2Sync(mnemonicBytes(new Uint8Array(16)), 'mnemonicTREZOR', 2048, 64, 'sha512').toString('hex'),
    'c55257c360c07c72029aebc1b53c05ed0362ada38ead3e3e9efa3708e53495531f09a6987599d18264c1e1c92f2cf141630c7a3c4ab7c81b2f001698e7463b04',
  ],
  // BIP-32, vector 1
  bip32: [
    () => toHex(HDKey.fromMasterSeed(hex('000102030405060708090a0b0c0d0e0f')).derive("m/0'/1/2'/2/1000000000").publicKey as Uint8Array),
    '022a471424da5e657499d1ff51cb43c47481a03b1e77f951fe64cec9f5a48f7011',
  ],
  // Argon2id, 256 KiB, 2 passes; node:crypto's own implementation gives the same
  argon2id: [
    async (argon2id) => {
      const parameters = { memoryKiB: 256, iterations: 2, parallelism: 1, length: 32 }
      return toHex(await argon2id(new Uint8Array(32).fill(1), new Uint8Array(16).fill(2), parameters))
    },
    '62293e2bb7d56302045dd5c9428b4da4e37f063dc1d5a47828fd9bcf52bdb53b',
  ],
  // RFC 6979 over secp256k1 with the key 1: the vector that Bitcoin libraries share
  ecdsa: [
    ecdsa,
    '33a69cd2065432a30f3d1ce4eb0d59b8ab58c74f27c41a7fdb5696ad4e6108c96f807982866f785d3f6418d24163ddae117b7db4d5fdf0071de069fa54342262',
  ],
  // RFC 7638 has no P-256 example; two halves of our own
  proof: [proof, 'valid'],
  hpke: [hpke, 'valid'],
  rsaOaep: [rsaOaep, 'valid'],
}

/** @throws Error that names the primitive which failed */
export async function runSelfTests(argon2id: Argon2id, tests: typeof SELF_TESTS = SELF_TESTS): Promise<void> {
  for (const [name, [compute, expected]] of Object.entries(tests)) {
    const got = await Promise.resolve(compute(argon2id)).catch(() => undefined)
    if (got !== expected) throw new Error(`self-test failed: ${name}`)
  }
}

function aesGcm(): string {
  const cipher = createCipheriv('aes-256-gcm', new Uint8Array(32), new Uint8Array(12))
  return Buffer.concat([cipher.update(new Uint8Array(16)), cipher.final(), cipher.getAuthTag()]).toString('hex')
}

function ecdsa(): string {
  const key = new Uint8Array(32)
  key[31] = 1
  const generator = hex('0279be667ef9dcbbac55a06295ce870b07029bfcdb2dce28d959f2815b16f81798')
  return toHex(signEcdsa(key, generator, sha256(utf8('Everything should be made as simple as possible, but not simpler.'))).compact)
}

async function proof(): Promise<string> {
  const pair = await crypto.subtle.generateKey({ name: 'ECDSA', namedCurve: 'P-256' }, true, ['sign', 'verify'])
  const point = new Uint8Array(await crypto.subtle.exportKey('raw', pair.publicKey))
  const key = { privateKey: pair.privateKey, x: point.slice(1, 33), y: point.slice(33), random: new Uint8Array(32) }
  if ((await jwkThumbprint(key)).length !== 32) return 'thumbprint'
  const bytes = new Uint8Array(32)
  const body = {
    op: 'view', wallet: '', request: bytes, issuedAtMs: 0, idempotency: bytes, token: bytes, pin: null, otp: null, parameters: {},
  } as const
  const good = await signProof(key, bytes, bytes, body)
  const [yes, no] = [await verifyProof(good, bytes, bytes, body), await verifyProof(good, bytes, bytes, { ...body, issuedAtMs: 1 })]
  return yes && !no ? 'valid' : 'invalid'
}

async function hpke(): Promise<string> {
  const pair = await generateChannelKey()
  const header = utf8('header')
  const started = await startRequest(pair.publicKey)
  const { ciphertext, openAnswer } = await started.seal(header, utf8('body'))
  const opened = await openRequest(pair, header, started.enc, ciphertext)
  const other = await openRequest(pair, utf8('other'), started.enc, ciphertext)
  if (opened === undefined || other !== undefined || toHex(opened.body) !== toHex(utf8('body'))) return 'request'
  const answer = await openAnswer(await opened.sealAnswer(utf8('answer'), header), header)
  return answer !== undefined && equal(answer, utf8('answer')) ? 'valid' : 'answer'
}

function rsaOaep(): string {
  const { publicKey, privateKey } = generateKeyPairSync('rsa', { modulusLength: 2048 })
  const scheme = { padding: constants.RSA_PKCS1_OAEP_PADDING, oaepHash: 'sha256' }
  const opened = privateDecrypt({ key: privateKey, ...scheme }, publicEncrypt({ key: publicKey, ...scheme }, utf8('abc')))
  return opened.toString() === 'abc' ? 'valid' : 'invalid'
}
