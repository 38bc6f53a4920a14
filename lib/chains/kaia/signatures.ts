/** Kaia's signatures inside a transaction: a list of `[v, r, s]` with v as in EIP-155, for an account may have several keys. */
import { concat } from '../../protocol/bytes.ts'
import { CloisterError } from '../../protocol/errors.ts'
import type { RlpItem } from '../ethereum/rlp.ts'
import { isCanonical, signerOf, type EcdsaValues } from '../ethereum/signature.ts'
import { fixedBytes, integerBytes, readInteger, readList } from '../ethereum/values.ts'

/** Keys of one role of an account, at most. */
const MAX_SIGNATURES = 10

export function signatureItem({ r, s, yParity }: EcdsaValues, chainId: bigint): RlpItem {
  return [[integerBytes(chainId * 2n + 35n + BigInt(yParity)), integerBytes(r), integerBytes(s)]]
}

/**
 * @returns the address that each signature is from; `undefined` where it is from none
 * @throws CloisterError `tx_malformed`, `tx_not_canonical`, `tx_field_invalid`, `tx_chain_id_mismatch`
 */
export function readSigners(item: RlpItem | undefined, digest: Uint8Array, chainId: bigint): readonly (string | undefined)[] {
  const signatures = readList(item)
  if (signatures.length === 0 || signatures.length > MAX_SIGNATURES) throw new CloisterError('tx_field_invalid')
  return signatures.map((signature) => {
    const [v, r, s] = readList(signature, 3).map((part) => readInteger(part, 256)) as [bigint, bigint, bigint]
    if (v < 35n || !isCanonical(r, s)) throw new CloisterError('tx_field_invalid')
    if ((v - 35n) / 2n !== chainId) throw new CloisterError('tx_chain_id_mismatch')
    return signerOf(digest, concat(fixedBytes(r, 32), fixedBytes(s, 32)), v % 2n === 1n ? 0 : 1)
  })
}
