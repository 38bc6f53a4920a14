/** The wallet table's conditional writes: the real statements, and the fake that other tests use in their place, move alike. */
import fc from 'fast-check'
import { nextCharge } from '../../enclave-sim/core/guesses.ts'
import type { Charge, TablePort, WriteResult } from '../../enclave-sim/core/ports.ts'
import { createTable } from '../../enclave-sim/platform/table.ts'
import { receiptItem, type WalletRecord } from '../../lib/protocol/record.ts'
import { awsClient } from '../support/aws-client.ts'
import { createMemoryDynamo, type Item } from '../support/core-dynamo.ts'
import { createMemoryTable } from '../support/core-table.ts'

const NOW = Date.UTC(2026, 5, 1)
const owner = 'user#demo#x#alice'
const wallet = '0f9b0a52-3c57-4a5e-9a3c-2a4f6a3f1b11'
const first: WalletRecord = {
  format: 1, owner, wallet, version: 1, dataKey: new Uint8Array([1]), state: new Uint8Array(28).fill(1), seed: new Uint8Array(28).fill(1), spent: 0, lockedUntilMs: 0, wrongMs: [], createdAtMs: NOW, expiresAtSec: 0,
}
/** Every third version is of a deleted wallet. */
const successor = (record: WalletRecord): WalletRecord => {
  const version = record.version + 1
  return { ...record, version, state: new Uint8Array(28).fill(version), expiresAtSec: version % 3 === 0 ? 7_000 + version : 0 }
}

interface Bench {
  readonly port: TablePort
  read(): WalletRecord
  /** Stored receipts of the wallet, by sort key. */
  receipts(): readonly (readonly [string, Uint8Array])[]
  /** Names of the record's attributes. */
  attributes?(): readonly string[]
}

function real(): Bench {
  const dynamo = createMemoryDynamo()
  const port = createTable(awsClient('dynamodb', dynamo.post), 'arn:aws:dynamodb:us-east-1:000000000000:table/wallets')
  const stored = (): readonly (readonly [string, Uint8Array])[] =>
    dynamo.items().flatMap((item) => (item['receipt'] === undefined ? [] : [[item['item']?.S ?? '', new Uint8Array(Buffer.from(item['receipt'].B ?? '', 'base64'))] as const]))
  return { port, read: () => recordOf(dynamo.item(owner, wallet)), receipts: stored, attributes: () => Object.keys(dynamo.item(owner, wallet) ?? {}) }
}

function fake(): Bench {
  const table = createMemoryTable()
  const stored = (): readonly (readonly [string, Uint8Array])[] => table.receipts(wallet).map((sealed, i) => [receiptItem(wallet, sealed[0] ?? i), sealed])
  return { port: table.port(), read: () => table.read(owner, wallet) as WalletRecord, receipts: stored }
}

function recordOf(item: Item | undefined): WalletRecord {
  if (item === undefined) throw new Error('no item')
  const number = (name: string): number => Number(item[name]?.N)
  const bytes = (name: string): Uint8Array => new Uint8Array(Buffer.from(item[name]?.B ?? '', 'base64'))
  return {
    format: number('format'), owner: item['owner']?.S as string, wallet, version: number('version'), dataKey: bytes('dataKey'), state: bytes('state'), seed: bytes('seed'),
    spent: number('spent'), lockedUntilMs: number('lockedUntil'), wrongMs: (item['wrong']?.NS ?? []).map(Number).sort((a, b) => a - b), createdAtMs: number('createdAt'),
    expiresAtSec: Number(item['expiresAtSec']?.N ?? 0),
  }
}

const benches: readonly (readonly [string, () => Bench])[] = [['the real statements', real], ['the fake', fake]]

