/**
 * The channel: HPKE (RFC 9180) base mode, DHKEM(X25519, HKDF-SHA256), HKDF-SHA256, AES-256-GCM, one request a context;
 * the answer comes back under a key exported from the same context, as Oblivious HTTP does it (RFC 9458 §4.4).
 */
import {
  AEAD_AES_256_GCM,
  CipherSuite,
  KDF_HKDF_SHA256,
  KEM_DHKEM_X25519_HKDF_SHA256,
} from 'hpke'
import { concat, utf8 } from './bytes.ts'
import { framed, LABELS } from './labels.ts'

/** @internal The channel's algorithms. Exported for known answers (scripts/vectors); everything else goes through the functions below. */
export const suite = new CipherSuite(KEM_DHKEM_X25519_HKDF_SHA256, KDF_HKDF_SHA256, AEAD_AES_256_GCM)
const INFO = utf8(LABELS.request)
const ANSWER_CONTEXT = utf8(LABELS.answer)
const NONCE_BYTES = 32 // max(Nn, Nk) of AES-256-GCM

/** Of hpke's shape, and not by its name: the package's declarations need no other package. */
export interface ChannelKeyPair {
  readonly publicKey: CryptoKey
  readonly privateKey: CryptoKey
}
export type ChannelPublicKey = CryptoKey

/** A fresh key pair; its private half can't be exported. */
export function generateChannelKey(): Promise<ChannelKeyPair> {
  return suite.GenerateKeyPair(false)
}

/** 32 bytes (RFC 7748). */
export function serializeChannelKey(key: CryptoKey): Promise<Uint8Array> {
  return suite.SerializePublicKey(key)
}

/** @throws Error unless 32 bytes. */
export function parseChannelKey(bytes: Uint8Array): Promise<CryptoKey> {
  return suite.DeserializePublicKey(bytes)
}

/** First 16 bytes of SHA-256(label ‖ public key). */
export async function channelKeyId(publicKey: Uint8Array): Promise<Uint8Array<ArrayBuffer>> {
  const digest = await crypto.subtle.digest('SHA-256', framed(LABELS.channelKeyId, publicKey))
  return new Uint8Array(digest).slice(0, 16)
}

/** Opens the one answer to a request; `bound` are the bytes that both sides know it belongs to. */
export type OpenAnswer = (sealed: Uint8Array, bound: Uint8Array) => Promise<Uint8Array<ArrayBuffer> | undefined>
export type SealAnswer = (answer: Uint8Array, bound: Uint8Array) => Promise<Uint8Array<ArrayBuffer>>

/** Client side, first half: `enc` exists before the body, for the proof signs over it. */
export async function startRequest(recipient: CryptoKey): Promise<{
  readonly enc: Uint8Array
  seal(header: Uint8Array, body: Uint8Array): Promise<{ ciphertext: Uint8Array; openAnswer: OpenAnswer }>
}> {
  const { encapsulatedSecret: enc, ctx } = await suite.SetupSender(recipient, { info: INFO })
  return {
    enc,
    async seal(header, body) {
      const ciphertext = await ctx.Seal(body, header)
      const secret = await ctx.Export(ANSWER_CONTEXT, NONCE_BYTES)
      return {
        ciphertext,
        async openAnswer(sealed, bound) {
          if (sealed.length < NONCE_BYTES + 16) return undefined
          const nonce = sealed.slice(0, NONCE_BYTES)
          const { key, iv } = await answerKey(secret, enc, nonce, 'decrypt')
          try {
            const params = { name: 'AES-GCM', iv, additionalData: new Uint8Array(bound) }
            return new Uint8Array(await crypto.subtle.decrypt(params, key, sealed.slice(NONCE_BYTES)))
          } catch {
            return undefined
          }
        },
      }
    },
  }
}

/** Enclave side. Returns `undefined` when the ciphertext does not open under this key, header and `enc`. */
export async function openRequest(
  keyPair: ChannelKeyPair,
  header: Uint8Array,
  enc: Uint8Array,
  ciphertext: Uint8Array,
): Promise<{ body: Uint8Array; sealAnswer: SealAnswer } | undefined> {
  let ctx
  let body
  try {
    ctx = await suite.SetupRecipient(keyPair, enc, { info: INFO })
    body = await ctx.Open(ciphertext, header)
  } catch {
    return undefined
  }
  const secret = await ctx.Export(ANSWER_CONTEXT, NONCE_BYTES)
  return {
    body,
    async sealAnswer(answer, bound) {
      const nonce = crypto.getRandomValues(new Uint8Array(NONCE_BYTES))
      const { key, iv } = await answerKey(secret, enc, nonce, 'encrypt')
      const params = { name: 'AES-GCM', iv, additionalData: new Uint8Array(bound) }
      return concat(nonce, new Uint8Array(await crypto.subtle.encrypt(params, key, answer as Uint8Array<ArrayBuffer>)))
    },
  }
}

/** RFC 9458 §4.4: salt = enc ‖ nonce; key and IV by HKDF-SHA256 with the infos "key" and "nonce". */
async function answerKey(secret: Uint8Array, enc: Uint8Array, nonce: Uint8Array, usage: 'encrypt' | 'decrypt') {
  const salt = concat(enc, nonce)
  const ikm = await crypto.subtle.importKey('raw', new Uint8Array(secret), 'HKDF', false, ['deriveBits', 'deriveKey'])
  const hkdf = (info: string) => ({ name: 'HKDF', hash: 'SHA-256', salt, info: utf8(info) })
  const key = await crypto.subtle.deriveKey(hkdf('key'), ikm, { name: 'AES-GCM', length: 256 }, false, [usage])
  const iv = new Uint8Array(await crypto.subtle.deriveBits(hkdf('nonce'), ikm, 96))
  return { key, iv }
}
