/** What a running enclave holds against the table: counters set back and earlier records put back; and that it holds nothing against anybody else. */
import { randomUUID } from 'node:crypto'
import fc from 'fast-check'
import type { Enclave, Platform } from '../../enclave-sim/core/enclave.ts'
import { createFloor, type Floor } from '../../enclave-sim/core/floor.ts'
import { expired, lockOf, nextCharge, ROLLING_LIMIT } from '../../enclave-sim/core/guesses.ts'
import { argon2id } from '../../enclave-sim/platform/argon2.ts'
import { utf8 } from '../../lib/protocol/bytes.ts'
import type { WalletRecord } from '../../lib/protocol/record.ts'
import { createTestArgon2 } from '../support/core-argon2.ts'
import { createTestClient, PIN, type TestClient } from '../support/core-client.ts'
import { idleFloor } from '../support/core-floor.ts'
import { key16, makeWallet, withRecovery } from '../support/core-life.ts'
import { createMemoryTable } from '../support/core-table.ts'
import { createWorld, type User, type World } from '../support/core-world.ts'

const MINUTE = 60_000
const DAY = 1440 * MINUTE
const NEW_PIN = '8273645'
const cheap = createTestArgon2()
/** The self-test's known answer is the real one's. */
const quick: Platform['argon2id'] = async (...of) => (of[2].memoryKiB < 1024 ? argon2id(...of) : cheap(...of))

let world: World
let enclave: Enclave
let second: Enclave
let user: User
let client: TestClient
let other: TestClient
let wallet: string
let recovery: Uint8Array

beforeAll(async () => {
  world = await createWorld()
  enclave = await world.enclave({ argon2id: quick })
  second = await world.enclave({ argon2id: quick })
})
afterAll(() => world.close())
beforeEach(async () => {
  user = await world.login()
  client = createTestClient(world, enclave, user)
  other = createTestClient(world, second, user)
  const made = await makeWallet(client)
  wallet = made.wallet
  recovery = made.recovery as Uint8Array
})

/** An enclave that was started anew: it remembers nothing. */
const restarted = async (): Promise<TestClient> => createTestClient(world, await world.enclave({ argon2id: quick }), user)
const record = (): WalletRecord => client.record(wallet)
const setBack = (changes: Partial<WalletRecord> = {}): void => world.table.put({ ...record(), spent: 0, lockedUntilMs: 0, wrongMs: [], ...changes })
const guess = async (times: number, who = client): Promise<string[]> => {
  const codes: string[] = []
  for (let i = 0; i < times; i++) codes.push((await who.sign(wallet, `wrong ${i}`)).code)
  return codes
}
const recover = (who: TestClient, code = recovery) => who.shoot({ op: 'recover', wallet, pin: NEW_PIN, parameters: { code, removeFactor: false } })
const changePin = (who: TestClient) => who.shoot({ op: 'changePin', wallet, pin: PIN, parameters: { pin: utf8(NEW_PIN) } })
const WRONG = ['pin_wrong', 'pin_wrong', 'pin_wrong', 'pin_wrong', 'pin_wrong']

