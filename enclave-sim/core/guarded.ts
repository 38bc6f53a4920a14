/**
 * Every operation that needs the PIN runs in here: charge, open, try, do, rewrap, commit. Read it from top to bottom; a seed is
 * handed out in one place only, and nothing leaves before its commit.
 */
import { wipe } from '../../lib/protocol/bytes.ts'
import { CloisterError } from '../../lib/protocol/errors.ts'
import type { WalletRecord } from '../../lib/protocol/record.ts'
import type { RequestBody } from '../../lib/protocol/request.ts'
import type { AttestedClock } from './clock.ts'
import { charged, expired, guessState, nextCharge } from './guesses.ts'
import type { Charge, TablePort } from './ports.ts'
import { seedOf } from './secret.ts'
import type { WalletState } from './state.ts'
import { isRepeat, openRecord, openSeed, remember, requirePin, wrap, type OpenedRecord, type Vault } from './unlock.ts'
import type { WalletTurn } from './wallet-queue.ts'

export interface Guarded {
  readonly vault: Vault
  readonly table: TablePort
  readonly clock: AttestedClock
}

export interface Use<T> {
  /** Refuses, if it must, before a guess is tried: by throwing. */
  check(state: WalletState): void
  /** Works with the seed, which is wiped afterwards. */
  work(state: WalletState, seed: Uint8Array): T
}

/**
 * @returns what `work` returned, and the record as it was committed
 * @throws CloisterError `pin_malformed`, `wallet_locked`, `stale`, `record_invalid`, `pin_wrong`, `idempotency_mismatch`, `unavailable`, and what `use` throws
 */
export async function withSeed<T>(
  core: Guarded,
  body: RequestBody,
  record: WalletRecord,
  turn: WalletTurn,
  use: Use<T>,
): Promise<{ readonly result: T; readonly record: WalletRecord; readonly state: WalletState }> {
  const pin = requirePin(body)
  const nowMs = core.clock.nowMs()
  if (record.lockedUntilMs > nowMs) {
    await requireCurrent(core, record)
    throw new CloisterError('wallet_locked', { guesses: guessState(record, nowMs) })
  }

  const charge = nextCharge(record, nowMs)
  turn.leave(undefined)
  if ((await write(() => core.table.charge(record, charge), () => release(core, charge))) === 'conflict') throw new CloisterError('stale')

  let pinIsWrong = false
  let opened: OpenedRecord | undefined
  let unlocked: Awaited<ReturnType<typeof openSeed>>
  try {
    opened = await openRecord(core.vault, record)
    const { state } = opened
    isRepeat(state, body)
    use.check(state)

    unlocked = await openSeed(core.vault, opened, pin)
    if (unlocked === undefined) {
      pinIsWrong = true
      const spent = charged(record, charge)
      turn.leave(spent)
      throw new CloisterError('pin_wrong', { guesses: guessState(spent, nowMs) })
    }
    const result = use.work(state, seedOf(unlocked.secret))

    const recent = remember(state, body, nowMs)
    const at = { owner: record.owner, wallet: record.wallet, version: record.version + 1, createdAtMs: record.createdAtMs }
    const wrapped = await wrap(core.vault, at, { state: { ...state, recent }, secret: unlocked.secret }, unlocked.pinHash)
    const gone = expired(record.wrongMs, nowMs)
    const next = { ...wrapped, wrongMs: record.wrongMs.filter((atMs) => !gone.includes(atMs)) }
    if ((await write(() => core.table.commit(next, charge, gone))) === 'conflict') throw new CloisterError('stale')
    turn.leave(next)
    return { result, record: next, state: { ...state, recent } }
  } catch (error) {
    // A wrong PIN stays spent. Whatever else went wrong was no guess: give it back, if the table can be reached.
    if (!pinIsWrong && (await release(core, charge)) && opened !== undefined) turn.leave(record)
    throw error
  } finally {
    wipe(unlocked?.secret, unlocked?.pinHash.bytes, opened?.dataKey)
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
