/** Values of elementary types, each in the forms on which the common libraries agree, and those only. */
import { keccak_256 } from '@noble/hashes/sha3.js'
import { addr } from 'micro-eth-signer'
import { concat, fromHex, toHex, utf8 } from '../../../protocol/bytes.ts'
import { Malformed } from '../../../protocol/fields.ts'
import type { Json } from '../strict-json.ts'

interface Value {
  /** As `abi.encodePacked` has it: of the type's own length. */
  readonly packed: Uint8Array
  /** As a person reads it. */
  readonly text: string
  /** An address in both cases whose checksum (EIP-55) doesn't hold: it was mistyped, or altered. */
  readonly isMistyped?: boolean
}

/**
 * `bool`: true or false. `address`: `0x` and 40 hex digits. `bytes…`: `0x` and hex, of exactly the type's length.
 * Integers: a whole JSON number, decimal digits in text, or `0x` and hex; in range.
 * @throws Malformed
 */
export function readValue(type: string, value: Json | undefined): Value {
  switch (type) {
    case 'string':
      if (typeof value !== 'string') throw new Malformed()
      return { packed: utf8(value), text: value }
    case 'bool':
      if (typeof value !== 'boolean') throw new Malformed()
      return { packed: Uint8Array.of(value ? 1 : 0), text: String(value) }
    case 'address':
      return readAddress(value)
    case 'bytes':
      return readBytes(value, undefined)
    default:
      return type.startsWith('bytes') ? readBytes(value, Number(type.slice(5))) : readInteger(type, value)
  }
}

/** The 32 bytes that stand for a value in `encodeData`. */
export function wordOf(type: string, { packed }: Value): Uint8Array {
  if (type === 'string' || type === 'bytes') return keccak_256(packed)
  const padding = new Uint8Array(32 - packed.length)
  if (type.startsWith('bytes')) return concat(packed, padding)
  const isNegative = type.startsWith('int') && (packed[0] as number) >= 0x80
  return concat(isNegative ? padding.fill(0xff) : padding, packed)
}

function readAddress(value: Json | undefined): Value {
  if (typeof value !== 'string' || !/^0x[0-9a-fA-F]{40}$/.test(value)) throw new Malformed()
  return { packed: fromHex(value.slice(2)) as Uint8Array, text: addr.addChecksum(value), isMistyped: !addr.isValid(value) }
}

function readBytes(value: Json | undefined, length: number | undefined): Value {
  const packed = typeof value === 'string' && value.startsWith('0x') ? fromHex(value.slice(2)) : undefined
  if (packed === undefined || (length !== undefined && packed.length !== length)) throw new Malformed()
  return { packed, text: `0x${toHex(packed)}` }
}

function readInteger(type: string, value: Json | undefined): Value {
  const isSigned = type.startsWith('int')
  const bits = BigInt(/\d+$/.exec(type)?.[0] ?? 256)
  const number = wholeNumber(value)
  const [min, max] = isSigned ? [-(1n << (bits - 1n)), (1n << (bits - 1n)) - 1n] : [0n, (1n << bits) - 1n]
  if (number < min || number > max) throw new Malformed()
  const hex = BigInt.asUintN(Number(bits), number).toString(16).padStart(Number(bits) / 4, '0')
  return { packed: fromHex(hex) as Uint8Array, text: String(number) }
}

/** @throws Malformed */
export function wholeNumber(value: Json | undefined): bigint {
  if (typeof value === 'number') return BigInt(value)
  if (typeof value !== 'string' || !/^(0|-?[1-9][0-9]{0,77}|0x[0-9a-fA-F]{1,64})$/.test(value)) throw new Malformed()
  return BigInt(value)
}
