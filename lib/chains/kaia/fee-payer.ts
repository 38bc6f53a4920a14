/**
 * The fee payer's side: takes what a sender signed, type ‖ `rlp([…, txSignatures])`, and gives the whole transaction,
 * type ‖ `rlp([…, txSignatures, feePayer, feePayerSignatures])`. An empty fee payer with an empty signature, as caver writes it, may stand
 * there already.
 */
import { keccak_256 } from '@noble/hashes/sha3.js'
import { concat } from '../../protocol/bytes.ts'
import { CloisterError } from '../../protocol/errors.ts'
import type { Reading } from '../chain.ts'
import { writeRlp, type RlpItem } from '../ethereum/rlp.ts'
import { planOf } from '../ethereum/signature.ts'
import { addressBytes, readBytes, readList } from '../ethereum/values.ts'
import { readSigners, signatureItem } from './signatures.ts'
import { feePayerShare, summarizeKaia } from './summary.ts'
import { feePayerDigest, kaiaChainId, readKaiaTransaction, senderDigest } from './types.ts'

/** @throws CloisterError `tx_*`, `payload_kind_unknown` */
export function readFeePayerRequest(chain: string, data: Uint8Array): Reading {
  if (kaiaChainId(chain) === undefined) throw new CloisterError('payload_kind_unknown')
  const transaction = readKaiaTransaction(chain, data)
  const { rest, items, type, chainId, from } = transaction
  if (rest.length !== 1 && rest.length !== 3) throw new CloisterError('tx_malformed')
  const [txSignatures, feePayer, feePayerSignatures] = rest
  if (rest.length === 3 && !isBlank(feePayer, feePayerSignatures)) throw new CloisterError('tx_already_signed')
  const signers = readSigners(txSignatures, senderDigest(transaction), chainId)
  // An account's keys may be others than the one its address comes from: then only the chain can tell.
  const isSender = signers.length === 1 && signers[0] === from
  return {
    plan({ account: { address, ...account } }) {
      const share = String(feePayerShare(transaction))
      const summary = summarizeKaia(chain, transaction, {
        actions: [{ action: 'pay_fee', fields: { feePayer: address, maximumFee: share } }],
        fields: { feePayer: address },
        warnings: ['pays_fee', ...(isSender ? [] : ['sender_unverified'])],
      })
      return planOf({ ...account, address }, feePayerDigest(transaction, address), summary, (signature) => {
        const all = [...items, txSignatures as RlpItem, addressBytes(address), signatureItem(signature, chainId)]
        const signed = concat(Uint8Array.of(type), writeRlp(all))
        return { signed, hash: keccak_256(signed) }
      })
    },
  }
}

function isBlank(feePayer: RlpItem | undefined, signatures: RlpItem | undefined): boolean {
  if (readBytes(feePayer).length > 0) return false
  return readList(signatures).every((signature) => readList(signature, 3).slice(1).every((part) => readBytes(part).length === 0))
}
