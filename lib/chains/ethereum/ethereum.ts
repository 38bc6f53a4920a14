/**
 * Ethereum and every EVM chain.
 *
 * Accepted: an unsigned legacy transaction with EIP-155 replay protection (`rlp([…, chainId, 0, 0])`), an unsigned
 * EIP-1559 one (`0x02 ‖ rlp([chainId, …, accessList])`). Everything else is refused, each with its own code.
 */
import { keccak_256 } from '@noble/hashes/sha3.js'
import { addr, AggregatedError, Transaction } from 'micro-eth-signer'
import { equal } from '../../protocol/bytes.ts'
import { CloisterError } from '../../protocol/errors.ts'
import { LIMITS } from '../../protocol/limits.ts'
import type { Chain, Plan, Signature, Signed, SigningContext, Summary } from '../chain.ts'
import { readRlpList, type RlpItem } from './rlp.ts'

/** r ‖ s and the parity of R's y coordinate. */
export type EcdsaSignature = Signature & { readonly recovery: 0 | 1 }

type Readable = InstanceType<typeof Transaction<'legacy'>> | InstanceType<typeof Transaction<'eip1559'>>

interface Shape {
  readonly unsigned: number
  readonly signed: number
  /** Positions of the integers: no leading zero (Yellow Paper, appendix B). */
  readonly integers: readonly number[]
  readonly chainId: number
}

const LEGACY: Shape = { unsigned: 9, signed: 9, integers: [0, 1, 2, 4, 6, 7, 8], chainId: 6 }
const EIP1559: Shape = { unsigned: 9, signed: 12, integers: [0, 1, 2, 3, 4, 6, 9, 10, 11], chainId: 0 }

export const ethereum: Chain = {
  namespace: 'eip155',
  curve: 'secp256k1',
  path: (index) => `m/44'/60'/0'/0/${index}`,
  variants: ['bip44', 'ledger-live', 'ledger-legacy'],
  derivesBelow: () => false,
  accepts: (path) => /^m\/44'\/60'(\/[0-9]+'?){1,4}$/.test(path),
  address: ({ publicKey }) => addr.fromPublicKey(publicKey),
  read({ chain, kind, data }) {
    if (kind !== 'transaction') throw new CloisterError('payload_kind_unknown')
    const transaction = parse(chain, data)
    return { plan: (context) => planOf(transaction, context) }
  },
}

/** Only for tests and vectors, which have no account. */
export interface ParsedTransaction {
  readonly summary: Summary
  readonly digest: Uint8Array
  assemble(signature: EcdsaSignature, address: string): Signed
}

function planOf(transaction: ParsedTransaction, { account }: SigningContext): Plan {
  return {
    summary: transaction.summary,
    tasks: [{ path: account.path, publicKey: account.publicKey, scheme: { kind: 'ecdsa', digest: transaction.digest } }],
    assemble: ([signature]) => transaction.assemble(signature as EcdsaSignature, account.address),
  }
}

export function parse(chain: string, bytes: Uint8Array): ParsedTransaction {
  if (bytes.length > LIMITS.maxTransactionBytes) throw new CloisterError('tx_too_large')
  const first = bytes[0]
  if (first === undefined || (first >= 0x80 && first < 0xc0)) throw new CloisterError('tx_malformed')
  if (first < 0x80 && first !== 2) throw new CloisterError('tx_type_unknown') // EIP-2718
  const isLegacy = first >= 0xc0
  checkShape(readRlpList(isLegacy ? bytes : bytes.subarray(1)), isLegacy ? LEGACY : EIP1559)
  const tx = decode(bytes)
  // The signature will be over these very bytes: whatever the decoder normalised would be signed unseen.
  if (tx.isSigned) throw new CloisterError('tx_already_signed')
  if (!equal(tx.toBytes({ includeSignature: false }), bytes)) throw new CloisterError('tx_not_canonical')
  const chainId = tx.raw.chainId
  if (chainId === undefined || chainId === 0n) throw new CloisterError('tx_chain_id_missing')
  if (chain !== `eip155:${chainId}`) throw new CloisterError('tx_chain_id_mismatch')
  return {
    summary: { chain, kind: tx.type, actions: [], fields: summarize(tx), warnings: [] },
    digest: keccak_256(bytes),
    assemble: (signature, address) => assemble(tx, signature, address),
  }
}

function checkShape(items: readonly RlpItem[], shape: Shape): void {
  if (items.length === 6 && shape === LEGACY) throw new CloisterError('tx_chain_id_missing') // before EIP-155
  if (items.length !== shape.unsigned && items.length !== shape.signed) throw new CloisterError('tx_malformed')
  for (const index of shape.integers) {
    const item = items[index]
    if (item === undefined) continue
    if (!(item instanceof Uint8Array)) throw new CloisterError('tx_malformed')
    if (item[0] === 0) throw new CloisterError('tx_not_canonical')
    if (item.length > 32) throw new CloisterError('tx_field_invalid')
  }
  const isSigned = shape === LEGACY ? [7, 8].some((index) => (items[index] as Uint8Array).length > 0) : items.length === shape.signed
  if (isSigned) throw new CloisterError('tx_already_signed')
  if ((items[shape.chainId] as Uint8Array).length === 0) throw new CloisterError('tx_chain_id_missing')
}

function decode(bytes: Uint8Array): Readable {
  let tx
  try {
    tx = Transaction.fromBytes(bytes)
  } catch (error) {
    throw new CloisterError(error instanceof AggregatedError ? 'tx_field_invalid' : 'tx_malformed')
  }
  if (tx.type !== 'legacy' && tx.type !== 'eip1559') throw new CloisterError('tx_type_unknown')
  return tx as Readable
}

function assemble(tx: Readable, signature: EcdsaSignature, address: string): { signed: Uint8Array; hash: Uint8Array } {
  const r = toBigInt(signature.compact.subarray(0, 32))
  const s = toBigInt(signature.compact.subarray(32, 64))
  const raw = { ...tx.raw, r, s, yParity: signature.recovery }
  const done = tx.type === 'legacy' ? new Transaction('legacy', raw as typeof tx.raw, { strict: false }) : new Transaction('eip1559', raw as never, { strict: false })
  // `sender` recovers the public key from the signature over the re-encoded fields, and refuses a high s (EIP-2).
  if (done.sender !== address) throw new Error('the signature is not from the account')
  const signed = done.toBytes({ includeSignature: true })
  return { signed, hash: keccak_256(signed) }
}

function summarize(tx: Readable): Record<string, string> {
  const { nonce, to, value, data, gasLimit, chainId } = tx.raw
  const fees =
    tx.type === 'legacy'
      ? { gasPrice: tx.raw.gasPrice }
      : { maxFeePerGas: tx.raw.maxFeePerGas, maxPriorityFeePerGas: tx.raw.maxPriorityFeePerGas }
  const numbers = { chainId, nonce, value, gasLimit, ...fees, maximumFee: tx.fee }
  const fields = Object.fromEntries(Object.entries(numbers).map(([name, number]) => [name, String(number)]))
  return { ...fields, to: to === '0x' ? 'contract creation' : to, data: data === '' ? '0x' : data }
}

function toBigInt(bytes: Uint8Array): bigint {
  let out = 0n
  for (const byte of bytes) out = (out << 8n) | BigInt(byte)
  return out
}
