/** What a record's `state` says once it is open: everything about a wallet but its keys. */
import { decodeCbor, encodeCbor } from '../../lib/protocol/cbor.ts'
import { array, attempt, boolean, bytes, integer, nullable, object, oneOf, text } from '../../lib/protocol/fields.ts'
import { OPERATIONS, type Operation } from '../../lib/protocol/header.ts'
import { LIMITS } from '../../lib/protocol/limits.ts'
import { decodeAccount, decodePermissions, encodeAccount, encodePermissions, type Account, type Permissions } from '../../lib/protocol/operations.ts'
import { encodePendingExport, LABEL, readPendingExport, WALLET_KINDS, type PendingExport, type WalletKind } from '../../lib/protocol/wallet-view.ts'

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
  /** Keyed hash of what was asked, 32 bytes; without PINs, which no fast hash may guard. */
  readonly content: Uint8Array
  readonly atMs: number
}

/** The second factor: TOTP (RFC 6238), HMAC-SHA-1, 30 seconds, 6 digits. */
export interface Factor {
  /** 20 bytes. */
  readonly secret: Uint8Array
  /** The last time step whose code was taken. No code is taken twice. */
  readonly lastStep: number
  /** Idempotency key of the request that it was taken for. */
  readonly lastRequest: Uint8Array | null
  /** Which operations ask for a code. */
  readonly operations: readonly Operation[]
  readonly confirmed: boolean
}

export interface ReceiptsState {
  /** P-256 private key, 32 bytes, for the wallet's life. */
  readonly privateKey: Uint8Array
  /** x ‖ y, 64 bytes. */
  readonly publicKey: Uint8Array
  /** AES-256 key of the receipts in the table, 32 bytes, for the wallet's life. */
  readonly storageKey: Uint8Array
  readonly count: number
  /** SHA-256 of the last receipt. */
  readonly head: Uint8Array
  /** The last receipts, oldest first: those that the table is not known to hold. */
  readonly tail: readonly Uint8Array[]
}

/** What an operation may change; the rest belongs to the sealing. */
export interface WalletContent {
  readonly kind: WalletKind
  readonly label: string
  readonly accounts: readonly Account[]
  readonly permissions: Permissions
  /** See `rootFingerprint`. */
  readonly fingerprint: Uint8Array
  readonly createdAtMs: number
  /** Keys the hashes in `recent` and of PINs, and derives recovery codes; 32 bytes, for the wallet's life. */
  readonly idempotencyKey: Uint8Array
  readonly recent: readonly RecentRequest[]
  /** X25519 public key of the recovery code, 32 bytes. */
  readonly recoveryKey: Uint8Array | null
  /** When that code was made. */
  readonly recoveryMadeAtMs: number | null
  readonly factor: Factor | null
  readonly export: PendingExport | null
  readonly goneAtMs: number | null
  readonly receipts: ReceiptsState
}

export interface WalletState extends WalletContent {
  readonly argon2: Argon2Setting
  /** SHA-256 of the record's `seed`: tells an altered ciphertext from a wrong PIN before a guess is spent on it. */
  readonly seedDigest: Uint8Array
  /** The secret, sealed to `recoveryKey`: in here, it opens with this version's data key alone. */
  readonly recoverySeal: Uint8Array | null
}

/** What PINs are hashed with from now on: 19 MiB, two passes, one lane (OWASP's first choice for Argon2id). */
export const ARGON2 = { memoryKiB: 19 * 1024, iterations: 2, parallelism: 1 } as const

const MAX = Number.MAX_SAFE_INTEGER
const MAX_TAIL = 64

