/**
 * What is asked of the wallet table's conditional writes, whatever answers in DynamoDB's place: the same cases for memory, for the local table and for
 * AWS's DynamoDB Local.
 */
import { nextCharge } from '../../enclave-sim/core/guesses.ts'
import type { Charge, TablePort, WriteResult } from '../../enclave-sim/core/ports.ts'
import type { WalletRecord } from '../../lib/protocol/record.ts'

export const NOW = Date.UTC(2026, 5, 1)
export const owner = 'user#demo#x#alice'
export const wallet = '0f9b0a52-3c57-4a5e-9a3c-2a4f6a3f1b11'
export const first: WalletRecord = {
  format: 1, owner, wallet, version: 1, dataKey: new Uint8Array([1]), state: new Uint8Array(28).fill(1), seed: new Uint8Array(28).fill(1), spent: 0, lockedUntilMs: 0, wrongMs: [], createdAtMs: NOW, expiresAtSec: 0,
}
/** Every third version is of a deleted wallet. */
export const successor = (record: WalletRecord): WalletRecord => {
  const version = record.version + 1
  return { ...record, version, state: new Uint8Array(28).fill(version), expiresAtSec: version % 3 === 0 ? 7_000 + version : 0 }
}

export interface Bench {
  readonly port: TablePort
  read(): WalletRecord | Promise<WalletRecord>
  /** Stored receipts of the wallet, by sort key. */
  receipts(): Receipts | Promise<Receipts>
  /** Names of the record's attributes. */
  attributes?(): readonly string[] | Promise<readonly string[]>
}

type Receipts = readonly (readonly [string, Uint8Array])[]

/** @param make - a table with nothing in it */
export function describeTable(name: string, make: () => Bench | Promise<Bench>): void {
  describe(name, () => {
    let bench: Bench
    beforeEach(async () => void (bench = await make()))

    describe('a wallet', () => cases(() => bench))

    test('who lost against a commit leaves no wrong guess behind', async () => {
      const { one, two } = await twoCharges(bench)
      expect(await bench.port.commit(successor(first), one, [])).toBe('written')
      expect(await bench.port.release(two)).toBe('conflict')
      expect(await bench.read()).toMatchObject({ version: 2, wrongMs: [] })
      // What it spent goes with the next success.
      expect((await bench.read()).spent).toBe(1)
    })

    test('a commit never takes off more than there is', async () => {
      expect(await lessThanSeen(bench)).toEqual({ result: 'conflict', spent: 1 })
    })
  })
}

