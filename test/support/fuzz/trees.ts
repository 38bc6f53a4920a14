/**
 * CBOR, RLP and DER as one kind of tree, so that a node can be deleted, moved, retagged or nested and everything around it is still well-formed; or
 * written as no encoder would: with a length that is too wide, indefinite, or a lie.
 */
import { concat } from '../../../lib/protocol/bytes.ts'
import { editBytes, type Edit } from './edits.ts'

interface Node {
  /** CBOR's major type, RLP's 0 (bytes) or 1 (list), DER's identifier octet. */
  tag: number
  /** CBOR's integers, tags and simple values. */
  number: bigint
  bytes: Uint8Array
  /** In place of `bytes`; also of what a byte string holds in the same format. */
  children: Node[] | undefined
  /** A byte string that holds an encoding. */
  isWrapped: boolean
  /** Bytes of the length that are not needed; -1 for an indefinite length. */
  wide: number
  /** Added to the length that is written. */
  lie: number
}

interface Format {
  readonly parse: (bytes: Uint8Array) => Node | undefined
  readonly write: (node: Node) => Uint8Array
  /** Tags to try. */
  readonly tags: readonly number[]
  /** Of a list. */
  readonly list: number
}

const MAX_DEPTH = 40
const node = (tag: number, more: Partial<Node> = {}): Node => ({ tag, number: 0n, bytes: new Uint8Array(), children: undefined, isWrapped: false, wide: 0, lie: 0, ...more })

class Unreadable extends Error {}

/** The one node that fills the bytes. */
function whole(read: (bytes: Uint8Array, at: number, depth: number) => { node: Node; end: number }) {
  return (bytes: Uint8Array): Node | undefined => {
    try {
      const found = read(bytes, 0, 0)
      return found.end === bytes.length ? found.node : undefined
    } catch (error) {
      if (error instanceof Unreadable) return undefined
      throw error
    }
  }
}

function bigEndian(bytes: Uint8Array, at: number, width: number): bigint {
  if (at + width > bytes.length) throw new Unreadable()
  return bytes.subarray(at, at + width).reduce((sum, byte) => (sum << 8n) | BigInt(byte), 0n)
}

function take(bytes: Uint8Array, at: number, length: number): Uint8Array {
  if (length > bytes.length - at) throw new Unreadable()
  return bytes.slice(at, at + length)
}

function toBytes(number: bigint, width: number): Uint8Array {
  return Uint8Array.from({ length: width }, (_, index) => Number((number >> BigInt(8 * (width - 1 - index))) & 0xffn))
}

/** What a byte string holds, if that is an encoding of more than one value. */
function unwrap(content: Uint8Array, parse: (bytes: Uint8Array) => Node | undefined, tag: number): Node {
  const inner = content.length < 2 ? undefined : parse(content)
  return inner?.children === undefined ? node(tag, { bytes: content }) : node(tag, { children: [inner], isWrapped: true })
}

const parseCbor = whole(readCbor)
function readCbor(bytes: Uint8Array, at: number, depth: number): { node: Node; end: number } {
  const first = bytes[at]
  if (first === undefined || depth > MAX_DEPTH) throw new Unreadable()
  const [tag, info] = [first >> 5, first & 31]
  if (info === 31 && (tag === 4 || tag === 5)) {
    const children: Node[] = []
    let next = at + 1
    while (bytes[next] !== 0xff) {
      const child = readCbor(bytes, next, depth + 1)
      children.push(child.node)
      next = child.end
    }
    return { node: node(tag, { children, wide: -1 }), end: next + 1 }
  }
  if (info > 27) throw new Unreadable()
  const width = info < 24 ? 0 : 1 << (info - 24)
  const number = width === 0 ? BigInt(info) : bigEndian(bytes, at + 1, width)
  const start = at + 1 + width
  if (tag < 2 || tag === 7) return { node: node(tag, { number, wide: tag === 7 ? width : 0 }), end: start }
  if (tag < 4) {
    const content = take(bytes, start, Number(number))
    return { node: tag === 2 ? unwrap(content, parseCbor, tag) : node(tag, { bytes: content }), end: start + content.length }
  }
  const count = tag === 6 ? 1 : Number(number) * (tag === 5 ? 2 : 1)
  if (count > bytes.length) throw new Unreadable()
  const children: Node[] = []
  let next = start
  for (let i = 0; i < count; i++) {
    const child = readCbor(bytes, next, depth + 1)
    children.push(child.node)
    next = child.end
  }
  return { node: node(tag, { children, number }), end: next }
}

