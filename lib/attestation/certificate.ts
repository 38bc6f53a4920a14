/**
 * X.509 certificates (RFC 5280), the profile of the Nitro attestation PKI.
 *
 * Accepted: version 3; a positive serial number of at most 20 bytes; ecdsa-with-SHA384, named alike inside and outside; issuer and subject
 * not empty; no unique identifiers; an uncompressed P-384 key on the named curve; extensions, each at most once, of which basicConstraints and
 * keyUsage are understood. Any other extension must not be critical, and is ignored. basicConstraints of a CA must be critical, and a path
 * length is for CAs only. Everything else is refused, with {@link DerError}.
 *
 * Names are compared as bytes: in this PKI an issuer is a copy of its subject, and no case folding can then be got wrong.
 */
import { equal, fromHex } from '../protocol/bytes.ts'
import { DerError, readBits, readChildren, readDer, readFields, readOid, readTimeMs, readTrue, readUnsigned, TAG, type DerValue } from './der.ts'

export interface Certificate {
  /** The signed part, as received. */
  readonly tbs: Uint8Array
  /** ES384 signature over {@link tbs}: r ‖ s, 96 bytes, as WebCrypto wants it. */
  readonly signature: Uint8Array
  /** Name as received, DER. */
  readonly issuer: Uint8Array
  /** Name as received, DER. */
  readonly subject: Uint8Array
  readonly notBeforeMs: number
  readonly notAfterMs: number
  /** Uncompressed point: 97 bytes, the first of them 4. Whether it is on the curve is for its importer to say. */
  readonly publicKey: Uint8Array
  readonly ca: boolean
  /** Most CA certificates that may follow; `null`: any number. */
  readonly pathLength: number | null
  /** keyUsage digitalSignature, asserted. */
  readonly signsData: boolean
  /** keyUsage keyCertSign, asserted. */
  readonly signsCertificates: boolean
}

const ECDSA_WITH_SHA384 = fromHex('300a06082a8648ce3d040303') as Uint8Array
const P384_KEY = fromHex('301006072a8648ce3d020106052b81040022') as Uint8Array
const BASIC_CONSTRAINTS = '551d13' // 2.5.29.19
const KEY_USAGE = '551d0f' // 2.5.29.15
const CONTEXT_0 = 0xa0
const CONTEXT_3 = 0xa3

/**
 * Reads one certificate. Nothing of it is verified yet: `verifyChain` does that.
 *
 * @param der - the certificate in DER, nothing before or after it
 * @throws DerError
 */
export function parseCertificate(der: Uint8Array): Certificate {
  const [tbs, algorithm, signature] = readFields(readDer(der, TAG.sequence), TAG.sequence, TAG.sequence, TAG.bitString)
  const [version, serial, signedAlgorithm, issuer, validity, subject, key, extensions] = readFields(
    tbs, CONTEXT_0, TAG.integer, TAG.sequence, TAG.sequence, TAG.sequence, TAG.sequence, TAG.sequence, CONTEXT_3,
  )
  const [two] = readFields(version, TAG.integer)
  if (!equal(readUnsigned(two), Uint8Array.of(2))) throw new DerError()
  const serialNumber = readUnsigned(serial)
  // AWS fills all 160 bits, so that a sign byte may come on top of the 20 that RFC 5280 §4.1.2.2 allows.
  if (serialNumber.length === 0 || serialNumber.length > 20) throw new DerError()
  if (!equal(signedAlgorithm.bytes, ECDSA_WITH_SHA384) || !equal(algorithm.bytes, ECDSA_WITH_SHA384)) throw new DerError()
  const times = readChildren(validity)
  const [notBefore, notAfter] = times
  if (notBefore === undefined || notAfter === undefined || times.length !== 2) throw new DerError()
  return {
    tbs: tbs.bytes,
    signature: readSignature(wholeBytes(signature)),
    issuer: readName(issuer),
    subject: readName(subject),
    notBeforeMs: readTimeMs(notBefore),
    notAfterMs: readTimeMs(notAfter),
    publicKey: readPublicKey(key),
    ...readExtensions(extensions),
  }
}

function wholeBytes(value: DerValue): Uint8Array {
  const { bytes, padding } = readBits(value)
  if (padding !== 0) throw new DerError()
  return bytes
}

