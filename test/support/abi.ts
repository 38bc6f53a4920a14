/** Arguments of any type that the project's signatures use, for comparison with viem. */
import fc from 'fast-check'
import { toHex } from 'viem'
import type { AbiType, AbiValue } from '../../lib/chains/ethereum/calls/abi.ts'
import { address, bytesHex } from './evm-values.ts'

/** As viem takes them. */
export function argumentsOf(types: readonly AbiType[]): fc.Arbitrary<readonly unknown[]> {
  return fc.tuple(...types.map(valueOf))
}

function valueOf(type: AbiType): fc.Arbitrary<unknown> {
  switch (type.kind) {
    case 'uint':
      return fc.oneof(fc.bigInt(0n, 2n ** BigInt(type.bits) - 1n), fc.constantFrom(0n, 2n ** BigInt(type.bits) - 1n)).map((number) => (type.bits <= 48 ? Number(number) : number))
    case 'address':
      return address
    case 'bool':
      return fc.boolean()
    case 'bytes':
      return bytesHex(0, 70)
    case 'fixedBytes':
      return bytesHex(type.length)
    case 'array':
      return fc.array(valueOf(type.item), { maxLength: 3 })
    case 'tuple':
      return fc.tuple(...type.items.map(valueOf))
  }
  throw new Error('no such type')
}

/** What we decode, in viem's terms. */
export function asViem(value: AbiValue): unknown {
  if (value instanceof Uint8Array) return toHex(value)
  return Array.isArray(value) ? (value as readonly AbiValue[]).map(asViem) : value
}

/** viem has numbers where they fit, we have bigints. */
export function withBigints(value: unknown): unknown {
  if (typeof value === 'number') return BigInt(value)
  return Array.isArray(value) ? value.map(withBigints) : value
}

/** A type as viem's ABI has it. */
export function toParameter(type: AbiType): { type: string; components?: unknown[]; name: string } {
  switch (type.kind) {
    case 'uint':
      return { name: '', type: `uint${type.bits}` }
    case 'fixedBytes':
      return { name: '', type: `bytes${type.length}` }
    case 'array': {
      const item = toParameter(type.item)
      return { ...item, type: `${item.type}[]` }
    }
    case 'tuple':
      return { name: '', type: 'tuple', components: type.items.map(toParameter) }
    case 'address':
    case 'bool':
    case 'bytes':
      return { name: '', type: type.kind }
  }
  throw new Error('no such type')
}
