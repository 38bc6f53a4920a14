/** Errors in words, for whoever sits before the page. */
import { CloisterError } from '../connect.ts'
import type { ErrorCode } from '../../lib/protocol/errors.ts'
import { LoginError } from './login.ts'
import { ChainError } from './rpc.ts'

const SENTENCES: Partial<Record<ErrorCode, string>> = {
  token_expired: 'Your login has run out. Log in again to go on; your wallet is as you left it.',
  wallet_locked: 'Too many wrong PINs. The wallet takes no PIN for a while.',
  pin_wrong: 'Wrong PIN.',
  recovery_invalid: 'This is not the current recovery code of this wallet.',
  recovery_off: 'This wallet was made without a recovery code.',
  not_exportable: 'This wallet was made to keep its keys: nothing of it can leave.',
  mnemonic_invalid: 'These are not recovery words: one is misspelt, missing or out of place.',
  private_key_invalid: 'This is not a private key.',
  account_exists: 'The wallet has this account already.',
  summary_mismatch: 'The enclave read the transaction differently from this page. Nothing was signed.',
  wallet_deleted: 'This wallet is deleted; it can still be restored.',
  network: 'The service can not be reached. Check the connection and try again.',
  unavailable: 'The service is not available right now. Try again in a moment.',
  busy: 'Many requests are waiting. Try again in a moment.',
  answer_invalid: 'The answer did not come from the enclave that was asked. It was thrown away.',
  timeout: 'The service did not answer in time. Try again in a moment.',
  wallet_rolled_back: 'The wallet is in an earlier state than this page has seen it in: somebody put an old copy back.',
  history_invalid: 'The history does not verify: a receipt is missing, altered or out of order.',
  attestation_malformed: 'What came back is no attestation document.',
  attestation_chain: 'The attestation is not signed under the root that this app trusts: it was forged, or made by another machine.',
  attestation_signature: 'The attestation was forged: its signature does not verify.',
  attestation_nonce: 'The attestation answers somebody else’s question: it was made for another request.',
  attestation_stale: 'The attestation is an old one.',
  attestation_debug: 'The enclave runs in debug mode: whoever owns its machine could read along.',
  attestation_measurements: 'The enclave runs other software than this app was made for.',
  attestation_binding: 'The attestation does not vouch for the key that requests would be sealed to.',
}

export function explain(error: unknown): string {
  if (error instanceof CloisterError) return SENTENCES[error.code] ?? `${error.message}.`
  if (error instanceof LoginError || error instanceof ChainError) return error.message
  return 'Something went wrong in this page.'
}

export function codeOf(error: unknown): ErrorCode | undefined {
  return error instanceof CloisterError ? error.code : undefined
}

/** Somebody changed their mind: nothing to be said. */
export function isCancelled(error: unknown): boolean {
  return error instanceof DOMException && error.name === 'AbortError'
}
