/** What a running enclave holds against the table: counters set back and earlier records put back, each beside an enclave that was started anew. */
import type { Enclave, Platform } from '../../enclave-sim/core/enclave.ts'
import { ROLLING_LIMIT } from '../../enclave-sim/core/guesses.ts'
import { argon2id } from '../../enclave-sim/platform/argon2.ts'
import { utf8 } from '../../lib/protocol/bytes.ts'
import type { WalletRecord } from '../../lib/protocol/record.ts'
import { createTestArgon2 } from '../support/core-argon2.ts'
import { createTestClient, PIN, type TestClient } from '../support/core-client.ts'
import { key16, makeWallet, withRecovery } from '../support/core-life.ts'
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

describe('an owner who signs on another enclave while somebody sets the counters back', () => {
  test('makes room for thirty wrong guesses here, and then one a day, as where nobody writes the table', async () => {
    let taken = 0
    for (let round = 0; round < 20; round++) {
      setBack()
      expect((await other.sign(wallet)).code).toBe('ok')
      for (let code = 'pin_wrong'; code === 'pin_wrong'; ) {
        setBack()
        code = (await client.sign(wallet, 'wrong')).code
        if (code === 'pin_wrong') taken += 1
      }
      setBack()
      world.advance(10_000)
    }
    // The first lock of all may have been set while the owner's request was under way.
    expect(taken).toBeGreaterThanOrEqual(30)
    expect(taken).toBeLessThanOrEqual(31)
  }, 60_000)
})

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
