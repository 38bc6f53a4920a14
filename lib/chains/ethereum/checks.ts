/** What must hold between the fields of a transaction, and within those that one EIP alone has. */
import { CloisterError } from '../../protocol/errors.ts'
import type { Fields } from './fields.ts'

/** EIP-3860. */
const MAX_INIT_CODE_BYTES = 49_152
/** EIP-4844. */
const GAS_PER_BLOB = 131_072n
/** EIP-4844: 0x01, commitments by KZG. */
const VERSION_KZG = 1
/** What fits a block since EIP-7691, and no transaction can hold more. */
const MAX_BLOBS = 9
const UINT256 = 2n ** 256n

/** @throws CloisterError `tx_field_invalid`, `tx_overflow` */
export function checkFields(fields: Fields): void {
  const { to, data, maxFeePerGas, maxPriorityFeePerGas, blobVersionedHashes: blobs, authorizationList } = fields
  // EIP-1559: the tip is part of the fee.
  if (maxFeePerGas !== undefined && maxPriorityFeePerGas !== undefined && maxPriorityFeePerGas > maxFeePerGas) throw new CloisterError('tx_field_invalid')
  // Value and fee may come to more: nobody has that much, and ethereum/tests calls it valid.
  if (maximumFee(fields) >= UINT256) throw new CloisterError('tx_overflow')
  if (to === null && data.length > MAX_INIT_CODE_BYTES) throw new CloisterError('tx_field_invalid')
  // EIP-4844 and EIP-7702 create no contracts.
  if (to === null && (blobs !== undefined || authorizationList !== undefined)) throw new CloisterError('tx_field_invalid')
  if (blobs !== undefined && (blobs.length === 0 || blobs.length > MAX_BLOBS || blobs.some((hash) => hash[0] !== VERSION_KZG))) {
    throw new CloisterError('tx_field_invalid')
  }
  if (authorizationList?.length === 0) throw new CloisterError('tx_field_invalid')
}

/** Wei that can go on fees at most. */
export function maximumFee({ gasLimit, gasPrice, maxFeePerGas, maxFeePerBlobGas, blobVersionedHashes }: Fields): bigint {
  const blobGas = GAS_PER_BLOB * BigInt(blobVersionedHashes?.length ?? 0)
  return gasLimit * (gasPrice ?? maxFeePerGas ?? 0n) + blobGas * (maxFeePerBlobGas ?? 0n)
}
