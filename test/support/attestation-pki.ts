/**
 * Makes Nitro-like certificate chains and documents, right or wrong in one way. Its DER and CBOR are written by hand, because a
 * certificate library can't be made to write the wrong ones; that the right ones are right, OpenSSL confirms in attestation-chain.test.ts.
 */
import { encode } from 'cborg'
import { concat, fromHex, utf8 } from '../../lib/protocol/bytes.ts'

type Bytes = Uint8Array<ArrayBuffer>
type Curve = 'P-256' | 'P-384'

export const hex = (text: string): Bytes => fromHex(text.replaceAll(' ', '')) as Bytes

/** One DER value: tag, shortest length, contents. */
export function der(tag: number, ...contents: readonly Uint8Array[]): Bytes {
  const content = concat(...contents)
  const { length } = content
  const head = length < 0x80 ? [length] : length < 0x100 ? [0x81, length] : [0x82, length >> 8, length & 0xff]
  return concat(Uint8Array.of(tag, ...head), content)
}

export const OID = {
  basicConstraints: hex('0603551d13'),
  keyUsage: hex('0603551d0f'),
  subjectKeyId: hex('0603551d0e'),
  nameConstraints: hex('0603551d1e'),
  unknown: hex('06032a0304'),
}
const CRITICAL = hex('0101ff')
const ES384_ALGORITHM = hex('300a06082a8648ce3d040303')
export const ES256_ALGORITHM = hex('300a06082a8648ce3d040302')

export function extension(oid: Uint8Array, critical: boolean, value: Uint8Array): Bytes {
  return der(0x30, oid, critical ? CRITICAL : new Uint8Array(), der(0x04, value))
}

export const commonName = (text: string): Bytes => der(0x30, der(0x31, der(0x30, hex('0603550403'), der(0x0c, utf8(text)))))
export const utcTime = (text: string): Bytes => der(0x17, utf8(text))

/** A positive INTEGER below 2^15. */
const small = (value: number): Bytes => der(0x02, value < 0x80 ? Uint8Array.of(value) : Uint8Array.of(value >> 8, value & 0xff))
export const isCa = (pathLength: number | null): Bytes =>
  extension(OID.basicConstraints, true, der(0x30, CRITICAL, pathLength === null ? new Uint8Array() : small(pathLength)))
export const NOT_CA = extension(OID.basicConstraints, true, hex('3000'))
export const SIGNS_CERTIFICATES = extension(OID.keyUsage, true, hex('03020186'))
export const SIGNS_DATA = extension(OID.keyUsage, false, hex('030206c0'))

export interface Key {
  readonly pair: CryptoKeyPair
  readonly spki: Bytes
}

export async function makeKey(curve: Curve = 'P-384'): Promise<Key> {
  const pair = await crypto.subtle.generateKey({ name: 'ECDSA', namedCurve: curve }, true, ['sign', 'verify'])
  return { pair, spki: new Uint8Array(await crypto.subtle.exportKey('spki', pair.publicKey)) }
}

async function signRaw(key: Key, data: Uint8Array, hash = 'SHA-384'): Promise<Bytes> {
  return new Uint8Array(await crypto.subtle.sign({ name: 'ECDSA', hash }, key.pair.privateKey, new Uint8Array(data)))
}

/** Each field in DER, so that a test replaces just one. */
export interface CertificatePlan {
  version: Uint8Array
  serial: Uint8Array
  algorithm: Uint8Array
  issuer: Uint8Array
  notBefore: Uint8Array
  notAfter: Uint8Array
  subject: Uint8Array
  spki: Uint8Array
  /** Between key and extensions: for unique identifiers. */
  extra: Uint8Array
  extensions: readonly Uint8Array[]
  outerAlgorithm: Uint8Array
  hash: 'SHA-256' | 'SHA-384'
  editSignature: (signature: Uint8Array) => Uint8Array
  editCertificate: (certificate: Uint8Array) => Uint8Array
}

/** ECDSA-Sig-Value from r ‖ s. */
function derSignature(raw: Uint8Array): Bytes {
  const half = raw.length / 2
  const integer = (bytes: Uint8Array): Bytes => {
    let start = 0
    while (start < bytes.length - 1 && bytes[start] === 0) start++
    const rest = bytes.subarray(start)
    return der(0x02, (rest[0] ?? 0) > 0x7f ? concat(Uint8Array.of(0), rest) : rest)
  }
  return der(0x30, integer(raw.subarray(0, half)), integer(raw.subarray(half)))
}

export async function issue(plan: CertificatePlan, issuerKey: Key): Promise<Bytes> {
  const tbs = der(
    0x30, der(0xa0, plan.version), plan.serial, plan.algorithm, plan.issuer, der(0x30, plan.notBefore, plan.notAfter),
    plan.subject, plan.spki, plan.extra, der(0xa3, der(0x30, ...plan.extensions)),
  )
  const signature = plan.editSignature(derSignature(await signRaw(issuerKey, tbs, plan.hash)))
  return new Uint8Array(plan.editCertificate(der(0x30, tbs, plan.outerAlgorithm, der(0x03, Uint8Array.of(0), signature))))
}

