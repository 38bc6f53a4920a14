/**
 * What this enclave has seen with its own eyes, while it runs: the state each wallet had reached, and the wrong PINs tried here. Whoever writes the
 * table can put an earlier record back, and counters as they like; below this floor neither goes.
 *
 * Without such writes it changes nothing. It holds only what the table must hold as well: versions that were opened or committed, and guesses that
 * were wrong and so are never given back. What other enclaves charged is not in it; what they committed shows in the next record that opens.
 */
import { createHash } from 'node:crypto'
import type { WalletRecord } from '../../lib/protocol/record.ts'
import { charged, guessState, lockOf, nextCharge, ROLLING_WINDOW_MS, waitMs } from './guesses.ts'
import type { Charge } from './ports.ts'
import type { WalletContent } from './state.ts'

/** So many wallets are remembered, half of them those at which somebody guessed here; some 400 bytes each. */
export const FLOOR_WALLETS = 100_000
/** Clocks of two enclaves may differ: what another may have cleared by its own is not held against anybody here. */
const CLOCK_SLACK_MS = 60_000

type Place = Pick<WalletRecord, 'owner' | 'wallet'>
type Content = Pick<WalletContent, 'createdAtMs' | 'recoveryMadeAtMs' | 'recent'>

interface Memory extends Omit<Content, 'recent'> {
  readonly version: number
  /** Of the sealed state: a version has one. */
  readonly tag: string
  /** Wrong PINs tried here at this version: a success clears them in the table by making the next. */
  readonly streak: number
  /** Of this version too: from when on nobody but who has the recovery code can succeed. */
  readonly lockedFromMs: number
  readonly lockedUntilMs: number
  /** Entries in the rolling total that were charged here. */
  readonly wrongMs: readonly number[]
}

/** "Strict" is a record with the stricter of its own counters and those known; the very same object when its own are as strict. */
export interface Floor {
  readonly size: number
  /** Whether an unopened record is, by its own word, from before what is known. */
  isPast(record: WalletRecord): boolean
  /** For an unopened record: where it says that it is of another version, nothing known is held against it yet. */
  strict(record: WalletRecord, nowMs: number): WalletRecord
  /** Takes in a record that was opened, and returns it strict. `undefined`: it is older than what is known, or another one of the same version. */
  follow(record: WalletRecord, content: Content, nowMs: number): WalletRecord | undefined
  /** A PIN was tried on a record that was opened, and was wrong. Returns strict what the charge left. */
  wrong(record: WalletRecord, content: Content, charge: Charge, nowMs: number): WalletRecord
  /** This enclave's own commit or creation, and the entries that it took off the rolling total. Returns it strict. */
  committed(next: WalletRecord, content: Content, goneMs: readonly number[], nowMs: number): WalletRecord
}

