/**
 * Verifies an attestation document (AWS `attestation_process.md` §3): encoding, then certificates, then signature, always on the
 * bytes received. What remains is policy: `acceptAttestation` decides whether this enclave is one that the caller wants to talk to.
 */
import { concat, utf8 } from '../protocol/bytes.ts'
import { CloisterError } from '../protocol/errors.ts'
import { verifyChain } from './chain.ts'
import { decodeUnverifiedAttestation, type AttestationDocument, type UnverifiedAttestation } from './document.ts'
import { verifyEs384 } from './es384.ts'

/** A document that the pinned root vouches for. Only {@link verifyAttestation} makes one. */
export interface VerifiedAttestation extends AttestationDocument {
  readonly verified: true
}

interface VerifyOptions {
  /** The pinned root certificate, DER. `cabundle[0]`, which names a root too, is never looked at. */
  readonly rootDer: Uint8Array
  /** The caller's time, milliseconds since 1970: every certificate must be valid then. */
  readonly atMs: number
}

/**
 * Verifies that the hypervisor behind `rootDer` made this document. It says nothing yet of which image runs, or when.
 *
 * @param bytes - untagged COSE_Sign1, as the enclave sent it
 * @throws CloisterError `attestation_malformed` (the document's encoding or a field), `attestation_chain` (a certificate: its
 * encoding, validity or issuer), `attestation_signature`
 * @throws TypeError when an option is missing
 */
export async function verifyAttestation(bytes: Uint8Array, options: VerifyOptions): Promise<VerifiedAttestation> {
  const { rootDer, atMs } = options
  if (!(rootDer instanceof Uint8Array)) throw new TypeError('rootDer must be a Uint8Array')
  if (!Number.isFinite(atMs)) throw new TypeError('atMs must be a number')
  const unverified = decodeUnverifiedAttestation(bytes)
  const { certificate, cabundle } = unverified.document
  const key = await verifyChain({ rootDer: new Uint8Array(rootDer), intermediatesDer: cabundle.slice(1), leafDer: certificate, atMs })
  const signed = await verifyEs384(key, unverified.signature, signedBytes(unverified)).catch(() => false)
  if (!signed) throw new CloisterError('attestation_signature')
  return { ...unverified.document, verified: true }
}

/** Sig_structure of RFC 9052 §4.4: ["Signature1", protected header, empty external data, payload]. */
function signedBytes({ protectedHeader, payload }: UnverifiedAttestation): Uint8Array {
  return concat(
    Uint8Array.of(0x84, 0x6a), utf8('Signature1'),
    byteStringHead(protectedHeader.length), protectedHeader,
    byteStringHead(0),
    byteStringHead(payload.length), payload,
  )
}

/** Head of a CBOR byte string below 64 KiB, in shortest form as RFC 9052 §9 asks. */
function byteStringHead(length: number): Uint8Array {
  if (length < 24) return Uint8Array.of(0x40 | length)
  return length < 256 ? Uint8Array.of(0x58, length) : Uint8Array.of(0x59, length >> 8, length & 0xff)
}
