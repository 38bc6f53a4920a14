/**
 * The blobs that travel with an EIP-4844 transaction and are not signed themselves: the hashes of their commitments are.
 *
 * Accepted: `[blobs, commitments, proofs]` (EIP-4844) and `[1, blobs, commitments, cellProofs]` (EIP-7594), counts and sizes exact, each
 * commitment the one that was hashed. Whether commitment and proof belong to the blob (KZG) is left to the node that takes it: a wrong one is
 * refused there, and nothing else than the transaction that was shown can come of it.
 */
import { sha256 } from '@noble/hashes/sha2.js'
import { equal } from '../../protocol/bytes.ts'
import { CloisterError } from '../../protocol/errors.ts'
import type { RlpItem } from './rlp.ts'
import { readBytes, readFixed, readList } from './values.ts'

/** 4,096 field elements of 32 bytes. */
const BLOB_BYTES = 131_072
/** A compressed point of BLS12-381's G1. */
const POINT_BYTES = 48
const CELLS_PER_BLOB = 128

/** @param hashes - the transaction's `blob_versioned_hashes`. @throws CloisterError `tx_malformed`, `tx_field_invalid` */
export function checkSidecar(items: readonly RlpItem[], hashes: readonly Uint8Array[]): void {
  const hasVersion = items.length === 4
  if (hasVersion) {
    const version = readBytes(items[0])
    if (version.length !== 1 || version[0] !== 1) throw new CloisterError('tx_field_invalid')
  }
  const [blobs, commitments, proofs] = readList(hasVersion ? items.slice(1) : items, 3).map((item) => readList(item)) as [RlpItem[], RlpItem[], RlpItem[]]
  const proofCount = hashes.length * (hasVersion ? CELLS_PER_BLOB : 1)
  if (blobs.length !== hashes.length || commitments.length !== hashes.length || proofs.length !== proofCount) throw new CloisterError('tx_field_invalid')
  for (const blob of blobs) readFixed(blob, BLOB_BYTES)
  for (const proof of proofs) readFixed(proof, POINT_BYTES)
  commitments.forEach((commitment, i) => {
    const hash = sha256(readFixed(commitment, POINT_BYTES))
    hash[0] = 1
    if (!equal(hash, hashes[i] as Uint8Array)) throw new CloisterError('tx_field_invalid')
  })
}
