import { encodeCbor, decodeCbor } from './cbor.ts'
import { attempt, bytes, integer, object, oneOf, text } from './fields.ts'
import { LIMITS } from './limits.ts'

export const OPERATIONS = [
  'create', 'import', 'view', 'discover', 'addAccounts', 'rename', 'delete', 'restore', 'sign', 'changePin', 'verifyPin', 'recover', 'renewRecovery',
  'export', 'cancelExport', 'history', 'enrolFactor', 'confirmFactor', 'removeFactor',
] as const
export type Operation = (typeof OPERATIONS)[number]

/** Those that can ask for a one-time code. `recover` is the way back for who has lost the telephone; the rest take no PIN, or come before there is a factor. */
export const FACTOR_OPERATIONS = [
  'discover', 'addAccounts', 'rename', 'delete', 'restore', 'sign', 'changePin', 'verifyPin', 'renewRecovery', 'export', 'cancelExport', 'enrolFactor',
  'removeFactor',
] as const satisfies readonly Operation[]

/** UUIDv4 in lowercase (RFC 9562 §5.4): the one spelling of a wallet id. */
export const WALLET_ID = /^[0-9a-f]{8}-[0-9a-f]{4}-4[0-9a-f]{3}-[89ab][0-9a-f]{3}-[0-9a-f]{12}$/

/** What the relay routes by, and the HPKE AAD: readable by all, alterable by none. */
export interface RequestHeader {
  readonly op: Operation
  readonly wallet: string
  /** Channel key id, 16 bytes. */
  readonly key: Uint8Array
}

/** Deterministic CBOR `{v, op, wallet, key}`. */
export function encodeHeader(header: RequestHeader): Uint8Array<ArrayBuffer> {
  return encodeCbor({ v: LIMITS.protocolVersion, op: header.op, wallet: header.wallet, key: header.key })
}

/** Returns `undefined` for anything {@link encodeHeader} would not have written. */
export function decodeHeader(encoded: Uint8Array): RequestHeader | undefined {
  return attempt(() => {
    const fields = object(decodeCbor(encoded), ['v', 'op', 'wallet', 'key'])
    integer(fields['v'], LIMITS.protocolVersion, LIMITS.protocolVersion)
    return { op: oneOf(fields['op'], OPERATIONS), wallet: text(fields['wallet'], WALLET_ID), key: bytes(fields['key'], 16) }
  })
}
