/**
 * A reader of BER (X.690 §8) as far as CMS envelopes need it.
 *
 * Accepted: single-byte tags, definite lengths in shortest form of at most 3 bytes, and indefinite lengths of constructed values,
 * which end with two zero bytes.
 */
export class BerError extends Error {}

export interface BerReader {
  /** Tag of the next element; `undefined` at the end of this one. */
  next(): number | undefined
  /** Content of the next element, which must have this tag and be primitive. */
  read(tag: number): Uint8Array
  /** Like `read`, and the content must be this. */
  expect(tag: number, content: Uint8Array): void
  /** The next element whole, with tag and length, which must be definite. */
  element(): Uint8Array
  /** A reader inside the next element, which must have this tag. Its `end` must be called before the outer one reads on. */
  enter(tag: number): BerReader
  /** Nothing may be left. */
  end(): void
}

export function createBerReader(bytes: Uint8Array): BerReader {
  const position = { at: 0 }
  return reader(bytes, position, bytes.length, false)
}

function reader(bytes: Uint8Array, position: { at: number }, limit: number, indefinite: boolean): BerReader {
  const byte = (): number => {
    const value = position.at < limit ? bytes[position.at] : undefined
    if (value === undefined) throw new BerError('truncated')
    position.at += 1
    return value
  }
  /** Returns the content's length, or `undefined` when it is indefinite. */
  const header = (tag: number): number | undefined => {
    if (byte() !== tag) throw new BerError('unexpected tag')
    const first = byte()
    if (first === 0x80) return undefined
    let length = first
    if (first > 0x80) {
      const width = first - 0x80
      if (width > 3) throw new BerError('length')
      length = 0
      for (let i = 0; i < width; i++) length = length * 256 + byte()
      if (length < 0x80 || length < 256 ** (width - 1)) throw new BerError('length')
    }
    if (position.at + length > limit) throw new BerError('truncated')
    return length
  }
  const take = (length: number | undefined): Uint8Array => {
    if (length === undefined) throw new BerError('indefinite primitive')
    position.at += length
    return bytes.subarray(position.at - length, position.at)
  }
  const atEnd = (): boolean =>
    indefinite ? bytes[position.at] === 0 && bytes[position.at + 1] === 0 && position.at + 2 <= limit : position.at === limit

  return {
    next: () => (atEnd() ? undefined : bytes[position.at]),
    read: (tag) => take(header(tag)),
    expect(tag, content) {
      const found = take(header(tag))
      if (found.length !== content.length || !found.every((value, i) => value === content[i])) throw new BerError('unexpected value')
    },
    element() {
      const start = position.at
      take(header(bytes[start] ?? -1))
      return bytes.subarray(start, position.at)
    },
    enter(tag) {
      const length = header(tag)
      return reader(bytes, position, length === undefined ? limit : position.at + length, length === undefined)
    },
    end() {
      if (!atEnd()) throw new BerError('trailing bytes')
      if (indefinite) position.at += 2
    },
  }
}
