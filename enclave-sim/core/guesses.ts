/**
 * How many guesses, and how soon. Five are free; then each waits longer than the last, up to one in 24 hours: slower and
 * slower, never for good, or a stolen token could lock an owner out.
 */
import { randomInt } from 'node:crypto'
import type { GuessState } from '../../lib/protocol/errors.ts'
import type { WalletRecord } from '../../lib/protocol/record.ts'
import type { Charge } from './ports.ts'

const MINUTE_MS = 60_000
const DAY_MS = 24 * 60 * MINUTE_MS

export const FREE_GUESSES = 5
/** Waits after the 5th, 6th, 7th, 8th and 9th guess; from the 10th on it is a day. */
const WAITS_MS = [1, 5, 15, 60, 60].map((minutes) => minutes * MINUTE_MS)
/** Wrong guesses that success does not clear: so many in so long, then one in 24 hours too. */
export const ROLLING_LIMIT = 30
export const ROLLING_WINDOW_MS = 30 * DAY_MS
/** By how much an entry of the rolling total may be older than its charge (about a quarter of an hour); see `nextCharge`. */
const ENTRY_SPREAD_MS = 2 ** 20

/** How long no guess is taken once `spent` guesses stand and `wrongTotal` are in the rolling total. */
export function waitMs(spent: number, wrongTotal: number): number {
  if (wrongTotal >= ROLLING_LIMIT) return DAY_MS
  if (spent < FREE_GUESSES) return 0
  return WAITS_MS[spent - FREE_GUESSES] ?? DAY_MS
}

/** Entries of the rolling total that no longer count. */
export function expired(wrongMs: readonly number[], nowMs: number): readonly number[] {
  return wrongMs.filter((atMs) => atMs <= nowMs - ROLLING_WINDOW_MS)
}

/**
 * Until when no guess is taken; 0 when one is. A lock of more than a day is none that we set: whoever writes the table may deny
 * service, but not for a thousand years with one write.
 */
export function lockOf(record: Pick<WalletRecord, 'lockedUntilMs'>, nowMs: number): number {
  return record.lockedUntilMs > nowMs && record.lockedUntilMs <= nowMs + DAY_MS ? record.lockedUntilMs : 0
}

export function guessState(record: Pick<WalletRecord, 'spent' | 'lockedUntilMs' | 'wrongMs'>, nowMs: number): GuessState {
  const wrongTotal = record.wrongMs.length - expired(record.wrongMs, nowMs).length
  const locked = lockOf(record, nowMs) !== 0
  const free = Math.max(1, Math.min(FREE_GUESSES - record.spent, ROLLING_LIMIT - wrongTotal))
  return { guessesLeft: locked ? 0 : free, lockedUntilMs: locked ? record.lockedUntilMs : 0, wrongTotal }
}

/** What one more guess will leave in the table, whether it is tried or not: the lock stands before the PIN is looked at. */
export function nextCharge(record: WalletRecord, nowMs: number): Charge {
  // Entries identify charges, so that a release can't hit another one. Two enclaves may charge in the same millisecond, one of them in
  // vain and without hearing so: what it then gives back must not be the other's. Hence the random part.
  let atMs = Math.max(0, nowMs - randomInt(ENTRY_SPREAD_MS))
  while (record.wrongMs.includes(atMs)) atMs += 1
  const wrongTotal = record.wrongMs.length - expired(record.wrongMs, nowMs).length + 1
  const wait = waitMs(record.spent + 1, wrongTotal)
  return {
    owner: record.owner,
    wallet: record.wallet,
    version: record.version,
    spent: record.spent + 1,
    lockedUntilMs: wait === 0 ? record.lockedUntilMs : nowMs + wait,
    previousLockedUntilMs: record.lockedUntilMs,
    atMs,
  }
}

/** The record with the charge in it. */
export function charged(record: WalletRecord, charge: Charge): WalletRecord {
  const wrongMs = [...record.wrongMs, charge.atMs].sort((a, b) => a - b)
  return { ...record, spent: charge.spent, lockedUntilMs: charge.lockedUntilMs, wrongMs }
}
