/**
 * Receipts: what was done with a wallet, signed by the enclave that did it, each bound to the one before.
 *
 * A receipt is an untagged COSE_Sign1 (RFC 9052 §4.2) with ES256 (RFC 9053 §2.1): `[h'a10126', {}, payload, signature]`. Its payload is
 * deterministic CBOR. It names digests, never what was signed.
 */
import { concat, equal, utf8 } from './bytes.ts'
import { decodeCbor, encodeCbor, type CborValue } from './cbor.ts'
import { array, attempt, bytes, integer, Malformed, object, oneOf, text } from './fields.ts'
import { OPERATIONS, WALLET_ID, type Operation } from './header.ts'
import { framed, LABELS } from './labels.ts'
import { LIMITS } from './limits.ts'

/** PCRs of the enclave, 48 bytes each. */
export interface ReceiptMeasurements {
  readonly pcr0: Uint8Array
  readonly pcr1: Uint8Array
  readonly pcr2: Uint8Array
  readonly pcr16: Uint8Array
}

/** One signature that was made. */
export interface ReceiptSignature {
  /** The transaction's id, or the digest that was signed; 32 to 64 bytes. */
  readonly hash: Uint8Array
  /** SHA-256 of the summary, 32 bytes. */
  readonly summary: Uint8Array
}

const RECEIPT_OUTCOMES = ['done', 'announced', 'mnemonic', 'privateKey', 'backup'] as const
export type ReceiptOutcome = (typeof RECEIPT_OUTCOMES)[number]

export interface Receipt {
  readonly wallet: string
  /** 1 for the first. */
  readonly sequence: number
  /** Attested time, milliseconds since the epoch. */
  readonly atMs: number
  readonly op: Operation
  /** `done`; of an export: that it was announced, or what left. */
  readonly outcome: ReceiptOutcome
  /** Version of the record that came of it. */
  readonly version: number
  /** Wrong guesses and one-time codes since the last receipt. */
  readonly failed: number
  readonly signatures: readonly ReceiptSignature[]
  readonly measurements: ReceiptMeasurements
  /** SHA-256 of the receipt before; zeros for the first. */
  readonly previous: Uint8Array
}

export const FIRST_PREVIOUS: Uint8Array = new Uint8Array(32)
const ES256_HEADER = Uint8Array.of(0xa1, 0x01, 0x26)
const NONCE_BYTES = 12
const MAX = Number.MAX_SAFE_INTEGER

export function encodeReceipt(receipt: Receipt): Uint8Array<ArrayBuffer> {
  const { wallet, sequence, atMs, op, outcome, version, failed, measurements, previous } = receipt
  const signatures = receipt.signatures.map(({ hash, summary }) => ({ hash, summary }))
  return encodeCbor({ v: LIMITS.protocolVersion, wallet, sequence, at: atMs, op, outcome, version, failed, signatures, measurements: { ...measurements }, previous })
}

function readReceipt(value: unknown): Receipt {
  const fields = object(value, ['v', 'wallet', 'sequence', 'at', 'op', 'outcome', 'version', 'failed', 'signatures', 'measurements', 'previous'])
  integer(fields['v'], LIMITS.protocolVersion, LIMITS.protocolVersion)
  const pcrs = object(fields['measurements'], ['pcr0', 'pcr1', 'pcr2', 'pcr16'])
  return {
    wallet: text(fields['wallet'], WALLET_ID),
    sequence: integer(fields['sequence'], 1, MAX),
    atMs: integer(fields['at'], 0, MAX),
    op: oneOf(fields['op'], OPERATIONS),
    outcome: oneOf(fields['outcome'], RECEIPT_OUTCOMES),
    version: integer(fields['version'], 1, MAX),
    failed: integer(fields['failed'], 0, MAX),
    signatures: array(fields['signatures'], LIMITS.maxPayloads, (item) => {
      const signature = object(item, ['hash', 'summary'])
      return { hash: bytes(signature['hash'], 32, 64), summary: bytes(signature['summary'], 32) }
    }),
    measurements: { pcr0: bytes(pcrs['pcr0'], 48), pcr1: bytes(pcrs['pcr1'], 48), pcr2: bytes(pcrs['pcr2'], 48), pcr16: bytes(pcrs['pcr16'], 48) },
    previous: bytes(fields['previous'], 32),
  }
}

