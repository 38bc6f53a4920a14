/** Transactions as the network serialises them (BIP-144). */
import { RawOldTx, RawTx } from '@scure/btc-signer/script.js'
import { sha256d } from './scripts.ts'

/** What signatures commit to. */
export interface UnsignedTransaction {
  /** Signed 32-bit, as in consensus. */
  readonly version: number
  readonly inputs: readonly TransactionInput[]
  readonly outputs: readonly TransactionOutput[]
  readonly lockTime: number
}

export interface TransactionInput {
  /** Of the previous transaction, in display order: the hash, reversed. */
  readonly txid: Uint8Array
  readonly index: number
  readonly sequence: number
}

export interface TransactionOutput {
  /** Satoshis. */
  readonly amount: bigint
  readonly script: Uint8Array
}

/** What makes an input valid. */
export interface Satisfaction {
  readonly scriptSig: Uint8Array
  readonly witness: readonly Uint8Array[]
}

export const NO_BYTES = new Uint8Array()

/** Without witnesses: what the id is the hash of. */
export function encodeStripped(tx: UnsignedTransaction, scriptSigs: readonly Uint8Array[] = []): Uint8Array {
  const inputs = tx.inputs.map(({ txid, index, sequence }, i) => ({ txid, index, sequence, finalScriptSig: scriptSigs[i] ?? NO_BYTES }))
  return RawOldTx.encode({ version: tx.version, inputs, outputs: tx.outputs.map((output) => ({ ...output })), lockTime: tx.lockTime })
}

/** As it goes over the network: with witnesses where there are any. */
export function encodeSigned(tx: UnsignedTransaction, satisfactions: readonly Satisfaction[]): Uint8Array {
  if (satisfactions.every(({ witness }) => witness.length === 0)) return encodeStripped(tx, satisfactions.map(({ scriptSig }) => scriptSig))
  const inputs = tx.inputs.map(({ txid, index, sequence }, i) => ({ txid, index, sequence, finalScriptSig: satisfactions[i]?.scriptSig ?? NO_BYTES }))
  const witnesses = satisfactions.map(({ witness }) => [...witness])
  return RawTx.encode({ version: tx.version, segwitFlag: true, inputs, outputs: tx.outputs.map((output) => ({ ...output })), witnesses, lockTime: tx.lockTime })
}

/** Reads a network transaction to its last byte. @throws Error */
export function decodeSigned(bytes: Uint8Array): { readonly tx: UnsignedTransaction; readonly satisfactions: readonly Satisfaction[] } {
  const { version, inputs, outputs, witnesses, lockTime } = RawTx.decode(bytes)
  return {
    tx: { version, inputs, outputs, lockTime },
    satisfactions: inputs.map(({ finalScriptSig }, i) => ({ scriptSig: finalScriptSig, witness: witnesses?.[i] ?? [] })),
  }
}

/** The id, in display order: SHA-256 twice of the stripped serialisation, reversed. */
export function txidOf(tx: UnsignedTransaction, scriptSigs: readonly Uint8Array[] = []): Uint8Array {
  return sha256d(encodeStripped(tx, scriptSigs)).reverse()
}
