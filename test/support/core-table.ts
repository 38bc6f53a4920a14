/**
 * A wallet table in memory with the conditional writes of enclave-sim/platform/table.ts, and the ways in which a network can fail one.
 * test/unit/core-table.test.ts compares it with the real statements.
 */
import { receiptItem, type WalletRecord } from '../../lib/protocol/record.ts'
import type { Charge, TablePort, WriteResult } from '../../enclave-sim/core/ports.ts'

/**
 * What becomes of a write: it is answered; it never arrives; it is done but the answer is lost; it is given up and arrives later (`flush`); or
 * it is answered and arrives once more later.
 */
export type Fate = 'answered' | 'unreached' | 'lost' | 'late' | 'twice'
export type TableOp = 'create' | 'confirm' | 'charge' | 'release' | 'forget' | 'commit' | 'receipt'

export interface TableEvent {
  readonly op: TableOp
  readonly result: WriteResult
  readonly charge: Charge | undefined
  /** The record as it is afterwards. */
  readonly after: WalletRecord | undefined
}

export interface MemoryTable {
  /** The table as one enclave reaches it. `fate` is asked at each write. */
  port(fate?: (op: TableOp) => Fate | Promise<Fate>): TablePort
  read(owner: string, wallet: string): WalletRecord | null
  /** Stored receipts, sealed, in their order. */
  receipts(wallet: string): readonly Uint8Array[]
  /** Whoever owns the database: puts an item there without asking. */
  put(record: WalletRecord): void
  /** Takes an item away, as its time to live does. */
  remove(owner: string, wallet: string): void
  /** Lets everything arrive that was late, in its order. */
  flush(): void
  /** Every write that arrived. */
  readonly events: readonly TableEvent[]
  /** Counts what arrived and took effect. */
  written(op: TableOp): number
}

export function createMemoryTable(onEvent: (event: TableEvent) => void = () => undefined): MemoryTable {
  const items = new Map<string, WalletRecord>()
  const receipts = new Map<string, Uint8Array>()
  const events: TableEvent[] = []
  let late: (() => void)[] = []
  const keyOf = (at: { readonly owner: string; readonly wallet: string }): string => JSON.stringify([at.owner, at.wallet])

  function apply(op: TableOp, at: Charge | WalletRecord, charge: Charge | undefined, write: (item: WalletRecord | undefined) => WalletRecord | undefined): WriteResult {
    const key = keyOf(at)
    const next = write(items.get(key))
    if (next !== undefined) items.set(key, structuredClone(next))
    const event = { op, result: next === undefined ? 'conflict' : 'written', charge, after: items.get(key) } as const
    events.push(event)
    onEvent(event)
    return event.result
  }

  const writes = {
    create: (record: WalletRecord) => apply('create', record, undefined, (item) => (item === undefined ? { ...record, wrongMs: [] } : undefined)),
    confirm: (seen: WalletRecord) => apply('confirm', seen, undefined, (item) => (item !== undefined && isAsSeen(item, seen) ? item : undefined)),
    charge: (seen: WalletRecord, charge: Charge) => apply('charge', seen, charge, (item) => charged(item, seen, charge)),
    release(charge: Charge): WriteResult {
      if (apply('release', charge, charge, (item) => released(item, charge)) === 'written') return 'written'
      // Somebody else's commit came first. What is spent went with it or goes with the next; it was no wrong guess, and none is counted.
      apply('forget', charge, charge, (item) => forgotten(item, charge))
      return 'conflict'
    },
    commit: (next: WalletRecord, charge: Charge, expiredMs: readonly number[]) => apply('commit', next, charge, (item) => committed(item, next, charge, expiredMs)),
  }

  function port(fate: (op: TableOp) => Fate | Promise<Fate> = () => 'answered'): TablePort {
    async function send(op: TableOp, write: () => WriteResult): Promise<WriteResult> {
      const happens = await fate(op)
      if (happens === 'late' || happens === 'twice') late.push(write)
      if (happens === 'unreached' || happens === 'late') throw new Error('no answer')
      const result = write()
      if (happens === 'lost') throw new Error('no answer')
      return result
    }
    return {
      create: (record) => send('create', () => writes.create(record)),
      confirm: (seen) => send('confirm', () => writes.confirm(seen)),
      charge: (seen, charge) => send('charge', () => writes.charge(seen, charge)),
      release: (charge) => send('release', () => writes.release(charge)),
      commit: (next, charge, expiredMs) => send('commit', () => writes.commit(next, charge, expiredMs)),
      async putReceipt(receipt) {
        await send('receipt', () => {
          receipts.set(receiptItem(receipt.wallet, receipt.sequence), receipt.sealed.slice())
          return 'written'
        })
      },
    }
  }

  return {
    port,
    read(owner, wallet) {
      const found = items.get(keyOf({ owner, wallet }))
      return found === undefined ? null : structuredClone(found)
    },
    receipts: (wallet) => [...receipts].filter(([item]) => item.startsWith(`receipt#${wallet}#`)).sort(([a], [b]) => (a < b ? -1 : 1)).map(([, sealed]) => sealed),
    remove: (owner, wallet) => void items.delete(keyOf({ owner, wallet })),
    put: (record) => void items.set(keyOf(record), structuredClone(record)),
    flush() {
      const waiting = late
      late = []
      for (const write of waiting) write()
    },
    events,
    written: (op) => events.filter((event) => event.op === op && event.result === 'written').length,
  }
}

