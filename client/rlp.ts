/** RLP (Ethereum Yellow Paper, appendix B), writing. */
import { concat } from '../lib/protocol/bytes.ts'

export type RlpValue = Uint8Array | readonly RlpValue[]

/** The one canonical encoding. */
export function encodeRlp(value: RlpValue): Uint8Array {
  if (value instanceof Uint8Array) return value.length === 1 && (value[0] as number) < 0x80 ? value : concat(head(0x80, value.length), value)
  const content = concat(...value.map(encodeRlp))
  return concat(head(0xc0, content.length), content)
}

function head(base: number, length: number): Uint8Array {
  if (length <= 55) return Uint8Array.of(base + length)
  const digits: number[] = []
  for (let rest = length; rest > 0; rest = Math.floor(rest / 256)) digits.unshift(rest % 256)
  return Uint8Array.of(base + 55 + digits.length, ...digits)
}
