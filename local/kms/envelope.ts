/**
 * `CiphertextForRecipient`: CMS EnvelopedData (RFC 5652 §6.1) in the very BER that KMS sends: indefinite lengths, one KeyTransRecipientInfo
 * by subjectKeyIdentifier (here SHA-256 of the SPKI), RSAES-OAEP with SHA-256, AES-256-CBC with PKCS #7 padding.
 */
import { constants, createCipheriv, createHash, createPublicKey, publicEncrypt, randomBytes, type KeyObject } from 'node:crypto'
import { concat, fromHex, wipe } from '../../lib/protocol/bytes.ts'

const hex = (text: string): Uint8Array => fromHex(text.replaceAll(' ', '')) as Uint8Array

/** ContentInfo(envelopedData), EnvelopedData version 2, and the recipient up to its key identifier. All lengths follow from RSA-2048. */
const opening = hex('30 80 06092a864886f70d010703 a0 80 30 80 020102 31 82016b 30 820167 020102 80 20')
/** RSAES-OAEP with SHA-256 for hash and mask (RFC 4055 §4.1), then the head of the wrapped key. */
const oaep = hex(
  '303c 06092a864886f70d010107 302f a00f300d06096086480165030402010500 a11c301a06092a864886f70d010108300d06096086480165030402010500 04820100',
)
/** EncryptedContentInfo of id-data with AES-256-CBC (RFC 3565 §4.1), up to the IV. */
const content = hex('30 80 06092a864886f70d010701 301d 060960864801650304012a 0410')
const endOfContents = hex('0000')

/**
 * The recipient's key as its attestation document carries it. Returns `undefined` for anything but an RSA-2048 SPKI in DER.
 *
 * @param spki - DER
 */
export function parseRecipientKey(spki: Uint8Array): KeyObject | undefined {
  try {
    const key = createPublicKey({ key: Buffer.from(spki), format: 'der', type: 'spki' })
    const { asymmetricKeyType: type, asymmetricKeyDetails: details } = key
    // Exported again: so that nothing trails, and the key identifier is the hash of one encoding.
    const exact = key.export({ format: 'der', type: 'spki' }).equals(spki)
    return type === 'rsa' && details?.modulusLength === 2048 && exact ? key : undefined
  } catch {
    return undefined
  }
}

/** Seals `plaintext` to the recipient. */
export function sealEnvelope(plaintext: Uint8Array, recipient: KeyObject): Uint8Array {
  const contentKey = randomBytes(32)
  try {
    const iv = randomBytes(16)
    const cipher = createCipheriv('aes-256-cbc', contentKey, iv)
    const ciphertext = concat(cipher.update(plaintext), cipher.final())
    const wrapped = publicEncrypt({ key: recipient, padding: constants.RSA_PKCS1_OAEP_PADDING, oaepHash: 'sha256' }, contentKey)
    const keyId = createHash('sha256').update(recipient.export({ format: 'der', type: 'spki' })).digest()
    return concat(
      opening, keyId, oaep, wrapped,
      content, iv, hex('a080'), octetStringHead(ciphertext.length), ciphertext, endOfContents,
      endOfContents, endOfContents, endOfContents, endOfContents,
    )
  } finally {
    wipe(contentKey)
  }
}

/** Tag and definite length of an octet string up to 64 KiB, shortest form (X.690 §8.1.3). */
function octetStringHead(length: number): Uint8Array {
  if (length < 0x80) return Uint8Array.of(0x04, length)
  return length < 0x100 ? Uint8Array.of(0x04, 0x81, length) : Uint8Array.of(0x04, 0x82, length >> 8, length & 0xff)
}
