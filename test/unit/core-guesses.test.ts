/** The schedule: five free, then 1, 5, 15, 60, 60 minutes, past ten a day; 30 in 30 days, then a day as well. */
import fc from 'fast-check'
import {
  charged, expired, FREE_GUESSES, guessState, nextCharge, ROLLING_LIMIT, ROLLING_WINDOW_MS, waitMs,
} from '../../enclave-sim/core/guesses.ts'
import type { WalletRecord } from '../../lib/protocol/record.ts'

const MINUTE = 60_000
const DAY = 1440 * MINUTE
const NOW = Date.UTC(2026, 5, 1)

const base: WalletRecord = {
  format: 1, owner: 'user#demo#x#alice', wallet: '0f9b0a52-3c57-4a5e-9a3c-2a4f6a3f1b11', version: 3, dataKey: new Uint8Array(1), state: new Uint8Array(28),
  seed: new Uint8Array(28), spent: 0, lockedUntilMs: 0, wrongMs: [], createdAtMs: 0, expiresAtSec: 0,
}
const record = (changes: Partial<WalletRecord> = {}): WalletRecord => ({ ...base, ...changes })
/** So many wrong ones, an hour apart, the last an hour ago. */
const wrong = (count: number, lastMs = NOW - 60 * MINUTE): number[] => Array.from({ length: count }, (_, i) => lastMs - (count - 1 - i) * 60 * MINUTE)

describe('the wait after a guess', () => {
  test.each([
    [1, 0], [2, 0], [3, 0], [4, 0],
    [5, MINUTE], [6, 5 * MINUTE], [7, 15 * MINUTE], [8, 60 * MINUTE], [9, 60 * MINUTE],
    [10, DAY], [11, DAY], [12, DAY], [100, DAY], [1_000_000, DAY],
  ])('after guess %i: %i ms', (spent, ms) => {
    expect(waitMs(spent, spent)).toBe(ms)
  })

  test('never grows shorter, never longer than a day', () => {
    for (let spent = 1; spent < 50; spent++) {
      expect(waitMs(spent, 1)).toBeGreaterThanOrEqual(waitMs(spent - 1, 1))
      expect(waitMs(spent, 1)).toBeLessThanOrEqual(DAY)
    }
  })

  test('the rolling total: 29 cost nothing, 30 cost a day, whatever is spent', () => {
    expect(waitMs(1, ROLLING_LIMIT - 1)).toBe(0)
    expect(waitMs(1, ROLLING_LIMIT)).toBe(DAY)
    expect(waitMs(5, ROLLING_LIMIT)).toBe(DAY)
    expect(ROLLING_LIMIT).toBe(30)
    expect(ROLLING_WINDOW_MS).toBe(30 * DAY)
  })
})

describe('a charge', () => {
  test('counts one more, and enters the rolling total', () => {
    const charge = nextCharge(record({ spent: 2, wrongMs: [NOW - 5 * MINUTE] }), NOW)
    expect(charge).toMatchObject({ owner: base.owner, wallet: base.wallet, version: 3, spent: 3, lockedUntilMs: 0, previousLockedUntilMs: 0 })
    expect(charge.atMs).toBeGreaterThan(NOW - 20 * MINUTE)
    expect(charge.atMs).toBeLessThanOrEqual(NOW)
  })

  test.each([[4, MINUTE], [5, 5 * MINUTE], [6, 15 * MINUTE], [7, 60 * MINUTE], [8, 60 * MINUTE], [9, DAY], [10, DAY]])(
    'holds the lock before the PIN is looked at: %i spent, %i ms', (spent, ms) => {
      expect(nextCharge(record({ spent, lockedUntilMs: NOW - 1 }), NOW)).toMatchObject({ lockedUntilMs: NOW + ms, previousLockedUntilMs: NOW - 1 })
    },
  )

  test('without a wait keeps the lock as it was', () => {
    expect(nextCharge(record({ spent: 3, lockedUntilMs: NOW - 7 }), NOW)).toMatchObject({ lockedUntilMs: NOW - 7, previousLockedUntilMs: NOW - 7 })
  })

  test('locks for a day when the rolling total is full, and not for entries that expired', () => {
    expect(nextCharge(record({ wrongMs: wrong(28) }), NOW).lockedUntilMs).toBe(0)
    expect(nextCharge(record({ wrongMs: wrong(29) }), NOW).lockedUntilMs).toBe(NOW + DAY)
    expect(nextCharge(record({ wrongMs: wrong(29, NOW - ROLLING_WINDOW_MS) }), NOW).lockedUntilMs).toBe(0)
  })

  test('is told from every other: two in one millisecond have different entries', () => {
    const entries = new Set(Array.from({ length: 200 }, () => nextCharge(base, NOW).atMs))
    expect(entries.size).toBeGreaterThan(190)
    fc.assert(
      fc.property(fc.uniqueArray(fc.integer({ min: 0, max: 3 }), { maxLength: 4 }), (taken) => {
        const wrongMs = taken.sort((a, b) => a - b)
        expect(wrongMs).not.toContain(nextCharge(record({ wrongMs }), 0).atMs)
      }),
    )
  })

  test('in the record: sorted, spent, locked', () => {
    const seen = record({ spent: 4, wrongMs: [NOW - 10 * DAY, NOW + 5 * MINUTE] })
    const charge = nextCharge(seen, NOW)
    const after = charged(seen, charge)
    expect(after).toEqual({ ...seen, spent: 5, lockedUntilMs: NOW + MINUTE, wrongMs: [NOW - 10 * DAY, charge.atMs, NOW + 5 * MINUTE] })
    expect(seen.spent).toBe(4)
  })
})

