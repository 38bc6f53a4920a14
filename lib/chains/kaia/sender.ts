/**
 * The sender's side: takes type ‖ `rlp([nonce, gasPrice, gas, to, value, from, input?, feeRatio?])`, gives type ‖ `rlp([…, txSignatures])`, which
 * goes to a fee payer.
 */
import { keccak_256 } from '@noble/hashes/sha3.js'
import { concat } from '../../protocol/bytes.ts'
import { CloisterError } from '../../protocol/errors.ts'
import type { Reading } from '../chain.ts'
import { writeRlp } from '../ethereum/rlp.ts'
import { planOf } from '../ethereum/signature.ts'
import { signatureItem } from './signatures.ts'
import { summarizeKaia } from './summary.ts'
import { readKaiaTransaction, senderDigest } from './types.ts'

/** @throws CloisterError `tx_*`; its plan `tx_signer_mismatch` */
export function readSenderRequest(chain: string, data: Uint8Array): Reading {
  const transaction = readKaiaTransaction(chain, data)
  const { rest, from, items, type, chainId } = transaction
  if (rest.length === 1 || rest.length === 3) throw new CloisterError('tx_already_signed')
  if (rest.length > 0) throw new CloisterError('tx_malformed')
  return {
    plan({ account }) {
      if (from !== account.address) throw new CloisterError('tx_signer_mismatch')
      const summary = summarizeKaia(chain, transaction, { actions: [], fields: {}, warnings: ['fee_delegated'] })
      return planOf(account, senderDigest(transaction), summary, (signature) => {
        const signed = concat(Uint8Array.of(type), writeRlp([...items, signatureItem(signature, chainId)]))
        return { signed, hash: keccak_256(signed) } // Kaia's SenderTxHash
      })
    },
  }
}
