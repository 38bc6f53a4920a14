/** How device CBOR travels over the simulator's socket: a 4-byte big-endian length, then that many bytes; each direction the same. */
import { concat } from '../../lib/protocol/bytes.ts'

const LENGTH_BYTES = 4

/** One frame. */
export function encodeFrame(content: Uint8Array): Uint8Array {
  const length = new Uint8Array(LENGTH_BYTES)
  new DataView(length.buffer).setUint32(0, content.length)
  return concat(length, content)
}

/**
 * Cuts a byte stream into frames. The function that comes back takes the next chunk and returns the frames completed by it,
 * or `undefined` as soon as a length is zero or above `maxBytes`: then the stream is to be closed.
 */
export function createFrameReader(maxBytes: number): (chunk: Uint8Array) => Uint8Array[] | undefined {
  let rest: Uint8Array = new Uint8Array(0)
  return (chunk) => {
    rest = concat(rest, chunk)
    const frames: Uint8Array[] = []
    while (rest.length >= LENGTH_BYTES) {
      const length = new DataView(rest.buffer, rest.byteOffset).getUint32(0)
      if (length === 0 || length > maxBytes) return undefined
      if (rest.length < LENGTH_BYTES + length) break
      frames.push(rest.slice(LENGTH_BYTES, LENGTH_BYTES + length))
      rest = rest.subarray(LENGTH_BYTES + length)
    }
    return frames
  }
}
