/** What relay and enclave say to each other over HTTP: CBOR bodies, `POST /v1/request` and `POST /v1/attest`. */
import { decodeCbor, encodeCbor, type CborValue } from './cbor.ts'
import { isErrorCode, type ErrorCode } from './errors.ts'
import { array, attempt, bytes, integer, Malformed, nullable, object, oneOf } from './fields.ts'
import { LIMITS } from './limits.ts'
import { decodeRecord, encodeRecord, type WalletRecord } from './record.ts'

/** Bytes of a relay's message to the enclave: a body, a token and a record. */
export const MAX_SERVICE_BYTES = 512 * 1024

export interface ServiceRequest {
  /** The bearer token's ASCII bytes. */
  readonly token: Uint8Array
  readonly header: Uint8Array
  readonly enc: Uint8Array
  readonly ciphertext: Uint8Array
  /** The record as the relay read it; null when there is none. */
  readonly record: WalletRecord | null
}

/**
 * `done` and `refused` carry a sealed answer. `not_tried` and `busy` say by a code why nothing was done: the same request may be
 * sent again as it is.
 */
export type ServiceAnswer =
  | { readonly outcome: 'done' | 'refused'; readonly answer: Uint8Array }
  | { readonly outcome: 'not_tried' | 'busy'; readonly code: ErrorCode; readonly retryAfterSec: number | null }

export function encodeServiceRequest(request: ServiceRequest): Uint8Array<ArrayBuffer> {
  const record: CborValue = request.record === null ? null : encodeRecord(request.record)
  return encodeCbor({ ...request, record })
}

export function decodeServiceRequest(encoded: Uint8Array): ServiceRequest | undefined {
  return attempt(() => {
    const fields = object(decodeCbor(encoded), ['token', 'header', 'enc', 'ciphertext', 'record'])
    return {
      token: bytes(fields['token'], 1, LIMITS.maxTokenBytes),
      header: bytes(fields['header'], 1, 256),
      enc: bytes(fields['enc'], 32),
      ciphertext: bytes(fields['ciphertext'], 16, LIMITS.maxBodyBytes),
      record: nullable(fields['record'], (value) => {
        const record = decodeRecord(value)
        if (record === undefined) throw new Malformed()
        return record
      }),
    }
  })
}

export function encodeServiceAnswer(answer: ServiceAnswer): Uint8Array<ArrayBuffer> {
  return 'answer' in answer
    ? encodeCbor({ outcome: answer.outcome, answer: answer.answer, code: null, retryAfter: null })
    : encodeCbor({ outcome: answer.outcome, answer: null, code: answer.code, retryAfter: answer.retryAfterSec })
}

export function decodeServiceAnswer(encoded: Uint8Array): ServiceAnswer | undefined {
  return attempt((): ServiceAnswer => {
    const fields = object(decodeCbor(encoded), ['outcome', 'answer', 'code', 'retryAfter'])
    const outcome = oneOf(fields['outcome'], ['done', 'refused', 'not_tried', 'busy'])
    if (outcome === 'done' || outcome === 'refused') {
      if (fields['code'] !== null || fields['retryAfter'] !== null) throw new Malformed()
      return { outcome, answer: bytes(fields['answer'], 48, LIMITS.maxBodyBytes) }
    }
    const code = fields['code']
    if (!isErrorCode(code) || fields['answer'] !== null) throw new Malformed()
    return { outcome, code, retryAfterSec: nullable(fields['retryAfter'], (value) => integer(value, 0, 86_400)) }
  })
}

/** An enclave's answer to `POST /v1/attest`. */
export interface ChannelOffer {
  readonly document: Uint8Array
  readonly key: Uint8Array
}

export function encodeChannelOffer(offer: ChannelOffer): Uint8Array<ArrayBuffer> {
  return encodeCbor({ document: offer.document, key: offer.key })
}

export function decodeChannelOffer(encoded: Uint8Array): ChannelOffer | undefined {
  return attempt(() => {
    const fields = object(decodeCbor(encoded), ['document', 'key'])
    return { document: bytes(fields['document'], 1, 16 * 1024), key: bytes(fields['key'], 16) }
  })
}

export function encodeAttestRequest(nonce: Uint8Array): Uint8Array<ArrayBuffer> {
  return encodeCbor({ nonce })
}

export function decodeAttestRequest(encoded: Uint8Array): Uint8Array | undefined {
  return attempt(() => bytes(object(decodeCbor(encoded), ['nonce'])['nonce'], LIMITS.minNonceBytes, LIMITS.maxNonceBytes))
}

/** `GET /v1/channels`: ids of the channel keys that an enclave still opens. */
export function encodeChannels(keys: readonly Uint8Array[]): Uint8Array<ArrayBuffer> {
  return encodeCbor(keys)
}

export function decodeChannels(encoded: Uint8Array): readonly Uint8Array[] | undefined {
  return attempt(() => array(decodeCbor(encoded), 16, (key) => bytes(key, 16)))
}

/** `user_data` of the attestation that offers a channel key. */
interface ChannelBinding {
  readonly key: Uint8Array
  readonly notAfterMs: number
}

export function encodeChannelBinding(binding: ChannelBinding): Uint8Array<ArrayBuffer> {
  return encodeCbor({ v: LIMITS.protocolVersion, key: binding.key, notAfter: binding.notAfterMs })
}

export function decodeChannelBinding(encoded: Uint8Array): ChannelBinding | undefined {
  return attempt(() => {
    const fields = object(decodeCbor(encoded), ['v', 'key', 'notAfter'])
    integer(fields['v'], LIMITS.protocolVersion, LIMITS.protocolVersion)
    return { key: bytes(fields['key'], 16), notAfterMs: integer(fields['notAfter'], 0, Number.MAX_SAFE_INTEGER) }
  })
}