/** ECDSA-Sig-Value (RFC 3279 §2.2.3) to r ‖ s, each padded to 48 bytes. Zero is refused; WebCrypto refuses n and above. */
function readSignature(der: Uint8Array): Uint8Array {
  const out = new Uint8Array(96)
  readFields(readDer(der, TAG.sequence), TAG.integer, TAG.integer).forEach((field, i) => {
    const number = readUnsigned(field)
    if (number.length === 0 || number.length > 48) throw new DerError()
    out.set(number, 48 * (i + 1) - number.length)
  })
  return out
}

/** Checks a Name's shape (RFC 5280 §4.1.2.4) and gives it back as received. */
function readName(value: DerValue): Uint8Array {
  const relativeNames = readChildren(value)
  if (relativeNames.length === 0) throw new DerError()
  for (const relativeName of relativeNames) {
    const attributes = readChildren(relativeName)
    if (relativeName.tag !== TAG.set || attributes.length === 0) throw new DerError()
    for (const attribute of attributes) {
      const [type, text, ...rest] = readChildren(attribute)
      if (attribute.tag !== TAG.sequence || type === undefined || text === undefined || rest.length > 0) throw new DerError()
      readOid(type)
    }
  }
  return value.bytes
}

function readPublicKey(value: DerValue): Uint8Array {
  const [algorithm, bits] = readFields(value, TAG.sequence, TAG.bitString)
  const point = wholeBytes(bits)
  if (!equal(algorithm.bytes, P384_KEY) || point.length !== 97 || point[0] !== 4) throw new DerError()
  return point
}

type Extensions = Pick<Certificate, 'ca' | 'pathLength' | 'signsData' | 'signsCertificates'>

function readExtensions(value: DerValue): Extensions {
  const [list] = readFields(value, TAG.sequence)
  const entries = readChildren(list)
  if (entries.length === 0) throw new DerError()
  const seen = new Set<string>()
  let constraints: Pick<Extensions, 'ca' | 'pathLength'> = { ca: false, pathLength: null }
  let usage: Pick<Extensions, 'signsData' | 'signsCertificates'> = { signsData: false, signsCertificates: false }
  for (const entry of entries) {
    const { id, critical, content } = readExtension(entry)
    if (seen.has(id)) throw new DerError()
    seen.add(id)
    if (id === BASIC_CONSTRAINTS) constraints = readBasicConstraints(content, critical)
    else if (id === KEY_USAGE) usage = readKeyUsage(content)
    else if (critical) throw new DerError()
  }
  return { ...constraints, ...usage }
}

function readExtension(entry: DerValue): { id: string; critical: boolean; content: Uint8Array } {
  const [type, ...rest] = readChildren(entry)
  const content = rest.pop()
  const [critical] = rest
  if (entry.tag !== TAG.sequence || type === undefined || rest.length > 1 || content?.tag !== TAG.octetString) throw new DerError()
  return { id: readOid(type), critical: critical !== undefined && readTrue(critical), content: content.content }
}

/** RFC 5280 §4.2.1.9. */
function readBasicConstraints(der: Uint8Array, critical: boolean): Pick<Extensions, 'ca' | 'pathLength'> {
  const [isCa, most, ...rest] = readChildren(readDer(der, TAG.sequence))
  if (isCa === undefined) return { ca: false, pathLength: null }
  if (rest.length > 0 || !critical) throw new DerError()
  readTrue(isCa)
  if (most === undefined) return { ca: true, pathLength: null }
  const length = readUnsigned(most)
  if (length.length > 1) throw new DerError()
  return { ca: true, pathLength: length[0] ?? 0 }
}

/** RFC 5280 §4.2.1.3. A named bit list: DER drops trailing zero bits, so its last bit is one (X.690 §11.2.2). */
function readKeyUsage(der: Uint8Array): Pick<Extensions, 'signsData' | 'signsCertificates'> {
  const { bytes, padding } = readBits(readDer(der, TAG.bitString))
  const [bits, last] = [bytes[0], bytes.at(-1)]
  if (bits === undefined || last === undefined || bytes.length > 2 || ((last >> padding) & 1) === 0) throw new DerError()
  return { signsData: (bits & 0x80) !== 0, signsCertificates: (bits & 0x04) !== 0 }
}
