/**
 * Every error that Cloister shows, by its stable code. A code never changes its meaning; a new meaning gets a new code.
 * Nothing of the input, no token, key or caught message is ever part of one.
 */

/** Where a code may appear: `http` in problem details (RFC 9457), `sealed` inside an answer, `client` thrown by the SDK alone. */
type Where = 'http' | 'sealed' | 'client'

interface ErrorRow {
  readonly where: Where
  /** HTTP status beside the code; sealed codes all travel beside `refused`. */
  readonly status: number
  readonly title: string
}

const row = (where: Where, status: number, title: string): ErrorRow => ({ where, status, title })

export const ERRORS = {
  // The token (relay and enclave).
  token_missing: row('http', 401, 'A bearer token is required'),
  token_malformed: row('http', 401, 'The token is not a well-formed compact JWS'),
  token_algorithm: row('http', 401, 'The token is signed with an algorithm that is not allowed'),
  token_signature: row('http', 401, 'The token signature does not verify'),
  token_issuer: row('http', 401, 'The token issuer is not allowed'),
  token_audience: row('http', 401, 'The token audience is not allowed'),
  token_expired: row('http', 401, 'The token has expired'),
  token_not_yet_valid: row('http', 401, 'The token is not valid yet'),
  token_claims: row('http', 401, 'A required claim is missing or malformed'),
  // The request, as the relay sees it.
  request_malformed: row('http', 400, 'The request is malformed'),
  body_too_large: row('http', 413, 'The body is too large'),
  not_found: row('http', 404, 'No such resource'),
  wallet_not_found: row('http', 404, 'No such wallet'),
  channel_unknown: row('http', 409, 'The enclave no longer holds this channel key: attest again'),
  stale: row('http', 409, 'The wallet changed meanwhile: try again'),
  refused: row('http', 422, 'The enclave refused; the sealed answer says why'),
  rate_limited: row('http', 429, 'Too many requests'),
  internal: row('http', 500, 'Internal error'),
  unavailable: row('http', 503, 'Temporarily unavailable'),
  busy: row('http', 503, 'Too many requests are waiting'),
  // The request, as the enclave sees it.
  header_mismatch: row('sealed', 422, 'The sealed body does not match its header'),
  token_mismatch: row('sealed', 422, 'The request was sealed for another token'),
  proof_missing: row('sealed', 422, 'A client key proof is required'),
  proof_invalid: row('sealed', 422, 'The client key proof does not verify'),
  request_expired: row('sealed', 422, 'The request is not fresh'),
  request_replayed: row('sealed', 422, 'The request was already used'),
  idempotency_mismatch: row('sealed', 422, 'The idempotency key was used with other content'),
  record_invalid: row('sealed', 422, 'The stored record does not verify'),
  wallet_exists: row('sealed', 422, 'The wallet id is taken'),
  pin_malformed: row('sealed', 422, 'A PIN is 4 to 64 bytes'),
  pin_wrong: row('sealed', 422, 'Wrong PIN'),
  wallet_locked: row('sealed', 422, 'The wallet is locked for a while'),
  parameters_malformed: row('sealed', 422, 'The parameters are malformed'),
  parameters_conflict: row('sealed', 422, 'The parameters contradict each other'),
  account_unknown: row('sealed', 422, 'The wallet has no such account'),
  account_exists: row('sealed', 422, 'The wallet has that account already'),
  account_path_invalid: row('sealed', 422, 'The chain derives no account at that path'),
  account_limit: row('sealed', 422, 'The wallet has as many accounts as it can hold'),
  new_pin_malformed: row('sealed', 422, 'A new PIN is 4 to 64 bytes'),
  mnemonic_invalid: row('sealed', 422, 'The mnemonic is not a BIP-39 one'),
  private_key_invalid: row('sealed', 422, 'The private key is not one of its curve'),
  recovery_invalid: row('sealed', 422, 'The recovery code is not the current one'),
  recovery_off: row('sealed', 422, 'The wallet was made without a recovery code'),
  not_exportable: row('sealed', 422, 'The wallet was made to keep its keys'),
  wallet_deleted: row('sealed', 422, 'The wallet is deleted; it can still be restored'),
  wallet_not_deleted: row('sealed', 422, 'The wallet is not deleted'),
  code_required: row('sealed', 422, 'A one-time code is required'),
  factor_exists: row('sealed', 422, 'A second factor is bound already'),
  factor_unknown: row('sealed', 422, 'No second factor is bound'),
  // The transaction, as the enclave reads it.
  chain_unknown: row('sealed', 422, 'Unknown chain'),
  payload_kind_unknown: row('sealed', 422, 'The chain does not sign this kind of payload'),
  payload_not_permitted: row('sealed', 422, 'The wallet does not permit this kind of signature'),
  summary_mismatch: row('sealed', 422, 'The summary is not the one that was shown'),
  message_malformed: row('sealed', 422, 'The message can not be read'),
  typed_data_malformed: row('sealed', 422, 'The typed data can not be read'),
  tx_malformed: row('sealed', 422, 'The transaction can not be read'),
  tx_too_large: row('sealed', 422, 'The transaction is too large'),
  tx_type_unknown: row('sealed', 422, 'Unknown transaction type'),
  tx_not_canonical: row('sealed', 422, 'The transaction is not in canonical encoding'),
  tx_trailing_bytes: row('sealed', 422, 'Bytes follow the transaction'),
  tx_chain_id_missing: row('sealed', 422, 'The transaction names no chain id'),
  tx_chain_id_mismatch: row('sealed', 422, 'The transaction names another chain id'),
  tx_already_signed: row('sealed', 422, 'The transaction is already signed'),
  tx_field_invalid: row('sealed', 422, 'A field of the transaction is out of range'),
  tx_overflow: row('sealed', 422, 'An amount, or what amounts come to, is out of range'),
  tx_signer_mismatch: row('sealed', 422, 'The transaction is not signed by this account'),
  tx_path_mismatch: row('sealed', 422, 'A derivation path in the transaction leads to another key'),
  tx_sighash_not_allowed: row('sealed', 422, 'The sighash type is not allowed'),
  tx_fee_invalid: row('sealed', 422, 'The fee is negative or absurd'),
  tx_previous_missing: row('sealed', 422, 'A previous transaction is missing or another one'),
  tx_lookup_table_missing: row('sealed', 422, 'An address lookup table is missing'),
  // Attestation, as whoever verifies it sees it.
  attestation_malformed: row('client', 0, 'The attestation document is malformed'),
  attestation_chain: row('client', 0, 'The certificate chain does not lead to the pinned root'),
  attestation_signature: row('client', 0, 'The document signature does not verify'),
  attestation_nonce: row('client', 0, 'The document carries another nonce'),
  attestation_stale: row('client', 0, 'The document is not fresh'),
  attestation_debug: row('client', 0, 'The enclave runs in debug mode'),
  attestation_measurements: row('client', 0, 'The measurements are not among the pinned ones'),
  attestation_binding: row('client', 0, 'The document does not bind the channel key'),
  // The client alone.
  answer_invalid: row('client', 0, 'The answer does not open under this request'),
  wallet_rolled_back: row('client', 0, 'The wallet is in an earlier state than it was seen in'),
  history_invalid: row('client', 0, 'A receipt is missing, altered or out of order'),
  network: row('client', 0, 'The service can not be reached'),
  timeout: row('client', 0, 'The service did not answer in time'),
  declined: row('client', 0, 'The user declined'),
} as const satisfies Record<string, ErrorRow>

export type ErrorCode = keyof typeof ERRORS

/** What an owner may know of the guesses; only ever inside a sealed answer. */
export interface GuessState {
  /** Guesses that may be tried now without waiting. */
  readonly guessesLeft: number
  /** Milliseconds since the epoch until which no guess is taken; 0 when none is. */
  readonly lockedUntilMs: number
  /** Wrong guesses in the last 30 days; success does not clear them. */
  readonly wrongTotal: number
}

/** An error that may be shown: its message is the code's fixed title. */
export class CloisterError extends Error {
  readonly code: ErrorCode
  /** Seconds after which a retry makes sense; becomes `Retry-After`. */
  readonly retryAfterSec: number | undefined
  readonly guesses: GuessState | undefined

  constructor(code: ErrorCode, options: { retryAfterSec?: number; guesses?: GuessState } = {}) {
    super(ERRORS[code].title)
    this.name = 'CloisterError'
    this.code = code
    this.retryAfterSec = options.retryAfterSec
    this.guesses = options.guesses
  }
}

/** Whether a text is one of the codes: for codes that arrive over the wire. */
export function isErrorCode(code: unknown): code is ErrorCode {
  return typeof code === 'string' && Object.hasOwn(ERRORS, code)
}
