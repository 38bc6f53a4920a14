/**
 * Ciphertext blobs. AWS's are opaque; ours are `01 ‖ key id (16) ‖ key version (4, big-endian) ‖ IV (12) ‖ AES-256-GCM ciphertext ‖ tag (16)`,
 * with the header and the encryption context as AAD.
 */
import { createCipheriv, createDecipheriv, createHash, randomBytes } from 'node:crypto'
import { concat, fromHex, toHex, utf8 } from '../../lib/protocol/bytes.ts'
import { framed } from '../../lib/protocol/labels.ts'

export type EncryptionContext = Readonly<Record<string, string>>

const format = 0x01
const headerLength = 21
const ivLength = 12
const tagLength = 16

export interface BlobHeader {
  /** UUID in text form. */
  readonly keyId: string
  readonly version: number
}

/** Who sealed a blob, as it says itself: true only once it opens. Returns `undefined` when it isn't one of ours. */
export function readUnverifiedHeader(blob: Uint8Array): BlobHeader | undefined {
  if (blob.length < headerLength + ivLength + tagLength || blob[0] !== format) return undefined
  const hex = toHex(blob.subarray(1, 17))
  const keyId = [hex.slice(0, 8), hex.slice(8, 12), hex.slice(12, 16), hex.slice(16, 20), hex.slice(20)].join('-')
  return { keyId, version: new DataView(blob.buffer, blob.byteOffset + 17, 4).getUint32(0) }
}

/** `KeyMaterialId`: 64 hex digits that name a key's version, and say nothing of its material. */
export function materialId(header: BlobHeader): string {
  return createHash('sha256').update(writeHeader(header)).digest('hex')
}

export function sealBlob(header: BlobHeader, material: Uint8Array, plaintext: Uint8Array, context: EncryptionContext): Uint8Array {
  const head = writeHeader(header)
  const iv = randomBytes(ivLength)
  const cipher = createCipheriv('aes-256-gcm', material, iv, { authTagLength: tagLength })
  cipher.setAAD(aad(head, context))
  return concat(head, iv, cipher.update(plaintext), cipher.final(), cipher.getAuthTag())
}

/** Returns `undefined` when the blob was altered, or sealed under other material or another context. */
export function openBlob(blob: Uint8Array, material: Uint8Array, context: EncryptionContext): Uint8Array | undefined {
  const ivEnd = headerLength + ivLength
  const decipher = createDecipheriv('aes-256-gcm', material, blob.subarray(headerLength, ivEnd), { authTagLength: tagLength })
  decipher.setAAD(aad(blob.subarray(0, headerLength), context))
  decipher.setAuthTag(blob.subarray(blob.length - tagLength))
  try {
    return concat(decipher.update(blob.subarray(ivEnd, blob.length - tagLength)), decipher.final())
  } catch {
    return undefined
  }
}

function writeHeader({ keyId, version }: BlobHeader): Uint8Array {
  const versionBytes = new Uint8Array(4)
  new DataView(versionBytes.buffer).setUint32(0, version)
  return concat(Uint8Array.of(format), fromHex(keyId.replaceAll('-', '')) as Uint8Array, versionBytes)
}

/** The context counts by its pairs, not by their order. */
function aad(head: Uint8Array, context: EncryptionContext): Uint8Array {
  const pairs = Object.entries(context).sort(([a], [b]) => (a < b ? -1 : 1))
  return framed('cloister/local kms', head, ...pairs.flatMap(([key, value]) => [utf8(key), utf8(value)]))
}