describe('what an owner is told', () => {
  test.each([[0, 5], [1, 4], [4, 1], [5, 1], [9, 1], [50, 1]])('%i spent, not locked: %i left', (spent, left) => {
    expect(guessState(record({ spent }), NOW)).toEqual({ guessesLeft: left, lockedUntilMs: 0, wrongTotal: 0 })
  })

  test('locked: none, and until when; a lock that is over is not told', () => {
    expect(guessState(record({ spent: 5, lockedUntilMs: NOW + 1 }), NOW)).toEqual({ guessesLeft: 0, lockedUntilMs: NOW + 1, wrongTotal: 0 })
    expect(guessState(record({ spent: 5, lockedUntilMs: NOW }), NOW)).toEqual({ guessesLeft: 1, lockedUntilMs: 0, wrongTotal: 0 })
  })

  test('counts the last 30 days', () => {
    const wrongMs = [NOW - ROLLING_WINDOW_MS - 1, NOW - ROLLING_WINDOW_MS, NOW - ROLLING_WINDOW_MS + 1, NOW - 1]
    expect(guessState(record({ wrongMs }), NOW).wrongTotal).toBe(2)
    expect(expired(wrongMs, NOW)).toEqual(wrongMs.slice(0, 2))
  })

  test('never promises more guesses than there are before a lock', () => {
    fc.assert(
      fc.property(fc.integer({ min: 0, max: 12 }), fc.integer({ min: 0, max: 40 }), (spent, total) => {
        let now = record({ spent, wrongMs: wrong(total) })
        const { guessesLeft } = guessState(now, NOW)
        for (let guess = 0; guess < guessesLeft; guess++) {
          expect(now.lockedUntilMs).toBe(0)
          now = charged(now, nextCharge(now, NOW))
        }
        // and that was all of them
        expect(now.lockedUntilMs).toBeGreaterThan(NOW)
      }),
    )
  })
})

test('who guesses as fast as the lock lets them gets 5 at once, 10 in the first 2 h 21 min, then one a day', () => {
  let nowMs = NOW
  let now = record()
  const at: number[] = []
  while (nowMs < NOW + 40 * DAY) {
    if (now.lockedUntilMs > nowMs) nowMs = now.lockedUntilMs
    at.push(nowMs - NOW)
    now = charged(now, nextCharge(now, nowMs))
  }
  expect(at.slice(0, 11)).toEqual([0, 0, 0, 0, 0, MINUTE, 6 * MINUTE, 21 * MINUTE, 81 * MINUTE, 141 * MINUTE, 141 * MINUTE + DAY])
  for (let i = 11; i < at.length; i++) expect((at[i] as number) - (at[i - 1] as number)).toBe(DAY)
  expect(at.filter((ms) => ms < 30 * DAY)).toHaveLength(10 + 29)
  expect(FREE_GUESSES).toBe(5)
})

test('success clears what is spent, but not the rolling total: an owner who often logs in gives an attacker 30 in 30 days, then one each time', () => {
  let now = record()
  let guesses = 0
  for (let login = 0; login < 100; login++) {
    // Owner's success: charge, commit.
    now = { ...now, spent: 0, lockedUntilMs: 0, version: now.version + 1 }
    while (now.lockedUntilMs <= NOW && guesses < 1000 && now.spent < FREE_GUESSES - 1) {
      now = charged(now, nextCharge(now, NOW))
      guesses += 1
    }
    if (guesses >= ROLLING_LIMIT) break
  }
  expect(guesses).toBe(ROLLING_LIMIT)
  expect(guessState({ ...now, spent: 0, lockedUntilMs: 0 }, NOW)).toEqual({ guessesLeft: 1, lockedUntilMs: 0, wrongTotal: ROLLING_LIMIT })
})
