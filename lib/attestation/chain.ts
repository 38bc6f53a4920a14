/**
 * Certification path validation (RFC 5280 §6.1) as the Nitro attestation PKI needs it: one pinned root, one given order, no
 * revocation (AWS says to disable it), no policies, no name constraints. Stricter than the RFC in three things: the root's
 * own validity and path length count too, no certificate below the root may be self-issued (so no name repeats for free), and
 * the leaf must not be a CA.
 */
import { equal } from '../protocol/bytes.ts'
import { CloisterError } from '../protocol/errors.ts'
import { parseCertificate, type Certificate } from './certificate.ts'
import { importP384, verifyEs384 } from './es384.ts'

interface ChainInput {
  /** The pinned root, DER. Its signature is not looked at: the pin is what makes it trusted. */
  readonly rootDer: Uint8Array
  /** From the one that the root issued to the one that issued the leaf, DER. */
  readonly intermediatesDer: readonly Uint8Array[]
  readonly leafDer: Uint8Array
  /** Milliseconds since 1970 at which every certificate must be valid. */
  readonly atMs: number
}

/**
 * Verifies root → intermediates → leaf.
 *
 * @returns the leaf's public key, imported to verify ES384
 * @throws CloisterError `attestation_chain` for anything wrong with any certificate, its encoding included
 */
export async function verifyChain(input: ChainInput): Promise<CryptoKey> {
  const key = await verifyPath(input).catch(() => undefined)
  if (key === undefined) throw new CloisterError('attestation_chain')
  return key
}

async function verifyPath(input: ChainInput): Promise<CryptoKey | undefined> {
  const path = [input.rootDer, ...input.intermediatesDer, input.leafDer].map(parseCertificate)
  const [root, ...rest] = path
  if (root === undefined || !checkPath(path, input.atMs)) return undefined
  let key = await importP384(root.publicKey)
  for (const certificate of rest) {
    if (!(await verifyEs384(key, certificate.signature, certificate.tbs))) return undefined
    key = await importP384(certificate.publicKey)
  }
  return key
}

/** Everything about a path but its signatures; `path[0]` is the root, the last one the leaf. Pure. */
export function checkPath(path: readonly Certificate[], atMs: number): boolean {
  return path.length >= 2 && path.every((certificate, i) => {
    const below = path.length - 1 - i
    const issuer = path[i - 1]
    if (!isValidAt(certificate, atMs)) return false
    if (issuer !== undefined && !equal(certificate.issuer, issuer.subject)) return false
    if (issuer !== undefined && equal(certificate.issuer, certificate.subject)) return false
    return below === 0 ? isLeaf(certificate) : mayIssue(certificate, below - 1)
  })
}

/** Both ends belong to the interval, and certificates count in whole seconds: the time is floored (RFC 5280 §4.1.2.5). */
function isValidAt(certificate: Certificate, atMs: number): boolean {
  const flooredMs = Math.floor(atMs / 1000) * 1000
  return certificate.notBeforeMs <= flooredMs && flooredMs <= certificate.notAfterMs
}

function mayIssue(certificate: Certificate, intermediatesBelow: number): boolean {
  const { ca, signsCertificates, pathLength } = certificate
  return ca && signsCertificates && (pathLength === null || intermediatesBelow <= pathLength)
}

function isLeaf(certificate: Certificate): boolean {
  return !certificate.ca && certificate.signsData && !certificate.signsCertificates
}
