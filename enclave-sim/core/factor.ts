/** The second factor: one-time codes by time, RFC 6238 over RFC 4226 (HMAC-SHA-1, 30 seconds, 6 digits). */
import { createHmac } from 'node:crypto'
import { concat, equal, wipe } from '../../lib/protocol/bytes.ts'
import { framed, LABELS } from '../../lib/protocol/labels.ts'
import type { Factor } from './state.ts'

const STEP_MS = 30_000
/** A telephone's clock may be one step off, either way (RFC 6238 §5.2). */
const WINDOW = 1
const OTP_BYTES = 6
const SECRET_BYTES = 20

/** The code of a time step: six ASCII digits. */
export function codeAt(secret: Uint8Array, step: number): Uint8Array {
  const counter = new Uint8Array(8)
  new DataView(counter.buffer).setBigUint64(0, BigInt(step))
  const mac = createHmac('sha1', secret).update(counter).digest()
  const offset = (mac[19] as number) & 0xf
  const number = (mac.readUInt32BE(offset) & 0x7fffffff) % 1_000_000
  return new TextEncoder().encode(String(number).padStart(OTP_BYTES, '0'))
}

/**
 * The time step of a code, or `undefined`: it is wrong, or was taken before. A repeat of the very request that it was taken for may give it again.
 * @param request the request's idempotency key
 */
export function stepOf(factor: Factor, otp: Uint8Array, nowMs: number, request: Uint8Array): number | undefined {
  const now = Math.floor(nowMs / STEP_MS)
  const isSame = factor.lastRequest !== null && equal(factor.lastRequest, request)
  let found: number | undefined
  // Every step is compared, whichever matches: how long this takes says nothing.
  for (let step = now - WINDOW; step <= now + WINDOW; step++) {
    const isFresh = step > factor.lastStep || (isSame && step === factor.lastStep)
    if (equal(codeAt(factor.secret, step), otp) && isFresh) found = step
  }
  return found
}

/** The secret that one enrolment makes, 20 bytes: of the wallet's own secret, so that a repeat gets the same again. */
export function factorSecret(idempotencyKey: Uint8Array, walletSecret: Uint8Array, request: Uint8Array): Uint8Array {
  const mac = createHmac('sha256', idempotencyKey).update(framed(LABELS.factor, request)).update(walletSecret).digest()
  try {
    return concat(mac.subarray(0, SECRET_BYTES))
  } finally {
    wipe(mac)
  }
}
