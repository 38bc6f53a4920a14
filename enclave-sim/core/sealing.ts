/** The ciphertexts of a record: `state` under the data key, `seed` under the data key and the PIN. */
import { createCipheriv, createDecipheriv, createHmac, randomBytes } from 'node:crypto'
import { concat, secretBytes, utf8, wipe } from '../../lib/protocol/bytes.ts'
import { encodeCbor } from '../../lib/protocol/cbor.ts'
import { LABELS } from '../../lib/protocol/labels.ts'

const NONCE_BYTES = 12
const TAG_BYTES = 16

/** What both ciphertexts are bound to: a record can't be moved, mixed or rolled back into another's place. */
export interface RecordBinding {
  readonly format: number
  readonly owner: string
  readonly wallet: string
  readonly version: number
  /** ARN of the KMS key. */
  readonly kmsKey: string
}

type Part = 'state' | 'seed' | 'recovery'

/** AAD of one part. */
export function bindingBytes(binding: RecordBinding, part: Part): Uint8Array {
  const { format, owner, wallet, version, kmsKey } = binding
  return encodeCbor({ format, owner, wallet, version, kmsKey, part })
}

/** Key of `state`: HKDF-SHA256(data key). */
export function stateKey(dataKey: Uint8Array): Uint8Array {
  return hkdf(dataKey, LABELS.state)
}

/** Key of `seed`: HKDF-SHA256(data key ‖ Argon2id(HMAC(key in `state`, PIN))). */
export function seedKey(dataKey: Uint8Array, pinHash: Uint8Array): Uint8Array {
  const both = concat(dataKey, pinHash)
  try {
    return hkdf(both, LABELS.seed)
  } finally {
    wipe(both)
  }
}

/**
 * HKDF-SHA256 (RFC 5869) without salt, 32 bytes. Not node:crypto's own: that makes an object of its input, which keeps a copy until it is
 * collected, where HMAC lets go of its key at once.
 */
export function hkdf(input: Uint8Array, info: string): Uint8Array<ArrayBuffer> {
  const extracted = createHmac('sha256', new Uint8Array(32)).update(input).digest()
  const expanded = createHmac('sha256', extracted).update(concat(utf8(info), new Uint8Array([1]))).digest()
  const out = secretBytes(32)
  out.set(expanded)
  wipe(extracted, expanded)
  return out
}

/** AES-256-GCM: nonce (12 bytes) ‖ ciphertext ‖ tag (16 bytes). */
export function seal(key: Uint8Array, plaintext: Uint8Array, binding: RecordBinding, part: Part): Uint8Array {
  const nonce = randomBytes(NONCE_BYTES)
  const cipher = createCipheriv('aes-256-gcm', key, nonce, { authTagLength: TAG_BYTES })
  cipher.setAAD(bindingBytes(binding, part))
  return concat(nonce, cipher.update(plaintext), cipher.final(), cipher.getAuthTag())
}

/** Returns `undefined` when it does not open. */
export function open(key: Uint8Array, sealed: Uint8Array, binding: RecordBinding, part: Part): Uint8Array | undefined {
  if (sealed.length < NONCE_BYTES + TAG_BYTES) return undefined
  const decipher = createDecipheriv('aes-256-gcm', key, sealed.subarray(0, NONCE_BYTES), { authTagLength: TAG_BYTES })
  decipher.setAAD(bindingBytes(binding, part))
  decipher.setAuthTag(sealed.subarray(-TAG_BYTES))
  const erase = eraser(sealed.length - NONCE_BYTES - TAG_BYTES)
  const opened = decipher.update(sealed.subarray(NONCE_BYTES, -TAG_BYTES))
  erase()
  try {
    decipher.final()
    return new Uint8Array(opened.buffer, opened.byteOffset, opened.length)
  } catch {
    wipe(opened)
    return undefined
  }
}

/**
 * node:crypto deciphers into memory that it then cuts to size by copying, and frees the first as it is, with the plaintext in it. Whoever asks for
 * as much again, before anybody else does, is given the same place: this asks, and has something else written there. It asks in both of the ways that
 * memory is asked for here, and several times in the second: which of the free places comes first is not ours to say.
 */
function eraser(length: number): () => unknown {
  const cipher = createCipheriv('aes-256-gcm', new Uint8Array(32), new Uint8Array(NONCE_BYTES))
  const zeros = new Uint8Array(length)
  return () => {
    cipher.update(zeros)
    return Array.from({ length: 8 }, () => new ArrayBuffer(length + 1))
  }
}