const same = (a: readonly number[], b: readonly number[]): boolean => a.length === b.length && a.every((value) => b.includes(value))
const without = (values: readonly number[], gone: readonly number[]): readonly number[] => values.filter((value) => !gone.includes(value))
const plus = (values: readonly number[], one: number): readonly number[] => [...new Set([...values, one])].sort((a, b) => a - b)
const stands = (item: WalletRecord | undefined, charge: Charge): item is WalletRecord =>
  item !== undefined && item.version === charge.version && item.wrongMs.includes(charge.atMs)

function isAsSeen(item: WalletRecord, seen: WalletRecord): boolean {
  return item.version === seen.version && item.spent === seen.spent && item.lockedUntilMs === seen.lockedUntilMs && same(item.wrongMs, seen.wrongMs)
}

function charged(item: WalletRecord | undefined, seen: WalletRecord, charge: Charge): WalletRecord | undefined {
  if (item === undefined || !isAsSeen(item, seen)) return undefined
  return { ...item, spent: charge.spent, lockedUntilMs: charge.lockedUntilMs, wrongMs: plus(item.wrongMs, charge.atMs) }
}

function released(item: WalletRecord | undefined, charge: Charge): WalletRecord | undefined {
  if (!stands(item, charge)) return undefined
  const ownLock = charge.lockedUntilMs !== charge.previousLockedUntilMs && item.lockedUntilMs === charge.lockedUntilMs
  const lockedUntilMs = ownLock ? charge.previousLockedUntilMs : item.lockedUntilMs
  return { ...item, spent: item.spent - 1, lockedUntilMs, wrongMs: without(item.wrongMs, [charge.atMs]) }
}

function forgotten(item: WalletRecord | undefined, charge: Charge): WalletRecord | undefined {
  if (item === undefined || item.version <= charge.version || !item.wrongMs.includes(charge.atMs)) return undefined
  return { ...item, wrongMs: without(item.wrongMs, [charge.atMs]) }
}

function committed(item: WalletRecord | undefined, next: WalletRecord, charge: Charge, expiredMs: readonly number[]): WalletRecord | undefined {
  // What the charge saw may have been given back since: then there is less to take off, and the commit must try again.
  if (!stands(item, charge) || item.spent < charge.spent) return undefined
  const { format, version, dataKey, state, seed, expiresAtSec } = next
  return { ...item, format, version, dataKey, state, seed, expiresAtSec, spent: item.spent - charge.spent, lockedUntilMs: 0, wrongMs: without(item.wrongMs, [charge.atMs, ...expiredMs]) }
}