function cborHead(tag: number, number: bigint, wide: number): Uint8Array {
  const needed = number < 24n ? 0 : number < 0x100n ? 1 : number < 0x10000n ? 2 : number < 0x1_0000_0000n ? 4 : 8
  const width = tag === 7 && wide > 0 ? wide : ([0, 1, 2, 4, 8][Math.min(4, [0, 1, 2, 4, 8].indexOf(needed) + Math.max(0, wide))] as number)
  const info = width === 0 ? Number(number) : 24 + Math.log2(width)
  return concat(Uint8Array.of(((tag & 7) << 5) | (info & 31)), toBytes(number, width))
}

function writeCbor(of: Node): Uint8Array {
  const tag = of.tag & 7
  const { children } = of
  if (tag < 2 || tag === 7) return cborHead(tag, of.number, of.wide)
  const parts = children === undefined ? [of.bytes] : children.map(writeCbor)
  if (of.wide < 0 && tag !== 6) return concat(Uint8Array.of((tag << 5) | 31), ...(tag < 4 ? [cborHead(tag, BigInt(concat(...parts).length), 0)] : []), ...parts, Uint8Array.of(0xff))
  const size = tag < 4 ? parts.reduce((sum, part) => sum + part.length, 0) : tag === 6 ? Number(of.number) : tag === 5 ? parts.length >> 1 : parts.length
  return concat(cborHead(tag, BigInt(Math.max(0, size + of.lie)), of.wide), ...parts)
}

export const CBOR: Format = { parse: parseCbor, write: writeCbor, tags: [0, 1, 2, 3, 4, 5, 6, 7], list: 4 }

function readRlp(bytes: Uint8Array, at: number, depth: number): { node: Node; end: number } {
  const first = bytes[at]
  if (first === undefined || depth > MAX_DEPTH) throw new Unreadable()
  if (first < 0x80) return { node: node(0, { bytes: Uint8Array.of(first) }), end: at + 1 }
  const tag = first >= 0xc0 ? 1 : 0
  const code = first - (tag === 1 ? 0xc0 : 0x80)
  const width = Math.max(0, code - 55)
  const length = width === 0 ? code : Number(bigEndian(bytes, at + 1, width))
  const content = take(bytes, at + 1 + width, length)
  const end = at + 1 + width + length
  if (tag === 0) return { node: node(0, { bytes: content }), end }
  const children: Node[] = []
  for (let next = 0; next < content.length; ) {
    const child = readRlp(content, next, depth + 1)
    children.push(child.node)
    next = child.end
  }
  return { node: node(1, { children }), end }
}

function writeRlp({ tag, bytes, children, wide, lie }: Node): Uint8Array {
  const content = children === undefined ? bytes : concat(...children.map(writeRlp))
  const isList = (tag & 1) === 1
  if (!isList && content.length === 1 && (content[0] as number) < 0x80 && wide === 0) return content
  const base = isList ? 0xc0 : 0x80
  const length = Math.max(0, content.length + lie)
  if (length <= 55 && wide <= 0) return concat(Uint8Array.of(base + length), content)
  const width = Math.min(8, Math.ceil(Math.log2(length + 2) / 8) + Math.max(0, wide))
  return concat(Uint8Array.of(base + 55 + width), toBytes(BigInt(length), width), content)
}

/** With or without the type byte of EIP-2718 in front. */
export const RLP: Format = {
  parse(bytes) {
    const isTyped = (bytes[0] ?? 0xff) < 0x80
    const found = whole(readRlp)(isTyped ? bytes.subarray(1) : bytes)
    if (found !== undefined && isTyped) found.number = BigInt(bytes[0] as number) + 1n
    return found
  },
  write: (of) => (of.number > 0n ? concat(Uint8Array.of(Number((of.number - 1n) & 0xffn)), writeRlp(of)) : writeRlp(of)),
  tags: [0, 1],
  list: 1,
}

