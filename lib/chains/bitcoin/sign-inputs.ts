/** What is signed for each input, and what its signature makes of it. */
import { schnorr, secp256k1 } from '@noble/curves/secp256k1.js'
import { taprootTweakPubkey } from '@scure/btc-signer/utils.js'
import { concat } from '../../protocol/bytes.ts'
import type { Signature, SigningScheme, SigningTask } from '../chain.ts'
import { commonHashes, type CommonHashes } from './common-hashes.ts'
import type { OwnInput } from './own-inputs.ts'
import { hash160, impossible, keyHashScript, pushes, witnessKeyHashScript, type ScriptType } from './scripts.ts'
import { legacyDigest, segwitDigest, SIGHASH, taprootDigest } from './sighash.ts'
import { NO_BYTES, type Satisfaction, type TransactionOutput, type UnsignedTransaction } from './transaction.ts'

/** What all inputs of a transaction are signed with. */
export interface Spending {
  readonly tx: UnsignedTransaction
  /** What each input spends, where it is known; taproot needs all of them. */
  readonly spent: readonly TransactionOutput[]
  readonly common: CommonHashes
}

export function spendingOf(tx: UnsignedTransaction, spent: readonly TransactionOutput[]): Spending {
  return { tx, spent, common: commonHashes(tx, spent) }
}

export function taskOf(spending: Spending, own: OwnInput, hashType: number): SigningTask {
  return { path: own.key.path, publicKey: own.key.publicKey, scheme: schemeOf(spending, own, hashType) }
}

function schemeOf({ tx, spent, common }: Spending, { index, key, type, prevout, merkleRoot }: OwnInput, hashType: number): SigningScheme {
  switch (type) {
    case 'p2pkh':
      return { kind: 'ecdsa', digest: legacyDigest(tx, index, prevout.script, hashType) }
    case 'p2sh-p2wpkh':
    case 'p2wpkh':
      return { kind: 'ecdsa', digest: segwitDigest(tx, index, keyHashScript(hash160(key.publicKey)), prevout.amount, hashType, common) }
    case 'p2tr':
      return { kind: 'schnorr', digest: taprootDigest(tx, index, spent, hashType, common), merkleRoot }
    default:
      return impossible(type)
  }
}

/** @throws Error when the signature is not the key's, over this very digest; a high s is no signature either (BIP-146) */
export function checkSignature({ publicKey, scheme }: SigningTask, signature: Signature | undefined): Uint8Array {
  if (signature === undefined || signature.compact.length !== 64 || !verifies(publicKey, scheme, signature.compact)) {
    throw new Error('the signature is not from the account')
  }
  return signature.compact
}

function verifies(publicKey: Uint8Array, scheme: SigningScheme, compact: Uint8Array): boolean {
  switch (scheme.kind) {
    case 'ecdsa':
      return secp256k1.verify(compact, scheme.digest, publicKey, { prehash: false, lowS: true, format: 'compact' })
    case 'schnorr': {
      const xOnly = publicKey.subarray(1)
      return schnorr.verify(compact, scheme.digest, scheme.merkleRoot === null ? xOnly : taprootTweakPubkey(xOnly, scheme.merkleRoot)[0])
    }
    case 'ed25519':
      return false
    default:
      return impossible(scheme)
  }
}

/**
 * As scripts and PSBTs carry a signature: strict DER (BIP-66) and its type; taproot 64 bytes, and the type where it is not DEFAULT (BIP-341).
 * @param compact r ‖ s, 64 bytes
 */
export function encodeSignature(type: ScriptType, compact: Uint8Array, hashType: number): Uint8Array {
  if (type === 'p2tr') return hashType === SIGHASH.DEFAULT ? compact : concat(compact, Uint8Array.of(hashType))
  return concat(secp256k1.Signature.fromBytes(compact, 'compact').toBytes('der'), Uint8Array.of(hashType))
}

/** What makes an input valid. @param signature as {@link encodeSignature} has it */
export function satisfy(type: ScriptType, publicKey: Uint8Array, signature: Uint8Array): Satisfaction {
  switch (type) {
    case 'p2pkh':
      return { scriptSig: pushes(signature, publicKey), witness: [] }
    case 'p2sh-p2wpkh':
      return { scriptSig: pushes(witnessKeyHashScript(publicKey)), witness: [signature, publicKey] }
    case 'p2wpkh':
      return { scriptSig: NO_BYTES, witness: [signature, publicKey] }
    case 'p2tr':
      return { scriptSig: NO_BYTES, witness: [signature] }
    default:
      return impossible(type)
  }
}
