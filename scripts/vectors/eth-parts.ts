/**
 * Takes signed transactions apart: what was signed, and the signature. And what can be read off the bytes without
 * parsing them.
 */
import type { EcdsaSignature } from '../../enclave-sim/core/signing.ts'
import { readRlpList, writeRlp, type RlpItem } from '../../lib/chains/ethereum/rlp.ts'
import { toBigInt } from '../../lib/chains/ethereum/values.ts'
import { concat, equal } from '../../lib/protocol/bytes.ts'
import { CloisterError } from '../../lib/protocol/errors.ts'
import { numberBytes } from './eth-rlp.ts'
import { hex, UnknownShape } from './fields.ts'
import { Failure } from './report.ts'

/** The chain id that an unsigned transaction names, in CAIP-2; 1, if it names none. */
export function chainIdOf(unsigned: Uint8Array): string {
  let item: RlpItem | undefined
  try {
    const isTyped = (unsigned[0] ?? 0) < 0xc0
    const items = readRlpList(isTyped ? unsigned.subarray(1) : unsigned)
    item = (isTyped && Array.isArray(items[0]) ? items[0] : items)[isTyped ? 0 : 6]
  } catch {
    item = undefined
  }
  return `eip155:${item instanceof Uint8Array ? toBigInt(item) : 1n}`
}

interface Parts {
  /** What was signed. */
  readonly unsigned: Uint8Array
  /** `undefined` if v, r and s are none that there are. */
  readonly signature: EcdsaSignature | undefined
}

/** @throws Failure when it is no transaction with a signature at all */
export function takeApart(signed: Uint8Array): Parts {
  const type = (signed[0] ?? 0) < 0xc0 ? signed.subarray(0, 1) : new Uint8Array()
  let items: readonly RlpItem[]
  try {
    items = readRlpList(signed.subarray(type.length))
  } catch (error) {
    throw new Failure(`its RLP is refused${error instanceof CloisterError ? `: ${error.code}` : ''}`)
  }
  // EIP-4844 with its blobs: they follow the transaction.
  const isWrapped = type.length > 0 && Array.isArray(items[0])
  const inner: readonly RlpItem[] = isWrapped ? (items[0] as RlpItem[]) : items
  const [v, r, s] = inner.slice(-3)
  if (!(v instanceof Uint8Array) || !(r instanceof Uint8Array) || !(s instanceof Uint8Array)) throw new Failure('its signature is not read')
  const fields = inner.slice(0, -3)
  const compact = r.length > 32 || s.length > 32 ? undefined : concat(pad32(r), pad32(s))
  const number = toBigInt(v)
  const signature = (recovery: bigint): EcdsaSignature | undefined =>
    compact === undefined || recovery < 0n || recovery > 1n ? undefined : { compact, recovery: recovery === 0n ? 0 : 1 }
  if (type.length > 0) return { unsigned: concat(type, writeRlp(isWrapped ? [fields, ...items.slice(1)] : fields)), signature: signature(number) }
  if (number < 35n) return { unsigned: writeRlp(fields), signature: signature(number - 27n) }
  const none = new Uint8Array()
  return { unsigned: writeRlp([...fields, numberBytes((number - 35n) / 2n), none, none]), signature: signature((number - 35n) % 2n) } // EIP-155
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
  return concat(new Uint8Array(32 - bytes.length), bytes)
}
