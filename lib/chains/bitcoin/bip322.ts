/** The two virtual transactions of BIP-322: what a message signature spends, and what is signed. Neither can ever be sent. */
import { schnorr } from '@noble/curves/secp256k1.js'
import { VarBytes } from '@scure/btc-signer/script.js'
import { concat, utf8 } from '../../protocol/bytes.ts'
import { sha256d } from './scripts.ts'
import { txidOf, type UnsignedTransaction } from './transaction.ts'

export function messageHash(message: Uint8Array): Uint8Array {
  return schnorr.utils.taggedHash('BIP0322-signed-message', message)
}

/** `to_spend`: pays nothing to the address whose owner signs. @returns its id, in display order */
export function toSpendTxid(message: Uint8Array, script: Uint8Array): Uint8Array {
  const scriptSig = concat(Uint8Array.of(0x00, 0x20), messageHash(message))
  const inputs = [{ txid: new Uint8Array(32), index: 0xffffffff, sequence: 0 }]
  return txidOf({ version: 0, inputs, outputs: [{ amount: 0n, script }], lockTime: 0 }, [scriptSig])
}

/** `to_sign` of a simple signature: spends that output, and pays nothing to nobody. @param script of the address, which was spent */
export function toSign(message: Uint8Array, script: Uint8Array): UnsignedTransaction {
  const inputs = [{ txid: toSpendTxid(message, script), index: 0, sequence: 0 }]
  return { version: 0, inputs, outputs: [{ amount: 0n, script: Uint8Array.of(0x6a) }], lockTime: 0 }
}

/** The digest of Bitcoin Core's `signmessage`: for P2PKH, which BIP-322 leaves as it was. */
export function legacyMessageDigest(message: Uint8Array): Uint8Array {
  return sha256d(concat(VarBytes.encode(utf8('Bitcoin Signed Message:\n')), VarBytes.encode(message)))
}