describe('counters set back in the table', () => {
  test('a lock stands, for the right PIN too, and the view says so; an enclave started anew takes five more', async () => {
    expect(await guess(5)).toEqual(WRONG)
    setBack()
    const before = record()
    expect(await client.sign(wallet)).toMatchObject({ code: 'wallet_locked', guesses: { guessesLeft: 0, lockedUntilMs: world.nowMs() + MINUTE, wrongTotal: 5 } })
    expect(await client.view(wallet)).toMatchObject({ guessesLeft: 0, lockedUntilMs: world.nowMs() + MINUTE, wrongTotal: 5 })
    expect(record()).toEqual(before)
    expect(await guess(6, await restarted())).toEqual([...WRONG, 'wallet_locked'])
  })

  test('before each guess: five and no more; with a restart, five more', async () => {
    for (let i = 0; i < 8; i++) {
      setBack()
      expect(await guess(1)).toEqual([i < 5 ? 'pin_wrong' : 'wallet_locked'])
    }
    for (let i = 0; i < 2; i++) {
      setBack()
      expect(await guess(5, await restarted())).toEqual(WRONG)
    }
  })

  test('the waits go on as they would: 1, 5, 15 minutes', async () => {
    await guess(5)
    for (const minutes of [1, 5, 15]) {
      world.advance(minutes * MINUTE)
      setBack({ lockedUntilMs: 0 })
      if (minutes < 15) expect(await client.sign(wallet, '0000')).toMatchObject({ code: 'pin_wrong', guesses: { guessesLeft: 0, lockedUntilMs: world.nowMs() + (minutes === 1 ? 5 : 15) * MINUTE } })
    }
    expect(await client.sign(wallet)).toMatchObject({ code: 'ok' })
  })

  test.each<[string, () => Partial<WalletRecord>]>([
    ['only the lock', () => ({ spent: 5, wrongMs: record().wrongMs })],
    ['a lock of a thousand years, which counts for none', () => ({ lockedUntilMs: world.nowMs() + 365_000 * DAY })],
    ['a shorter lock', () => ({ lockedUntilMs: world.nowMs() + 1 })],
    ['another time of creation', () => ({ createdAtMs: record().createdAtMs + DAY })],
  ])('%s: the lock stands', async (_what, changes) => {
    await guess(5)
    setBack(changes())
    expect(await client.sign(wallet)).toMatchObject({ code: 'wallet_locked', guesses: { lockedUntilMs: world.nowMs() + MINUTE } })
    expect((await (await restarted()).sign(wallet)).code).toBe(_what === 'a shorter lock' ? 'wallet_locked' : 'ok')
  })

  test('the rolling total stands, through successes', async () => {
    for (let left = ROLLING_LIMIT - 1; left > 0; left -= 4) {
      await guess(Math.min(4, left))
      setBack()
      expect((await client.sign(wallet)).code).toBe('ok')
    }
    setBack()
    expect((await client.view(wallet)).guessesLeft).toBe(1)
    expect(await client.sign(wallet, '0000')).toMatchObject({ code: 'pin_wrong', guesses: { guessesLeft: 0, lockedUntilMs: world.nowMs() + DAY, wrongTotal: ROLLING_LIMIT } })
    setBack()
    expect((await client.sign(wallet)).code).toBe('wallet_locked')
    expect(await (await restarted()).view(wallet)).toMatchObject({ guessesLeft: 5, wrongTotal: 0 })
  })

  test('set higher, they count as the table has them: whoever writes it may deny service', async () => {
    setBack({ spent: 4 })
    expect((await client.view(wallet)).guessesLeft).toBe(1)
    expect(await guess(2)).toEqual(['pin_wrong', 'wallet_locked'])
  })
})

describe('an earlier record put back', () => {
  test('is refused before anything is charged, whatever is asked; an enclave started anew takes it', async () => {
    const old = record()
    expect((await client.sign(wallet)).code).toBe('ok')
    world.table.put(old)
    const writes = world.table.events.length
    const codes = [await client.sign(wallet), await client.sign(wallet, '0000'), await client.shoot({ op: 'view', wallet }), await client.shoot({ op: 'history', wallet }), await recover(client)]
    expect(codes.map(({ code }) => code)).toEqual(Array.from({ length: 5 }, () => 'record_invalid'))
    expect(record()).toEqual(old)
    expect(world.table.events.slice(writes).every(({ op }) => op === 'confirm')).toBe(true)
    expect((await (await restarted()).sign(wallet)).code).toBe('ok')
  })

  test('with another time of creation beside it: refused once it is open, and the guess given back', async () => {
    const old = record()
    await client.sign(wallet)
    world.table.put({ ...old, createdAtMs: old.createdAtMs + DAY })
    expect((await client.sign(wallet, '0000')).code).toBe('record_invalid')
    expect(record()).toMatchObject({ version: 1, spent: 0, wrongMs: [] })
  })

  test('handed in by a relay that read too early: stale, as ever', async () => {
    const old = record()
    await client.sign(wallet)
    for (const handedIn of [old, { ...old, spent: 3 }]) {
      expect((await client.sign(wallet, PIN, { record: handedIn })).code).toBe('clear:stale')
      expect((await client.shoot({ op: 'view', wallet, record: handedIn })).code).toBe('clear:stale')
    }
    expect((await client.sign(wallet)).code).toBe('ok')
  })

  test('the PIN that was changed since is not the PIN again; where the enclave was started anew, it is', async () => {
    const old = record()
    expect((await changePin(client)).code).toBe('ok')
    world.table.put(old)
    expect((await client.sign(wallet, PIN)).code).toBe('record_invalid')
    expect((await (await restarted()).sign(wallet, PIN)).code).toBe('ok')
  })

  test('the recovery code that was used since opens nothing', async () => {
    const old = record()
    expect((await recover(client)).code).toBe('ok')
    world.table.put(old)
    expect((await recover(client)).code).toBe('record_invalid')
    expect((await recover(await restarted())).code).toBe('ok')
  })

  test('what another enclave made is known once it was seen, and not before', async () => {
    const old = record()
    await other.sign(wallet)
    const later = record()
    world.table.put(old)
    expect((await client.view(wallet)).version).toBe(1) // it can't know
    expect((await other.shoot({ op: 'view', wallet })).code).toBe('record_invalid')
    world.table.put(later)
    expect((await client.view(wallet)).version).toBe(2)
    world.table.put(old)
    expect((await client.sign(wallet)).code).toBe('record_invalid')
  })

  test('of one version there is one record: what another enclave made of an earlier one is refused', async () => {
    const old = record()
    await client.sign(wallet)
    const mine = record()
    world.table.put(old)
    const fork = await restarted()
    expect((await fork.sign(wallet)).code).toBe('ok')
    expect(record().version).toBe(mine.version)
    expect((await client.sign(wallet)).code).toBe('record_invalid')
    expect(record()).toMatchObject({ version: mine.version, spent: 0 })
    world.table.put(mine)
    expect((await client.sign(wallet)).code).toBe('ok')
  })
})

