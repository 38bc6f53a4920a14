/** Limits of the wire, in one place: bytes, milliseconds, counts. */
export const LIMITS = {
  protocolVersion: 1,
  /** Bytes of an HTTP body, as the API takes it. */
  maxBodyBytes: 256 * 1024,
  /** Bytes of a bearer token. */
  maxTokenBytes: 8 * 1024,
  /** Bytes of a PIN, in whatever encoding the app chose (UTF-8 digits, usually). */
  minPinBytes: 4,
  maxPinBytes: 64,
  /** Bytes of a transaction to sign (EIP-1559 calldata is the long part; 128 KiB is geth's own limit). */
  maxTransactionBytes: 128 * 1024,
  /** How far a request's `issuedAt` may be from the enclave's time, either way. */
  requestFreshMs: 120_000,
  /** A channel key serves this long, and opens what was sealed to it for a while longer. */
  channelKeyLifeMs: 3_600_000,
  channelKeyGraceMs: 600_000,
  /** Bytes of the nonce that an app gives for attestation. */
  minNonceBytes: 16,
  maxNonceBytes: 64,
} as const
