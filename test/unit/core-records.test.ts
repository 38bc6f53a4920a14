/**
 * Records that somebody changed: in the relay's hands (what is handed in differs from the table), or in the table itself (whoever owns the database). Nothing is
 * signed, nothing stays charged, nothing is overwritten.
 */
import { randomBytes, randomUUID } from 'node:crypto'
import { bootEnclave, type Enclave } from '../../enclave-sim/core/enclave.ts'
import type { WalletRecord } from '../../lib/protocol/record.ts'
import { flipped } from '../support/core-codes.ts'
import { createParameters, createTestClient, PIN, type TestClient } from '../support/core-client.ts'
import { CONFIGURATION, configurationBytes, createWorld, type User, type World } from '../support/core-world.ts'

let world: World
let enclave: Enclave
let user: User
let client: TestClient
let wallet: string
let good: WalletRecord

beforeAll(async () => {
  world = await createWorld()
  enclave = await world.enclave()
})
afterAll(() => world.close())
beforeEach(async () => {
  user = await world.login()
  client = createTestClient(world, enclave, user)
  wallet = await client.create()
  good = client.record(wallet)
})

/** The database's owner stores `bad`, and everybody sees it. */
async function stored(bad: WalletRecord): Promise<{ sign: string; view: string }> {
  world.table.put(bad)
  const [view, sign] = [await client.shoot({ op: 'view', wallet, record: bad }), await client.sign(wallet, PIN, { record: bad })]
  return { sign: sign.code, view: view.code }
}

const SEALED = ['dataKey', 'state', 'seed'] as const

describe('in the table', () => {
  test('a good one is good', async () => {
    expect(await stored(good)).toEqual({ sign: 'ok', view: 'ok' })
  })

  test.each(SEALED)('rejects %s with any byte changed', async (name) => {
    const positions = [0, 1, 11, 12, Math.floor(good[name].length / 2), good[name].length - 17, good[name].length - 1]
    for (const at of positions) {
      const bad = { ...good, [name]: flipped(good[name], at) }
      expect(await stored(bad)).toEqual({ sign: 'record_invalid', view: 'record_invalid' })
      expect(client.record(wallet)).toEqual(bad)
    }
    expect(await stored(good)).toEqual({ sign: 'ok', view: 'ok' })
  })

  test.each(SEALED)('rejects %s cut short, and longer', async (name) => {
    for (const bytes of [good[name].slice(0, -1), good[name].slice(1), Uint8Array.of(...good[name], 0), good[name].slice(0, 28), new Uint8Array(good[name].length)]) {
      const bad = { ...good, [name]: bytes }
      expect(await stored(bad)).toEqual({ sign: 'record_invalid', view: 'record_invalid' })
      expect(client.record(wallet)).toEqual(bad)
    }
  })

  test.each(['version', 'format'] as const)('rejects another %s', async (name) => {
    for (const value of [good[name] + 1, good[name] + 100]) {
      const bad = { ...good, [name]: value }
      expect(await stored(bad)).toEqual({ sign: 'record_invalid', view: 'record_invalid' })
      expect(client.record(wallet)).toEqual(bad)
    }
  })

  test.each(SEALED)('rejects %s of an earlier version of the same wallet', async (name) => {
    await client.sign(wallet)
    const bad = { ...client.record(wallet), [name]: good[name] }
    expect(await stored(bad)).toEqual({ sign: 'record_invalid', view: 'record_invalid' })
    expect(client.record(wallet)).toEqual(bad)
  })

  test.each(SEALED)("rejects %s of another wallet of the same owner, with the same PIN", async (name) => {
    const other = client.record(await client.create())
    const bad = { ...good, [name]: other[name] }
    expect(await stored(bad)).toEqual({ sign: 'record_invalid', view: 'record_invalid' })
    expect(client.record(wallet)).toEqual(bad)
  })

  test('rejects a whole record moved to another wallet of the same owner', async () => {
    const moved = { ...good, wallet: randomUUID() }
    world.table.put(moved)
    expect((await client.shoot({ op: 'view', wallet: moved.wallet })).code).toBe('record_invalid')
    expect((await client.sign(moved.wallet)).code).toBe('record_invalid')
    expect(client.record(moved.wallet)).toEqual(moved)
  })

  test('rejects a whole record moved to another user, who knows the PIN', async () => {
    const thief = createTestClient(world, enclave, await world.login())
    const moved = { ...good, owner: thief.user.owner }
    world.table.put(moved)
    expect((await thief.shoot({ op: 'view', wallet })).code).toBe('record_invalid')
    expect((await thief.sign(wallet)).code).toBe('record_invalid')
    expect(thief.record(wallet)).toEqual(moved)
  })

  test('rejects a record moved to the same subject at another tenant', async () => {
    const other = createTestClient(world, enclave, await world.login('tenant-hopper', { aud: 'open' }))
    const first = createTestClient(world, enclave, await world.login('tenant-hopper'))
    const own = await first.create()
    const moved = { ...first.record(own), owner: other.user.owner }
    world.table.put(moved)
    expect((await other.sign(own)).code).toBe('record_invalid')
    expect(other.record(own)).toEqual(moved)
  })

  test('a wrong PIN on an altered record is no guess, and tells nothing of the PIN', async () => {
    const bad = { ...good, seed: flipped(good.seed, 30) }
    world.table.put(bad)
    expect((await client.sign(wallet, '0000')).code).toBe('record_invalid')
    expect(client.record(wallet)).toEqual(bad)
  })

  test('an earlier state put back whole is taken by an enclave that did not see a later one: what that wins is in docs/threat-model.md', async () => {
    for (const pin of ['0000', '0001', '0002']) await client.sign(wallet, pin)
    world.table.put(good)
    const other = createTestClient(world, await world.enclave(), user)
    expect((await other.view(wallet)).guessesLeft).toBe(5)
    // The enclave that was asked to try them remembers while it runs: see core-floor.test.
    expect((await client.view(wallet)).guessesLeft).toBe(2)
    expect((await other.sign(wallet)).code).toBe('ok')
  })
})

