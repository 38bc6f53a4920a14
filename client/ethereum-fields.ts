/** Ethereum transactions from their fields: the unsigned serialisation of each type (EIP-155, 2930, 1559, 4844, 7702). */
import { writeRlp, type RlpItem } from '../lib/chains/ethereum/rlp.ts'
import { concat } from '../lib/protocol/bytes.ts'
import { CloisterError } from '../lib/protocol/errors.ts'
import { bytesOf, type Hex } from './hex.ts'

type Quantity = bigint | number

export interface AccessListItem {
  readonly address: Hex
  readonly storageKeys: readonly Hex[]
}

/** EIP-7702, signed. */
export interface SignedAuthorization {
  readonly chainId: Quantity
  readonly address: Hex
  readonly nonce: Quantity
  readonly yParity: Quantity
  readonly r: Hex
  readonly s: Hex
}

/** Amounts in wei. Nothing is filled in: what is missing is refused. */
export interface TransactionFields {
  readonly chainId: Quantity
  readonly nonce: Quantity
  /** Gas limit. */
  readonly gas: Quantity
  /** Left out: a contract is created. */
  readonly to?: Hex | null | undefined
  readonly value?: Quantity | undefined
  readonly data?: Hex | Uint8Array | undefined
  /** Legacy and EIP-2930. */
  readonly gasPrice?: Quantity | undefined
  readonly maxFeePerGas?: Quantity | undefined
  readonly maxPriorityFeePerGas?: Quantity | undefined
  readonly accessList?: readonly AccessListItem[] | undefined
  readonly maxFeePerBlobGas?: Quantity | undefined
  readonly blobVersionedHashes?: readonly Hex[] | undefined
  readonly authorizationList?: readonly SignedAuthorization[] | undefined
}

/** A transaction that another library has serialised, unsigned. */
export interface SerializedTransaction {
  readonly chainId: Quantity
  readonly serialized: Hex | Uint8Array
}

export type EthereumTransaction = TransactionFields | SerializedTransaction

/** The type is what the fields make it. @throws CloisterError `tx_field_invalid`: a field is missing, contradicts another, or is no number */
export function serialize(transaction: EthereumTransaction): Uint8Array {
  if ('serialized' in transaction) return bytesOf(transaction.serialized)
  const { chainId, nonce, gas, to, value = 0, data = new Uint8Array(), gasPrice, maxFeePerGas, maxPriorityFeePerGas, accessList } = transaction
  const { maxFeePerBlobGas, blobVersionedHashes, authorizationList } = transaction
  const tail = [quantity(gas), to === undefined || to === null ? new Uint8Array() : fixed(to, 20), quantity(value), bytesOf(data)]
  if (gasPrice !== undefined) {
    if ([maxFeePerGas, maxPriorityFeePerGas, maxFeePerBlobGas, blobVersionedHashes, authorizationList].some((field) => field !== undefined)) throw invalid()
    const price = quantity(gasPrice)
    if (accessList === undefined) return writeRlp([quantity(nonce), price, ...tail, quantity(chainId), new Uint8Array(), new Uint8Array()])
    return typed(1, [quantity(chainId), quantity(nonce), price, ...tail, accesses(accessList)])
  }
  const start = [quantity(chainId), quantity(nonce), quantity(maxPriorityFeePerGas), quantity(maxFeePerGas), ...tail, accesses(accessList ?? [])]
  const isBlob = blobVersionedHashes !== undefined || maxFeePerBlobGas !== undefined
  if (isBlob && authorizationList !== undefined) throw invalid()
  if (isBlob) return typed(3, [...start, quantity(maxFeePerBlobGas), (blobVersionedHashes ?? []).map((hash) => fixed(hash, 32))])
  if (authorizationList === undefined) return typed(2, start)
  return typed(4, [...start, authorizationList.map(authorization)])
}

/** EIP-7702: what is signed to let another's code run as this account, `0x05 ‖ rlp([chain_id, address, nonce])`. */
export function serializeAuthorization({ chainId, address, nonce }: Pick<SignedAuthorization, 'chainId' | 'address' | 'nonce'>): Uint8Array {
  return typed(5, [quantity(chainId), fixed(address, 20), quantity(nonce)])
}

function authorization({ chainId, address, nonce, yParity, r, s }: SignedAuthorization): RlpItem {
  return [quantity(chainId), fixed(address, 20), quantity(nonce), quantity(yParity), quantity(BigInt(r)), quantity(BigInt(s))]
}

function accesses(list: readonly AccessListItem[]): RlpItem {
  return list.map(({ address, storageKeys }) => [fixed(address, 20), storageKeys.map((key) => fixed(key, 32))])
}

function typed(type: number, items: RlpItem): Uint8Array {
  return concat(Uint8Array.of(type), writeRlp(items))
}

/** Big-endian without leading zeros; zero is empty (Yellow Paper, appendix B). */
function quantity(value: Quantity | undefined): Uint8Array {
  if (value === undefined || (typeof value === 'number' && !Number.isSafeInteger(value)) || value < 0) throw invalid()
  if (BigInt(value) === 0n) return new Uint8Array()
  const digits = BigInt(value).toString(16)
  return bytesOf(`0x${digits.length % 2 === 0 ? '' : '0'}${digits}`)
}

function fixed(value: Hex, length: number): Uint8Array {
  const bytes = bytesOf(value)
  if (bytes.length !== length) throw invalid()
  return bytes
}

function invalid(): CloisterError {
  return new CloisterError('tx_field_invalid')
}
