/** Strict JSON with Ethereum's hex inside: keys exactly as expected and none twice, text in valid UTF-8. */
import { addr } from 'micro-eth-signer'
import { fromHex } from '../../protocol/bytes.ts'
import { CloisterError } from '../../protocol/errors.ts'
import { toAddress } from './values.ts'

/** `JSON.parse` reads any depth; counting keys would not. */
const MAX_DEPTH = 32

export type JsonObject = Readonly<Record<string, unknown>>

export interface DelegateAuthorization {
  /** 0: any chain. */
  readonly chainId: bigint
  readonly address: string
}

/** @throws CloisterError `tx_malformed` */
export function parseJson(data: Uint8Array): unknown {
  let text: string
  let value: unknown
  try {
    text = new TextDecoder('utf-8', { fatal: true, ignoreBOM: true }).decode(data)
    value = JSON.parse(text)
  } catch {
    throw new CloisterError('tx_malformed')
  }
  // JSON.parse keeps the last of equal keys; another reader may keep the first. In valid JSON a string before a colon is a key.
  const written = [...text.matchAll(/"(?:[^"\\]|\\.)*"(\s*:)?/g)].filter((match) => match[1] !== undefined).length
  if (written !== keysIn(value, MAX_DEPTH)) throw new CloisterError('tx_malformed')
  return value
}

function keysIn(value: unknown, levels: number): number {
  if (typeof value !== 'object' || value === null) return 0
  if (levels === 0) throw new CloisterError('tx_malformed')
  const inside = Object.values(value).reduce<number>((sum, part) => sum + keysIn(part, levels - 1), 0)
  return inside + (Array.isArray(value) ? 0 : Object.keys(value).length)
}

/** @throws CloisterError `tx_malformed` unless it has all that is needed and nothing that is not known */
export function jsonObject(value: unknown, needed: readonly string[], optional: readonly string[] = []): JsonObject {
  if (typeof value !== 'object' || value === null || Array.isArray(value)) throw new CloisterError('tx_malformed')
  const names = Object.keys(value)
  if (!needed.every((name) => names.includes(name)) || !names.every((name) => needed.includes(name) || optional.includes(name))) throw new CloisterError('tx_malformed')
  return value as JsonObject
}

export function bytes(value: unknown, length?: number): Uint8Array {
  const decoded = typeof value === 'string' && value.startsWith('0x') ? fromHex(value.slice(2)) : undefined
  if (decoded === undefined) throw new CloisterError('tx_malformed')
  if (length !== undefined && decoded.length !== length) throw new CloisterError('tx_field_invalid')
  return decoded
}

/** Empty, if it is not there. */
export const bytesOr = (value: unknown): Uint8Array => (value === undefined ? new Uint8Array() : bytes(value))

export function integer(value: unknown, bits: number): bigint {
  if (typeof value !== 'string' || !/^0x[0-9a-fA-F]{1,64}$/.test(value)) throw new CloisterError('tx_malformed')
  const number = BigInt(value)
  if (number >= 2n ** BigInt(bits)) throw new CloisterError('tx_field_invalid')
  return number
}

/** Gas, or a price: the entry points refuse whatever needs more than 120 bits (AA94). */
export function gas(value: unknown): bigint {
  const number = integer(value, 256)
  if (number >= 2n ** 120n) throw new CloisterError('tx_overflow')
  return number
}

/** @returns with the checksum of EIP-55; one that is there must be right */
export function address(value: unknown): string {
  const raw = bytes(value, 20)
  const digits = (value as string).slice(2)
  const hasChecksum = digits !== digits.toLowerCase() && digits !== digits.toUpperCase()
  if (hasChecksum && !addr.isValid(value as string)) throw new CloisterError('tx_field_invalid')
  return toAddress(raw)
}

/** ERC-7769's `eip7702Auth`; its signature is somebody else's to check. */
export function authorization(value: unknown): DelegateAuthorization {
  const from = jsonObject(value, ['chainId', 'address', 'nonce'], ['yParity', 'r', 's'])
  for (const name of ['nonce', 'yParity', 'r', 's']) if (from[name] !== undefined) integer(from[name], 256)
  return { chainId: integer(from['chainId'], 256), address: address(from['address']) }
}