const parseDer = whole(readDer)
function readDer(bytes: Uint8Array, at: number, depth: number): { node: Node; end: number } {
  const [tag, first] = bytes.subarray(at)
  if (tag === undefined || first === undefined || depth > MAX_DEPTH) throw new Unreadable()
  const isIndefinite = first === 0x80
  const width = first > 0x80 ? first - 0x80 : 0
  if (width > 4 || (isIndefinite && (tag & 0x20) === 0)) throw new Unreadable()
  const start = at + 2 + width
  const children: Node[] = []
  if (isIndefinite) {
    let next = start
    while (bytes[next] !== 0 || bytes[next + 1] !== 0) {
      const child = readDer(bytes, next, depth + 1)
      children.push(child.node)
      next = child.end
    }
    return { node: node(tag, { children, wide: -1 }), end: next + 2 }
  }
  const content = take(bytes, start, width === 0 ? first : Number(bigEndian(bytes, at + 2, width)))
  const end = start + content.length
  if ((tag & 0x20) === 0) return { node: tag === 4 ? unwrap(content, parseDer, tag) : node(tag, { bytes: content }), end }
  for (let next = 0; next < content.length; ) {
    const child = readDer(content, next, depth + 1)
    children.push(child.node)
    next = child.end
  }
  return { node: node(tag, { children }), end }
}

function writeDer({ tag, bytes, children, wide, lie }: Node): Uint8Array {
  const content = children === undefined ? bytes : concat(...children.map(writeDer))
  if (wide < 0) return concat(Uint8Array.of(tag, 0x80), content, Uint8Array.of(0, 0))
  const length = Math.max(0, content.length + lie)
  if (length < 0x80 && wide === 0) return concat(Uint8Array.of(tag, length), content)
  const width = Math.min(8, Math.ceil(Math.log2(length + 2) / 8) + wide)
  return concat(Uint8Array.of(tag, 0x80 | width), toBytes(BigInt(length), width), content)
}

/** DER, and BER with its indefinite lengths. */
export const DER: Format = { parse: parseDer, write: writeDer, tags: [0x01, 0x02, 0x03, 0x04, 0x05, 0x06, 0x0c, 0x17, 0x18, 0x30, 0x31, 0x80, 0xa0, 0xa3, 0x1f, 0x24], list: 0x30 }

const NUMBERS = [0n, 1n, 23n, 24n, 255n, 256n, 0xffffn, 0x10000n, 0xffff_ffffn, 0x1_0000_0000n, 2n ** 53n - 1n, 2n ** 53n, 2n ** 63n, 2n ** 64n - 1n]

/** One edit of the tree that the bytes are; an edit of the bytes where they are none. */
export function editTree(format: Format, bytes: Uint8Array, edit: Edit, other: Uint8Array): Uint8Array<ArrayBuffer> {
  const root = format.parse(bytes)
  if (root === undefined) return editBytes(bytes, edit, other)
  const places = placesIn([root])
  const { list, index } = places[edit.at % places.length] as Place
  const at = list[index] as Node
  const donors = placesIn([format.parse(other) ?? root])
  const { list: donorList, index: donorIndex } = donors[edit.to % donors.length] as Place
  const donor = structuredClone(donorList[donorIndex] as Node)
  const top: Node[] = list[0] === root ? list : [root]
  switch (edit.how % 14) {
    case 0: list.splice(index, 1); break
    case 1: list.splice(index, 0, structuredClone(at)); break
    case 2: list.splice(index, 1, donor); break
    case 3: list.splice(index, 0, donor); break
    case 4: at.tag = format.tags[edit.value % format.tags.length] as number; break
    case 5: at.wide = edit.value % 5 === 0 ? -1 : 1 + (edit.value % 4); break
    case 6: at.lie = edit.value % 2 === 0 ? 1 + (edit.value % 9) : -1; break
    case 7: at.number = NUMBERS[edit.value % NUMBERS.length] as bigint; break
    case 8: at.children?.reverse(); break
    case 9: at.children = undefined; break
    case 10: list[index] = nested(at, format.list, edit.length); break
    case 11: if (at.children !== undefined) at.children = Array.from({ length: edit.length }, () => structuredClone(at.children?.[0] ?? donor)); break
    case 12: at.bytes = new Uint8Array(edit.length); at.children = undefined; break
    default: at.bytes = editBytes(at.bytes, { ...edit, how: edit.value }, donor.bytes)
  }
  return new Uint8Array(concat(...top.map(format.write)))
}

interface Place {
  readonly list: Node[]
  readonly index: number
}

function placesIn(list: Node[]): Place[] {
  return list.flatMap((one, index) => [{ list, index }, ...placesIn(one.children ?? [])])
}

function nested(inner: Node, list: number, depth: number): Node {
  return depth === 0 ? inner : nested(node(list, { children: [inner], number: 1n }), list, Math.min(depth - 1, 200))
}