export function plan(issuer: string, subject: string, key: Key, extensions: readonly Uint8Array[]): CertificatePlan {
  return {
    version: small(2), serial: hex('02050102030405'), algorithm: ES384_ALGORITHM, outerAlgorithm: ES384_ALGORITHM,
    issuer: commonName(issuer), subject: commonName(subject), spki: key.spki, extra: new Uint8Array(), extensions,
    notBefore: utcTime('250101000000Z'), notAfter: utcTime('250102000000Z'),
    hash: 'SHA-384', editSignature: (signature) => signature, editCertificate: (certificate) => certificate,
  }
}

/** Inside the validity of every certificate made here. */
export const AT_MS = Date.UTC(2025, 0, 1, 12)

export const LINKS = ['root', 'regional', 'zonal', 'instance', 'leaf'] as const
export type Link = (typeof LINKS)[number]

export interface Pki {
  readonly rootDer: Bytes
  /** Regional, zonal, instance. */
  readonly intermediates: readonly Bytes[]
  readonly leafDer: Bytes
  readonly keys: Readonly<Record<Link, Key>>
}

export async function makeKeys(): Promise<Record<Link, Key>> {
  const [root, regional, zonal, instance, leaf] = await Promise.all([makeKey(), makeKey(), makeKey(), makeKey(), makeKey()])
  return { root, regional, zonal, instance, leaf }
}

/** The chain that AWS has, with `changes` to the plan of some of its certificates. Signatures are made after the change. */
export async function makePki(keys: Record<Link, Key>, changes: { readonly [K in Link]?: Partial<CertificatePlan> } = {}): Promise<Pki> {
  const extensions: Record<Link, Uint8Array[]> = {
    root: [isCa(null), SIGNS_CERTIFICATES],
    regional: [isCa(2), SIGNS_CERTIFICATES],
    zonal: [isCa(1), SIGNS_CERTIFICATES],
    instance: [isCa(0), SIGNS_CERTIFICATES],
    leaf: [NOT_CA, SIGNS_DATA],
  }
  const certificates = await Promise.all(LINKS.map((link, i) => {
    const issuer = LINKS[Math.max(0, i - 1)] as Link
    return issue({ ...plan(issuer, link, keys[link], extensions[link]), ...changes[link] }, keys[issuer])
  }))
  const [rootDer, regional, zonal, instance, leafDer] = certificates as [Bytes, Bytes, Bytes, Bytes, Bytes]
  return { rootDer, intermediates: [regional, zonal, instance], leafDer, keys }
}

/** CBOR that is already encoded, to put inside something else. */
export class Raw {
  readonly bytes: Uint8Array
  constructor(text: string | Uint8Array) {
    this.bytes = typeof text === 'string' ? hex(text) : text
  }
}
const cbor = (value: unknown): Uint8Array => (value instanceof Raw ? value.bytes : encode(value, { float64: true }))

export type Entry = readonly [key: unknown, value: unknown]

/** A map with its entries in the given order, repetitions included. */
export function cborMap(entries: readonly Entry[], indefinite = false): Bytes {
  const body = entries.flatMap(([key, value]) => [cbor(key), cbor(value)])
  return indefinite ? concat(hex('bf'), ...body, hex('ff')) : concat(Uint8Array.of(0xa0 | entries.length), ...body)
}

export const pcrs = (last = 16): Map<number, Uint8Array> =>
  new Map(Array.from({ length: last + 1 }, (_, index) => [index, new Uint8Array(48).fill(index + 1)]))

/** The nine fields as AWS orders them. `changes` replaces values; `undefined` leaves a field out. */
export function makeEntries(pki: Pki, changes: Readonly<Record<string, unknown>> = {}): Entry[] {
  const fields = {
    module_id: 'i-0123456789abcdef0-enc0123456789abcdef', digest: 'SHA384', timestamp: AT_MS, pcrs: pcrs(),
    certificate: pki.leafDer, cabundle: [pki.rootDer, ...pki.intermediates],
    public_key: utf8('key'), user_data: null, nonce: utf8('nonce'), ...changes,
  }
  return Object.entries(fields).filter(([, value]) => value !== undefined)
}

/** The whole COSE_Sign1 around a payload, signed by `key`. `parts` replaces encoded parts after signing. */
export async function signDocument(
  payload: Uint8Array, key: Key, parts: { head?: Uint8Array; header?: Uint8Array; unprotected?: Uint8Array; signature?: Uint8Array } = {},
): Promise<Bytes> {
  const header = parts.header ?? hex('a1013822')
  const signature = await signRaw(key, encode(['Signature1', header, new Uint8Array(), payload]))
  return concat(
    parts.head ?? hex('84'), cbor(header), parts.unprotected ?? hex('a0'), cbor(payload), cbor(parts.signature ?? signature),
  )
}

export async function makeDocument(pki: Pki, changes: Readonly<Record<string, unknown>> = {}): Promise<Bytes> {
  return signDocument(cborMap(makeEntries(pki, changes), true), pki.keys.leaf)
}
