/** Recovery codes: 128 bits, shown once, changed by each use. */
import { createHmac } from 'node:crypto'
import { concat, wipe } from '../../lib/protocol/bytes.ts'
import { framed, LABELS } from '../../lib/protocol/labels.ts'

const CODE_BYTES = 16

/**
 * The code that one operation makes, 16 bytes: derived from the wallet's secret and the operation's idempotency key, so that whoever lost the
 * answer gets the same code by asking again, and nothing needs to be stored for it.
 */
export function recoveryCode(idempotencyKey: Uint8Array, walletSecret: Uint8Array, request: Uint8Array): Uint8Array {
  const mac = createHmac('sha256', idempotencyKey).update(framed(LABELS.recoveryCode, request)).update(walletSecret).digest()
  try {
    return concat(mac.subarray(0, CODE_BYTES))
  } finally {
    wipe(mac)
  }
}
