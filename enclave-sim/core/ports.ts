/** What the core needs from outside, each as small as it can be. `platform/` fills them; a missing one fails at construction. */
import type { WalletRecord } from '../../lib/protocol/record.ts'

/** The Nitro Secure Module, as far as the core uses it. */
export interface NsmPort {
  extendPcr(index: number, data: Uint8Array): Promise<Uint8Array>
  lockPcr(index: number): Promise<void>
  /** SHA-384, 48 bytes. */
  describePcr(index: number): Promise<{ readonly data: Uint8Array }>
  /** Up to 256 random bytes from the device. */
  random(): Promise<Uint8Array>
  /** An attestation document; each field at most 1,024 bytes. */
  attest(fields: { publicKey: Uint8Array | null; userData: Uint8Array | null; nonce: Uint8Array | null }): Promise<Uint8Array>
}

export interface EncryptionContext {
  readonly [name: string]: string
}

/** AWS KMS with a Recipient: each answer is a CMS envelope that only this enclave's recipient key opens. */
export interface KmsPort {
  generateDataKey(attestation: Uint8Array, context: EncryptionContext): Promise<{ ciphertext: Uint8Array; envelope: Uint8Array }>
  /** @throws KmsRefusal `ciphertext` when KMS says that the ciphertext or its context is wrong */
  decrypt(attestation: Uint8Array, ciphertext: Uint8Array, context: EncryptionContext): Promise<Uint8Array>
  generateRandom(attestation: Uint8Array, bytes: number): Promise<Uint8Array>
}

/** `ciphertext`: it, or its context, is not what KMS made. `denied`: the policies. `key`: it is disabled, on its way out, or not there. */
export type KmsRefusalReason = 'ciphertext' | 'denied' | 'key'

/** KMS's own no, as opposed to no answer. */
export class KmsRefusal extends Error {
  readonly reason: KmsRefusalReason
  constructor(reason: KmsRefusalReason) {
    super(`KMS refused: ${reason}`)
    this.reason = reason
  }
}

/** One guess, as it stands in the table. */
export interface Charge {
  readonly owner: string
  readonly wallet: string
  readonly version: number
  /** `spent` after the charge. */
  readonly spent: number
  readonly lockedUntilMs: number
  readonly previousLockedUntilMs: number
  /** The entry it left in the rolling total. */
  readonly atMs: number
}

interface StoredReceipt {
  readonly owner: string
  readonly wallet: string
  readonly sequence: number
  readonly sealed: Uint8Array
}

export type WriteResult = 'written' | 'conflict'

/** The wallet table. Writes only: the enclave's role can't read. Anything thrown means that the outcome is not known. */
export interface TablePort {
  create(record: WalletRecord): Promise<WriteResult>
  /** Whether the table holds exactly the record that was handed in: a write that changes nothing, for the enclave can't read. */
  confirm(seen: WalletRecord): Promise<WriteResult>
  /** Charges one guess if the record is exactly the one seen: version, spent, lock and rolling total. */
  charge(seen: WalletRecord, charge: Charge): Promise<WriteResult>
  /** Gives one guess back, if that charge still stands. */
  release(charge: Charge): Promise<WriteResult>
  /** Replaces version `charge.version` by `next`, and takes off what the charge saw spent, in one write. */
  commit(next: WalletRecord, charge: Charge, expiredMs: readonly number[]): Promise<WriteResult>
  /** Stores a sealed receipt beside its wallet. The same sequence number always holds the same receipt: writing it again changes nothing. */
  putReceipt(receipt: StoredReceipt): Promise<void>
}

/** Argon2id (RFC 9106), version 0x13, off the event loop. */
export type Argon2id = (
  password: Uint8Array,
  salt: Uint8Array,
  parameters: { memoryKiB: number; iterations: number; parallelism: number; length: number },
) => Promise<Uint8Array>

/** Milliseconds that only ever grow; their zero means nothing. */
export type MonotonicMs = () => number

/** Gives entropy to the kernel's random pool. */
export type SeedKernel = (bytes: Uint8Array) => Promise<void>
