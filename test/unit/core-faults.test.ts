/** KMS, table and issuer that fail at each step: what was not tried is given back, what was done is not done twice, and nobody is told more than `unavailable`. */
import { randomBytes, randomUUID } from 'node:crypto'
import type { Enclave } from '../../enclave-sim/core/enclave.ts'
import type { KmsCall, KmsFate } from '../support/core-kms.ts'
import { createParameters, createTestClient, PIN, signed, type Shot, type TestClient } from '../support/core-client.ts'
import type { Fate, TableOp } from '../support/core-table.ts'
import { createWorld, type World } from '../support/core-world.ts'

let world: World
let enclave: Enclave
let fates: Partial<Record<TableOp, Fate>> = {}
let client: TestClient
let wallet: string

beforeAll(async () => {
  world = await createWorld()
  enclave = await world.enclave({ table: world.table.port((op) => fates[op] ?? 'answered') })
})
afterAll(() => world.close())
beforeEach(async () => {
  client = createTestClient(world, enclave, await world.login())
  wallet = await client.create()
})
afterEach(() => {
  fates = {}
  world.kms.fate = () => 'answered'
  world.issuer.answer = undefined
})

const failing = (call: KmsCall, fate: KmsFate): void => {
  world.kms.fate = (one) => (one === call ? fate : 'answered')
}

describe('KMS', () => {
  test.each<[KmsCall, KmsFate]>([
    ['decrypt', 'down'], ['decrypt', 'denied'], ['decrypt', 'impostor'],
    ['generateDataKey', 'down'], ['generateDataKey', 'denied'], ['generateDataKey', 'impostor'],
  ])('sign, %s %s: not tried, the guess is given back, the record as it was', async (call, fate) => {
    const before = client.record(wallet)
    failing(call, fate)
    const { service } = await client.sign(wallet)
    expect(service).toEqual({ outcome: 'not_tried', code: 'unavailable', retryAfterSec: 2 })
    expect(client.record(wallet)).toEqual(before)
    failing(call, 'answered')
    expect((await client.sign(wallet)).code).toBe('ok')
  })

  test('a wrong PIN is a guess though KMS fails later', async () => {
    failing('generateDataKey', 'down')
    expect((await client.sign(wallet, '0000')).code).toBe('pin_wrong')
    expect(client.record(wallet).spent).toBe(1)
  })

  test.each<[KmsCall, KmsFate]>([
    ['generateRandom', 'down'], ['generateRandom', 'denied'], ['generateRandom', 'impostor'], ['generateDataKey', 'down'], ['generateDataKey', 'impostor'],
  ])('create, %s %s: no wallet, and the same request makes it later', async (call, fate) => {
    const shot: Shot = { op: 'create', wallet: randomUUID(), pin: PIN, parameters: createParameters(), request: randomBytes(16) }
    failing(call, fate)
    expect((await client.shoot(shot)).code).toBe('clear:unavailable')
    expect(world.table.read(client.user.owner, shot.wallet)).toBeNull()
    failing(call, 'answered')
    expect((await client.shoot(shot)).code).toBe('ok')
  })

  test('view, decrypt down: unavailable', async () => {
    failing('decrypt', 'down')
    expect((await client.shoot({ op: 'view', wallet })).code).toBe('clear:unavailable')
  })
})

