/** From a record and a PIN to the secret and back into a record: the only way to a key, and each step's reason to stop. */
import { createHash, createHmac, randomBytes } from 'node:crypto'
import { equal, wipe } from '../../lib/protocol/bytes.ts'
import { encodeCbor } from '../../lib/protocol/cbor.ts'
import { CloisterError, type ErrorCode } from '../../lib/protocol/errors.ts'
import { framed, LABELS } from '../../lib/protocol/labels.ts'
import { LIMITS } from '../../lib/protocol/limits.ts'
import { RECORD_FORMAT, type WalletRecord } from '../../lib/protocol/record.ts'
import { openWithCode, sealToCode } from '../../lib/protocol/recovery-seal.ts'
import type { RequestBody } from '../../lib/protocol/request.ts'
import type { DataKeys } from './data-keys.ts'
import { bindingBytes, open, seal, seedKey, stateKey, type RecordBinding } from './sealing.ts'
import { ARGON2, decodeState, encodeState, type Argon2Setting, type RecentRequest, type WalletContent, type WalletState } from './state.ts'
import type { Argon2id } from './ports.ts'

const RECENT_MAX = 64
const RECENT_LIFE_MS = 24 * 3_600_000
/** The table deletes some time after the wallet is gone, never before. */
const EXPIRY_SLACK_SEC = 3600

export interface Vault {
  readonly dataKeys: DataKeys
  readonly argon2id: Argon2id
  readonly kmsKeyArn: string
}

/** A record whose `state` is open, and that has shown no sign of tampering. */
export interface OpenedRecord {
  readonly record: WalletRecord
  readonly state: WalletState
  /** Wipe it. */
  readonly dataKey: Uint8Array
}

/** @throws CloisterError `code` unless it is 4 to 64 bytes */
export function requirePin(pin: Uint8Array | null, code: ErrorCode = 'pin_malformed'): Uint8Array {
  if (pin === null || pin.length < LIMITS.minPinBytes || pin.length > LIMITS.maxPinBytes) throw new CloisterError(code)
  return pin
}

function bindingOf(vault: Vault, record: Pick<WalletRecord, 'format' | 'owner' | 'wallet' | 'version'>): RecordBinding {
  const { format, owner, wallet, version } = record
  return { format, owner, wallet, version, kmsKey: vault.kmsKeyArn }
}

/** @throws CloisterError `record_invalid`, `unavailable` */
export async function openRecord(vault: Vault, record: WalletRecord): Promise<OpenedRecord> {
  const dataKey = await vault.dataKeys.open(record.dataKey, record.owner, record.wallet)
  const key = stateKey(dataKey)
  let plaintext: Uint8Array | undefined
  try {
    plaintext = open(key, record.state, bindingOf(vault, record), 'state')
    const state = plaintext === undefined ? undefined : decodeState(plaintext)
    if (state === undefined || !equal(sha256(record.seed), state.seedDigest)) throw new CloisterError('record_invalid')
    return { record, state, dataKey }
  } catch (error) {
    wipe(dataKey)
    throw error
  } finally {
    wipe(key, plaintext)
  }
}

/** A wallet's secret, and the hash of the PIN that it is to be sealed under again. Wipe both. */
export interface Unlocked {
  readonly secret: Uint8Array
  readonly pinHash: PinHash
}

/** Tries a PIN: `undefined` when it is wrong. */
export async function openSeed(vault: Vault, opened: OpenedRecord, pin: Uint8Array): Promise<Unlocked | undefined> {
  const pinHash = await hashPin(vault, pin, opened.state.idempotencyKey, opened.state.argon2)
  const key = seedKey(opened.dataKey, pinHash.bytes)
  try {
    const secret = open(key, opened.record.seed, bindingOf(vault, opened.record), 'seed')
    if (secret === undefined) wipe(pinHash.bytes)
    return secret === undefined ? undefined : { secret, pinHash }
  } finally {
    wipe(key)
  }
}

/** Tries a recovery code, for a new PIN: `undefined` when it is not the current one. @throws CloisterError `recovery_off` */
export async function openRecovery(vault: Vault, opened: OpenedRecord, code: Uint8Array, newPin: Uint8Array): Promise<Unlocked | undefined> {
  const { recoverySeal } = opened.state
  if (recoverySeal === null) throw new CloisterError('recovery_off')
  const secret = await openWithCode(code, recoverySeal, 'record', bindingBytes(bindingOf(vault, opened.record), 'recovery'))
  return secret === undefined ? undefined : { secret, pinHash: await hashPin(vault, newPin, opened.state.idempotencyKey) }
}

/**
 * Argon2id of a PIN, and what it was made with. What goes into Argon2id is HMAC-SHA256(the wallet's key, PIN): the native code leaves copies of its
 * input in memory, and this one is worth nothing without that key. One hash serves the opening and the rewrap: what a rewrap renews is the data key.
 */
