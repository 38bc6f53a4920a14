/**
 * Every operation that needs the wallet's keys runs in here: charge, open, try, do, rewrap, commit. Read it from top to bottom; a secret is
 * handed out in one place only, and nothing leaves before its commit.
 */
import { wipe } from '../../lib/protocol/bytes.ts'
import { CloisterError } from '../../lib/protocol/errors.ts'
import { wipeDeep } from '../../lib/protocol/cbor.ts'
import type { Operation } from '../../lib/protocol/header.ts'
import type { WalletRecord } from '../../lib/protocol/record.ts'
import type { ReceiptMeasurements, ReceiptOutcome, ReceiptSignature } from '../../lib/protocol/receipt.ts'
import type { RequestBody } from '../../lib/protocol/request.ts'
import { splitSecret, type WalletSecret } from '../../lib/protocol/wallet-secret.ts'
import type { AttestedClock } from './clock.ts'
import { stepOf } from './factor.ts'
import type { Floor } from './floor.ts'
import { charged, expired, guessState, lockOf, nextCharge } from './guesses.ts'
import type { Charge, TablePort } from './ports.ts'
import { isTailFull, storedTail, withReceipt } from './receipts.ts'
import type { WalletContent, WalletState } from './state.ts'
import { isRepeat, openRecord, openSeed, remember, requirePin, wrap, type OpenedRecord, type PinHash, type Unlocked, type Vault } from './unlock.ts'
import type { WalletTurn } from './wallet-queue.ts'

export interface Guarded {
  readonly vault: Vault
  readonly table: TablePort
  readonly clock: AttestedClock
  readonly floor: Floor
  readonly measurements: ReceiptMeasurements
}

/** What an operation does once the secret is open. */
export interface Work<T> {
  readonly result: T
  /** What becomes of the wallet; left out: nothing but its version. */
  readonly changes?: Partial<Omit<WalletContent, 'recent' | 'receipts'>>
  /** For the receipt. */
  readonly signatures?: readonly ReceiptSignature[]
  /** For the receipt; left out: `done`. */
  readonly outcome?: ReceiptOutcome
}

export interface Moment {
  readonly nowMs: number
  /** This very request was done before: the same result is due, and nothing more. */
  readonly isRepeat: boolean
}

export interface Use<T> {
  /** Refuses, if it must, before a guess is tried: by throwing. */
  check?(state: WalletState, moment: Moment): void | Promise<void>
  /** How the secret is opened, where it isn't by the PIN; `undefined`: wrongly. */
  unlock?(opened: OpenedRecord, moment: Moment): Promise<Unlocked | undefined>
  /** What a wrong one costs: a guess, unless it is a recovery code, whose 128 bits need no limit and know no lock. */
  readonly guess?: 'pin' | 'code'
  /** Whether it may be done to a wallet that is deleted and can be restored. */
  readonly whileDeleted?: boolean
  /** Whether this operation asks for a one-time code when a second factor is bound; by default what its owner chose. */
  asksForCode?(state: WalletState): boolean
  /** A new PIN, hashed: from this commit on, the only one. */
  newPin?(state: WalletState, moment: Moment): Promise<PinHash | undefined>
  /** Works with the secret, which is wiped afterwards. */
  work(state: WalletState, secret: WalletSecret, moment: Moment, joined: Uint8Array): Work<T> | Promise<Work<T>>
}

/** Whoever could do these with the PIN alone could go round the second factor. */
const ALWAYS_ASK: readonly Operation[] = ['export', 'renewRecovery', 'changePin', 'enrolFactor', 'removeFactor']

export interface Done<T> {
  readonly result: T
  readonly record: WalletRecord
  readonly state: WalletContent
}

/**
 * @returns what `work` returned, and the record as it was committed, with the counters that hold here
 * @throws CloisterError `wallet_locked`, `stale`, `record_invalid`, `wallet_not_found`, `wallet_deleted`, `code_required`, `pin_wrong`, `recovery_invalid`,
 * `idempotency_mismatch`, `unavailable`, and what `use` throws
 */
