/** The fields of a user operation's JSON, with Ethereum's hex inside. */
import { addr } from 'micro-eth-signer'
import { fromHex } from '../../protocol/bytes.ts'
import { CloisterError } from '../../protocol/errors.ts'
import { attempt } from '../../protocol/fields.ts'
import { decodeUtf8 } from '../text.ts'
import { parseStrictJson, type Json, type JsonObject } from './strict-json.ts'
import { toAddress } from './values.ts'

export interface DelegateAuthorization {
  /** 0: any chain. */
  readonly chainId: bigint
  readonly address: string
}

/** @throws CloisterError `tx_malformed` */
export function parseJson(data: Uint8Array): Json {
  const text = decodeUtf8(data)
  const value = text === undefined ? undefined : attempt(() => parseStrictJson(text))
  if (value === undefined) throw new CloisterError('tx_malformed')
  return value
}

/** @throws CloisterError `tx_malformed` unless it has all that is needed and nothing that is not known */
export function jsonObject(value: Json | undefined, needed: readonly string[], optional: readonly string[] = []): JsonObject {
  if (!isObject(value)) throw new CloisterError('tx_malformed')
  const names = [...value.keys()]
  if (!needed.every((name) => value.has(name)) || !names.every((name) => needed.includes(name) || optional.includes(name))) throw new CloisterError('tx_malformed')
  return value
}

export function isObject(value: Json | undefined): value is JsonObject {
  return value instanceof Map
}

export function bytes(value: Json | undefined, length?: number): Uint8Array {
  const decoded = typeof value === 'string' && value.startsWith('0x') ? fromHex(value.slice(2)) : undefined
  if (decoded === undefined) throw new CloisterError('tx_malformed')
  if (length !== undefined && decoded.length !== length) throw new CloisterError('tx_field_invalid')
  return decoded
}

/** Empty, if it is not there. */
export const bytesOr = (value: Json | undefined): Uint8Array => (value === undefined ? new Uint8Array() : bytes(value))

export function integer(value: Json | undefined, bits: number): bigint {
  if (typeof value !== 'string' || !/^0x[0-9a-fA-F]{1,64}$/.test(value)) throw new CloisterError('tx_malformed')
  const number = BigInt(value)
  if (number >= 2n ** BigInt(bits)) throw new CloisterError('tx_field_invalid')
  return number
}

/** Gas, or a price: the entry points refuse whatever needs more than 120 bits (AA94). */
export function gas(value: Json | undefined): bigint {
  const number = integer(value, 256)
  if (number >= 2n ** 120n) throw new CloisterError('tx_overflow')
  return number
}

/** @returns with the checksum of EIP-55; one that is there must be right */
export function address(value: Json | undefined): string {
  const raw = bytes(value, 20)
  const digits = (value as string).slice(2)
  const hasChecksum = digits !== digits.toLowerCase() && digits !== digits.toUpperCase()
  if (hasChecksum && !addr.isValid(value as string)) throw new CloisterError('tx_field_invalid')
  return toAddress(raw)
}

/** ERC-7769's `eip7702Auth`; its signature is somebody else's to check. */
export function authorization(value: Json | undefined): DelegateAuthorization {
  const from = jsonObject(value, ['chainId', 'address', 'nonce'], ['yParity', 'r', 's'])
  for (const name of ['nonce', 'yParity', 'r', 's']) if (from.get(name) !== undefined) integer(from.get(name), 256)
  return { chainId: integer(from.get('chainId'), 256), address: address(from.get('address')) }
}
