/** What a record's `state` says once it is open: everything about a wallet but its seed. */
import { decodeCbor, encodeCbor } from '../../lib/protocol/cbor.ts'
import { array, attempt, bytes, integer, object } from '../../lib/protocol/fields.ts'
import { decodeAccount, type Account } from '../../lib/protocol/operations.ts'

export interface Argon2Setting {
  /** 16 bytes, new with each PIN; a rewrap keeps it, for what it renews is the data key. */
  readonly salt: Uint8Array
  readonly memoryKiB: number
  readonly iterations: number
  readonly parallelism: number
}

/** One operation that was done, for whoever asks again. */
export interface RecentRequest {
  /** Idempotency key, 16 bytes. */
  readonly key: Uint8Array
  /** Keyed hash of what was asked, 32 bytes; without the PIN, which no fast hash may guard. */
  readonly content: Uint8Array
  readonly atMs: number
}

export interface WalletState {
  readonly argon2: Argon2Setting
  readonly accounts: readonly Account[]
  /** See `rootFingerprint`. */
  readonly fingerprint: Uint8Array
  readonly createdAtMs: number
  /** Keys the hashes in `recent`; 32 bytes, for the wallet's life. */
  readonly idempotencyKey: Uint8Array
  readonly recent: readonly RecentRequest[]
  /** SHA-256 of the record's `seed`: tells an altered ciphertext from a wrong PIN before a guess is spent on it. */
  readonly seedDigest: Uint8Array
}

/** What PINs are hashed with from now on: 19 MiB, two passes, one lane (OWASP's first choice for Argon2id). */
export const ARGON2 = { memoryKiB: 19 * 1024, iterations: 2, parallelism: 1 } as const

const MAX_TIME = Number.MAX_SAFE_INTEGER

export function encodeState(state: WalletState): Uint8Array {
  return encodeCbor({
    argon2: { ...state.argon2 },
    accounts: state.accounts.map((account) => ({ ...account })),
    fingerprint: state.fingerprint,
    createdAt: state.createdAtMs,
    idempotencyKey: state.idempotencyKey,
    recent: state.recent.map(({ key, content, atMs }) => ({ key, content, at: atMs })),
    seedDigest: state.seedDigest,
  })
}

export function decodeState(encoded: Uint8Array): WalletState | undefined {
  return attempt(() => {
    const fields = object(decodeCbor(encoded), [
      'argon2', 'accounts', 'fingerprint', 'createdAt', 'idempotencyKey', 'recent', 'seedDigest',
    ])
    const argon2 = object(fields['argon2'], ['salt', 'memoryKiB', 'iterations', 'parallelism'])
    return {
      argon2: {
        salt: bytes(argon2['salt'], 16),
        memoryKiB: integer(argon2['memoryKiB'], 8, 1024 * 1024),
        iterations: integer(argon2['iterations'], 1, 64),
        parallelism: integer(argon2['parallelism'], 1, 16),
      },
      accounts: array(fields['accounts'], 1000, decodeAccount),
      fingerprint: bytes(fields['fingerprint'], 32),
      createdAtMs: integer(fields['createdAt'], 0, MAX_TIME),
      idempotencyKey: bytes(fields['idempotencyKey'], 32),
      recent: array(fields['recent'], 256, (item) => {
        const entry = object(item, ['key', 'content', 'at'])
        return { key: bytes(entry['key'], 16), content: bytes(entry['content'], 32), atMs: integer(entry['at'], 0, MAX_TIME) }
      }),
      seedDigest: bytes(fields['seedDigest'], 32),
    }
  })
}
