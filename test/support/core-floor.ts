/** A floor that reports whenever it would change what happens: where nobody tampers with the table, it must never. */
import type { Floor } from '../../enclave-sim/core/floor.ts'
import type { WalletRecord } from '../../lib/protocol/record.ts'

/** @param current what the table holds now */
export function idleFloor(floor: Floor, current: () => WalletRecord | null, doubts: string[]): Floor {
  const isCurrent = (record: WalletRecord): boolean => JSON.stringify(countersOf(record)) === JSON.stringify(countersOf(current()))
  /** Of what a request works on, as it is in the table now or was when it was charged. */
  function same(step: string, record: WalletRecord, strict: WalletRecord | undefined): WalletRecord | undefined {
    if (strict === undefined) doubts.push(`${step}: refused version ${record.version}`)
    else if (JSON.stringify(countersOf(strict)) !== JSON.stringify(countersOf(record))) doubts.push(`${step}: other counters at version ${record.version}`)
    return strict
  }
  return {
    get size() {
      return floor.size
    },
    isPast(record) {
      const past = floor.isPast(record)
      if (past && isCurrent(record)) doubts.push(`isPast: version ${record.version}`)
      return past
    },
    // What was handed in may be stale; the table says so next.
    strict: (record, nowMs) => (isCurrent(record) ? (same('strict', record, floor.strict(record, nowMs)) as WalletRecord) : floor.strict(record, nowMs)),
    follow: (record, content, nowMs) => same('follow', record, floor.follow(record, content, nowMs)),
    wrong(record, content, charge, nowMs) {
      const left = floor.wrong(record, content, charge, nowMs)
      if (left.spent !== charge.spent || left.lockedUntilMs !== charge.lockedUntilMs || left.wrongMs.length !== record.wrongMs.length + 1) doubts.push('wrong: not what was charged')
      return left
    },
    committed: (next, content, goneMs, nowMs) => same('committed', next, floor.committed(next, content, goneMs, nowMs)) as WalletRecord,
  }
}

function countersOf(record: WalletRecord | null): unknown {
  return record === null ? null : [record.version, record.createdAtMs, record.spent, record.lockedUntilMs, record.wrongMs]
}
