/** Whatever the enclave writes and the relay reads, in whatever order: the local table on dynalite and DynamoDB Local end with the same items. */
import fc from 'fast-check'
import { nextCharge } from '../../enclave-sim/core/guesses.ts'
import type { Charge } from '../../enclave-sim/core/ports.ts'
import type { WalletRecord } from '../../lib/protocol/record.ts'
import { first, NOW, owner, successor, wallet } from '../support/table-contract.ts'
import { empty, itemsOf, localTable, straightTable, type TablePeer } from '../support/table-peer.ts'
import { ENGINE } from './engine.ts'

let peers: readonly TablePeer[]
beforeAll(async () => void (peers = await Promise.all([localTable(undefined), straightTable(ENGINE)])))

/** The numbers choose among what was seen and charged so far, the latest first. */
interface Step {
  readonly what: 'create' | 'confirm' | 'charge' | 'release' | 'commit' | 'receipt' | 'list' | 'receipts'
  readonly which: 0 | 1
  readonly seen: number
  readonly charged: number
  readonly waitMs: number
}
const step = fc.record<Step>({
  what: fc.constantFrom('create', 'confirm', 'charge', 'charge', 'charge', 'charge', 'charge', 'release', 'release', 'commit', 'commit', 'commit', 'receipt', 'list', 'receipts'),
  which: fc.constantFrom(0, 0, 0, 0, 0, 1),
  seen: fc.constantFrom(0, 0, 0, 0, 0, 0, 1, 2),
  charged: fc.constantFrom(0, 0, 1, 1, 2, 3),
  waitMs: fc.constantFrom(0, 1, 61_000, 86_400_000),
})

interface World {
  readonly wallets: readonly WalletRecord[]
  readonly seen: WalletRecord[]
  readonly charges: { readonly charge: Charge; readonly record: WalletRecord }[]
  nowMs: number
}

/** What a step does on a table, chosen once for both. */
function choose(world: World, { what, which, seen, charged, waitMs }: Step): (peer: TablePeer) => Promise<unknown> {
  world.nowMs += waitMs
  const made = world.wallets[which] as WalletRecord
  const record = world.seen.at(-1 - seen) ?? made
  const earlier = world.charges.at(-1 - charged) ?? { charge: nextCharge(made, world.nowMs), record: made }
  const charge = nextCharge(record, world.nowMs)
  if (what === 'charge') world.charges.push({ charge, record })
  return async ({ port, records, reader }) => {
    switch (what) {
      case 'create': return port.create(made)
      case 'confirm': return port.confirm(record)
      case 'charge': return port.charge(record, charge)
      case 'release': return port.release(earlier.charge)
      case 'commit': return port.commit(successor(earlier.record), earlier.charge, earlier.record.wrongMs.slice(0, seen))
      case 'receipt': return port.putReceipt({ ...made, sequence: charged, sealed: Uint8Array.of(seen) })
      case 'list': return records.list(reader, owner)
      case 'receipts': return records.receipts(reader, owner, wallet, seen)
      default: throw new Error(what satisfies never)
    }
  }
}

test('random sequences', async () => {
  const tally = { written: 0, conflict: 0 }
  await fc.assert(
    fc.asyncProperty(fc.array(step, { minLength: 20, maxLength: 40, size: 'max' }), async (steps) => {
      await Promise.all(peers.map(empty))
      const world: World = { wallets: [first, { ...first, wallet: wallet.replace('0f', '1f') }], seen: [], charges: [], nowMs: NOW }
      for (const next of [{ what: 'create', which: 0, seen: 0, charged: 0, waitMs: 0 } as const, ...steps]) {
        const run = choose(world, next)
        const [ours, theirs] = await Promise.all(peers.map(run))
        expect(ours).toEqual(theirs)
        if (ours === 'written' || ours === 'conflict') tally[ours]++
        const records = await Promise.all(peers.map(({ records, reader }) => records.get(reader, owner, (world.wallets[next.which] as WalletRecord).wallet)))
        expect(records[0]).toEqual(records[1])
        if (records[0]) world.seen.push(records[0])
      }
      const [mine, other] = await Promise.all(peers.map(itemsOf))
      expect(mine).toEqual(other)
    }),
    { numRuns: process.env['SLOW'] === '1' ? 400 : 30 },
  )
  // Both happened, or hardly anything was tried.
  expect(tally.written).toBeGreaterThan(40)
  expect(tally.conflict).toBeGreaterThan(40)
}, 600_000)