describe('the table', () => {
  test.each<[Fate]>([['unreached'], ['lost']])('charge %s: given back, nothing spent', async (fate) => {
    const before = client.record(wallet)
    fates = { charge: fate }
    expect((await client.sign(wallet)).code).toBe('clear:unavailable')
    expect(client.record(wallet)).toEqual(before)
    fates = {}
    expect((await client.sign(wallet)).code).toBe('ok')
  })

  test('charge that arrives late stays spent: paid for, rather than given away', async () => {
    fates = { charge: 'late' }
    expect((await client.sign(wallet)).code).toBe('clear:unavailable')
    world.table.flush()
    expect(client.record(wallet)).toMatchObject({ version: 1, spent: 1, wrongMs: { length: 1 } })
    fates = {}
    expect((await client.sign(wallet)).code).toBe('ok')
    expect(client.record(wallet).spent).toBe(0)
  })

  test('charge and release both lost: it stays spent', async () => {
    fates = { charge: 'lost', release: 'unreached' }
    expect((await client.sign(wallet)).code).toBe('clear:unavailable')
    expect(client.record(wallet).spent).toBe(1)
  })

  test('a release whose answer is lost has happened, once', async () => {
    const before = client.record(wallet)
    failing('decrypt', 'down')
    fates = { release: 'lost' }
    expect((await client.sign(wallet)).code).toBe('clear:unavailable')
    expect(client.record(wallet)).toEqual(before)
  })

  test('commit unreached: the right PIN is given back; the repeat signs the same', async () => {
    const before = client.record(wallet)
    const idempotency = randomBytes(16)
    fates = { commit: 'unreached' }
    const lost = await client.sign(wallet, PIN, { idempotency })
    expect(lost.code).toBe('clear:unavailable')
    expect(client.record(wallet)).toEqual(before)
    fates = {}
    expect((await client.sign(wallet, PIN, { idempotency })).code).toBe('ok')
  })

  test('commit written but its answer lost: no answer leaves, nothing is taken back, and the repeat gets the same bytes', async () => {
    const idempotency = randomBytes(16)
    fates = { commit: 'lost' }
    expect((await client.sign(wallet, PIN, { idempotency })).code).toBe('clear:unavailable')
    expect(client.record(wallet)).toMatchObject({ version: 2, spent: 0, wrongMs: [] })
    fates = {}
    const first = signed(await client.sign(wallet, PIN, { idempotency }))
    const second = signed(await client.sign(wallet, PIN, { idempotency }))
    expect(second.signed).toEqual(first.signed)
    expect(client.record(wallet)).toMatchObject({ version: 4, spent: 0, wrongMs: [] })
  })

  test('commit that arrives after its charge was given back changes nothing', async () => {
    const before = client.record(wallet)
    fates = { commit: 'late' }
    expect((await client.sign(wallet)).code).toBe('clear:unavailable')
    world.table.flush()
    expect(client.record(wallet)).toEqual(before)
  })

  test('a commit that arrives twice happened once', async () => {
    fates = { commit: 'twice' }
    expect((await client.sign(wallet)).code).toBe('ok')
    const after = client.record(wallet)
    world.table.flush()
    expect(client.record(wallet)).toEqual(after)
  })

  test.each<[Fate]>([['unreached'], ['lost'], ['late']])('create %s: the repeat finds or makes the one wallet', async (fate) => {
    const shot: Shot = { op: 'create', wallet: randomUUID(), pin: PIN, parameters: createParameters(), idempotency: randomBytes(16) }
    fates = { create: fate }
    expect((await client.shoot(shot)).code).toBe('clear:unavailable')
    world.table.flush()
    const made = world.table.read(client.user.owner, shot.wallet)
    fates = {}
    expect((await client.shoot(shot)).code).toBe('ok')
    expect(client.record(shot.wallet).version).toBe(made === null ? 1 : 2)
  })

  test.each<[Fate]>([['unreached'], ['lost']])('view, confirm %s: what is not sure is not said', async (fate) => {
    fates = { confirm: fate }
    expect((await client.shoot({ op: 'view', wallet })).code).toBe('clear:unavailable')
    fates = {}
    expect((await client.shoot({ op: 'view', wallet })).code).toBe('ok')
  })

  test('locked, confirm unreached: not even that is said', async () => {
    for (let i = 0; i < 5; i++) await client.sign(wallet, '0000')
    fates = { confirm: 'unreached' }
    expect((await client.sign(wallet)).code).toBe('clear:unavailable')
    fates = {}
    expect((await client.sign(wallet)).code).toBe('wallet_locked')
  })

  test('a lock that its own charge set is taken back with it', async () => {
    for (let i = 0; i < 4; i++) await client.sign(wallet, '0000')
    const before = client.record(wallet)
    failing('decrypt', 'down')
    expect((await client.sign(wallet)).code).toBe('clear:unavailable')
    expect(client.record(wallet)).toEqual(before)
    failing('decrypt', 'answered')
    expect((await client.sign(wallet)).code).toBe('ok')
  })
})

describe('inside', () => {
  test('Argon2 that fails: internal, in the clear; the guess is given back', async () => {
    const before = client.record(wallet)
    const other = await world.enclave({ argon2id: argon2Failing(world) })
    expect((await createTestClient(world, other, client.user).sign(wallet)).code).toBe('clear:internal')
    expect(client.record(wallet)).toEqual(before)
  })

  test('an issuer that can not be reached: unavailable; it is asked again', async () => {
    const other = await world.enclave()
    const there = createTestClient(world, other, client.user)
    world.issuer.answer = async () => Promise.reject(new Error('no route'))
    expect((await there.sign(wallet)).service).toEqual({ outcome: 'not_tried', code: 'unavailable', retryAfterSec: 5 })
    world.issuer.answer = undefined
    expect((await there.sign(wallet)).code).toBe('ok')
  })
})

/** Good for the self-tests, and broken afterwards. */
function argon2Failing(of: World): ReturnType<World['platform']>['argon2id'] {
  const { argon2id } = of.platform()
  return (password, salt, parameters) => (parameters.memoryKiB > 1024 ? Promise.reject(new Error('out of memory')) : argon2id(password, salt, parameters))
}
