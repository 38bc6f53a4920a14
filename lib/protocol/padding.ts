/**
 * Padding of what is sealed, so that its length says nothing of a secret in it: 0x80, then zeros, to a multiple of {@link LIMITS.paddingBytes}
 * (ISO/IEC 7816-4). Secrets whose length varies count as if they were at their longest ({@link shortOf}).
 */
import { secretBytes, wipe } from './bytes.ts'
import { LIMITS } from './limits.ts'

/** Bytes of a content and its padding. There is always some: at least its first byte. */
export function paddedLength(contentBytes: number): number {
  return (Math.floor(contentBytes / LIMITS.paddingBytes) + 1) * LIMITS.paddingBytes
}

/**
 * Content and padding in a buffer of their own; the content is wiped.
 * @param short bytes that the content would be longer by with its secrets at their longest
 */
export function pad(content: Uint8Array, short = 0): Uint8Array<ArrayBuffer> {
  const padded = secretBytes(paddedLength(content.length + short))
  padded.set(content)
  padded[content.length] = 0x80
  wipe(content)
  return padded
}

/** The content, as a view into `padded`: wiping that wipes it. Returns `undefined` for what {@link pad} would not have written for any `short`. */
export function unpad(padded: Uint8Array): Uint8Array | undefined {
  if (padded.length === 0 || padded.length % LIMITS.paddingBytes !== 0) return undefined
  let end = padded.length - 1
  while (end > 0 && padded[end] === 0) end--
  return padded[end] === 0x80 ? padded.subarray(0, end) : undefined
}

/** Bytes by which a CBOR byte string, or null in its place, falls short of one of `longest` bytes. None where it is longer. */
export function shortOf(field: Uint8Array | null, longest: number): number {
  return Math.max(0, encodedBytes(longest) - (field === null ? 1 : encodedBytes(field.length)))
}

/** RFC 8949 §3: a head of 1, 2, 3 or 5 bytes, then the bytes. */
function encodedBytes(length: number): number {
  const head = length < 24 ? 1 : length < 0x100 ? 2 : length < 0x1_0000 ? 3 : 5
  return head + length
}