describe('two enclaves, and what clears what', () => {
  test('the other one’s success clears the streak here, not the total', async () => {
    await guess(4)
    expect((await other.sign(wallet)).code).toBe('ok')
    setBack()
    expect(await client.view(wallet)).toMatchObject({ guessesLeft: 5, wrongTotal: 4 })
    expect(await guess(6)).toEqual([...WRONG, 'wallet_locked'])
  })

  test('what the other one charged counts as the table has it, and is not known here', async () => {
    await guess(3, other)
    expect(await client.view(wallet)).toMatchObject({ guessesLeft: 2, wrongTotal: 3 })
    setBack()
    expect(await client.view(wallet)).toMatchObject({ guessesLeft: 5, wrongTotal: 0 })
    expect(await other.view(wallet)).toMatchObject({ guessesLeft: 2, wrongTotal: 3 })
  })

  test.each(['here', 'on the other one'])('a recovery %s clears the total, as it does in the table', async (where) => {
    await guess(5)
    world.advance(1)
    expect((await recover(where === 'here' ? client : other)).code).toBe('ok')
    expect(await client.view(wallet)).toMatchObject({ guessesLeft: 5, wrongTotal: 0, lockedUntilMs: 0 })
    expect((await client.sign(wallet, NEW_PIN)).code).toBe('ok')
  })

  test('a recovery gets past the lock that stands here alone, a wrong code clears nothing', async () => {
    await guess(5)
    setBack()
    expect((await recover(client, key16())).code).toBe('recovery_invalid')
    expect((await client.sign(wallet)).code).toBe('wallet_locked')
    expect(await client.view(wallet)).toMatchObject({ wrongTotal: 5 })
    expect((await recover(client)).code).toBe('ok')
    expect(await client.view(wallet)).toMatchObject({ guessesLeft: 5, wrongTotal: 0 })
  })

  test('a new recovery code, made here with the PIN, clears what any success does: not the total', async () => {
    await guess(4)
    expect(withRecovery(await client.shoot({ op: 'renewRecovery', wallet, pin: PIN })).view).toMatchObject({ guessesLeft: 5, wrongTotal: 4 })
    setBack()
    expect(await client.view(wallet)).toMatchObject({ guessesLeft: 5, wrongTotal: 4 })
  })

  test('a change of PIN, with guesses before and after', async () => {
    await guess(4)
    expect((await changePin(client)).code).toBe('ok')
    expect((await client.sign(wallet, PIN)).code).toBe('pin_wrong')
    expect(await client.view(wallet)).toMatchObject({ guessesLeft: 4, wrongTotal: 5 })
    setBack()
    expect(await client.view(wallet)).toMatchObject({ guessesLeft: 4, wrongTotal: 5 })
  })

  test('what was given back is not held against anybody: no guess was tried', async () => {
    const good = record()
    for (let i = 0; i < 6; i++) {
      world.table.put({ ...good, seed: good.seed.map((byte, at) => (at === 20 ? byte ^ 1 : byte)) })
      expect((await client.sign(wallet, '0000')).code).toBe('record_invalid')
    }
    world.table.put(good)
    expect(await client.view(wallet)).toMatchObject({ guessesLeft: 5, wrongTotal: 0 })
  })
})

