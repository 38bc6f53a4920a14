/**
 * The guess counter under two enclaves, a slow network and a KMS that fails, in every order: the real `withSecret`, each of whose steps outside
 * is let happen when fast-check says so.
 */
import { createHash, randomBytes } from 'node:crypto'
import fc from 'fast-check'
import { createTestArgon2 } from '../support/core-argon2.ts'
import { createFloor } from '../../enclave-sim/core/floor.ts'
import { guessState } from '../../enclave-sim/core/guesses.ts'
import { withSecret } from '../../enclave-sim/core/guarded.ts'
import type { DataKeys } from '../../enclave-sim/core/data-keys.ts'
import type { Charge } from '../../enclave-sim/core/ports.ts'
import { newReceipts, withReceipt } from '../../enclave-sim/core/receipts.ts'
import type { WalletContent } from '../../enclave-sim/core/state.ts'
import { hashPin, wrap } from '../../enclave-sim/core/unlock.ts'
import { createWalletQueue } from '../../enclave-sim/core/wallet-queue.ts'
import { utf8 } from '../../lib/protocol/bytes.ts'
import { CloisterError } from '../../lib/protocol/errors.ts'
import { NO_PERMISSIONS } from '../../lib/protocol/operations.ts'
import type { WalletRecord } from '../../lib/protocol/record.ts'
import type { RequestBody } from '../../lib/protocol/request.ts'
import { joinSecret } from '../../lib/protocol/wallet-secret.ts'
import { idleFloor } from '../support/core-floor.ts'
import { createMemoryTable, type Fate, type TableEvent } from '../support/core-table.ts'

const NOW = Date.UTC(2026, 5, 1)
const owner = 'user#demo#x#alice'
const wallet = '0f9b0a52-3c57-4a5e-9a3c-2a4f6a3f1b11'
const SEED = new Uint8Array(64).fill(7)
const SECRET = joinSecret({ kind: 'mnemonic', entropy: new Uint8Array(16).fill(7), passphrase: new Uint8Array(), seed: SEED })
const pcr = new Uint8Array(48)
const measurements = { pcr0: pcr, pcr1: pcr, pcr2: pcr, pcr16: pcr }

interface Attempt {
  readonly enclave: 0 | 1
  readonly right: boolean
  /** The record is as many writes old; the host may hand in whatever it once saw. */
  readonly stale: number
  readonly charge: Fate
  readonly commit: Fate
  readonly release: Fate
  /** Of the receipt before: it is written again with the next operation, and no guess depends on it. */
  readonly receipt: Fate
  readonly kms: 'answered' | 'decrypt fails' | 'generate fails'
  readonly waitMs: number
}

const answeredMostly = (others: readonly Fate[]): fc.Arbitrary<Fate> => fc.constantFrom<Fate>('answered', 'answered', 'answered', ...others)
const attempt = fc.record<Attempt>({
  enclave: fc.constantFrom(0, 1),
  right: fc.boolean(),
  stale: fc.constantFrom(0, 0, 0, 1, 3),
  charge: answeredMostly(['unreached', 'lost', 'late', 'twice']),
  commit: answeredMostly(['unreached', 'lost', 'late', 'twice']),
  release: answeredMostly(['unreached', 'lost', 'late', 'twice']),
  receipt: answeredMostly(['unreached', 'lost', 'late', 'twice']),
  kms: fc.constantFrom('answered', 'answered', 'answered', 'decrypt fails', 'generate fails'),
  waitMs: fc.constantFrom(0, 0, 0, 1, 61_000, 400_000, 86_400_000),
})

/** What a record's wrapping costs is of no interest here. */
const argon2id = createTestArgon2()

function createDataKeys(): DataKeys {
  const keys = new Map<string, Uint8Array>()
  return {
    async generate() {
      const [plaintext, ciphertext] = [new Uint8Array(randomBytes(32)), new Uint8Array(randomBytes(8))]
      keys.set(ciphertext.toString(), plaintext.slice())
      return { plaintext, ciphertext }
    },
    open: async (ciphertext) => (keys.get(ciphertext.toString()) as Uint8Array).slice(),
    random: async (length) => new Uint8Array(length),
  }
}

