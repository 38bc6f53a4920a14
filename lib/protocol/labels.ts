import { concat, utf8 } from './bytes.ts'

/** One label a purpose: no two uses of a key, a hash or a signature can be taken for each other. */
export const LABELS = {
  /** HPKE `info` of a request (RFC 9180 §5.1). */
  request: 'cloister/v1 request',
  /** HPKE exporter context of the answer's secret (RFC 9180 §5.3). */
  answer: 'cloister/v1 answer',
  /** What the client key signs. */
  proof: 'cloister/v1 proof',
  /** The OpenID `nonce` that commits a token to a client key. */
  tokenNonce: 'cloister/v1 token nonce',
  /** Channel key id. */
  channelKeyId: 'cloister/v1 channel key id',
  /** HKDF info of the key that seals a record's `state`. */
  state: 'cloister/v1 state',
  /** HKDF info of the key that seals a record's `seed`. */
  seed: 'cloister/v1 seed',
  /** A PIN on its way into Argon2id. */
  pin: 'cloister/v1 pin',
  /** HKDF info of the mix of the entropy sources. */
  entropy: 'cloister/v1 entropy',
  /** Keyed hash of a request's content, for idempotency. */
  idempotency: 'cloister/v1 idempotency',
  /** Issuer part of an owner's partition. */
  issuer: 'cloister/v1 issuer',
  /** The recovery code that an operation makes. */
  recoveryCode: 'cloister/v1 recovery code',
  /** Checksum of a recovery code as people copy it. */
  recoveryChecksum: 'cloister/v1 recovery checksum',
  /** Key material of a recovery code's X25519 key (RFC 9180 §7.1.3). */
  recoveryKey: 'cloister/v1 recovery key',
  /** HPKE `info` of a secret sealed to a recovery code's key: in the record, and in a backup file. */
  recoverySeal: 'cloister/v1 recovery seal',
  backupSeal: 'cloister/v1 backup seal',
  /** The secret of a second factor that an operation makes. */
  factor: 'cloister/v1 second factor',
  /** COSE external_aad of a receipt (RFC 9052 §4.4). */
  receipt: 'cloister/v1 receipt',
  /** AAD of a receipt that is stored. */
  storedReceipt: 'cloister/v1 stored receipt',
  /** Fingerprint of a wallet's root public key. */
  fingerprint: 'cloister/v1 fingerprint',
} as const

/**
 * `label ‖ parts`, each with its length in front (4 bytes, big-endian): no two lists of parts give the same bytes.
 */
export function framed(label: string, ...parts: readonly Uint8Array[]): Uint8Array<ArrayBuffer> {
  const framedParts: Uint8Array[] = []
  for (const part of [utf8(label), ...parts]) {
    const length = new Uint8Array(4)
    new DataView(length.buffer).setUint32(0, part.length)
    framedParts.push(length, part)
  }
  return concat(...framedParts)
}
