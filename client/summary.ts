/** What a person was shown, as the enclave compares it. */
import { summaryValue, type Summary } from '../lib/chains/chain.ts'
import { encodeCbor } from '../lib/protocol/cbor.ts'

/** SHA-256 of the summary's deterministic CBOR, 32 bytes: the enclave signs only what comes to the same. */
export async function summaryHash(summary: Summary): Promise<Uint8Array> {
  return new Uint8Array(await crypto.subtle.digest('SHA-256', encodeCbor(summaryValue(summary))))
}