describe("in the relay's hands", () => {
  const handedIn = async (record: WalletRecord | null, pin = PIN): Promise<string> => (await client.sign(wallet, pin, { record })).code

  test.each<[string, (record: WalletRecord) => WalletRecord]>([
    ['fewer guesses spent', (record) => ({ ...record, spent: record.spent - 1 })],
    ['more guesses spent', (record) => ({ ...record, spent: record.spent + 1 })],
    ['no guesses spent', (record) => ({ ...record, spent: 0 })],
    ['another lock that is over', (record) => ({ ...record, lockedUntilMs: 1 })],
    ['no rolling total', (record) => ({ ...record, wrongMs: [] })],
    ['another rolling total', (record) => ({ ...record, wrongMs: record.wrongMs.map((atMs) => atMs - 1) })],
    ['a longer rolling total', (record) => ({ ...record, wrongMs: [1, ...record.wrongMs] })],
    ['another version', (record) => ({ ...record, version: record.version + 1 })],
  ])('rejects a record with %s, unread', async (_what, change) => {
    await client.sign(wallet, '0000')
    await client.sign(wallet, '0001')
    const before = client.record(wallet)
    const decrypts = world.kms.calls.length
    expect(await handedIn(change(before))).toBe('clear:stale')
    expect(client.record(wallet)).toEqual(before)
    expect(world.kms.calls).toHaveLength(decrypts)
    expect(await handedIn(before)).toBe('ok')
  })

  test.each(SEALED)('rejects altered %s: the charge is given back, the table keeps the good one', async (name) => {
    expect(await handedIn({ ...good, [name]: flipped(good[name], 13) })).toBe('record_invalid')
    expect(client.record(wallet)).toEqual(good)
    expect(await handedIn(good)).toBe('ok')
  })

  test('rejects a record of another owner or wallet before anything is charged', async () => {
    const writes = world.table.events.length
    expect(await handedIn({ ...good, owner: `${good.owner}x` })).toBe('record_invalid')
    expect(await handedIn({ ...good, wallet: randomUUID() })).toBe('record_invalid')
    expect(world.table.events).toHaveLength(writes)
  })

  test("rejects somebody else's record, who has the same PIN", async () => {
    const other = createTestClient(world, enclave, await world.login())
    const theirs = other.record(await other.create())
    expect(await handedIn(theirs)).toBe('record_invalid')
    expect(await handedIn({ ...theirs, owner: good.owner, wallet })).toBe('record_invalid')
    expect(client.record(wallet)).toEqual(good)
  })

  test('no record where there is one: nothing is overwritten', async () => {
    const writes = world.table.written('create')
    const { code } = await client.shoot({ op: 'create', wallet, pin: '9999', parameters: createParameters({ words: 24 }), record: null })
    expect(code).toBe('clear:stale')
    // In the clear: only the relay says so, and the owner had better not believe it.
    expect(await handedIn(null)).toBe('clear:wallet_not_found')
    expect(world.table.written('create')).toBe(writes)
    expect(client.record(wallet)).toEqual(good)
  })

  test('a made-up lock is never sealed as true', async () => {
    expect(await handedIn({ ...good, lockedUntilMs: world.nowMs() + 1 })).toBe('clear:stale')
    expect(client.record(wallet)).toEqual(good)
  })

  test('a view says what the table holds, or nothing: an old record, or counters made up, are stale', async () => {
    const view = async (record: WalletRecord): Promise<string> => (await client.shoot({ op: 'view', wallet, record })).code
    expect(await view(good)).toBe('ok')
    for (const lie of [{ spent: good.spent + 1 }, { lockedUntilMs: world.nowMs() + 1 }, { wrongMs: [1] }]) expect(await view({ ...good, ...lie })).toBe('clear:stale')
    await client.sign(wallet)
    expect(await view(good)).toBe('clear:stale')
  })

  test('the time of creation is not stored anew from there', async () => {
    expect(await handedIn({ ...good, createdAtMs: 1 })).toBe('ok')
    expect(client.record(wallet).createdAtMs).toBe(good.createdAtMs)
    expect((await client.view(wallet)).createdAtMs).toBe(good.createdAtMs)
  })
})

describe('under another KMS key', () => {
  test('rejects the record: both ciphertexts are bound to the key', async () => {
    const other = await bootEnclave(world.platform())
    await other.configure(configurationBytes({ kmsKeyArn: `${CONFIGURATION.kmsKeyArn}0` }))
    try {
      expect((await createTestClient(world, other, user).sign(wallet)).code).toBe('record_invalid')
      expect(client.record(wallet)).toEqual(good)
    } finally {
      other.halt('test ends')
    }
  })
})

test('random records are refused', async () => {
  for (let i = 0; i < 10; i++) {
    const bad = { ...good, dataKey: randomBytes(60), state: randomBytes(400), seed: randomBytes(100) }
    expect(await stored(bad)).toEqual({ sign: 'record_invalid', view: 'record_invalid' })
    expect(client.record(wallet)).toEqual(bad)
  }
})
