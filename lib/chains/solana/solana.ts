/**
 * Solana.
 *
 * Signed: `transaction`, a legacy or version 0 transaction as it travels (signatures, then the message), zeros in the slots of whoever has
 * not signed yet, the account's own among them; `context` holds the lookup tables that it refers to. `message`, an off-chain message or plain
 * text (see offchain-message.ts), whose signature is over its very bytes.
 *
 * A Solana message names no chain: whoever has its signature can send it to any cluster where its blockhash or nonce is known. So every
 * reference that CAIP-2 allows is accepted, for local validators have genesis hashes of their own; a transaction for another than mainnet's is
 * warned of as `any_chain`.
 */
import { ed25519 } from '@noble/curves/ed25519.js'
import { sha256 } from '@noble/hashes/sha2.js'
import { CloisterError } from '../../protocol/errors.ts'
import type { Chain, Plan, Reading, Signature, Signed, SigningContext, Summary } from '../chain.ts'
import { readMessage } from './offchain-message.ts'
import { acceptsSolanaPath, SOLANA_VARIANTS, solanaPath } from './paths.ts'
import { summarize } from './summary.ts'
import { addressOf, isMissing, readTransaction, type Transaction } from './transaction.ts'

/** The first 32 characters of the genesis hash (CAIP-2, namespace `solana`). */
const CHAIN_ID = /^solana:[1-9A-HJ-NP-Za-km-z]{32}$/

export const solana: Chain = {
  namespace: 'solana',
  curve: 'ed25519',
  path: solanaPath,
  variants: SOLANA_VARIANTS,
  derivesBelow: () => false,
  accepts: acceptsSolanaPath,
  address: ({ publicKey }) => addressOf(publicKey),
  read({ chain, kind, data, context }) {
    if (kind !== 'transaction' && kind !== 'message') throw new CloisterError('payload_kind_unknown')
    if (!CHAIN_ID.test(chain)) throw new CloisterError('chain_unknown')
    const bytes = Uint8Array.from(data) // what is read is what is signed, whatever becomes of the caller's buffer
    if (kind === 'message' && context !== null) throw new CloisterError('parameters_malformed')
    return kind === 'transaction' ? transactionReading(chain, bytes, readTransaction(bytes, context)) : messageReading(chain, bytes)
  },
}

function transactionReading(chain: string, bytes: Uint8Array, transaction: Transaction): Reading {
  const summary = summarize(chain, transaction)
  const plan = (context: SigningContext): Plan => {
    const slot = slotOf(context, transaction.signers)
    if (!isMissing(transaction.signatures[slot] as Uint8Array)) throw new CloisterError('tx_already_signed')
    return planOf(context, summary, transaction.message, (signature) => fill(bytes, transaction, slot, signature))
  }
  return { plan }
}

function messageReading(chain: string, bytes: Uint8Array): Reading {
  const { kind, fields, signers, warnings } = readMessage(bytes)
  const summary = { chain, kind, actions: [], fields, warnings }
  const plan = (context: SigningContext): Plan => {
    if (signers !== null) slotOf(context, signers)
    return planOf(context, summary, bytes, (signature) => ({ signed: signature, hash: sha256(bytes) }))
  }
  return { plan }
}

/** Where the account is among the signers. @throws CloisterError `tx_signer_mismatch` */
function slotOf({ account }: SigningContext, signers: readonly string[]): number {
  const slot = signers.indexOf(addressOf(account.publicKey))
  if (slot < 0) throw new CloisterError('tx_signer_mismatch')
  return slot
}

function planOf({ account }: SigningContext, summary: Summary, message: Uint8Array, finish: (signature: Uint8Array) => Signed): Plan {
  return {
    summary,
    tasks: [{ path: account.path, publicKey: account.publicKey, scheme: { kind: 'ed25519', message } }],
    assemble: (signatures) => finish(verified(signatures, message, account.publicKey)),
  }
}

/** RFC 8032 as it is, without ZIP 215's latitude. */
function verified(signatures: readonly Signature[], message: Uint8Array, publicKey: Uint8Array): Uint8Array {
  const compact = signatures[0]?.compact
  if (signatures.length !== 1 || compact?.length !== 64 || !ed25519.verify(compact, message, publicKey, { zip215: false })) {
    throw new Error('the signature is not from the account')
  }
  return compact
}

/**
 * The transaction with one signature more. Its id is its first signature, 64 bytes; while the fee payer's is missing, the SHA-256 of the message
 * stands for it.
 */
function fill(bytes: Uint8Array, { message, signatures }: Transaction, slot: number, signature: Uint8Array): Signed {
  const signed = Uint8Array.from(bytes)
  const start = bytes.length - message.length - 64 * signatures.length
  signed.set(signature, start + 64 * slot)
  const first = signed.slice(start, start + 64)
  return { signed, hash: isMissing(first) ? sha256(message) : first }
}
