/** Values for property tests of Ethereum's formats, as viem takes them. */
import fc from 'fast-check'
import { getAddress, toHex, type Hex } from 'viem'

/** Small ones, and those beside which an encoding gets longer, more often than chance would have them. */
export const uint = (bits: bigint): fc.Arbitrary<bigint> =>
  fc.oneof(fc.bigInt(0n, 2n ** bits - 1n), fc.bigInt(0n, 1000n), fc.constantFrom(0n, 1n, 127n, 128n, 255n, 256n, 2n ** bits - 1n))

export const bytesHex = (minLength: number, maxLength = minLength): fc.Arbitrary<Hex> =>
  fc.uint8Array({ minLength, maxLength }).map((bytes) => toHex(Uint8Array.from(bytes)))

/** With its checksum. */
export const address = bytesHex(20).map((raw) => getAddress(raw))