/** @param limit wallets; past half of it for either, those are forgotten that were not used for longest. What was guessed 30 days ago is no guess any more */
export function createFloor(limit = FLOOR_WALLETS): Floor {
  const quiet = new Map<string, Memory>()
  const guessed = new Map<string, Memory>()

  const find = (at: Place): Memory | undefined => guessed.get(keyOf(at)) ?? quiet.get(keyOf(at))

  function keep(at: Place, memory: Memory, nowMs: number): Memory {
    const key = keyOf(at)
    const kept = { ...memory, wrongMs: counting(memory.wrongMs, nowMs) }
    quiet.delete(key)
    guessed.delete(key)
    const line = kept.wrongMs.length > 0 ? guessed : quiet
    line.set(key, kept)
    // Lines grow by one, so that one look at their front is enough.
    const [oldest, then] = guessed.entries().next().value ?? []
    if (oldest !== undefined && then !== undefined && counting(then.wrongMs, nowMs).length === 0) {
      guessed.delete(oldest)
      quiet.set(oldest, { ...then, wrongMs: [] })
    }
    for (const one of [guessed, quiet]) if (one.size > limit / 2) one.delete(one.keys().next().value as string)
    return kept
  }

  return {
    get size() {
      return quiet.size + guessed.size
    },
    isPast(record) {
      const memory = find(record)
      return memory !== undefined && record.createdAtMs <= memory.createdAtMs && record.version < memory.version
    },
    strict(record, nowMs) {
      const memory = find(record)
      return memory?.version === record.version && record.createdAtMs <= memory.createdAtMs ? stricter(record, memory, nowMs) : record
    },
    follow(record, content, nowMs) {
      const memory = find(record)
      // An id can be used again once its wallet is gone: a later creation is another wallet, an earlier one is one that is gone.
      if (memory === undefined || content.createdAtMs > memory.createdAtMs) return stricter(record, keep(record, fresh(record, content), nowMs), nowMs)
      if (content.createdAtMs < memory.createdAtMs || record.version < memory.version) return undefined
      if (record.version === memory.version) return tagOf(record) === memory.tag ? stricter(record, keep(record, memory, nowMs), nowMs) : undefined
      // Another enclave's success. A recovery clears the rolling total; renewing the code does not, but looks alike from here.
      const { recoveryMadeAtMs } = content
      const isRecovered = recoveryMadeAtMs !== null && recoveryMadeAtMs !== memory.recoveryMadeAtMs
      const wrongMs = memory.wrongMs.filter((atMs) => !isRecovered || atMs > recoveryMadeAtMs + CLOCK_SLACK_MS)
      const { streak, lockedFromMs, lockedUntilMs } = memory
      const still = !isRecovered && isWithin(memory, content) ? { streak, lockedFromMs, lockedUntilMs } : {}
      return stricter(record, keep(record, { ...fresh(record, content), ...still, wrongMs }, nowMs), nowMs)
    },
    wrong(record, content, charge, nowMs) {
      const memory = find(record) ?? fresh(record, content)
      const before = stricter(record, memory, nowMs)
      const { lockedUntilMs, previousLockedUntilMs } = nextCharge(before, nowMs)
      // A charge that was there before ours would have locked as ours does, unless ours is the first that does; then it may still succeed.
      const isFirst = waitMs(before.spent, guessState(before, nowMs).wrongTotal) === 0
      const lock = lockedUntilMs === previousLockedUntilMs ? {} : { lockedFromMs: isFirst ? nowMs + CLOCK_SLACK_MS : nowMs, lockedUntilMs }
      const after = { ...memory, ...lock, streak: memory.streak + 1, wrongMs: [...memory.wrongMs, charge.atMs] }
      return stricter(charged(record, charge), keep(record, after, nowMs), nowMs)
    },
    committed(next, content, goneMs, nowMs) {
      const before = find(next)
      const wrongMs = before?.createdAtMs === content.createdAtMs ? before.wrongMs.filter((atMs) => !goneMs.includes(atMs)) : []
      return stricter(next, keep(next, { ...fresh(next, content), wrongMs }, nowMs), nowMs)
    },
  }
}

/** Entries of the rolling total that count for a while yet, by any enclave's clock. */
function counting(wrongMs: readonly number[], nowMs: number): readonly number[] {
  return wrongMs.filter((atMs) => atMs > nowMs - ROLLING_WINDOW_MS + CLOCK_SLACK_MS)
}

function stricter(record: WalletRecord, memory: Memory, nowMs: number): WalletRecord {
  // A lock too long to be ours counts for nothing, and must not hide one that is.
  const lockedUntilMs = lockOf(memory, nowMs) > lockOf(record, nowMs) ? memory.lockedUntilMs : record.lockedUntilMs
  const missing = memory.wrongMs.filter((atMs) => !record.wrongMs.includes(atMs))
  const spent = Math.max(record.spent, memory.streak)
  if (missing.length === 0 && spent === record.spent && lockedUntilMs === record.lockedUntilMs) return record
  return { ...record, spent, lockedUntilMs, wrongMs: [...record.wrongMs, ...missing].sort((a, b) => a - b) }
}

/** Whether a PIN was taken while our lock stood, which the table holds as well: then somebody lifted it there. */
function isWithin({ lockedFromMs, lockedUntilMs }: Memory, { recent }: Content): boolean {
  const lastMs = Math.max(0, ...recent.map(({ atMs }) => atMs))
  return lastMs > lockedFromMs && lastMs < lockedUntilMs
}

function fresh(record: WalletRecord, { createdAtMs, recoveryMadeAtMs }: Content): Memory {
  return { createdAtMs, recoveryMadeAtMs, version: record.version, tag: tagOf(record), streak: 0, lockedFromMs: 0, lockedUntilMs: 0, wrongMs: [] }
}

/** AES-GCM's own, the last 16 bytes. */
const tagOf = ({ state }: WalletRecord): string => Buffer.from(state.subarray(-16)).toString('latin1')

/** Short, whatever the identity provider calls its users. */
const keyOf = ({ owner, wallet }: Place): string => createHash('sha256').update(JSON.stringify([owner, wallet])).digest().toString('latin1')
