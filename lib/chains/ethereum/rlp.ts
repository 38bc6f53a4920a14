/**
 * RLP (Ethereum Yellow Paper, appendix B): reads one list and returns its items; writes them back.
 *
 * Accepted: canonical RLP only. A single byte below 0x80 stands for itself, lengths are in shortest form, the list fills the
 * input exactly. What is wrong gets its own code, which is all that this adds to the decoder of micro-eth-signer.
 */
import { concat } from '../../protocol/bytes.ts'
import { CloisterError } from '../../protocol/errors.ts'

export type RlpItem = Uint8Array | readonly RlpItem[]

const MAX_DEPTH = 8

/** @throws CloisterError `tx_malformed`, `tx_not_canonical`, `tx_trailing_bytes` */
export function readRlpList(bytes: Uint8Array): readonly RlpItem[] {
  const { item, end } = readItem(bytes, 0, bytes.length, 0)
  if (item instanceof Uint8Array) throw new CloisterError('tx_malformed')
  if (end !== bytes.length) throw new CloisterError('tx_trailing_bytes')
  return item
}

function readItem(bytes: Uint8Array, at: number, limit: number, depth: number): { item: RlpItem; end: number } {
  const first = bytes[at]
  if (first === undefined || at >= limit || depth > MAX_DEPTH) throw new CloisterError('tx_malformed')
  if (first < 0x80) return { item: bytes.subarray(at, at + 1), end: at + 1 }
  const isList = first >= 0xc0
  const { start, end } = readLength(bytes, at, limit, first - (isList ? 0xc0 : 0x80))
  if (!isList) {
    const item = bytes.subarray(start, end)
    if (item.length === 1 && (item[0] as number) < 0x80) throw new CloisterError('tx_not_canonical')
    return { item, end }
  }
  const items: RlpItem[] = []
  for (let next = start; next < end; ) {
    const child = readItem(bytes, next, end, depth + 1)
    items.push(child.item)
    next = child.end
  }
  return { item: items, end }
}

/** `code` is the first byte less its base: up to 55 a length, above that the length's own length. */
function readLength(bytes: Uint8Array, at: number, limit: number, code: number): { start: number; end: number } {
  let start = at + 1
  let length = code
  if (code > 55) {
    const width = code - 55
    if (width > 4 || start + width > limit) throw new CloisterError('tx_malformed')
    length = 0
    for (let i = 0; i < width; i++) length = length * 256 + (bytes[start + i] as number)
    if (bytes[start] === 0 || length <= 55) throw new CloisterError('tx_not_canonical')
    start += width
  }
  if (start + length > limit) throw new CloisterError('tx_malformed')
  return { start, end: start + length }
}

/** The one canonical encoding of an item. */
export function writeRlp(item: RlpItem): Uint8Array<ArrayBuffer> {
  if (item instanceof Uint8Array) {
    return item.length === 1 && (item[0] as number) < 0x80 ? Uint8Array.from(item) : concat(writeHead(0x80, item.length), item)
  }
  const content = item.map(writeRlp)
  return concat(writeHead(0xc0, content.reduce((sum, part) => sum + part.length, 0)), ...content)
}

function writeHead(base: number, length: number): Uint8Array {
  if (length <= 55) return Uint8Array.of(base + length)
  const digits: number[] = []
  for (let rest = length; rest > 0; rest = Math.floor(rest / 256)) digits.unshift(rest % 256)
  return Uint8Array.of(base + 55 + digits.length, ...digits)
}
