/**
 * Reads an unsigned transaction.
 *
 * Accepted, each to its last byte and in canonical RLP:
 * - legacy with EIP-155: `rlp([nonce, gasPrice, gasLimit, to, value, data, chainId, 0, 0])`
 * - legacy before EIP-155: the first six of these
 * - EIP-2930, EIP-1559, EIP-4844, EIP-7702: type ‖ `rlp([…])` without the signature
 * - EIP-4844 with its blobs: `0x03 ‖ rlp([[…], blobs, commitments, proofs])`, or with EIP-7594's version and cell proofs
 */
import { keccak_256 } from '@noble/hashes/sha3.js'
import { concat } from '../../protocol/bytes.ts'
import { CloisterError } from '../../protocol/errors.ts'
import { LIMITS } from '../../protocol/limits.ts'
import { checkFields } from './checks.ts'
import { readFields, type FieldName, type Fields } from './fields.ts'
import { readRlpList, writeRlp, type RlpItem } from './rlp.ts'
import { checkSidecar } from './sidecar.ts'
import type { EcdsaValues } from './signature.ts'
import { integerBytes, readInteger, readList } from './values.ts'

type TransactionKind = 'legacy' | 'eip2930' | 'eip1559' | 'eip4844' | 'eip7702'

export interface Transaction {
  readonly kind: TransactionKind
  readonly fields: Fields
  /** What is signed: keccak256 of the unsigned transaction, without blobs. 32 bytes. */
  readonly digest: Uint8Array
  /** Whether blobs came with it. */
  readonly hasSidecar: boolean
  /** @returns the whole, as it is sent, and its id: keccak256 of the signed transaction without blobs */
  sign(signature: EcdsaValues): { readonly signed: Uint8Array; readonly hash: Uint8Array }
}

/** Bytes that a transaction without blobs may have: what geth takes into its pool. */
const MAX_BYTES = 128 * 1024

const LEGACY: readonly FieldName[] = ['nonce', 'gasPrice', 'gasLimit', 'to', 'value', 'data']
const FEES: readonly FieldName[] = ['chainId', 'nonce', 'maxPriorityFeePerGas', 'maxFeePerGas', 'gasLimit', 'to', 'value', 'data', 'accessList']

interface TypedShape {
  readonly kind: TransactionKind
  readonly names: readonly FieldName[]
}

/** By EIP-2718's type. */
const TYPED: ReadonlyMap<number, TypedShape> = new Map([
  [1, { kind: 'eip2930', names: ['chainId', ...LEGACY, 'accessList'] }],
  [2, { kind: 'eip1559', names: FEES }],
  [3, { kind: 'eip4844', names: [...FEES, 'maxFeePerBlobGas', 'blobVersionedHashes'] }],
  [4, { kind: 'eip7702', names: [...FEES, 'authorizationList'] }],
])

const NONE = new Uint8Array()

/** @throws CloisterError `tx_*` */
export function readTransaction(bytes: Uint8Array): Transaction {
  if (bytes.length > LIMITS.maxTransactionBytes) throw new CloisterError('tx_too_large')
  const first = bytes[0]
  if (first === undefined || (first >= 0x80 && first < 0xc0)) throw new CloisterError('tx_malformed')
  if (first !== 3 && bytes.length > MAX_BYTES) throw new CloisterError('tx_too_large')
  if (first >= 0xc0) return readLegacy(readRlpList(bytes), bytes)
  const shape = TYPED.get(first)
  if (shape === undefined) throw new CloisterError('tx_type_unknown')
  return readTyped(bytes.subarray(0, 1), shape, readRlpList(bytes.subarray(1)), bytes)
}

function readLegacy(items: readonly RlpItem[], bytes: Uint8Array): Transaction {
  if (items.length !== 6 && items.length !== 9) throw new CloisterError('tx_malformed')
  const isProtected = items.length === 9
  if (isProtected && items.slice(7).some((item) => readInteger(item, 256) !== 0n)) throw new CloisterError('tx_already_signed')
  const fields = readFields(isProtected ? [...LEGACY, 'chainId'] : LEGACY, items)
  checkFields(fields)
  return {
    kind: 'legacy', fields, digest: keccak_256(bytes), hasSidecar: false,
    sign({ r, s, yParity }) {
      const v = fields.chainId === undefined ? 27n : fields.chainId * 2n + 35n // EIP-155
      const signed = writeRlp([...items.slice(0, 6), integerBytes(v + BigInt(yParity)), integerBytes(r), integerBytes(s)])
      return { signed, hash: keccak_256(signed) }
    },
  }
}

function readTyped(type: Uint8Array, { kind, names }: TypedShape, outer: readonly RlpItem[], bytes: Uint8Array): Transaction {
  const hasSidecar = kind === 'eip4844' && Array.isArray(outer[0])
  if (!hasSidecar && bytes.length > MAX_BYTES) throw new CloisterError('tx_too_large')
  const items = hasSidecar ? readList(outer[0]) : outer
  const sidecar = hasSidecar ? outer.slice(1) : []
  if (items.length === names.length + 3) throw new CloisterError('tx_already_signed')
  if (items.length !== names.length) throw new CloisterError('tx_malformed')
  const fields = readFields(names, items)
  checkFields(fields)
  if (hasSidecar) checkSidecar(sidecar, fields.blobVersionedHashes ?? [])
  return {
    kind, fields, digest: keccak_256(hasSidecar ? concat(type, writeRlp(items)) : bytes), hasSidecar,
    sign({ r, s, yParity }) {
      const all = [...items, yParity === 0 ? NONE : Uint8Array.of(1), integerBytes(r), integerBytes(s)]
      const alone = concat(type, writeRlp(all))
      return { signed: hasSidecar ? concat(type, writeRlp([all, ...sidecar])) : alone, hash: keccak_256(alone) }
    },
  }
}