export interface PinHash {
  /** 32 bytes. Wipe them. */
  readonly bytes: Uint8Array
  readonly setting: Argon2Setting
}

/** @param key the wallet's `idempotencyKey` */
export async function hashPin(vault: Vault, pin: Uint8Array, key: Uint8Array, setting: Argon2Setting = newSetting()): Promise<PinHash> {
  const { salt, memoryKiB, iterations, parallelism } = setting
  const framedPin = framed(LABELS.pin, pin)
  const password = createHmac('sha256', key).update(framedPin).digest()
  try {
    return { bytes: await vault.argon2id(password, salt, { memoryKiB, iterations, parallelism, length: 32 }), setting }
  } finally {
    wipe(framedPin, password)
  }
}

function newSetting(): Argon2Setting {
  return { salt: new Uint8Array(randomBytes(16)), ...ARGON2 }
}

/**
 * Seals a wallet anew, as `version`, under a fresh data key, and opens it again before anyone may store it: a
 * rewrap never replaces a good record with a bad one.
 */
export async function wrap(
  vault: Vault,
  at: { readonly owner: string; readonly wallet: string; readonly version: number; readonly createdAtMs: number },
  content: WalletContent,
  secret: Uint8Array,
  pinHash: PinHash,
): Promise<WalletRecord> {
  const { plaintext: dataKey, ciphertext } = await vault.dataKeys.generate(at.owner, at.wallet)
  let keyForSeed: Uint8Array | undefined
  let keyForState: Uint8Array | undefined
  let encoded: Uint8Array | undefined
  let again: Uint8Array | undefined
  let stateAgain: Uint8Array | undefined
  try {
    const binding = bindingOf(vault, { ...at, format: RECORD_FORMAT })
    keyForSeed = seedKey(dataKey, pinHash.bytes)
    const seed = seal(keyForSeed, secret, binding, 'seed')
    const { recoveryKey } = content
    const recoverySeal = recoveryKey === null ? null : await sealToCode(recoveryKey, secret, 'record', bindingBytes(binding, 'recovery'))
    encoded = encodeState({ ...content, argon2: pinHash.setting, seedDigest: sha256(seed), recoverySeal })
    keyForState = stateKey(dataKey)
    const state = seal(keyForState, encoded, binding, 'state')
    again = open(keyForSeed, seed, binding, 'seed')
    stateAgain = open(keyForState, state, binding, 'state')
    if (again === undefined || !equal(again, secret) || stateAgain === undefined || !equal(stateAgain, encoded)) {
      throw new Error('the record does not open')
    }
    const expiresAtSec = content.goneAtMs === null ? 0 : Math.ceil(content.goneAtMs / 1000) + EXPIRY_SLACK_SEC
    return { ...at, format: RECORD_FORMAT, dataKey: ciphertext, state, seed, spent: 0, lockedUntilMs: 0, wrongMs: [], expiresAtSec }
  } finally {
    wipe(dataKey, keyForSeed, keyForState, encoded, again, stateAgain)
  }
}

/** Keyed hash of what a request asks for: a new PIN that is among it is left out, as the PIN is. */
export function contentHash(idempotencyKey: Uint8Array, body: RequestBody): Uint8Array {
  const parameters = encodeCbor(body.op === 'changePin' ? {} : body.parameters)
  const content = framed(LABELS.idempotency, Buffer.from(body.op), Buffer.from(body.wallet), parameters)
  try {
    return new Uint8Array(createHmac('sha256', idempotencyKey).update(content).digest())
  } finally {
    wipe(content, parameters)
  }
}

/**
 * Whether this is a repeat of something that was done.
 * @throws CloisterError `idempotency_mismatch` when the key was used for something else
 */
export function isRepeat(state: Pick<WalletState, 'recent' | 'idempotencyKey'>, body: RequestBody, nowMs: number): boolean {
  const entry = state.recent.find((recent) => equal(recent.key, body.idempotency) && recent.atMs > nowMs - RECENT_LIFE_MS)
  if (entry === undefined) return false
  if (!equal(entry.content, contentHash(state.idempotencyKey, body))) throw new CloisterError('idempotency_mismatch')
  return true
}

/** The recent requests with this one among them. */
export function remember(state: Pick<WalletState, 'recent' | 'idempotencyKey'>, body: RequestBody, nowMs: number): readonly RecentRequest[] {
  const kept = state.recent.filter((recent) => recent.atMs > nowMs - RECENT_LIFE_MS && !equal(recent.key, body.idempotency))
  // A repeat does not make the first one younger.
  const first = state.recent.find((recent) => equal(recent.key, body.idempotency) && recent.atMs > nowMs - RECENT_LIFE_MS)
  const entry = { key: body.idempotency, content: contentHash(state.idempotencyKey, body), atMs: first?.atMs ?? nowMs }
  return [...kept.slice(-(RECENT_MAX - 1)), entry]
}

function sha256(bytes: Uint8Array): Uint8Array {
  return new Uint8Array(createHash('sha256').update(bytes).digest())
}