/** `Sig_structure` of a COSE_Sign1 (RFC 9052 §4.4), with the purpose as external_aad: what the wallet's receipt key signs. */
export function receiptSigned(payload: Uint8Array): Uint8Array<ArrayBuffer> {
  return encodeCbor(['Signature1', ES256_HEADER, utf8(LABELS.receipt), payload])
}

/** @param signature r ‖ s, 64 bytes */
export function encodeSign1(payload: Uint8Array, signature: Uint8Array): Uint8Array<ArrayBuffer> {
  return encodeCbor([ES256_HEADER, {}, payload, signature])
}

/**
 * Reads and verifies one receipt. Returns `undefined` when it is none, or not signed by this key.
 * @param key P-256 public key, x ‖ y, 64 bytes
 */
export async function openReceipt(sign1: Uint8Array, key: Uint8Array): Promise<Receipt | undefined> {
  const parts = attempt(() => readSign1(decodeCbor(sign1)))
  const receipt = parts === undefined ? undefined : attempt(() => readReceipt(decodeCbor(parts.payload)))
  if (parts === undefined || receipt === undefined) return undefined
  const ecdsa = { name: 'ECDSA', namedCurve: 'P-256' }
  const publicKey = await crypto.subtle.importKey('raw', concat(Uint8Array.of(4), key), ecdsa, false, ['verify']).catch(() => undefined)
  if (publicKey === undefined) return undefined
  const valid = await crypto.subtle.verify({ name: 'ECDSA', hash: 'SHA-256' }, publicKey, new Uint8Array(parts.signature), receiptSigned(parts.payload))
  return valid ? receipt : undefined
}

function readSign1(value: unknown): { payload: Uint8Array; signature: Uint8Array } {
  if (!Array.isArray(value) || value.length !== 4) throw new Malformed()
  const [header, unprotected, payload, signature] = value as CborValue[]
  if (!equal(bytes(header, 3), ES256_HEADER)) throw new Malformed()
  object(unprotected, [])
  return { payload: bytes(payload, 1, 16_384), signature: bytes(signature, 64) }
}

/** SHA-256 of a receipt: what the next one, and the wallet's head, name it by. */
export async function receiptHash(sign1: Uint8Array): Promise<Uint8Array<ArrayBuffer>> {
  return new Uint8Array(await crypto.subtle.digest('SHA-256', new Uint8Array(sign1)))
}

/** AAD of a stored receipt: it can't take another's place. */
export function storedReceiptBinding(wallet: string, sequence: number): Uint8Array<ArrayBuffer> {
  return framed(LABELS.storedReceipt, encodeCbor({ wallet, sequence }))
}

/** Opens a receipt as the table stores it: AES-256-GCM, nonce (12 bytes) ‖ ciphertext ‖ tag (16). Returns `undefined` when it does not open. */
export async function openStoredReceipt(key: Uint8Array, wallet: string, sequence: number, sealed: Uint8Array): Promise<Uint8Array<ArrayBuffer> | undefined> {
  if (sealed.length < NONCE_BYTES + 16) return undefined
  const aes = await crypto.subtle.importKey('raw', new Uint8Array(key), 'AES-GCM', false, ['decrypt'])
  const params = { name: 'AES-GCM', iv: sealed.slice(0, NONCE_BYTES), additionalData: storedReceiptBinding(wallet, sequence) }
  try {
    return new Uint8Array(await crypto.subtle.decrypt(params, aes, sealed.slice(NONCE_BYTES)))
  } catch {
    return undefined
  }
}
