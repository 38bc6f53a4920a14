/**
 * Walks bytes from the first to the last. Integers are little-endian, as everything on Solana; whatever ends too early is refused with the
 * code that the cursor was made with.
 */
import { base58 } from '@scure/base'
import { CloisterError, type ErrorCode } from '../../protocol/errors.ts'

export interface Cursor {
  bytes(length: number): Uint8Array
  u8(): number
  u16(): number
  u32(): number
  u64(): bigint
  /** Two's complement. */
  i16(): bigint
  i64(): bigint
  /** `compact-u16`: 7 bits a byte, low ones first, the high bit says that more follow. @throws CloisterError `tx_not_canonical` unless shortest */
  length(): number
  /** 32 bytes, in base58. */
  key(): string
  /** How many bytes there still are. */
  left(): number
  /** Refuses, for a reason of the caller's. */
  fail(): never
}

export function cursorOver(source: Uint8Array, code: ErrorCode): Cursor {
  let at = 0
  const fail = (): never => {
    throw new CloisterError(code)
  }
  const bytes = (length: number): Uint8Array => {
    if (length > source.length - at) fail()
    at += length
    return source.subarray(at - length, at)
  }
  const integer = (width: number): bigint => bytes(width).reduceRight((sum, byte) => (sum << 8n) | BigInt(byte), 0n)
  const u8 = (): number => Number(integer(1))
  const length = (): number => {
    let value = 0
    for (let shift = 0; shift < 21; shift += 7) {
      const byte = u8()
      value |= (byte & 0x7f) << shift
      if (byte >= 0x80) continue
      if (byte === 0 && shift > 0) throw new CloisterError('tx_not_canonical')
      return value > 0xffff ? fail() : value
    }
    return fail()
  }
  return {
    bytes,
    u8,
    u16: () => Number(integer(2)),
    u32: () => Number(integer(4)),
    u64: () => integer(8),
    i16: () => BigInt.asIntN(16, integer(2)),
    i64: () => BigInt.asIntN(64, integer(8)),
    length,
    key: () => base58.encode(bytes(32)),
    left: () => source.length - at,
    fail,
  }
}