describe('an id whose wallet is gone', () => {
  test.each(['here', 'on the other enclave'])('is used again %s: another wallet, and the one that is gone stays gone', async (where) => {
    await client.sign(wallet)
    await guess(5)
    const gone = record()
    world.table.remove(user.owner, wallet)
    world.advance(DAY)
    user = { ...(await world.login(user.owner.split('#').at(-1))), owner: user.owner }
    client = createTestClient(world, enclave, user)
    await makeWallet(where === 'here' ? client : createTestClient(world, second, user), { wallet })
    expect(await client.view(wallet)).toMatchObject({ version: 1, guessesLeft: 5, wrongTotal: 0 })
    expect((await client.sign(wallet)).code).toBe('ok')
    world.table.put(gone)
    expect((await client.sign(wallet)).code).toBe('record_invalid')
    expect((await (await restarted()).sign(wallet)).code).toBe('ok')
  })

  test('the one that is gone is refused from the creation of the next on, whatever its version', async () => {
    await client.sign(wallet)
    const gone = record()
    world.table.remove(user.owner, wallet)
    world.advance(1)
    await makeWallet(client, { wallet })
    world.table.put(gone)
    expect((await client.sign(wallet)).code).toBe('record_invalid')
  })

  test('a wallet that is deleted and restored goes on', async () => {
    await guess(2)
    expect((await client.shoot({ op: 'delete', wallet, pin: PIN })).code).toBe('ok')
    expect((await other.shoot({ op: 'restore', wallet, pin: PIN })).code).toBe('ok')
    expect((await client.sign(wallet)).code).toBe('ok')
    expect(await client.view(wallet)).toMatchObject({ version: 4, wrongTotal: 2 })
  })
})

const NOW = Date.UTC(2026, 5, 1)
const base: WalletRecord = {
  format: 1, owner: 'user#demo#x#alice', wallet: '', version: 1, dataKey: new Uint8Array(1), state: new Uint8Array(28), seed: new Uint8Array(28),
  spent: 0, lockedUntilMs: 0, wrongMs: [], createdAtMs: NOW, expiresAtSec: 0,
}
const content = { createdAtMs: NOW, recoveryMadeAtMs: null }

describe('how much is remembered', () => {
  const at = (number: number): WalletRecord => ({ ...base, wallet: `w${number}`, version: 2 })
  const see = (floor: Floor, number: number): void => void floor.follow(at(number), content, NOW)
  const wrongAt = (floor: Floor, number: number): void => void floor.wrong(at(number), content, nextCharge(at(number), NOW), NOW)
  const known = (floor: Floor, number: number): boolean => floor.isPast({ ...at(number), version: 1 })
  const guessesOf = (floor: Floor, number: number): number => floor.strict(at(number), NOW).spent

  test('so many wallets; then the one that was not used for longest is forgotten', () => {
    const floor = createFloor(3)
    for (const number of [0, 1, 2]) see(floor, number)
    expect(floor.size).toBe(3)
    see(floor, 0)
    see(floor, 3)
    expect(floor.size).toBe(3)
    expect([0, 1, 2, 3].map((number) => known(floor, number))).toEqual([true, false, true, true])
  })

  test('wallets that somebody guessed at are forgotten last', () => {
    const floor = createFloor(3)
    wrongAt(floor, 0)
    for (let number = 1; number < 50; number++) see(floor, number)
    expect(guessesOf(floor, 0)).toBe(1)
    for (const number of [100, 101]) wrongAt(floor, number)
    expect([0, 100, 101].map((number) => guessesOf(floor, number))).toEqual([1, 1, 1])
    wrongAt(floor, 102) // as many as there is room for, each with a wrong guess: what it takes to have one forgotten
    expect([0, 100, 101, 102].map((number) => guessesOf(floor, number))).toEqual([0, 1, 1, 1])
    expect(floor.size).toBe(3)
  })

  test('guesses of more than thirty days ago are not', () => {
    const floor = createFloor(2)
    wrongAt(floor, 0)
    expect(floor.strict(at(0), NOW).wrongMs).toHaveLength(1)
    const later = NOW + 31 * DAY
    expect(floor.follow(at(0), content, later)?.wrongMs).toEqual([])
    floor.follow(at(1), content, later)
    floor.follow(at(2), content, later) // it was the longest unused, and has no privilege any more
    expect([0, 1, 2].map((number) => known(floor, number))).toEqual([false, true, true])
  })

  test('owners and wallets are told apart, however they are spelt', () => {
    const floor = createFloor()
    floor.follow({ ...base, owner: 'user#a', wallet: 'b', version: 9 }, content, NOW)
    expect(floor.isPast({ ...base, owner: 'user#a', wallet: 'b' })).toBe(true)
    for (const [owner, name] of [['user#a","b', ''], ['user#', 'ab'], ['user#ab', '']] as const) expect(floor.isPast({ ...base, owner, wallet: name })).toBe(false)
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
  let [nowMs, made] = [NOW, { createdAtMs: NOW, recoveryMadeAtMs: NOW as number | null }]
  const sealed = (version: number): WalletRecord => ({ ...base, wallet: id, version, createdAtMs: made.createdAtMs, state: crypto.getRandomValues(new Uint8Array(28)) })

  async function create(on: 0 | 1): Promise<void> {
    table.remove(base.owner, id)
    made = { createdAtMs: nowMs, recoveryMadeAtMs: nowMs }
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
    made = { ...seen, recoveryMadeAtMs: does === 'right' ? seen.recoveryMadeAtMs : startedMs }
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
