/** Writes DER, to make certificates out of parts of others. */
import { concat } from '../../lib/protocol/bytes.ts'

/** `tag`: the identifier octet. */
export function writeDer(tag: number, ...content: readonly Uint8Array[]): Uint8Array {
  const body = concat(...content)
  const octets: number[] = []
  for (let rest = body.length; rest > 0; rest = Math.floor(rest / 256)) octets.unshift(rest % 256)
  const length = body.length < 0x80 ? [body.length] : [0x80 | octets.length, ...octets]
  return concat(Uint8Array.of(tag, ...length), body)
}
