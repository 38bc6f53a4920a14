/**
 * Kaia's fee-delegated transactions (docs.kaia.io, "Fee Delegation"): the sender signs, somebody else pays the gas, or a part of it.
 *
 * type ‖ `rlp([nonce, gasPrice, gas, to, value, from, input?, feeRatio?])`, then the sender's signatures, the fee payer, the fee payer's
 * signatures, as far as there are any. What is signed names the chain; the transaction's own bytes don't.
 */
import { keccak_256 } from '@noble/hashes/sha3.js'
import { CloisterError } from '../../protocol/errors.ts'
import { LIMITS } from '../../protocol/limits.ts'
import { readRlpList, writeRlp, type RlpItem } from '../ethereum/rlp.ts'
import { addressBytes, integerBytes, readAddress, readAmount, readBytes, readGas, readInteger, readNonce } from '../ethereum/values.ts'

interface KaiaType {
  readonly kind: string
  /** What is made of `input`: nothing that anybody runs, or calldata. */
  readonly input: 'memo' | 'calldata' | null
  readonly hasRatio: boolean
}

const TYPES: ReadonlyMap<number, KaiaType> = new Map([
  [0x09, { kind: 'fee_delegated_value_transfer', input: null, hasRatio: false }],
  [0x0a, { kind: 'fee_delegated_value_transfer_with_ratio', input: null, hasRatio: true }],
  [0x11, { kind: 'fee_delegated_value_transfer_memo', input: 'memo', hasRatio: false }],
  [0x12, { kind: 'fee_delegated_value_transfer_memo_with_ratio', input: 'memo', hasRatio: true }],
  [0x31, { kind: 'fee_delegated_smart_contract_execution', input: 'calldata', hasRatio: false }],
  [0x32, { kind: 'fee_delegated_smart_contract_execution_with_ratio', input: 'calldata', hasRatio: true }],
])

/** Mainnet and Kairos. */
const CHAINS: ReadonlyMap<string, bigint> = new Map([['eip155:8217', 8217n], ['eip155:1001', 1001n]])

export interface KaiaTransaction {
  readonly type: number
  readonly kind: string
  readonly chainId: bigint
  readonly nonce: bigint
  readonly gasPrice: bigint
  readonly gasLimit: bigint
  readonly to: string
  readonly value: bigint
  readonly from: string
  /** Calldata; of the memo types, the memo. */
  readonly input: Uint8Array
  readonly isMemo: boolean
  /** Percent that the fee payer pays; `null`: all of it. */
  readonly feeRatio: bigint | null
  /** The fields as they were read. */
  readonly items: readonly RlpItem[]
  /** What follows them: signatures, fee payer. */
  readonly rest: readonly RlpItem[]
}

export function kaiaChainId(chain: string): bigint | undefined {
  return CHAINS.get(chain)
}

/** Whether a payload is a transaction of Kaia's own, for a chain that has these. */
export function isKaiaTransaction(chain: string, data: Uint8Array): boolean {
  return CHAINS.has(chain) && TYPES.has(data[0] ?? 0)
}

/** @throws CloisterError `tx_*` */
export function readKaiaTransaction(chain: string, data: Uint8Array): KaiaTransaction {
  if (data.length > LIMITS.maxPayloadBytes) throw new CloisterError('tx_too_large')
  const type = data[0]
  if (type === undefined) throw new CloisterError('tx_malformed')
  const shape = TYPES.get(type)
  const chainId = kaiaChainId(chain)
  if (shape === undefined || chainId === undefined) throw new CloisterError('tx_type_unknown')
  const all = readRlpList(data.subarray(1))
  const count = 6 + (shape.input === null ? 0 : 1) + (shape.hasRatio ? 1 : 0)
  if (all.length < count) throw new CloisterError('tx_malformed')
  const items = all.slice(0, count)
  const [nonce, gasPrice, gas, to, value, from] = items
  const transaction = {
    type, kind: shape.kind, chainId, nonce: readNonce(nonce), gasPrice: readAmount(gasPrice), gasLimit: readGas(gas), to: readAddress(to),
    value: readAmount(value), from: readAddress(from), input: shape.input === null ? new Uint8Array() : readBytes(items[6]), isMemo: shape.input === 'memo',
    feeRatio: shape.hasRatio ? readInteger(items[count - 1], 8) : null, items, rest: all.slice(count),
  }
  const { feeRatio } = transaction
  if (feeRatio !== null && (feeRatio < 1n || feeRatio > 99n)) throw new CloisterError('tx_field_invalid')
  if (transaction.gasPrice * transaction.gasLimit >= 2n ** 256n) throw new CloisterError('tx_overflow')
  return transaction
}

/** keccak256(rlp([rlp([type, …fields]), chainId, 0, 0])). */
export function senderDigest({ type, items, chainId }: KaiaTransaction): Uint8Array {
  const inner = writeRlp([Uint8Array.of(type), ...items])
  return keccak_256(writeRlp([inner, integerBytes(chainId), new Uint8Array(), new Uint8Array()]))
}

/** keccak256(rlp([rlp([type, …fields]), feePayer, chainId, 0, 0])). */
export function feePayerDigest({ type, items, chainId }: KaiaTransaction, feePayer: string): Uint8Array {
  const inner = writeRlp([Uint8Array.of(type), ...items])
  return keccak_256(writeRlp([inner, addressBytes(feePayer), integerBytes(chainId), new Uint8Array(), new Uint8Array()]))
}
