/** The wallet table's conditional writes: the real statements, and the fake that other tests use in their place, move alike. */
import fc from 'fast-check'
import { nextCharge } from '../../enclave-sim/core/guesses.ts'
import type { Charge, TablePort, WriteResult } from '../../enclave-sim/core/ports.ts'
import { createTable } from '../../enclave-sim/platform/table.ts'
import { receiptItem, type WalletRecord } from '../../lib/protocol/record.ts'
import { awsClient } from '../support/aws-client.ts'
import { createMemoryDynamo, type Item } from '../support/core-dynamo.ts'
import { createMemoryTable } from '../support/core-table.ts'
import { describeTable, first, NOW, owner, successor, wallet, type Bench } from '../support/table-contract.ts'

/** In memory nothing has to be waited for. */
interface MemoryBench extends Bench {
  read(): WalletRecord
}

function real(): MemoryBench {
  const dynamo = createMemoryDynamo()
  const port = createTable(awsClient('dynamodb', dynamo.post), 'arn:aws:dynamodb:us-east-1:000000000000:table/wallets')
  const stored = (): readonly (readonly [string, Uint8Array])[] =>
    dynamo.items().flatMap((item) => (item['receipt'] === undefined ? [] : [[item['item']?.S ?? '', new Uint8Array(Buffer.from(item['receipt'].B ?? '', 'base64'))] as const]))
  return { port, read: () => recordOf(dynamo.item(owner, wallet)), receipts: stored, attributes: () => Object.keys(dynamo.item(owner, wallet) ?? {}) }
}

function fake(): MemoryBench {
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

describeTable('the real statements', real)
describeTable('the fake', fake)

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
