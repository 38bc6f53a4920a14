/** The fields of Ethereum's transactions, each with its reader. */
import { CloisterError } from '../../protocol/errors.ts'
import type { RlpItem } from './rlp.ts'
import { readAddress, readAmount, readBytes, readFixed, readGas, readInteger, readList, readNonce, readRecipient } from './values.ts'

/** EIP-2930. */
interface Access {
  readonly address: string
  /** 32 bytes each. */
  readonly storageKeys: readonly Uint8Array[]
}

/** EIP-7702: somebody's signed permission to run another's code as their own account. */
export interface SignedAuthorization {
  /** 0: on every chain. */
  readonly chainId: bigint
  readonly address: string
  readonly nonce: bigint
  readonly yParity: bigint
  readonly r: bigint
  readonly s: bigint
}

export interface Fields {
  readonly nonce: bigint
  readonly gasLimit: bigint
  /** `null`: creates a contract. */
  readonly to: string | null
  readonly value: bigint
  readonly data: Uint8Array
  readonly chainId?: bigint
  readonly gasPrice?: bigint
  readonly maxPriorityFeePerGas?: bigint
  readonly maxFeePerGas?: bigint
  readonly accessList?: readonly Access[]
  readonly maxFeePerBlobGas?: bigint
  readonly blobVersionedHashes?: readonly Uint8Array[]
  readonly authorizationList?: readonly SignedAuthorization[]
}

/** Lists are read and shown before anybody proved to be the user: each has an end far beyond what is sent in practice. */
const MAX_AUTHORIZATIONS = 64
const MAX_ACCESS_ADDRESSES = 1000
const MAX_ACCESS_KEYS = 4000

export type FieldName = keyof Fields

const READERS: { readonly [Name in FieldName]-?: (item: RlpItem) => Required<Fields>[Name] } = {
  nonce: readNonce,
  gasLimit: readGas,
  to: readRecipient,
  value: readAmount,
  data: readBytes,
  chainId(item) {
    const chainId = readInteger(item, 256)
    if (chainId === 0n) throw new CloisterError('tx_chain_id_missing')
    return chainId
  },
  gasPrice: readAmount,
  maxPriorityFeePerGas: readAmount,
  maxFeePerGas: readAmount,
  accessList: (item) => checkedAccessList(readList(item)).map(readAccess),
  maxFeePerBlobGas: readAmount,
  blobVersionedHashes: (item) => readList(item).map((hash) => readFixed(hash, 32)),
  authorizationList: (item) => atMost(MAX_AUTHORIZATIONS, readList(item)).map(readSignedAuthorization),
}

/** @throws CloisterError `tx_malformed`, `tx_not_canonical`, `tx_field_invalid`, `tx_overflow`, `tx_chain_id_missing`, `tx_too_large` */
export function readFields(names: readonly FieldName[], items: readonly RlpItem[]): Fields {
  return Object.fromEntries(names.map((name, i) => [name, READERS[name](items[i] as RlpItem)])) as unknown as Fields
}

function atMost(count: number, items: readonly RlpItem[]): readonly RlpItem[] {
  if (items.length > count) throw new CloisterError('tx_too_large')
  return items
}

function checkedAccessList(items: readonly RlpItem[]): readonly RlpItem[] {
  const keys = atMost(MAX_ACCESS_ADDRESSES, items).reduce<number>((sum, item) => sum + readList(readList(item, 2)[1]).length, 0)
  if (keys > MAX_ACCESS_KEYS) throw new CloisterError('tx_too_large')
  return items
}

function readAccess(item: RlpItem): Access {
  const [address, keys] = readList(item, 2)
  return { address: readAddress(address), storageKeys: readList(keys).map((key) => readFixed(key, 32)) }
}

function readSignedAuthorization(item: RlpItem): SignedAuthorization {
  const [chainId, address, nonce, yParity, r, s] = readList(item, 6)
  return {
    chainId: readInteger(chainId, 256), address: readAddress(address), nonce: readInteger(nonce, 64),
    yParity: readInteger(yParity, 8), r: readInteger(r, 256), s: readInteger(s, 256),
  }
}
