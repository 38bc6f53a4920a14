/** Limits of the wire, in one place: bytes, milliseconds, counts. */
export const LIMITS = {
  protocolVersion: 1,
  /** Bytes of an HTTP body, as the API takes it. */
  maxBodyBytes: 256 * 1024,
  /** Bytes of a bearer token. */
  maxTokenBytes: 8 * 1024,
  /** What is sealed is padded to a multiple of so many bytes: at least what any operation takes but those that take lists. */
  paddingBytes: 2048,
  /** Bytes of a PIN, in whatever encoding the app chose (UTF-8 digits, usually). */
  minPinBytes: 4,
  maxPinBytes: 64,
  /** Digits of a one-time code. */
  otpBytes: 6,
  /**
   * Bytes of a payload to sign: what fits `maxBodyBytes` once it is sealed and in base64url (240 KB of it), one EIP-4844 blob with its proofs
   * (134 KiB) included. A chain may set less.
   */
  maxTransactionBytes: 176 * 1024,
  /** Bytes of anything else to sign. */
  maxPayloadBytes: 128 * 1024,
  /** Payloads of one `sign`. */
  maxPayloads: 100,
  /** Signatures that these come to, together: one takes up to 20 ms. */
  maxSignatures: 250,
  /** Accounts of one wallet. */
  maxAccounts: 200,
  /** Accounts that one `discover` or `addAccounts` may name. */
  maxAccountsPerCall: 50,
  /** Bytes of a BIP-39 sentence: 24 words of 8 letters, and spaces. */
  maxMnemonicBytes: 215,
  /** Bytes of a BIP-39 passphrase. */
  maxPassphraseBytes: 255,
  /** A deleted wallet can be restored for this long. */
  deletionGraceMs: 7 * 86_400_000,
  /** How far a request's `issuedAt` may be from the enclave's time, either way. */
  requestFreshMs: 120_000,
  /** A channel key serves this long, and opens what was sealed to it for a while longer. */
  channelKeyLifeMs: 3_600_000,
  channelKeyGraceMs: 600_000,
  /** Bytes of the nonce that an app gives for attestation. */
  minNonceBytes: 16,
  maxNonceBytes: 64,
} as const
