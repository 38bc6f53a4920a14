/**
 * What RLP items stand for (Yellow Paper, appendix B; EIP-2718 and its followers): integers big-endian without leading zeros, addresses of 20
 * bytes. Each reader takes what its field may hold and refuses the rest.
 */
import { addr } from 'micro-eth-signer'
import { fromHex, toHex } from '../../protocol/bytes.ts'
import { CloisterError, type ErrorCode } from '../../protocol/errors.ts'
import type { RlpItem } from './rlp.ts'

export function readBytes(item: RlpItem | undefined): Uint8Array {
  if (!(item instanceof Uint8Array)) throw new CloisterError('tx_malformed')
  return item
}

/** @param count - how many items there must be; any number, if not given */
export function readList(item: RlpItem | undefined, count?: number): readonly RlpItem[] {
  if (item === undefined || item instanceof Uint8Array || (count !== undefined && item.length !== count)) throw new CloisterError('tx_malformed')
  return item
}

/** @throws CloisterError `tx_not_canonical` for a leading zero, `tooLarge` for what needs more bits */
export function readInteger(item: RlpItem | undefined, bits: number, tooLarge: ErrorCode = 'tx_field_invalid'): bigint {
  const bytes = readBytes(item)
  if (bytes[0] === 0) throw new CloisterError('tx_not_canonical')
  if (bytes.length * 8 > bits) throw new CloisterError(tooLarge)
  return toBigInt(bytes)
}

/** Wei, or a price in wei a gas: 256 bits. */
export const readAmount = (item: RlpItem | undefined): bigint => readInteger(item, 256, 'tx_overflow')

/** 64 bits, as every client has it. */
export const readGas = (item: RlpItem | undefined): bigint => readInteger(item, 64, 'tx_overflow')

/** EIP-2681: below 2^64 - 1. */
export function readNonce(item: RlpItem | undefined): bigint {
  const nonce = readInteger(item, 64)
  if (nonce === 2n ** 64n - 1n) throw new CloisterError('tx_field_invalid')
  return nonce
}

export function readFixed(item: RlpItem | undefined, length: number): Uint8Array {
  const bytes = readBytes(item)
  if (bytes.length !== length) throw new CloisterError('tx_field_invalid')
  return bytes
}

/** With the checksum of EIP-55. */
export const readAddress = (item: RlpItem | undefined): string => toAddress(readFixed(item, 20))

/** `null`: the transaction creates a contract. */
export const readRecipient = (item: RlpItem | undefined): string | null => (readBytes(item).length === 0 ? null : readAddress(item))

export function toAddress(bytes: Uint8Array): string {
  return addr.addChecksum(toHex(bytes))
}

export function addressBytes(address: string): Uint8Array {
  return fromHex(address.slice(2)) as Uint8Array
}

export function toBigInt(bytes: Uint8Array): bigint {
  return bytes.length === 0 ? 0n : BigInt(`0x${toHex(bytes)}`)
}

/** Big-endian, no leading zero; zero is empty. */
export function integerBytes(value: bigint): Uint8Array {
  const digits = value === 0n ? '' : value.toString(16)
  return fromHex(digits.length % 2 === 0 ? digits : `0${digits}`) as Uint8Array
}

/** Big-endian in so many bytes. */
export function fixedBytes(value: bigint, length: number): Uint8Array {
  return fromHex(value.toString(16).padStart(2 * length, '0')) as Uint8Array
}

export const hex = (bytes: Uint8Array): string => `0x${toHex(bytes)}`
