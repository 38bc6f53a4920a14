/**
 * RLP through lib/chains/ethereum/rlp.ts, which reads lists alone: a vector that is a lone string is read inside a list
 * of one. Also writes RLP, to make unsigned transactions out of signed ones.
 */
import { readRlpList, writeRlp, type RlpItem } from '../../lib/chains/ethereum/rlp.ts'
import { concat, equal, utf8 } from '../../lib/protocol/bytes.ts'
import { CloisterError } from '../../lib/protocol/errors.ts'
import { hex, UnknownShape } from './fields.ts'
import { Failure, must, refusalOf, skip } from './report.ts'

/** No transaction nests deeper, so neither does the reader. */
const MAX_DEPTH = 8

/**
 * `content`: what is expected inside, in which text stands for its bytes or for their hex; `undefined` where `encoded`
 * is invalid.
 */
export async function checkRlp(encoded: Uint8Array, content: unknown, texts: 'text' | 'hex'): Promise<void> {
  const isString = encoded[0] !== undefined && encoded[0] < 0xc0
  if (content === undefined) {
    await refuses(encoded)
    // Inside a list the string is really read; if it ends too early, what follows becomes a second item.
    if (isString && wraps(encoded)) await refuses(writeRlpHead(0xc0, encoded.length, encoded))
    return
  }
  const expected = toItem(content, texts)
  if (depthOf(expected) > MAX_DEPTH) skip('deeper than any transaction')
  const items = isString ? readRlpList(writeRlpHead(0xc0, encoded.length, encoded)) : readRlpList(encoded)
  must(same(isString ? (items.length === 1 ? items[0] : undefined) : items, expected), 'something else is read')
  must(equal(writeRlp(expected), encoded), 'something else is written')
}

async function refuses(encoded: Uint8Array): Promise<void> {
  const refusal = await refusalOf(() => readRlpList(encoded))
  if (refusal === undefined) throw new Failure('an invalid encoding is read')
  must(refusal instanceof CloisterError, 'refused by accident')
}

/** Whether the one item of `encoded` claims all of it, or more. */
function wraps(encoded: Uint8Array): boolean {
  const first = encoded[0] as number
  if (first < 0x80) return encoded.length === 1
  if (first < 0xb8) return encoded.length <= first - 0x80 + 1
  const width = first - 0xb7
  const length = encoded.subarray(1, 1 + width).reduce((sum, byte) => sum * 256 + byte, 0)
  return encoded.length <= 1 + width + length
}

function toItem(value: unknown, texts: 'text' | 'hex'): RlpItem {
  if (Array.isArray(value)) return value.map((one) => toItem(one, texts))
  if (typeof value === 'string' && texts === 'hex') return hex(value, 'a string')
  if (typeof value === 'string' && /^#\d+$/.test(value)) return numberBytes(BigInt(value.slice(1)))
  if (typeof value === 'string') return utf8(value)
  if (typeof value === 'number' && Number.isSafeInteger(value) && value >= 0) return numberBytes(BigInt(value))
  throw new UnknownShape('another kind of RLP item')
}

/** An integer as RLP has it: big-endian, no leading zero. */
export function numberBytes(value: bigint): Uint8Array {
  const digits = value === 0n ? '' : value.toString(16)
  return hex(digits.length % 2 === 0 ? digits : `0${digits}`, 'a number')
}

function writeRlpHead(base: number, length: number, content: Uint8Array): Uint8Array {
  if (length <= 55) return concat(Uint8Array.of(base + length), content)
  const bytes = numberBytes(BigInt(length))
  return concat(Uint8Array.of(base + 55 + bytes.length), bytes, content)
}

function depthOf(item: RlpItem): number {
  return item instanceof Uint8Array ? 0 : 1 + Math.max(0, ...item.map(depthOf))
}

function same(a: RlpItem | undefined, b: RlpItem): boolean {
  if (a === undefined) return false
  if (a instanceof Uint8Array) return b instanceof Uint8Array && equal(a, b)
  return !(b instanceof Uint8Array) && a.length === b.length && a.every((item, i) => same(item, b[i] as RlpItem))
}
