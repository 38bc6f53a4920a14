/** How much the floor remembers and what it forgets first; and that it never decides anything where nobody but enclaves writes the table. */
import { randomUUID } from 'node:crypto'
import fc from 'fast-check'
import { createFloor, type Floor } from '../../enclave-sim/core/floor.ts'
import { expired, lockOf, nextCharge } from '../../enclave-sim/core/guesses.ts'
import type { WalletRecord } from '../../lib/protocol/record.ts'
import { idleFloor } from '../support/core-floor.ts'
import { createMemoryTable } from '../support/core-table.ts'

const DAY = 86_400_000
const NOW = Date.UTC(2026, 5, 1)
const base: WalletRecord = {
  format: 1, owner: 'user#demo#x#alice', wallet: '', version: 1, dataKey: new Uint8Array(1), state: new Uint8Array(28), seed: new Uint8Array(28),
  spent: 0, lockedUntilMs: 0, wrongMs: [], createdAtMs: NOW, expiresAtSec: 0,
}
const recentAt = (atMs: number) => [{ key: new Uint8Array(16), content: new Uint8Array(32), atMs }]
const content = { createdAtMs: NOW, recoveryMadeAtMs: null, recent: recentAt(NOW) }

describe('how much is remembered', () => {
  const at = (number: number): WalletRecord => ({ ...base, wallet: `w${number}`, version: 2 })
  const see = (floor: Floor, number: number): void => void floor.follow(at(number), content, NOW)
  const wrongAt = (floor: Floor, number: number, nowMs = NOW): void => void floor.wrong(at(number), content, nextCharge(at(number), nowMs), nowMs)
  const known = (floor: Floor, ...numbers: number[]): boolean[] => numbers.map((number) => floor.isPast({ ...at(number), version: 1 }))
  const guessesOf = (floor: Floor, ...numbers: number[]): number[] => numbers.map((number) => floor.strict(at(number), NOW).spent)

  test('half as many wallets at which nobody guessed; then the one that was not used for longest is forgotten', () => {
    const floor = createFloor(6)
    for (const number of [0, 1, 2]) see(floor, number)
    see(floor, 0)
    see(floor, 3)
    expect(floor.size).toBe(3)
    expect(known(floor, 0, 1, 2, 3)).toEqual([true, false, true, true])
  })

  test('half as many at which somebody did, and neither crowds out the other', () => {
    const floor = createFloor(6)
    for (const number of [0, 1, 2]) wrongAt(floor, number)
    for (let number = 10; number < 50; number++) see(floor, number)
    expect(guessesOf(floor, 0, 1, 2)).toEqual([1, 1, 1])
    expect(known(floor, 46, 47, 48, 49)).toEqual([false, true, true, true])
    for (let number = 50; number < 53; number++) wrongAt(floor, number) // what it takes to have the first ones forgotten
    expect(guessesOf(floor, 0, 1, 2, 50, 51, 52)).toEqual([0, 0, 0, 1, 1, 1])
    expect(known(floor, 47, 48, 49)).toEqual([true, true, true])
    expect(floor.size).toBe(6)
  })

  test('guesses of more than thirty days ago are none: the wallet makes room for one at which somebody guesses now', () => {
    const floor = createFloor(6)
    for (const number of [0, 1, 2]) wrongAt(floor, number)
    const later = NOW + 31 * DAY
    wrongAt(floor, 3, later)
    for (const number of [10, 11]) see(floor, number)
    expect(floor.size).toBe(6)
    expect(known(floor, 0, 1, 2, 3, 10, 11)).toEqual([true, true, true, true, true, true])
    see(floor, 12)
    expect(known(floor, 0, 10, 11, 12)).toEqual([false, true, true, true])
    expect(floor.follow(at(1), content, later)?.wrongMs).toEqual([])
  })

  test('owners and wallets are told apart, however they are spelt', () => {
    const floor = createFloor()
    floor.follow({ ...base, owner: 'user#a', wallet: 'b', version: 9 }, content, NOW)
    expect(floor.isPast({ ...base, owner: 'user#a', wallet: 'b' })).toBe(true)
    for (const [owner, name] of [['user#a","b', ''], ['user#', 'ab'], ['user#ab', '']] as const) expect(floor.isPast({ ...base, owner, wallet: name })).toBe(false)
  })
})

describe('a lock, and a success of another enclave', () => {
  const MINUTE = 60_000
  const record: WalletRecord = { ...base, wallet: 'w', version: 2 }
  const next: WalletRecord = { ...record, version: 3, state: new Uint8Array(28).fill(1) }
  /** Locked at NOW: after nine guesses for a day, and not for the first time; after four for a minute, for the first. */
  function locked(spent: number): Floor {
    const floor = createFloor()
    const before = { ...record, spent }
    floor.follow(before, content, NOW)
    expect(floor.wrong(before, content, nextCharge(before, NOW), NOW).lockedUntilMs).toBe(NOW + (spent === 9 ? DAY : MINUTE))
    return floor
  }
  const lockAfter = (atMs: number, spent = 9, more = {}): number =>
    lockOf(locked(spent).follow(next, { ...content, recent: recentAt(atMs), ...more }, NOW + 1) as WalletRecord, NOW + 1)

  test('a success before, one after it ended, a recovery: the lock is over', () => {
    for (const atMs of [NOW - 1, NOW, NOW + DAY, NOW + DAY + 1]) expect(lockAfter(atMs)).toBe(0)
    expect(lockAfter(NOW + DAY / 2, 9, { recoveryMadeAtMs: NOW + DAY / 2 })).toBe(0)
  })

  test('one in between, which only a table that somebody wrote to can have let in: the lock stands', () => {
    for (const atMs of [NOW + 1, NOW + DAY / 2, NOW + DAY - 1]) expect(lockAfter(atMs)).toBe(NOW + DAY)
  })

  test('the first lock: a request that was charged before it may succeed', () => {
    for (const atMs of [NOW, NOW + 1, NOW + MINUTE - 1]) expect(lockAfter(atMs, 4)).toBe(0)
  })
})

