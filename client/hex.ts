/** Bytes as Ethereum's tools write them: `0x` and lowercase hex. */
import { fromHex, toHex } from '../lib/protocol/bytes.ts'
import { CloisterError } from '../lib/protocol/errors.ts'

export type Hex = `0x${string}`

export function hexOf(bytes: Uint8Array): Hex {
  return `0x${toHex(bytes)}`
}

/** @throws CloisterError `tx_malformed` */
export function bytesOf(value: Hex | Uint8Array): Uint8Array {
  const bytes = value instanceof Uint8Array ? value : value.startsWith('0x') ? fromHex(value.slice(2)) : undefined
  if (bytes === undefined) throw new CloisterError('tx_malformed')
  return bytes
}
