import { decodeCbor, encodeCbor, wipeDeep, type CborValue } from './cbor.ts'
import { attempt, bytes, integer, Malformed, nullable, object, oneOf, text } from './fields.ts'
import { OPERATIONS, WALLET_ID, type Operation } from './header.ts'
import { LIMITS } from './limits.ts'
import { pad, paddedLength, shortOf, unpad } from './padding.ts'

/** The client key's word for a request (see proof.ts). */
export interface Proof {
  /** P-256 public key, affine coordinates, 32 bytes each, big-endian. */
  readonly x: Uint8Array
  readonly y: Uint8Array
  /** The 32 random bytes that went into the token's nonce. */
  readonly random: Uint8Array
  /** ECDSA P-256 with SHA-256, r ‖ s, 64 bytes (IEEE P1363). */
  readonly signature: Uint8Array
}

/** What a client seals to the enclave, padded. Deterministic CBOR; secrets are byte strings. */
export interface RequestBody {
  readonly op: Operation
  readonly wallet: string
  /** 16 random bytes; single use. */
  readonly request: Uint8Array
  /** Milliseconds since the epoch, by attested time. */
  readonly issuedAtMs: number
  /** 16 random bytes; the same for each retry of one intention. */
  readonly idempotency: Uint8Array
  /** SHA-256 of the bearer token's ASCII bytes. */
  readonly token: Uint8Array
  readonly proof: Proof | null
  readonly pin: Uint8Array | null
  /** One-time code of the second factor: six ASCII digits (RFC 6238). */
  readonly otp: Uint8Array | null
  /** The operation's own parameters (see operations.ts). */
  readonly parameters: CborValue
}

export type UnprovenBody = Omit<RequestBody, 'proof'>

/** The bytes that the proof signs over: the body without `proof`. */
export function encodeUnprovenBody(body: UnprovenBody): Uint8Array<ArrayBuffer> {
  const { op, wallet, request, issuedAtMs, idempotency, token, pin, otp, parameters } = body
  return encodeCbor({ op, wallet, request, issuedAt: issuedAtMs, idempotency, token, pin, otp, parameters })
}

export function encodeBody(body: RequestBody): Uint8Array<ArrayBuffer> {
  const { op, wallet, request, issuedAtMs, idempotency, token, pin, otp, parameters } = body
  const proof: CborValue = body.proof === null ? null : { ...body.proof }
  return encodeCbor({ op, wallet, request, issuedAt: issuedAtMs, idempotency, token, proof, pin, otp, parameters })
}

/**
 * Returns `undefined` for anything {@link encodeBody} would not have written. The PIN's length is not judged here,
 * so that a short PIN gets its own code.
 */
export function decodeBody(encoded: Uint8Array): RequestBody | undefined {
  const decoded = decodeCbor(encoded)
  const body = attempt(() => {
    const fields = object(decoded, ['op', 'wallet', 'request', 'issuedAt', 'idempotency', 'token', 'proof', 'pin', 'otp', 'parameters'])
    const parameters = fields['parameters'] as CborValue
    if (typeof parameters !== 'object' || parameters === null) throw new Malformed()
    return {
      op: oneOf(fields['op'], OPERATIONS),
      wallet: text(fields['wallet'], WALLET_ID),
      request: bytes(fields['request'], 16),
      issuedAtMs: integer(fields['issuedAt'], 0, Number.MAX_SAFE_INTEGER),
      idempotency: bytes(fields['idempotency'], 16),
      token: bytes(fields['token'], 32),
      proof: nullable(fields['proof'], decodeProof),
      pin: nullable(fields['pin'], (pin) => bytes(pin, 0, 1024)),
      otp: nullable(fields['otp'], (otp) => bytes(otp, LIMITS.otpBytes)),
      parameters,
    }
  })
  if (body === undefined) wipeDeep(decoded)
  return body
}

/** The body's padded bytes, for sealing: as many as with a PIN of 64 bytes and a one-time code, whatever the two are. Wipe them. */
export function encodeSealedBody(body: RequestBody): Uint8Array<ArrayBuffer> {
  return pad(encodeBody(body), shortBody(body))
}

/** Returns `undefined` for anything {@link encodeSealedBody} would not have written: other padding, more or less of it. */
export function decodeSealedBody(padded: Uint8Array): RequestBody | undefined {
  const content = unpad(padded)
  const body = content === undefined ? undefined : decodeBody(content)
  if (content === undefined || body === undefined) return undefined
  if (padded.length === paddedLength(content.length + shortBody(body))) return body
  wipeDeep(body)
  return undefined
}

function shortBody({ pin, otp }: RequestBody): number {
  return shortOf(pin, LIMITS.maxPinBytes) + shortOf(otp, LIMITS.otpBytes)
}

function decodeProof(value: unknown): Proof {
  const proof = object(value, ['x', 'y', 'random', 'signature'])
  return {
    x: bytes(proof['x'], 32),
    y: bytes(proof['y'], 32),
    random: bytes(proof['random'], 32),
    signature: bytes(proof['signature'], 64),
  }
}