export function encodeState(state: WalletState): Uint8Array {
  const { factor, receipts } = state
  return encodeCbor({
    argon2: { ...state.argon2 },
    seedDigest: state.seedDigest,
    recoverySeal: state.recoverySeal,
    kind: state.kind,
    label: state.label,
    accounts: state.accounts.map(encodeAccount),
    permissions: encodePermissions(state.permissions),
    fingerprint: state.fingerprint,
    createdAt: state.createdAtMs,
    idempotencyKey: state.idempotencyKey,
    recent: state.recent.map(({ key, content, atMs }) => ({ key, content, at: atMs })),
    recoveryKey: state.recoveryKey,
    recoveryMadeAt: state.recoveryMadeAtMs,
    factor: factor === null ? null : { ...factor, operations: [...factor.operations] },
    export: state.export === null ? null : encodePendingExport(state.export),
    goneAt: state.goneAtMs,
    receipts: { ...receipts, tail: [...receipts.tail] },
  })
}

export function decodeState(encoded: Uint8Array): WalletState | undefined {
  return attempt(() => {
    const fields = object(decodeCbor(encoded), [
      'argon2', 'seedDigest', 'recoverySeal', 'kind', 'label', 'accounts', 'permissions', 'fingerprint', 'createdAt', 'idempotencyKey', 'recent', 'recoveryKey', 'recoveryMadeAt',
      'factor', 'export', 'goneAt', 'receipts',
    ])
    const argon2 = object(fields['argon2'], ['salt', 'memoryKiB', 'iterations', 'parallelism'])
    return {
      argon2: {
        salt: bytes(argon2['salt'], 16),
        memoryKiB: integer(argon2['memoryKiB'], 8, 1024 * 1024),
        iterations: integer(argon2['iterations'], 1, 64),
        parallelism: integer(argon2['parallelism'], 1, 16),
      },
      seedDigest: bytes(fields['seedDigest'], 32),
      recoverySeal: nullable(fields['recoverySeal'], (sealed) => bytes(sealed, 48, 1024)),
      kind: oneOf(fields['kind'], WALLET_KINDS),
      label: text(fields['label'], LABEL),
      accounts: array(fields['accounts'], LIMITS.maxAccounts, decodeAccount),
      permissions: decodePermissions(fields['permissions']),
      fingerprint: bytes(fields['fingerprint'], 32),
      createdAtMs: integer(fields['createdAt'], 0, MAX),
      idempotencyKey: bytes(fields['idempotencyKey'], 32),
      recent: array(fields['recent'], 256, (item) => {
        const entry = object(item, ['key', 'content', 'at'])
        return { key: bytes(entry['key'], 16), content: bytes(entry['content'], 32), atMs: integer(entry['at'], 0, MAX) }
      }),
      recoveryKey: nullable(fields['recoveryKey'], (key) => bytes(key, 32)),
      recoveryMadeAtMs: nullable(fields['recoveryMadeAt'], (atMs) => integer(atMs, 0, MAX)),
      factor: nullable(fields['factor'], readFactor),
      export: nullable(fields['export'], readPendingExport),
      goneAtMs: nullable(fields['goneAt'], (atMs) => integer(atMs, 0, MAX)),
      receipts: readReceipts(fields['receipts']),
    }
  })
}

function readFactor(value: unknown): Factor {
  const fields = object(value, ['secret', 'lastStep', 'lastRequest', 'operations', 'confirmed'])
  return {
    secret: bytes(fields['secret'], 20),
    lastStep: integer(fields['lastStep'], 0, MAX),
    lastRequest: nullable(fields['lastRequest'], (key) => bytes(key, 16)),
    operations: array(fields['operations'], OPERATIONS.length, (op) => oneOf(op, OPERATIONS)),
    confirmed: boolean(fields['confirmed']),
  }
}

function readReceipts(value: unknown): ReceiptsState {
  const fields = object(value, ['privateKey', 'publicKey', 'storageKey', 'count', 'head', 'tail'])
  return {
    privateKey: bytes(fields['privateKey'], 32),
    publicKey: bytes(fields['publicKey'], 64),
    storageKey: bytes(fields['storageKey'], 32),
    count: integer(fields['count'], 0, MAX),
    head: bytes(fields['head'], 32),
    tail: array(fields['tail'], MAX_TAIL, (item) => bytes(item, 1, 16_384)),
  }
}
