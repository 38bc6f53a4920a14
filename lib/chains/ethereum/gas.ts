/**
 * The gas that a transaction needs before anything runs (Yellow Paper, section 6.2; EIP-2028, EIP-2930, EIP-3860, EIP-7623, EIP-7702), with
 * Ethereum's prices. Other chains have others, so this warns and never refuses.
 */
import type { Fields } from './fields.ts'

export function intrinsicGas({ to, data, accessList = [], authorizationList = [] }: Fields): bigint {
  const zeros = data.reduce((sum, byte) => sum + (byte === 0 ? 1 : 0), 0)
  const tokens = zeros + 4 * (data.length - zeros)
  const creation = to === null ? 32_000 + 2 * Math.ceil(data.length / 32) : 0
  const keys = accessList.reduce((sum, { storageKeys }) => sum + storageKeys.length, 0)
  const standard = 21_000 + 4 * tokens + creation + 2400 * accessList.length + 1900 * keys + 25_000 * authorizationList.length
  return BigInt(Math.max(standard, 21_000 + 10 * tokens))
}
