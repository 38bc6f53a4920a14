/** What personal messages, typed data and bare hashes have in common: a digest, and 65 bytes of signature. */
import type { Account, Payload } from '../../protocol/operations.ts'
import type { Plan, Summary } from '../chain.ts'
import { packed, planOf } from './signature.ts'

export type MessagePayload = Pick<Payload, 'chain' | 'kind' | 'data' | 'context'>

/** `signed` is r ‖ s ‖ v, v being 27 or 28 (as `personal_sign` and `eth_signTypedData` answer); `hash` is the digest. */
export function messagePlan(summary: Summary, digest: Uint8Array, account: Account): Plan {
  return planOf(account, digest, summary, (signature) => ({ signed: packed(signature), hash: digest }))
}
