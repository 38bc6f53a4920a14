/** The ciphertexts of a record: `state` under the data key, `seed` under the data key and the PIN. */
import { createCipheriv, createDecipheriv, hkdfSync, randomBytes } from 'node:crypto'
import { concat, utf8, wipe } from '../../lib/protocol/bytes.ts'
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
  return new Uint8Array(hkdfSync('sha256', dataKey, new Uint8Array(), utf8(LABELS.state), 32))
}

/** Key of `seed`: HKDF-SHA256(data key ‖ Argon2id(PIN)). */
export function seedKey(dataKey: Uint8Array, pinHash: Uint8Array): Uint8Array {
  const both = concat(dataKey, pinHash)
  try {
    return new Uint8Array(hkdfSync('sha256', both, new Uint8Array(), utf8(LABELS.seed), 32))
  } finally {
    wipe(both)
  }
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
  const opened = decipher.update(sealed.subarray(NONCE_BYTES, -TAG_BYTES))
  try {
    decipher.final()
    return new Uint8Array(opened)
  } catch {
    return undefined
  } finally {
    wipe(opened)
  }
}