async function firstRecord(dataKeys: DataKeys): Promise<WalletRecord> {
  const vault = { dataKeys, argon2id, kmsKeyArn: 'arn' }
  const done = { wallet, op: 'create', atMs: NOW, version: 1, failed: 0, signatures: [], outcome: 'done' } as const
  const content: WalletContent = {
    kind: 'mnemonic', label: '', accounts: [], permissions: NO_PERMISSIONS, fingerprint: new Uint8Array(32), createdAtMs: NOW, idempotencyKey: new Uint8Array(32), recent: [],
    recoveryKey: null, recoveryMadeAtMs: null, factor: null, export: null, goneAtMs: null, receipts: withReceipt(newReceipts(), done, measurements, true),
  }
  return wrap(vault, { owner, wallet, version: 1, createdAtMs: NOW }, content, SECRET, await hashPin(vault, utf8('right'), new Uint8Array(32)))
}

/** Follows every write that arrives, and knows which charges stand. */
/** @param before guesses spent when the story begins */
function createLedger(before: number) {
  const standing = new Map<number, Charge>()
  const tried = new Map<number, boolean>()
  const released = new Set<number>()
  const violations: string[] = []
  let commits = 0
  const check = (good: boolean, what: string): void => void (good || violations.push(what))

  function onEvent({ op, result, charge, after }: TableEvent): void {
    if (result === 'conflict' || charge === undefined || after === undefined) return
    if (op === 'charge') {
      check(!standing.has(charge.atMs), 'two charges are one')
      standing.set(charge.atMs, charge)
      released.delete(charge.atMs) // a charge that arrives once more after its release is charged once more
    }
    if (op === 'release') {
      check(standing.has(charge.atMs), 'released, but it did not stand')
      check(!released.has(charge.atMs), 'released twice')
      check(tried.get(charge.atMs) !== false, 'a wrong guess was given back')
      released.add(charge.atMs)
      standing.delete(charge.atMs)
    }
    if (op === 'forget') check(tried.get(charge.atMs) !== false, 'a wrong guess was forgotten')
    if (op === 'commit') {
      commits += 1
      check(standing.has(charge.atMs), 'committed, but it did not stand')
      check(tried.get(charge.atMs) === true, 'committed without the right PIN')
      standing.clear() // of this version; what was charged after the commit's own charge is looked at below
      check(after.version === charge.version + 1, 'a version was skipped')
    }
    check(after.spent >= 0, 'spent is negative')
    if (commits === 0) check(after.spent === before + standing.size, 'spent is not what stands')
  }

  return {
    onEvent,
    violations,
    /** A PIN is looked at. */
    tries(charge: Charge | undefined, right: boolean, record: WalletRecord | null) {
      check(charge !== undefined, 'tried without a charge')
      if (charge === undefined) return
      const paid = record !== null && (record.version > charge.version || record.wrongMs.includes(charge.atMs))
      check(paid, 'tried, but the charge does not stand')
      tried.set(charge.atMs, right)
    },
    /** In the end: every wrong guess is still in the rolling total, and nothing else if no answer was lost. */
    settle(record: WalletRecord | null, allAnswered: boolean) {
      const wrong = [...tried].filter(([, right]) => !right).map(([atMs]) => atMs)
      if (allAnswered) check(record?.wrongMs.length === wrong.length, 'something else than wrong guesses is in the rolling total')
      for (const atMs of wrong) check(record?.wrongMs.includes(atMs) ?? false, 'a wrong guess is not in the rolling total')
      check(record !== null && (commits > 0 || record.spent >= before + wrong.length), 'a wrong guess is not in what is spent')
    },
  }
}

