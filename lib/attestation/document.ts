/**
 * The attestation document: COSE_Sign1 (RFC 9052 §4.2) around the payload of AWS's `attestation_process.md` §2.2 and §3.2.2.
 *
 * Accepted: an untagged array of four in definite lengths: protected header exactly {1: -35} (ES384), empty
 * unprotected header, payload of 1 to 16,384 bytes, signature of 96 bytes. The payload is one map with the keys below and no others,
 * each once; AWS writes it in definite or, since 2025, indefinite length, so both are read there. Lengths and integers in shortest form. An optional
 * field is null or, as the specification draws it, left out. Tags (18 too: AWS sends none), floats and trailing bytes are refused.
 */
import { decode, Tokenizer, type DecodeOptions } from 'cborg'
import { equal, fromHex } from '../protocol/bytes.ts'
import { CloisterError } from '../protocol/errors.ts'

export interface AttestationDocument {
  /** Names the enclave's module: `i-<instance>-enc<enclave>` on AWS. */
  readonly moduleId: string
  readonly digest: 'SHA384'
  /** When the hypervisor made the document: milliseconds since 1970. */
  readonly timestampMs: number
  /** Locked PCRs by index 0 to 31, 48 bytes each. */
  readonly pcrs: ReadonlyMap<number, Uint8Array>
  /** The leaf, DER. */
  readonly certificate: Uint8Array
  /** [root, intermediates …], DER. */
  readonly cabundle: readonly Uint8Array[]
  readonly publicKey: Uint8Array | null
  readonly userData: Uint8Array | null
  readonly nonce: Uint8Array | null
}

export interface UnverifiedAttestation {
  readonly document: AttestationDocument
  /** Serialized protected header, as received. */
  readonly protectedHeader: Uint8Array
  /** Serialized document, as received. */
  readonly payload: Uint8Array
  /** r ‖ s. */
  readonly signature: Uint8Array
}

const MAX_PAYLOAD_BYTES = 16_384
const MAX_BYTES = MAX_PAYLOAD_BYTES + 128
const MAX_FIELD_BYTES = 1024
const PCR_BYTES = 48
/** AWS sends four. The bound caps the signatures that one document makes us verify. */
const MAX_CABUNDLE = 8
const ES384_HEADER = fromHex('a1013822') as Uint8Array

const FIELDS: readonly unknown[] = [
  'module_id', 'digest', 'timestamp', 'pcrs', 'certificate', 'cabundle', 'public_key', 'user_data', 'nonce',
]

/**
 * Reads a document and believes nothing of it: no signature is looked at. Whoever wants to rely on it calls `verifyAttestation`.
 *
 * @param bytes - COSE_Sign1 as the enclave sent it
 * @throws CloisterError `attestation_malformed`
 */
export function decodeUnverifiedAttestation(bytes: Uint8Array): UnverifiedAttestation {
  if (!(bytes instanceof Uint8Array) || bytes.length > MAX_BYTES) throw malformed()
  // A copy, so that nothing the caller does to `bytes` later reaches what was checked. (A Buffer's slices would share memory.)
  const envelope = decodeStrict(new Uint8Array(bytes), ['array', 'map', 'bytes'], false)
  if (!Array.isArray(envelope) || envelope.length !== 4) throw malformed()
  const [header, unprotected, payload, signature] = envelope as unknown[]
  const protectedHeader = byteString(header, 4, 4)
  if (!equal(protectedHeader, ES384_HEADER)) throw malformed()
  if (!(unprotected instanceof Map) || unprotected.size !== 0) throw malformed()
  const payloadBytes = byteString(payload, 1, MAX_PAYLOAD_BYTES)
  return {
    document: readDocument(decodeStrict(payloadBytes, ['uint', 'bytes', 'string', 'array', 'map', 'null', 'break'], true)),
    protectedHeader,
    payload: payloadBytes,
    signature: byteString(signature, 96, 96),
  }
}

function malformed(): CloisterError {
  return new CloisterError('attestation_malformed')
}

/** Decodes one item that fills `bytes`, made of `types` alone: cborg by itself reads a float 0.0 like the integer 0. */
function decodeStrict(bytes: Uint8Array, types: readonly string[], allowIndefinite: boolean): unknown {
  const options: DecodeOptions = { strict: true, allowIndefinite, allowBigInt: false, useMaps: true, rejectDuplicateMapKeys: true }
  try {
    const tokens = new Tokenizer(bytes, options)
    const next = (): ReturnType<typeof tokens.next> => {
      const token = tokens.next()
      if (!types.includes(token.type.name)) throw malformed()
      return token
    }
    const value: unknown = decode(bytes, { ...options, tokenizer: { next, done: () => tokens.done(), pos: () => tokens.pos() } })
    return value
  } catch {
    throw malformed()
  }
}

function readDocument(payload: unknown): AttestationDocument {
  if (!(payload instanceof Map)) throw malformed()
  const fields = payload as ReadonlyMap<unknown, unknown>
  if (![...fields.keys()].every((key) => FIELDS.includes(key))) throw malformed()
  const moduleId = fields.get('module_id')
  // A replacement character is what invalid UTF-8 decodes to.
  if (typeof moduleId !== 'string' || moduleId === '' || moduleId.includes('\u{fffd}')) throw malformed()
  if (fields.get('digest') !== 'SHA384') throw malformed()
  const timestampMs = fields.get('timestamp')
  if (typeof timestampMs !== 'number' || timestampMs <= 0) throw malformed()
  const cabundle = fields.get('cabundle')
  if (!Array.isArray(cabundle) || cabundle.length === 0 || cabundle.length > MAX_CABUNDLE) throw malformed()
  return {
    moduleId,
    digest: 'SHA384',
    timestampMs,
    pcrs: readPcrs(fields.get('pcrs')),
    certificate: byteString(fields.get('certificate'), 1, MAX_FIELD_BYTES),
    cabundle: cabundle.map((certificate: unknown) => byteString(certificate, 1, MAX_FIELD_BYTES)),
    publicKey: optionalBytes(fields.get('public_key')),
    userData: optionalBytes(fields.get('user_data')),
    nonce: optionalBytes(fields.get('nonce')),
  }
}

/** Bounds the indexes, not their count alone: {0..30, 99} has 32 entries as well. */
function readPcrs(value: unknown): ReadonlyMap<number, Uint8Array> {
  if (!(value instanceof Map) || value.size === 0) throw malformed()
  const pcrs = new Map<number, Uint8Array>()
  for (const [index, digest] of value as ReadonlyMap<unknown, unknown>) {
    if (typeof index !== 'number' || index < 0 || index > 31) throw malformed()
    pcrs.set(index, byteString(digest, PCR_BYTES, PCR_BYTES))
  }
  return pcrs
}

function optionalBytes(value: unknown): Uint8Array | null {
  return value === null || value === undefined ? null : byteString(value, 0, MAX_FIELD_BYTES)
}

function byteString(value: unknown, min: number, max: number): Uint8Array {
  if (!(value instanceof Uint8Array) || value.length < min || value.length > max) throw malformed()
  return value
}