/** Two enclaves that only do as they should, one a step ahead of the other or in the middle of its step. */
type What = 'wrong' | 'right' | 'recover' | 'renew' | 'give back' | 'view' | 'anew'
interface Step {
  readonly what: What
  readonly on: 0 | 1
  /** What the other one does between charge and trial. */
  readonly between: What | null
  readonly waitMs: number
  readonly tamper: boolean
}
const what = fc.constantFrom<What>('wrong', 'wrong', 'wrong', 'wrong', 'right', 'recover', 'renew', 'give back', 'view', 'anew')
const steps = (tamper: boolean): fc.Arbitrary<Step[]> =>
  fc.array(
    fc.record<Step>({
      what, on: fc.constantFrom(0, 1),
      // No wallet goes, days after its deletion, while a request is at it.
      between: fc.option(what.filter((one) => one !== 'anew'), { freq: 3 }), tamper: tamper ? fc.boolean() : fc.constant(false),
      waitMs: fc.constantFrom(0, 1, 61_000, 400_000, DAY, DAY, 15 * DAY, 31 * DAY),
    }),
    { minLength: 2, maxLength: 60 },
  )

/** What the floors would have changed. */
async function lives(story: readonly Step[]): Promise<string[]> {
  const doubts: string[] = []
  const table = createMemoryTable()
  const port = table.port()
  const id = randomUUID()
  const read = (): WalletRecord => table.read(base.owner, id) as WalletRecord
  const floors = [createFloor(), createFloor()].map((floor) => idleFloor(floor, read, doubts)) as [Floor, Floor]
  let [nowMs, made] = [NOW, { createdAtMs: NOW, recoveryMadeAtMs: NOW as number | null, recent: recentAt(NOW) }]
  const sealed = (version: number): WalletRecord => ({ ...base, wallet: id, version, createdAtMs: made.createdAtMs, state: crypto.getRandomValues(new Uint8Array(28)) })

  async function create(on: 0 | 1): Promise<void> {
    table.remove(base.owner, id)
    made = { createdAtMs: nowMs, recoveryMadeAtMs: nowMs, recent: recentAt(nowMs) }
    const record = sealed(1)
    await port.create(record)
    floors[on].committed(record, made, [], nowMs)
  }

  async function act({ what: does, on, between, tamper }: Step): Promise<void> {
    nowMs += 1
    if (does === 'anew') return create(on)
    const startedMs = nowMs
    if (tamper) table.put({ ...read(), spent: 0, lockedUntilMs: 0, wrongMs: [] })
    const [floor, record] = [floors[on], read()]
    const seen = made
    if (floor.isPast(record)) return void doubts.push('refused')
    if (does === 'view') return void floor.follow(record, seen, startedMs)
    const strict = floor.strict(record, startedMs)
    if (does !== 'recover' && lockOf(strict, startedMs) !== 0) return
    const charge = nextCharge(strict, startedMs)
    if ((await port.charge(record, charge)) !== 'written') return void doubts.push('not charged')
    if (between !== null) await act({ what: between, on: on === 0 ? 1 : 0, between: null, waitMs: 0, tamper })
    const followed = floor.follow(record, seen, startedMs)
    if (followed === undefined) return
    if (does === 'give back') return void (await port.release(charge))
    if (does === 'wrong') return void floor.wrong(record, seen, charge, startedMs)
    const next = { ...sealed(record.version + 1), createdAtMs: record.createdAtMs }
    const goneMs = does === 'recover' ? followed.wrongMs : expired(followed.wrongMs, startedMs)
    if ((await port.commit(next, charge, goneMs)) !== 'written') return void (await port.release(charge))
    made = { ...seen, recent: recentAt(startedMs), recoveryMadeAtMs: does === 'right' ? seen.recoveryMadeAtMs : startedMs }
    floor.committed({ ...next, wrongMs: record.wrongMs.filter((atMs) => !goneMs.includes(atMs)) }, made, goneMs, startedMs)
  }

  await create(0)
  for (const step of story) {
    nowMs += step.waitMs
    await act(step)
  }
  return doubts
}

test('where nobody tampers with the table, the floor never decides anything', async () => {
  await fc.assert(fc.asyncProperty(steps(false), async (story) => expect(await lives(story)).toEqual([])), { numRuns: process.env['SLOW'] === '1' ? 20_000 : 500 })
})

test('where somebody does, it decides: the test above would notice', async () => {
  const stories = fc.sample(steps(true), { numRuns: 50, seed: 7 })
  const doubts = await Promise.all(stories.map(lives))
  expect(doubts.filter((found) => found.length > 0).length).toBeGreaterThan(25)
})