test('no guess goes unpaid, none is given back twice, and nothing ever gets below zero', async () => {
  const seen = new Map<string, number>()
  const dataKeys = createDataKeys()
  const initial = await firstRecord(dataKeys)
  await fc.assert(
    fc.asyncProperty(fc.scheduler(), fc.nat(6), fc.array(attempt, { minLength: 1, maxLength: 8 }), async (scheduler, before, attempts) => {
      const ledger = createLedger(before)
      const table = createMemoryTable((event) => ledger.onEvent(event))
      const first = { ...initial, spent: before }
      table.put(first)
      const handedIn: WalletRecord[] = [first]
      const queues = [createWalletQueue({ waiting: 99, waitingPerOwner: 99 }), createWalletQueue({ waiting: 99, waitingPerOwner: 99 })] as const
      // Nobody writes the table but these two: what either remembers must never be what decides.
      const doubts: string[] = []
      const current = (): WalletRecord | null => table.read(owner, wallet)
      const floors = [idleFloor(createFloor(), current, doubts), idleFloor(createFloor(), current, doubts)] as const
      let nowMs = NOW
      const clock = { nowMs: () => nowMs, sync: async () => 0 }
      const step = (name: string): Promise<unknown> => scheduler.schedule(Promise.resolve(), name)

      async function run(one: Attempt, number: number): Promise<string> {
        await step(`start ${number}`)
        nowMs += one.waitMs
        table.flush()
        const fresh = table.read(owner, wallet) as WalletRecord
        handedIn.push(fresh)
        const record = handedIn[Math.max(0, handedIn.length - 1 - one.stale)] as WalletRecord
        let charge: Charge | undefined
        const inner = table.port(async (op) => {
          await step(`${op} ${number}`)
          return op === 'create' || op === 'forget' || op === 'confirm' ? 'answered' : one[op]
        })
        const core = {
          clock,
          measurements,
          floor: floors[one.enclave],
          table: { ...inner, charge: (from: WalletRecord, made: Charge) => ((charge = made), inner.charge(from, made)) },
          vault: {
            kmsKeyArn: 'arn',
            dataKeys: {
              ...dataKeys,
              async open(...of: Parameters<DataKeys['open']>) {
                await step(`decrypt ${number}`)
                if (one.kms === 'decrypt fails') throw new CloisterError('unavailable')
                return dataKeys.open(...of)
              },
              async generate(...of: Parameters<DataKeys['generate']>) {
                await step(`generate ${number}`)
                if (one.kms === 'generate fails') throw new CloisterError('unavailable')
                return dataKeys.generate(...of)
              },
            },
            async argon2id(...of: Parameters<typeof argon2id>) {
              ledger.tries(charge, one.right, table.read(owner, wallet))
              return argon2id(...of)
            },
          },
        }
        const id = createHash('sha256').update(`${number}`).digest().subarray(0, 16)
        const body: RequestBody = {
          op: 'sign', wallet, request: id, issuedAtMs: nowMs, idempotency: id, token: new Uint8Array(32), proof: null, pin: utf8(one.right ? 'right' : 'wrong'), otp: null, parameters: {},
        }
        return queues[one.enclave].run(owner, wallet, async (turn) => {
          const latest = turn.latest !== undefined && turn.latest.version >= record.version ? turn.latest : record
          const done = await withSecret(core, body, latest, turn, {
            work: (_state, secret) => ({ result: secret.kind === 'mnemonic' ? secret.seed.slice() : undefined }),
          })
          expect(done.result).toEqual(SEED)
          return 'ok'
        }).catch((error: unknown) => {
          if (error instanceof CloisterError) return error.code
          throw error
        })
      }

      const running = attempts.map(run)
      await scheduler.waitFor(Promise.all(running))
      table.flush()
      for (const code of await Promise.all(running)) seen.set(code, (seen.get(code) ?? 0) + 1)
      const allAnswered = attempts.every(({ charge, commit, release }) => [charge, commit, release].every((fate) => fate === 'answered'))
      ledger.settle(table.read(owner, wallet), allAnswered)
      expect(ledger.violations).toEqual([])
      expect(doubts).toEqual([])
      const { guessesLeft } = guessState(table.read(owner, wallet) as WalletRecord, nowMs)
      expect(guessesLeft).toBeGreaterThanOrEqual(0)
    }),
    { numRuns: process.env['SLOW'] === '1' ? 20_000 : 400 },
  )
  // Every way out was taken.
  expect([...seen.keys()].sort()).toEqual(['ok', 'pin_wrong', 'stale', 'unavailable', 'wallet_locked'])
})
