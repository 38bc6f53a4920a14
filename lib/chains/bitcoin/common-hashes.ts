/**
 * Hashes over all inputs, all outputs and all that is spent: digests of every input hold the same ones, so each is made once a transaction, when it is
 * first asked for. BIP-341's; BIP-143's are their SHA-256.
 */
import { sha256 } from '@noble/hashes/sha2.js'
import { RawOutput, VarBytes } from '@scure/btc-signer/script.js'
import { concat } from '../../protocol/bytes.ts'
import type { TransactionInput, TransactionOutput, UnsignedTransaction } from './transaction.ts'

export interface CommonHashes {
  readonly prevouts: () => Uint8Array
  readonly sequences: () => Uint8Array
  readonly outputs: () => Uint8Array
  /** Of what is spent, as {@link scriptPubKeys}. */
  readonly amounts: () => Uint8Array
  readonly scriptPubKeys: () => Uint8Array
}

/** @param spent the output that each input spends, in their order; nothing where no taproot digest is made */
export function commonHashes(tx: UnsignedTransaction, spent: readonly TransactionOutput[]): CommonHashes {
  return {
    prevouts: once(() => hashOfAll(tx.inputs, encodeOutpoint)),
    sequences: once(() => hashOfAll(tx.inputs, ({ sequence }) => u32(sequence))),
    outputs: once(() => hashOfAll(tx.outputs, encodeOutput)),
    amounts: once(() => hashOfAll(spent, ({ amount }) => u64(amount))),
    scriptPubKeys: once(() => hashOfAll(spent, ({ script }) => VarBytes.encode(script))),
  }
}

export function u32(value: number): Uint8Array {
  const out = new Uint8Array(4)
  new DataView(out.buffer).setUint32(0, value, true)
  return out
}

export function u64(value: bigint): Uint8Array {
  const out = new Uint8Array(8)
  new DataView(out.buffer).setBigUint64(0, value, true)
  return out
}

export function encodeOutpoint({ txid, index }: TransactionInput): Uint8Array {
  return concat(Uint8Array.from(txid).reverse(), u32(index))
}

export function encodeOutput({ amount, script }: TransactionOutput): Uint8Array {
  return RawOutput.encode({ amount, script })
}

function hashOfAll<T>(items: readonly T[], encode: (item: T) => Uint8Array): Uint8Array {
  return sha256(concat(...items.map(encode)))
}

function once(make: () => Uint8Array): () => Uint8Array {
  let made: Uint8Array | undefined
  return () => (made ??= make())
}
