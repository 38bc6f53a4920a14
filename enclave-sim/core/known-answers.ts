/** Self-tests that take more than a line: what is computed, and that what was tampered with is refused. Their answers are in self-test.ts. */
import { constants, createCipheriv, createDecipheriv, createPrivateKey, privateDecrypt } from 'node:crypto'
import { sha256 } from '@noble/hashes/sha2.js'
import { concat, equal, fromBase64url, fromHex, toHex, utf8 } from '../../lib/protocol/bytes.ts'
import { generateChannelKey, openRequest, startRequest, suite } from '../../lib/protocol/channel.ts'
import { jwkThumbprint, signProof, verifyProof } from '../../lib/protocol/proof.ts'
import { signEcdsa } from './signing.ts'

export const hex = (text: string): Uint8Array<ArrayBuffer> => fromHex(text) as Uint8Array<ArrayBuffer>
const base64url = (text: string): Uint8Array<ArrayBuffer> => fromBase64url(text) as Uint8Array<ArrayBuffer>

/** Bytes with the last bit turned: what a tag or a signature must not survive. */
function tampered(bytes: Uint8Array): Uint8Array<ArrayBuffer> {
  const other = new Uint8Array(bytes)
  other[other.length - 1] = (other.at(-1) as number) ^ 1
  return other
}

async function refuses(attempt: () => unknown): Promise<boolean> {
  try {
    await attempt()
    return false
  } catch {
    return true
  }
}

/** The GCM specification (McGrew, Viega), test case 16: AES-256, with additional data. */
const GCM = {
  key: hex('feffe9928665731c6d6a8f9467308308feffe9928665731c6d6a8f9467308308'),
  iv: hex('cafebabefacedbaddecaf888'),
  aad: hex('feedfacedeadbeeffeedfacedeadbeefabaddad2'),
  plaintext: hex('d9313225f88406e5a55909c5aff5269a86a7a9531534f7da2e4c303d8a318a721c3c0c95956809532fcf0e2449a6b525b16aedf5aa0de657ba637b39'),
}

/** Seals, opens what it sealed, and refuses it with another tag. */
export async function aesGcm(): Promise<string> {
  const cipher = createCipheriv('aes-256-gcm', GCM.key, GCM.iv).setAAD(GCM.aad)
  const ciphertext = concat(cipher.update(GCM.plaintext), cipher.final())
  const tag = cipher.getAuthTag()
  const open = (with_: Uint8Array): Uint8Array => {
    const decipher = createDecipheriv('aes-256-gcm', GCM.key, GCM.iv, { authTagLength: 16 }).setAAD(GCM.aad).setAuthTag(with_)
    return concat(decipher.update(ciphertext), decipher.final())
  }
  if (!equal(open(tag), GCM.plaintext)) return 'opened to something else'
  return (await refuses(() => open(tampered(tag)))) ? toHex(concat(ciphertext, tag)) : 'not authenticated'
}

/** The same by WebCrypto, which seals the answers. */
export async function aesGcmWeb(): Promise<string> {
  const key = await crypto.subtle.importKey('raw', GCM.key, 'AES-GCM', false, ['encrypt', 'decrypt'])
  const params = { name: 'AES-GCM', iv: GCM.iv, additionalData: GCM.aad }
  const sealed = new Uint8Array(await crypto.subtle.encrypt(params, key, GCM.plaintext))
  if (!equal(new Uint8Array(await crypto.subtle.decrypt(params, key, sealed)), GCM.plaintext)) return 'opened to something else'
  return (await refuses(() => crypto.subtle.decrypt(params, key, tampered(sealed)))) ? toHex(sealed) : 'not authenticated'
}

/** NIST SP 800-38A §F.2.6, first block: how KMS's envelopes are opened. */
export function aesCbc(): string {
  const key = hex('603deb1015ca71be2b73aef0857d77811f352c073b6108d72d9810a30914dff4')
  const decipher = createDecipheriv('aes-256-cbc', key, hex('000102030405060708090a0b0c0d0e0f')).setAutoPadding(false)
  return toHex(concat(decipher.update(hex('f58c4c04d6e5f1ba779eabfb5f7bfbd6')), decipher.final()))
}