export async function withSecret<T>(core: Guarded, body: RequestBody, record: WalletRecord, turn: WalletTurn, use: Use<T>): Promise<Done<T>> {
  const nowMs = core.clock.nowMs()
  let isGuess = use.guess !== 'code'
  if (core.floor.isPast(record)) {
    // Handed in too late, as a rule: then it is stale. If the table itself holds it, somebody put it back.
    await requireCurrent(core, record)
    throw new CloisterError('record_invalid')
  }
  let strict = core.floor.strict(record, nowMs)
  if (isGuess && lockOf(strict, nowMs) !== 0) {
    await requireCurrent(core, record)
    throw new CloisterError('wallet_locked', { guesses: guessState(strict, nowMs) })
  }

  const charge = nextCharge(strict, nowMs)
  turn.leave(undefined)
  if ((await write(() => core.table.charge(record, charge), () => release(core, charge))) === 'conflict') throw new CloisterError('stale')

  let isSpent = false
  let opened: OpenedRecord | undefined
  let unlocked: Unlocked | undefined
  let newPin: PinHash | undefined
  let done: Work<T> | undefined
  try {
    opened = await openRecord(core.vault, record)
    const { state } = opened
    const followed = core.floor.follow(record, state, nowMs)
    if (followed === undefined) throw new CloisterError('record_invalid')
    strict = followed
    requireNotGone(state, nowMs)
    const moment = { nowMs, isRepeat: isRepeat(state, body, nowMs) }
    // A code that a repeat brings has been used: what it tries is a PIN, under the PIN's own limits.
    if (moment.isRepeat) isGuess = true
    if (isGuess && lockOf(strict, nowMs) !== 0) throw new CloisterError('wallet_locked', { guesses: guessState(strict, nowMs) })
    if (state.goneAtMs !== null && use.whileDeleted !== true) throw new CloisterError('wallet_deleted')
    await use.check?.(state, moment)
    const { factor } = state
    const asks = factor !== null && (use.asksForCode?.(state) ?? (factor.confirmed && (ALWAYS_ASK.includes(body.op) || factor.operations.includes(body.op))))
    if (asks && body.otp === null) throw new CloisterError('code_required')

    const writing = writeTail(core, record, state)
    unlocked = await (use.unlock === undefined ? openSeed(core.vault, opened, requirePin(body.pin)) : use.unlock(opened, moment))
    const step = asks ? stepOf(factor, body.otp as Uint8Array, nowMs, body.idempotency) : undefined
    if (unlocked === undefined || (asks && step === undefined)) {
      if (!isGuess && unlocked === undefined) throw new CloisterError('recovery_invalid')
      isSpent = true
      turn.leave(charged(record, charge))
      throw new CloisterError('pin_wrong', { guesses: guessState(core.floor.wrong(record, state, charge, nowMs), nowMs) })
    }
    const secret = splitSecret(unlocked.secret)
    if (secret === undefined) throw new CloisterError('record_invalid')
    newPin = await use.newPin?.(state, moment)
    done = await use.work(state, secret, moment, unlocked.secret)
    const { result, changes = {}, signatures = [], outcome = 'done' } = done

    const written = await writing
    if (!written && isTailFull(state.receipts)) throw new CloisterError('unavailable', { retryAfterSec: 2 })
    const version = record.version + 1
    const entry = { wallet: record.wallet, op: body.op, atMs: nowMs, version, failed: strict.spent, signatures, outcome }
    const changed = { ...contentOf(state), ...changes }
    const content: WalletContent = {
      ...changed,
      ...(step === undefined || changed.factor === null ? {} : { factor: { ...changed.factor, lastStep: step, lastRequest: body.idempotency } }),
      recent: remember(state, body, nowMs),
      receipts: withReceipt(state.receipts, entry, core.measurements, written),
    }
    const at = { owner: record.owner, wallet: record.wallet, version, createdAtMs: record.createdAtMs }
    const wrapped = await wrap(core.vault, at, content, unlocked.secret, newPin ?? unlocked.pinHash)
    // Whoever has the recovery code is the owner: what others guessed wrong does not lock them out.
    const gone = isGuess ? expired(strict.wrongMs, nowMs) : strict.wrongMs
    const next = { ...wrapped, wrongMs: record.wrongMs.filter((atMs) => !gone.includes(atMs)) }
    if ((await write(() => core.table.commit(next, charge, gone))) === 'conflict') throw new CloisterError('stale')
    turn.leave(next)
    return { result, record: core.floor.committed(next, content, gone, nowMs), state: content }
  } catch (error) {
    // A wrong PIN stays spent. Whatever else went wrong was no guess: give it back, if the table can be reached.
    if (!isSpent && (await release(core, charge)) && opened !== undefined) {
      turn.leave({ ...record, spent: charge.spent - 1, lockedUntilMs: charge.previousLockedUntilMs })
    }
    wipeDeep(done?.result) // keys may be in it, and nobody will have them
    throw error
  } finally {
    wipe(unlocked?.secret, unlocked?.pinHash.bytes, newPin?.bytes, opened?.dataKey)
    if (opened !== undefined) wipeState(opened.state)
  }
}

/** What in a state is secret. The rest of it the answer still needs. */
export function wipeState({ receipts, factor, idempotencyKey }: WalletContent): void {
  wipe(receipts.privateKey, receipts.storageKey, factor?.secret, idempotencyKey)
}

function contentOf(state: WalletState): WalletContent {
  const { argon2: _argon2, seedDigest: _seedDigest, recoverySeal: _recoverySeal, ...content } = state
  return content
}

/** A wallet whose time to be restored is over is no wallet, whether the table has deleted it yet or not. @throws CloisterError `wallet_not_found` */
export function requireNotGone(state: WalletState, nowMs: number): void {
  if (state.goneAtMs !== null && state.goneAtMs <= nowMs) throw new CloisterError('wallet_not_found')
}

/** Whether the table holds every receipt up to the record's own: they are written at the next operation, so that none can be there that was never committed. */
async function writeTail(core: Guarded, record: WalletRecord, state: WalletState): Promise<boolean> {
  try {
    const { owner, wallet } = record
    await Promise.all(storedTail(state.receipts, wallet).map((receipt) => core.table.putReceipt({ owner, wallet, ...receipt })))
    return true
  } catch {
    return false
  }
}

/**
 * What a sealed answer says of a record, the owner believes: so it must be the one in the table, and not what a relay made of it.
 * @throws CloisterError `stale`, `unavailable`
 */
export async function requireCurrent(core: Guarded, record: WalletRecord): Promise<void> {
  if ((await write(() => core.table.confirm(record))) === 'conflict') throw new CloisterError('stale')
}

/** Exactly-once by the charge's own entry in the table: giving back twice, or after a commit, changes nothing. */
async function release(core: Guarded, charge: Charge): Promise<boolean> {
  try {
    return (await core.table.release(charge)) === 'written'
  } catch {
    return false // it stays spent: the guess is paid for rather than given away
  }
}

async function write<T>(attempt: () => Promise<T>, undo?: () => Promise<unknown>): Promise<T> {
  try {
    return await attempt()
  } catch {
    await undo?.()
    throw new CloisterError('unavailable', { retryAfterSec: 2 })
  }
}