describe.each(benches)('%s', (_name, make) => {
  let bench: Bench
  beforeEach(async () => {
    bench = make()
    expect(await bench.port.create(first)).toBe('written')
  })

  async function charge(seen = bench.read(), nowMs = NOW): Promise<Charge> {
    const one = nextCharge(seen, nowMs)
    expect(await bench.port.charge(seen, one)).toBe('written')
    return one
  }
  const conflicts = async (write: Promise<WriteResult>): Promise<void> => {
    const before = bench.read()
    expect(await write).toBe('conflict')
    expect(bench.read()).toEqual(before)
  }

  test('create: once only', async () => {
    await conflicts(bench.port.create({ ...first, state: new Uint8Array(28).fill(9) }))
  })

  test('charge: spent, lock and entry', async () => {
    const one = await charge()
    expect(bench.read()).toEqual({ ...first, spent: 1, wrongMs: [one.atMs] })
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
    const seen = { ...bench.read(), ...changes }
    await conflicts(bench.port.charge(seen, nextCharge(seen, NOW)))
  })

  test('confirm: exactly the record that is there, and it stays as it is', async () => {
    await charge()
    const seen = bench.read()
    expect(await bench.port.confirm(seen)).toBe('written')
    expect(bench.read()).toEqual(seen)
    for (const change of [{ version: 2 }, { spent: 0 }, { lockedUntilMs: 1 }, { wrongMs: [] }, { wrongMs: [1] }, { owner: 'user#demo#x#bob' }]) {
      await conflicts(bench.port.confirm({ ...seen, ...change }))
    }
  })

  test('charge rejects the same record a second time', async () => {
    const seen = bench.read()
    await charge(seen)
    await conflicts(bench.port.charge(seen, nextCharge(seen, NOW)))
  })

  test('release: as it was before, once', async () => {
    const one = await charge()
    expect(await bench.port.release(one)).toBe('written')
    expect(bench.read()).toEqual(first)
    await conflicts(bench.port.release(one))
    await charge()
    await conflicts(bench.port.release(one))
  })

  test('release: takes its own lock along, and leaves a later one', async () => {
    for (let i = 0; i < 4; i++) await charge()
    const locks = await charge()
    expect(bench.read().lockedUntilMs).toBe(NOW + 60_000)
    const later = await charge(bench.read(), NOW + 60_000)
    expect(bench.read()).toMatchObject({ spent: 6, lockedUntilMs: NOW + 360_000 })
    expect(await bench.port.release(locks)).toBe('written')
    expect(bench.read()).toMatchObject({ spent: 5, lockedUntilMs: NOW + 360_000 })
    expect(await bench.port.release(later)).toBe('written')
    expect(bench.read()).toMatchObject({ spent: 4, lockedUntilMs: NOW + 60_000 })
  })

  test('commit: next version, nothing spent, no lock, own and expired entries gone', async () => {
    const old = await charge(bench.read(), NOW - 31 * 86_400_000)
    const recent = await charge()
    const one = await charge()
    const next = successor(bench.read())
    expect(await bench.port.commit(next, one, [old.atMs])).toBe('written')
    expect(bench.read()).toEqual({ ...next, spent: 0, lockedUntilMs: 0, wrongMs: [recent.atMs] })
  })

  test('commit keeps what was charged after its own charge', async () => {
    const seen = bench.read()
    const one = await charge(seen)
    const later = await charge()
    expect(await bench.port.commit(successor(seen), one, [])).toBe('written')
    expect(bench.read()).toMatchObject({ version: 2, spent: 1, wrongMs: [later.atMs] })
  })

  test('commit happens once; release after it and commit after a release change nothing', async () => {
    const one = await charge()
    const next = successor(first)
    expect(await bench.port.commit(next, one, [])).toBe('written')
    await conflicts(bench.port.commit(next, one, []))
    await conflicts(bench.port.release(one))
    const two = await charge()
    expect(await bench.port.release(two)).toBe('written')
    await conflicts(bench.port.commit(successor(next), two, []))
  })

  test('commit: the time at which the table forgets the wallet comes, stays, changes and goes', async () => {
    const commit = async (expiresAtSec: number): Promise<void> => {
      const seen = bench.read()
      expect(await bench.port.commit({ ...successor(seen), expiresAtSec }, await charge(seen), [])).toBe('written')
      expect(bench.read().expiresAtSec).toBe(expiresAtSec)
      // No attribute is no time: a zero would be long ago.
      expect(bench.attributes?.().includes('expiresAtSec') ?? expiresAtSec !== 0).toBe(expiresAtSec !== 0)
    }
    for (const expiresAtSec of [0, 5_000, 5_000, 6_000, 0, 0]) await commit(expiresAtSec)
  })

  test('a charge, a release and a confirmation leave that time as it is; a commit that fails, too', async () => {
    const one = await charge()
    expect(await bench.port.commit({ ...successor(first), expiresAtSec: 5_000 }, one, [])).toBe('written')
    const two = await charge()
    expect(bench.read().expiresAtSec).toBe(5_000)
    expect(await bench.port.confirm(bench.read())).toBe('written')
    expect(await bench.port.release(two)).toBe('written')
    await conflicts(bench.port.commit({ ...successor(bench.read()), expiresAtSec: 0 }, two, []))
    expect(bench.read().expiresAtSec).toBe(5_000)
  })

  test('receipts: beside the record, in the order of their numbers, written again alike, and the record stays as it is', async () => {
    const before = bench.read()
    for (const sequence of [2, 10, 1, 2]) await bench.port.putReceipt({ owner, wallet, sequence, sealed: Uint8Array.of(sequence, 9) })
    expect(bench.receipts()).toEqual([1, 2, 10].map((sequence) => [`receipt#${wallet}#${String(sequence).padStart(12, '0')}`, Uint8Array.of(sequence, 9)]))
    expect(bench.read()).toEqual(before)
    expect(await bench.port.create(first)).toBe('conflict')
  })

  test('of two commits of one version one is written', async () => {
    const one = await charge()
    const two = await charge()
    expect(await bench.port.commit(successor(first), one, [])).toBe('written')
    await conflicts(bench.port.commit(successor(first), two, []))
  })
})