/** RFC 5869 §A.1 by WebCrypto. */
export async function hkdfWeb(): Promise<string> {
  const key = await crypto.subtle.importKey('raw', new Uint8Array(22).fill(11), 'HKDF', false, ['deriveBits'])
  const params = { name: 'HKDF', hash: 'SHA-256', salt: hex('000102030405060708090a0b0c'), info: hex('f0f1f2f3f4f5f6f7f8f9') }
  return toHex(new Uint8Array(await crypto.subtle.deriveBits(params, key, 42 * 8)))
}

/** RFC 6979 with the key 1; a signature that is not of the key it is said to be of is not let out. */
export async function ecdsa(): Promise<string> {
  const key = new Uint8Array(32)
  key[31] = 1
  const generator = hex('0279be667ef9dcbbac55a06295ce870b07029bfcdb2dce28d959f2815b16f81798')
  const digest = sha256(utf8('Everything should be made as simple as possible, but not simpler.'))
  const { compact } = signEcdsa(key, generator, digest)
  const another = hex('02c6047f9441ed7d6d3045406e95c07cd85c778e4b8cef3ca7abac09b95c709ee5') // 2·G
  return (await refuses(() => signEcdsa(key, another, digest))) ? toHex(compact) : 'not verified'
}

export async function proof(): Promise<string> {
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

/** RFC 9180's vectors (§A, test-vectors.json): base mode, X25519, HKDF-SHA256, AES-256-GCM. The first message and the first exported secret. */
export async function hpkeKnown(): Promise<string> {
  const pair = {
    privateKey: await suite.DeserializePrivateKey(hex('497b4502664cfea5d5af0b39934dac72242a74f8480451e1aee7d6a53320333d'), false),
    publicKey: await suite.DeserializePublicKey(hex('430f4b9859665145a6b1ba274024487bd66f03a2dd577d7753c68d7d7d00c00c')),
  }
  const enc = hex('6c93e09869df3402d7bf231bf540fadd35cd56be14f97178f0954db94b7fc256')
  const context = await suite.SetupRecipient(pair, enc, { info: utf8('Ode on a Grecian Urn') })
  const sealed = hex('e5d84cd531cfb583096e7cfa9641bd3079cf3a91cda813c52deb5f512be9931980a41de125a925cdad859d5b7a')
  const opened = await context.Open(sealed, utf8('Count-0'))
  return toHex(concat(opened, await context.Export(new Uint8Array(), 32)))
}

/** Our own use of it, there and back. */
export async function hpke(): Promise<string> {
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

/**
 * RSAES-OAEP with SHA-256 (RFC 8017 §7.1), which has no published example of its own: the key is the one of RFC 7520 §3.4, and the bytes 0 to 31 were
 * encrypted under it with the seed 32 to 63, by arithmetic written down for the purpose.
 */
export async function rsaOaep(): Promise<string> {
  const key = createPrivateKey({ format: 'jwk', key: RFC_7520_KEY })
  const scheme = { key, padding: constants.RSA_PKCS1_OAEP_PADDING }
  const opened = privateDecrypt({ ...scheme, oaepHash: 'sha256' }, OAEP_CIPHERTEXT)
  const refused = (await refuses(() => privateDecrypt({ ...scheme, oaepHash: 'sha256' }, tampered(OAEP_CIPHERTEXT)))) && (await refuses(() => privateDecrypt({ ...scheme, oaepHash: 'sha1' }, OAEP_CIPHERTEXT)))
  return refused ? toHex(opened) : 'not refused'
}

const OAEP_CIPHERTEXT = base64url(
  'TXUhZRiAtHXfYdMbgh9H2Nq0Pk1Gn7I_lbFFB-8x5Jn1PZRxoSK0jA3AokprNIH6n4-KfzXvY7CQMoBQ6oARP7h6xkdEAB2Qevxc4pbjV1V1S89x8sK-2J_-Dv20xnTd86DBWup1Ync0AS1mslysKywp-8BnDsC7_liLt0sd37bIBiyrRCaYIQXF6xzIiq2IW1_JtPpQVCywVT3wE4fE4N6dIel1VPX09BkYLhRaUIlgwlY7uVy6sTqCt6uXrdtI2xpahQOvJcK96SMWHxcHesdgUfueHy1DBiQ4LXoO_6pBmqKhNswtDTH5aTdWxLz-NsjzmSjUKdEYPYvOYE9pzw',
)

/** Published, and nobody's. */
const RFC_7520_KEY = {
  kty: 'RSA',
  e: 'AQAB',
  n: 'n4EPtAOCc9AlkeQHPzHStgAbgs7bTZLwUBZdR8_KuKPEHLd4rHVTeT-O-XV2jRojdNhxJWTDvNd7nqQ0VEiZQHz_AJmSCpMaJMRBSFKrKb2wqVwGU_NsYOYL-QtiWN2lbzcEe6XC0dApr5ydQLrHqkHHig3RBordaZ6Aj-oBHqFEHYpPe7Tpe-OfVfHd1E6cS6M1FZcD1NNLYD5lFHpPI9bTwJlsde3uhGqC0ZCuEHg8lhzwOHrtIQbS0FVbb9k3-tVTU4fg_3L_vniUFAKwuCLqKnS2BYwdq_mzSnbLY7h_qixoR7jig3__kRhuaxwUkRz5iaiQkqgc5gHdrNP5zw',
  d: 'bWUC9B-EFRIo8kpGfh0ZuyGPvMNKvYWNtB_ikiH9k20eT-O1q_I78eiZkpXxXQ0UTEs2LsNRS-8uJbvQ-A1irkwMSMkK1J3XTGgdrhCku9gRldY7sNA_AKZGh-Q661_42rINLRCe8W-nZ34ui_qOfkLnK9QWDDqpaIsA-bMwWWSDFu2MUBYwkHTMEzLYGqOe04noqeq1hExBTHBOBdkMXiuFhUq1BU6l-DqEiWxqg82sXt2h-LMnT3046AOYJoRioz75tSUQfGCshWTBnP5uDjd18kKhyv07lhfSJdrPdM5Plyl21hsFf4L_mHCuoFau7gdsPfHPxxjVOcOpBrQzwQ',
  p: '3Slxg_DwTXJcb6095RoXygQCAZ5RnAvZlno1yhHtnUex_fp7AZ_9nRaO7HX_-SFfGQeutao2TDjDAWU4Vupk8rw9JR0AzZ0N2fvuIAmr_WCsmGpeNqQnev1T7IyEsnh8UMt-n5CafhkikzhEsrmndH6LxOrvRJlsPp6Zv8bUq0k',
  q: 'uKE2dh-cTf6ERF4k4e_jy78GfPYUIaUyoSSJuBzp3Cubk3OCqs6grT8bR_cu0Dm1MZwWmtdqDyI95HrUeq3MP15vMMON8lHTeZu2lmKvwqW7anV5UzhM1iZ7z4yMkuUwFWoBvyY898EXvRD-hdqRxHlSqAZ192zB3pVFJ0s7pFc',
  dp: 'B8PVvXkvJrj2L-GYQ7v3y9r6Kw5g9SahXBwsWUzp19TVlgI-YV85q1NIb1rxQtD-IsXXR3-TanevuRPRt5OBOdiMGQp8pbt26gljYfKU_E9xn-RULHz0-ed9E9gXLKD4VGngpz-PfQ_q29pk5xWHoJp009Qf1HvChixRX59ehik',
  dq: 'CLDmDGduhylc9o7r84rEUVn7pzQ6PF83Y-iBZx5NT-TpnOZKF1pErAMVeKzFEl41DlHHqqBLSM0W1sOFbwTxYWZDm6sI6og5iTbwQGIC3gnJKbi_7k_vJgGHwHxgPaX2PnvP-zyEkDERuf-ry4c_Z11Cq9AqC2yeL6kdKT1cYF8',
  qi: '3PiqvXQN0zwMeE-sBvZgi289XP9XCQF3VWqPzMKnIgQp7_Tugo6-NZBKCQsMf3HaEGBjTVJs_jcK8-TRXvaKe-7ZMaQj8VfBdYkssbu0NKDDhjJ-GtiseaDVWt7dcH0cfwxgFUHpQh7FoCrjFJ6h6ZEpMF6xmujs4qMpPz8aaI4',
}
