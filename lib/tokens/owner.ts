import { sha256 } from '@noble/hashes/sha2.js'
import { toHex, utf8 } from '../protocol/bytes.ts'
import { framed, LABELS } from '../protocol/labels.ts'
import type { VerifiedToken } from './verify.ts'

/** First 16 bytes of SHA-256(label ‖ issuer), hex: issuers hold characters that a key had better not. */
export function issuerHash(issuer: string): string {
  return toHex(sha256(framed(LABELS.issuer, utf8(issuer))).subarray(0, 16))
}

/** Partition key of an owner: `user#<tenant>#<issuer hash>#<sub>`. `sub` comes last, whatever characters it has. */
export function ownerOf(token: Pick<VerifiedToken, 'tenant' | 'subject'>): string {
  return `user#${token.tenant.id}#${issuerHash(token.tenant.issuer)}#${token.subject}`
}