/** Two enclaves on one wallet, and one's writes come between the other's: two charges, the second of which saw the first. */
async function twoCharges(bench: Bench): Promise<{ one: Charge; two: Charge }> {
  await bench.port.create(first)
  const one = nextCharge(first, NOW)
  await bench.port.charge(first, one)
  const seen = bench.read()
  const two = nextCharge(seen, NOW)
  await bench.port.charge(seen, two)
  return { one, two }
}

test.each(benches)('who lost against a commit leaves no wrong guess behind: %s', async (_name, make) => {
  const bench = make()
  const { one, two } = await twoCharges(bench)
  expect(await bench.port.commit(successor(first), one, [])).toBe('written')
  expect(await bench.port.release(two)).toBe('conflict')
  expect(bench.read()).toMatchObject({ version: 2, wrongMs: [] })
  // What it spent goes with the next success.
  expect(bench.read().spent).toBe(1)
})

/** A charge that another saw is given back before the other commits: then there is less to take off than it saw. */
async function lessThanSeen(bench: Bench): Promise<unknown> {
  const { one, two } = await twoCharges(bench)
  await bench.port.release(one)
  return { result: await bench.port.commit(successor(first), two, []), spent: bench.read().spent }
}

test('a commit never takes off more than there is: the fake', async () => {
  expect(await lessThanSeen(fake())).toEqual({ result: 'conflict', spent: 1 })
})

test('a commit never takes off more than there is: the real statements', async () => {
  expect(await lessThanSeen(real())).toEqual({ result: 'conflict', spent: 1 })
})

type Step = { readonly what: 'charge' | 'release' | 'commit'; readonly pick: number; readonly stale: number; readonly waitMs: number }
const step = fc.record<Step>({
  what: fc.constantFrom('charge', 'charge', 'release', 'commit'),
  pick: fc.nat(9),
  stale: fc.constantFrom(0, 0, 0, 1, 2),
  waitMs: fc.constantFrom(0, 1, 61_000, 86_400_000),
})

test('the fake moves as the real statements do, whatever the order', async () => {
  await fc.assert(
    fc.asyncProperty(fc.array(step, { minLength: 5, maxLength: 25 }), async (steps) => {
      const [a, b] = [real(), fake()]
      await Promise.all([a.port.create(first), b.port.create(first)])
      const seen: WalletRecord[] = [b.read()]
      const charges: { charge: Charge; record: WalletRecord }[] = []
      let nowMs = NOW
      for (const { what, pick, stale, waitMs } of steps) {
        nowMs += waitMs
        const record = seen[Math.max(0, seen.length - 1 - stale)] as WalletRecord
        const write = writeOf(what, record, charges[pick % Math.max(1, charges.length)], nowMs, charges)
        if (write === undefined) continue
        const earlier = charges[pick % Math.max(1, charges.length)]?.charge
        if (what === 'commit' && b.read().spent < (earlier?.spent ?? 0)) continue // the test above
        expect(await write(a.port)).toBe(await write(b.port))
        expect(a.read()).toEqual(b.read())
        expect(b.read().spent).toBeGreaterThanOrEqual(0)
        seen.push(b.read())
      }
    }),
    { numRuns: 60 },
  )
})

function writeOf(
  what: Step['what'], record: WalletRecord, earlier: { charge: Charge; record: WalletRecord } | undefined, nowMs: number, charges: { charge: Charge; record: WalletRecord }[],
): ((port: TablePort) => Promise<WriteResult>) | undefined {
  if (what === 'charge') {
    const charge = nextCharge(record, nowMs)
    charges.push({ charge, record })
    return (port) => port.charge(record, charge)
  }
  if (earlier === undefined) return undefined
  if (what === 'release') return (port) => port.release(earlier.charge)
  return (port) => port.commit(successor(earlier.record), earlier.charge, [])
}