function cases(current: () => Bench): void {
  let bench: Bench
  beforeEach(async () => {
    bench = current()
    expect(await bench.port.create(first)).toBe('written')
  })

  async function charge(given?: WalletRecord, nowMs = NOW): Promise<Charge> {
    const seen = given ?? (await bench.read())
    const one = nextCharge(seen, nowMs)
    expect(await bench.port.charge(seen, one)).toBe('written')
    return one
  }
  const conflicts = async (write: () => Promise<WriteResult>): Promise<void> => {
    const before = await bench.read()
    expect(await write()).toBe('conflict')
    expect(await bench.read()).toEqual(before)
  }

  test('create: once only', async () => {
    await conflicts(() => bench.port.create({ ...first, state: new Uint8Array(28).fill(9) }))
  })

  test('charge: spent, lock and entry', async () => {
    const one = await charge()
    expect(await bench.read()).toEqual({ ...first, spent: 1, wrongMs: [one.atMs] })
  })

  test.each<[string, Partial<WalletRecord>]>([
    ['an older version', { version: 0 }],
    ['a newer version', { version: 2 }],
    ['another count', { spent: 0 }],
    ['another lock', { lockedUntilMs: 1 }],
    ['no entries', { wrongMs: [] }],
    ['other entries', { wrongMs: [1] }],
    ['another wallet', { wallet: '0f9b0a52-3c57-4a5e-9a3c-2a4f6a3f1b12' }],
    ['another owner', { owner: 'user#demo#x#bob' }],
  ])('charge rejects a record seen with %s', async (_what, changes) => {
    await charge()
    const seen = { ...(await bench.read()), ...changes }
    await conflicts(() => bench.port.charge(seen, nextCharge(seen, NOW)))
  })

  test('confirm: exactly the record that is there, and it stays as it is', async () => {
    await charge()
    const seen = await bench.read()
    expect(await bench.port.confirm(seen)).toBe('written')
    expect(await bench.read()).toEqual(seen)
    for (const change of [{ version: 2 }, { spent: 0 }, { lockedUntilMs: 1 }, { wrongMs: [] }, { wrongMs: [1] }, { owner: 'user#demo#x#bob' }]) {
      await conflicts(() => bench.port.confirm({ ...seen, ...change }))
    }
  })

  test('charge rejects the same record a second time', async () => {
    const seen = await bench.read()
    await charge(seen)
    await conflicts(() => bench.port.charge(seen, nextCharge(seen, NOW)))
  })

  test('release: as it was before, once', async () => {
    const one = await charge()
    expect(await bench.port.release(one)).toBe('written')
    expect(await bench.read()).toEqual(first)
    await conflicts(() => bench.port.release(one))
    await charge()
    await conflicts(() => bench.port.release(one))
  })

  test('release: takes its own lock along, and leaves a later one', async () => {
    for (let i = 0; i < 4; i++) await charge()
    const locks = await charge()
    expect((await bench.read()).lockedUntilMs).toBe(NOW + 60_000)
    const later = await charge(await bench.read(), NOW + 60_000)
    expect(await bench.read()).toMatchObject({ spent: 6, lockedUntilMs: NOW + 360_000 })
    expect(await bench.port.release(locks)).toBe('written')
    expect(await bench.read()).toMatchObject({ spent: 5, lockedUntilMs: NOW + 360_000 })
    expect(await bench.port.release(later)).toBe('written')
    expect(await bench.read()).toMatchObject({ spent: 4, lockedUntilMs: NOW + 60_000 })
  })

  test('commit: next version, nothing spent, no lock, own and expired entries gone', async () => {
    const old = await charge(await bench.read(), NOW - 31 * 86_400_000)
    const recent = await charge()
    const one = await charge()
    const next = successor(await bench.read())
    expect(await bench.port.commit(next, one, [old.atMs])).toBe('written')
    expect(await bench.read()).toEqual({ ...next, spent: 0, lockedUntilMs: 0, wrongMs: [recent.atMs] })
  })

  test('commit keeps what was charged after its own charge', async () => {
    const seen = await bench.read()
    const one = await charge(seen)
    const later = await charge()
    expect(await bench.port.commit(successor(seen), one, [])).toBe('written')
    expect(await bench.read()).toMatchObject({ version: 2, spent: 1, wrongMs: [later.atMs] })
  })

  test('commit happens once; release after it and commit after a release change nothing', async () => {
    const one = await charge()
    const next = successor(first)
    expect(await bench.port.commit(next, one, [])).toBe('written')
    await conflicts(() => bench.port.commit(next, one, []))
    await conflicts(() => bench.port.release(one))
    const two = await charge()
    expect(await bench.port.release(two)).toBe('written')
    await conflicts(() => bench.port.commit(successor(next), two, []))
  })

  test('commit: the time at which the table forgets the wallet comes, stays, changes and goes', async () => {
    const commit = async (expiresAtSec: number): Promise<void> => {
      const seen = await bench.read()
      expect(await bench.port.commit({ ...successor(seen), expiresAtSec }, await charge(seen), [])).toBe('written')
      expect((await bench.read()).expiresAtSec).toBe(expiresAtSec)
      // No attribute is no time: a zero would be long ago.
      expect((await bench.attributes?.())?.includes('expiresAtSec') ?? expiresAtSec !== 0).toBe(expiresAtSec !== 0)
    }
    for (const expiresAtSec of [0, 5_000, 5_000, 6_000, 0, 0]) await commit(expiresAtSec)
  })

  test('a charge, a release and a confirmation leave that time as it is; a commit that fails, too', async () => {
    const one = await charge()
    expect(await bench.port.commit({ ...successor(first), expiresAtSec: 5_000 }, one, [])).toBe('written')
    const two = await charge()
    expect((await bench.read()).expiresAtSec).toBe(5_000)
    expect(await bench.port.confirm(await bench.read())).toBe('written')
    expect(await bench.port.release(two)).toBe('written')
    const next = { ...successor(await bench.read()), expiresAtSec: 0 }
    await conflicts(() => bench.port.commit(next, two, []))
    expect((await bench.read()).expiresAtSec).toBe(5_000)
  })

  test('receipts: beside the record, in the order of their numbers, written again alike, and the record stays as it is', async () => {
    const before = await bench.read()
    for (const sequence of [2, 10, 1, 2]) await bench.port.putReceipt({ owner, wallet, sequence, sealed: Uint8Array.of(sequence, 9) })
    expect(await bench.receipts()).toEqual([1, 2, 10].map((sequence) => [`receipt#${wallet}#${String(sequence).padStart(12, '0')}`, Uint8Array.of(sequence, 9)]))
    expect(await bench.read()).toEqual(before)
    expect(await bench.port.create(first)).toBe('conflict')
  })

  test('of two commits of one version one is written', async () => {
    const one = await charge()
    const two = await charge()
    expect(await bench.port.commit(successor(first), one, [])).toBe('written')
    await conflicts(() => bench.port.commit(successor(first), two, []))
  })
}

/** Two enclaves on one wallet, and one's writes come between the other's: two charges, the second of which saw the first. */
async function twoCharges(bench: Bench): Promise<{ one: Charge; two: Charge }> {
  await bench.port.create(first)
  const one = nextCharge(first, NOW)
  await bench.port.charge(first, one)
  const seen = await bench.read()
  const two = nextCharge(seen, NOW)
  await bench.port.charge(seen, two)
  return { one, two }
}

/** A charge that another saw is given back before the other commits: then there is less to take off than it saw. */
async function lessThanSeen(bench: Bench): Promise<unknown> {
  const { one, two } = await twoCharges(bench)
  await bench.port.release(one)
  return { result: await bench.port.commit(successor(first), two, []), spent: (await bench.read()).spent }
}
