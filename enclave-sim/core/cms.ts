/**
 * Opens the CMS envelope in which KMS answers a Recipient (RFC 5652 §6, BER).
 *
 * Accepted: ContentInfo{envelopedData}, version 2, one KeyTransRecipientInfo version 2 with subjectKeyIdentifier,
 * RSAES-OAEP with SHA-256 and MGF1-SHA-256, content in AES-256-CBC with a 16-byte IV, as one primitive or several chunks.
 * Everything else is refused, trailing bytes included.
 */
import { createDecipheriv, privateDecrypt, constants, type KeyObject } from 'node:crypto'
import { concat, equal, fromHex, wipe } from '../../lib/protocol/bytes.ts'
import { createBerReader, type BerReader } from './ber.ts'

/** Always this, whatever was wrong: an attacker who feeds envelopes learns nothing from how they fail. */
export class EnvelopeError extends Error {
  constructor() {
    super('the envelope does not open')
  }
}

const der = (hex: string): Uint8Array => fromHex(hex) as Uint8Array
const OID_ENVELOPED_DATA = der('2a864886f70d010703')
const OID_DATA = der('2a864886f70d010701')
const OID_AES_256_CBC = der('60864801650304012a')
/** AlgorithmIdentifier RSAES-OAEP {SHA-256, MGF1 with SHA-256}, default label; the bytes that KMS sends. */
const OAEP_SHA256 = der(
  '303c06092a864886f70d010107302fa00f300d06096086480165030402010500a11c301a06092a864886f70d010108300d06096086480165030402010500',
)
const VERSION_2 = new Uint8Array([2])

interface Envelope {
  readonly recipientId: Uint8Array
  readonly encryptedKey: Uint8Array
  readonly iv: Uint8Array
  readonly content: Uint8Array
}

/**
 * @param envelope `CiphertextForRecipient`
 * @param recipient RSA private key, and the SHA-256 of its public half's SPKI DER, by which the envelope names it; `null` takes any name
 * @returns the plaintext; wipe it
 * @throws EnvelopeError
 */
export function openEnvelope(
  envelope: Uint8Array,
  recipient: { readonly privateKey: KeyObject; readonly id: Uint8Array | null },
): Uint8Array<ArrayBuffer> {
  let contentKey: Buffer | undefined
  let padded: Buffer | undefined
  try {
    const { recipientId, encryptedKey, iv, content } = parse(envelope)
    if (recipient.id !== null && !equal(recipientId, recipient.id)) throw new EnvelopeError()
    contentKey = privateDecrypt(
      { key: recipient.privateKey, padding: constants.RSA_PKCS1_OAEP_PADDING, oaepHash: 'sha256' },
      encryptedKey,
    )
    if (contentKey.length !== 32) throw new EnvelopeError()
    const decipher = createDecipheriv('aes-256-cbc', contentKey, iv)
    padded = decipher.update(content)
    const last = decipher.final()
    const plaintext = concat(padded, last)
    wipe(last)
    return plaintext
  } catch {
    throw new EnvelopeError()
  } finally {
    wipe(contentKey, padded)
  }
}

function parse(bytes: Uint8Array): Envelope {
  const top = createBerReader(bytes)
  const info = top.enter(0x30)
  info.expect(0x06, OID_ENVELOPED_DATA)
  const explicit = info.enter(0xa0)
  const enveloped = explicit.enter(0x30)
  enveloped.expect(0x02, VERSION_2)
  const recipients = enveloped.enter(0x31)
  const { recipientId, encryptedKey } = parseRecipient(recipients)
  recipients.end()
  const encrypted = enveloped.enter(0x30)
  encrypted.expect(0x06, OID_DATA)
  const algorithm = encrypted.enter(0x30)
  algorithm.expect(0x06, OID_AES_256_CBC)
  const iv = algorithm.read(0x04)
  algorithm.end()
  const content = encrypted.next() === 0x80 ? encrypted.read(0x80) : joinChunks(encrypted.enter(0xa0))
  encrypted.end()
  enveloped.end()
  explicit.end()
  info.end()
  top.end()
  if (iv.length !== 16 || content.length === 0 || content.length % 16 !== 0) throw new EnvelopeError()
  return { recipientId, encryptedKey, iv, content }
}

function parseRecipient(recipients: BerReader): { recipientId: Uint8Array; encryptedKey: Uint8Array } {
  const recipient = recipients.enter(0x30)
  recipient.expect(0x02, VERSION_2)
  const recipientId = recipient.read(0x80)
  if (!equal(recipient.element(), OAEP_SHA256)) throw new EnvelopeError()
  const encryptedKey = recipient.read(0x04)
  recipient.end()
  return { recipientId, encryptedKey }
}

function joinChunks(reader: BerReader): Uint8Array {
  const chunks: Uint8Array[] = []
  while (reader.next() !== undefined) chunks.push(reader.read(0x04))
  reader.end()
  return concat(...chunks)
}
