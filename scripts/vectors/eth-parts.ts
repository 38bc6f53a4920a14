/**
 * Takes signed transactions apart: what was signed, and the signature. And what can be read off the bytes without
 * parsing them.
 */
import type { EcdsaSignature } from '../../lib/chains/ethereum/ethereum.ts'
import { readRlpList, type RlpItem } from '../../lib/chains/ethereum/rlp.ts'
import { concat, equal, toHex } from '../../lib/protocol/bytes.ts'
import { CloisterError } from '../../lib/protocol/errors.ts'
import { numberBytes, writeRlp } from './eth-rlp.ts'
import { hex, UnknownShape } from './fields.ts'
import { Failure } from './report.ts'

/** The chain id that an unsigned transaction names, in CAIP-2. */
export function chainIdOf(unsigned: Uint8Array): string {
  let item: RlpItem | undefined
  try {
    const isTyped = (unsigned[0] ?? 0) < 0xc0
    item = readRlpList(isTyped ? unsigned.subarray(1) : unsigned)[isTyped ? 0 : 6]
  } catch {
    item = undefined
  }
  return `eip155:${item instanceof Uint8Array ? toNumber(item) : 0n}`
}

export interface Parts {
  /** What was signed. */
  readonly unsigned: Uint8Array
  /** The same with a chain id, if it had none: it is not refused for that. */
  readonly protectedForm: Uint8Array
  /** `undefined` if v is none of those that there are. */
  readonly signature: EcdsaSignature | undefined
  /** r and s are there, and empty. */
  readonly isUnsigned: boolean
}

export function takeApart(signed: Uint8Array): Parts {
  const type = (signed[0] ?? 0) < 0xc0 ? signed.subarray(0, 1) : new Uint8Array()
  let items: readonly RlpItem[]
  try {
    items = readRlpList(signed.subarray(type.length))
  } catch (error) {
    throw new Failure(`its RLP is refused${error instanceof CloisterError ? `: ${error.code}` : ''}`)
  }
  const [v, r, s] = items.slice(-3)
  if (!(v instanceof Uint8Array) || !(r instanceof Uint8Array) || !(s instanceof Uint8Array)) {
    if (type.length > 0) return typed(type, items, undefined, false) // EIP-4844 with its blobs: they follow the transaction
    throw new Failure('its signature is not read')
  }
  const isUnsigned = r.length === 0 && s.length === 0
  const compact = concat(pad32(r), pad32(s))
  const number = toNumber(v)
  if (type.length > 0) {
    return typed(type, items, number > 1n ? undefined : { compact, recovery: number === 0n ? 0 : 1 }, isUnsigned)
  }
  const fields = items.slice(0, -3)
  const none = new Uint8Array()
  const withChain = (chainId: bigint): Uint8Array => writeRlp([...fields, numberBytes(chainId), none, none])
  if (number < 37n) {
    const recovery = number === 27n ? 0 : number === 28n ? 1 : undefined
    const signature = recovery === undefined ? undefined : ({ compact, recovery } as const)
    return { unsigned: writeRlp(fields), protectedForm: withChain(1n), signature, isUnsigned }
  }
  const form = withChain((number - 35n) / 2n) // EIP-155
  return { unsigned: form, protectedForm: form, signature: { compact, recovery: number % 2n === 1n ? 0 : 1 }, isUnsigned }
}

function typed(type: Uint8Array, items: readonly RlpItem[], signature: Parts['signature'], isUnsigned: boolean): Parts {
  const unsigned = concat(type, writeRlp(items.slice(0, -3)))
  return { unsigned, protectedForm: unsigned, signature, isUnsigned }
}

/** Typed transactions are sometimes given as an RLP string. */
export function unwrap(bytes: Uint8Array): Uint8Array {
  const first = bytes[0] ?? 0
  if (first < 0x80 || first >= 0xc0) return bytes
  const inner = first < 0xb8 ? bytes.subarray(1) : bytes.subarray(1 + first - 0xb7)
  if (!equal(writeRlp(inner), bytes)) throw new UnknownShape('not a transaction in an RLP string')
  return inner
}

export function toItem(value: unknown): RlpItem {
  return Array.isArray(value) ? value.map(toItem) : hex(value, 'an item')
}

function pad32(bytes: Uint8Array): Uint8Array {
  if (bytes.length > 32) throw new Failure('r or s is longer than 32 bytes')
  return concat(new Uint8Array(32 - bytes.length), bytes)
}

function toNumber(bytes: Uint8Array): bigint {
  return bytes.length === 0 ? 0n : BigInt(`0x${toHex(bytes)}`)
}
