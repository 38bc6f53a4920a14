/**
 * The attestation document, in the bytes that the Nitro hypervisor writes since 2025-08: an untagged COSE_Sign1 (RFC 9052 §4.2) with
 * ES384, no unprotected header, and as payload an indefinite-length map in AWS's order of keys, absent inputs as null.
 */
import { encode } from 'cborg'
import { concat, utf8 } from '../../../lib/protocol/bytes.ts'

export interface DocumentContent {
  readonly moduleId: string
  readonly timestampMs: number
  /** 48 bytes each. */
  readonly pcrs: ReadonlyMap<number, Uint8Array>
  readonly publicKey: Uint8Array | null
  readonly userData: Uint8Array | null
  readonly nonce: Uint8Array | null
}

export interface DocumentSigner {
  /** DER of the leaf that signs. */
  readonly certificate: Uint8Array
  /** DER of root, regional, zonal and instance certificate, in this order. */
  readonly cabundle: readonly Uint8Array[]
  /** ES384 (RFC 9053 §2.1): raw r ‖ s, 96 bytes. */
  readonly sign: (bytes: Uint8Array) => Uint8Array
}

/** `bstr({1: -35})`: ES384. */
const PROTECTED = Uint8Array.of(0x44, 0xa1, 0x01, 0x38, 0x22)

/** Builds and signs a document. */
export function buildDocument(content: DocumentContent, signer: DocumentSigner): Uint8Array {
  const payload = encode(encodePayload(content, signer))
  // Sig_structure (RFC 9052 §4.4): ["Signature1", protected, external_aad, payload].
  const signed = concat(Uint8Array.of(0x84, 0x6a), utf8('Signature1'), PROTECTED, Uint8Array.of(0x40), payload)
  return concat(Uint8Array.of(0x84), PROTECTED, Uint8Array.of(0xa0), payload, encode(signer.sign(signed)))
}

function encodePayload(content: DocumentContent, signer: DocumentSigner): Uint8Array {
  const fields: readonly (readonly [string, Uint8Array])[] = [
    ['module_id', encode(content.moduleId)],
    ['digest', encode('SHA384')],
    ['timestamp', encodeTimestamp(content.timestampMs)],
    ['pcrs', encode(content.pcrs)],
    ['certificate', encode(signer.certificate)],
    ['cabundle', encode(signer.cabundle)],
    ['public_key', encode(content.publicKey)],
    ['user_data', encode(content.userData)],
    ['nonce', encode(content.nonce)],
  ]
  return concat(Uint8Array.of(0xbf), ...fields.flatMap(([key, value]) => [encode(key), value]), Uint8Array.of(0xff))
}

/** Always eight bytes, as the hypervisor writes it, even where fewer would do. */
function encodeTimestamp(timestampMs: number): Uint8Array {
  const bytes = new Uint8Array(9)
  bytes[0] = 0x1b
  new DataView(bytes.buffer).setBigUint64(1, BigInt(Math.trunc(timestampMs)))
  return bytes
}
