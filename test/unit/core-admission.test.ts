/** Places and lines: bounded, fair, and nobody is forgotten. */
import fc from 'fast-check'
import { createAdmission } from '../../enclave-sim/core/admission.ts'
import { createWalletQueue } from '../../enclave-sim/core/wallet-queue.ts'
import type { WalletRecord } from '../../lib/protocol/record.ts'
import { codeFrom } from '../support/core-codes.ts'

/** A task that runs until it is told to end. */
function gate(log: string[], name: string) {
  const { promise, resolve, reject } = Promise.withResolvers<string>()
  return { run: () => (log.push(name), promise), end: () => resolve(name), fail: () => reject(new Error(name)) }
}
const settle = async (): Promise<void> => {
  for (let i = 0; i < 20; i++) await Promise.resolve()
}

describe('admission', () => {
  test('runs as many as there are places, then in the order of turns', async () => {
    const log: string[] = []
    const admission = createAdmission({ running: 2, waiting: 10, waitingPerOwner: 10 })
    const gates = ['a1', 'a2', 'a3', 'a4', 'b1', 'c1'].map((name) => gate(log, name))
    const all = gates.map((one, i) => admission.run('aaaabc'[i] as string, one.run))
    await settle()
    expect(log).toEqual(['a1', 'a2'])
    for (const one of gates) {
      one.end()
      await settle()
    }
    // a has sent four before b and c sent one each, and they are not last.
    expect(log).toEqual(['a1', 'a2', 'a3', 'b1', 'c1', 'a4'])
    expect(await Promise.all(all)).toEqual(['a1', 'a2', 'a3', 'a4', 'b1', 'c1'])
  })

  test('one who sends a hundred delays another by one place', async () => {
    const log: string[] = []
    const admission = createAdmission({ running: 1, waiting: 1000, waitingPerOwner: 1000 })
    const many = Array.from({ length: 100 }, (_, i) => admission.run('greedy', async () => void log.push(`greedy ${i}`)))
    const one = admission.run('modest', async () => void log.push('modest'))
    await Promise.all([...many, one])
    expect(log.indexOf('modest')).toBeLessThanOrEqual(2)
  })

  test('rejects at once beyond the owner’s bound, and others not', async () => {
    const log: string[] = []
    const admission = createAdmission({ running: 1, waiting: 10, waitingPerOwner: 2 })
    const first = gate(log, 'first')
    const running = [admission.run('a', first.run), admission.run('a', async () => 1), admission.run('a', async () => 1)]
    expect(await codeFrom(admission.run('a', async () => log.push('too many')))).toBe('busy')
    running.push(admission.run('b', async () => 1))
    first.end()
    await Promise.all(running)
    expect(log).toEqual(['first'])
    expect(await codeFrom(admission.run('a', async () => 1))).toBe('ok')
  })

  test('rejects at once beyond the bound of all, whoever it is, and says when to come again', async () => {
    const admission = createAdmission({ running: 1, waiting: 2, waitingPerOwner: 2 })
    const first = gate([], 'first')
    const running = [admission.run('a', first.run), admission.run('b', async () => 1), admission.run('c', async () => 1)]
    await expect(admission.run('d', async () => 1)).rejects.toMatchObject({ code: 'busy', retryAfterSec: 1 })
    first.end()
    await Promise.all(running)
  })

  test('a task that fails gives its place back', async () => {
    const admission = createAdmission({ running: 1, waiting: 2, waitingPerOwner: 2 })
    await expect(admission.run('a', async () => Promise.reject(new Error('no')))).rejects.toThrow('no')
    await expect(admission.run('a', () => { throw new Error('at once') })).rejects.toThrow('at once')
    expect(await admission.run('a', async () => 'yes')).toBe('yes')
  })

  test('whatever comes: never more than the places, and everyone who was let in ends', async () => {
    await fc.assert(
      fc.asyncProperty(
        fc.scheduler(), fc.integer({ min: 1, max: 3 }), fc.array(fc.record({ owner: fc.constantFrom('a', 'b', 'c'), fails: fc.boolean() }), { maxLength: 20 }),
        async (scheduler, places, tasks) => {
          const admission = createAdmission({ running: places, waiting: 6, waitingPerOwner: 3 })
          let running = 0
          const ends = tasks.map(async ({ owner, fails }, i) => {
            await scheduler.schedule(Promise.resolve(), `come ${i}`)
            return admission.run(owner, async () => {
              running += 1
              expect(running).toBeLessThanOrEqual(places)
              await scheduler.schedule(Promise.resolve(), `end ${i}`)
              running -= 1
              if (fails) throw new Error('failed')
            })
          })
          await scheduler.waitFor(Promise.allSettled(ends))
          expect(running).toBe(0)
          expect(await codeFrom(admission.run('a', async () => 1))).toBe('ok')
        },
      ),
    )
  })
})

const record = (version: number) => ({ version }) as WalletRecord

describe('a wallet’s line', () => {
  const LIMITS = { waiting: 10, waitingPerOwner: 3 }

  test('one at a time, in order, for one wallet; others do not wait', async () => {
    const log: string[] = []
    const queue = createWalletQueue(LIMITS)
    const [first, second, other] = [gate(log, 'first'), gate(log, 'second'), gate(log, 'other')]
    const all = [queue.run('a', 'w', first.run), queue.run('a', 'w', second.run), queue.run('a', 'v', other.run)]
    await settle()
    expect(log).toEqual(['first', 'other'])
    first.end()
    await settle()
    expect(log).toEqual(['first', 'other', 'second'])
    second.end()
    other.end()
    await Promise.all(all)
  })

  test('the same wallet id of another owner is another wallet', async () => {
    const log: string[] = []
    const queue = createWalletQueue(LIMITS)
    const [first, second] = [gate(log, 'first'), gate(log, 'second')]
    const all = [queue.run('a', 'w', first.run), queue.run('b', 'w', second.run)]
    await settle()
    expect(log).toEqual(['first', 'second'])
    first.end()
    second.end()
    await Promise.all(all)
  })

  test('the next takes what the last one left, and nothing outlives the line', async () => {
    const queue = createWalletQueue(LIMITS)
    const seen: (number | undefined)[] = []
    const turn = (leaves: number | undefined) =>
      queue.run('a', 'w', async ({ latest, leave }) => {
        seen.push(latest?.version)
        leave(leaves === undefined ? undefined : record(leaves))
      })
    await Promise.all([turn(1), turn(2), turn(undefined), turn(3)])
    await turn(4)
    expect(seen).toEqual([undefined, 1, 2, undefined, undefined])
  })

  test('goes on when somebody in it fails', async () => {
    const queue = createWalletQueue(LIMITS)
    const first = queue.run('a', 'w', () => Promise.reject(new Error('no')))
    const second = queue.run('a', 'w', async () => 'yes')
    await expect(first).rejects.toThrow('no')
    expect(await second).toBe('yes')
  })

  test('rejects at once beyond its bound: three behind the one whose turn it is', async () => {
    const queue = createWalletQueue(LIMITS)
    const first = gate([], 'first')
    const all = [queue.run('a', 'w', first.run), ...[1, 2, 3].map(() => queue.run('a', 'w', async () => 'done'))]
    await expect(queue.run('a', 'w', async () => 'too many')).rejects.toMatchObject({ code: 'busy', retryAfterSec: 1 })
    expect(await queue.run('a', 'v', async () => 'another wallet')).toBe('another wallet')
    first.end()
    await Promise.all(all)
    expect(await queue.run('a', 'w', async () => 'again')).toBe('again')
  })

  test('rejects at once beyond the bound of all lines together', async () => {
    const queue = createWalletQueue({ waiting: 2, waitingPerOwner: 2 })
    const gates = ['u', 'v', 'w'].map((name) => gate([], name))
    const all = gates.map((one, i) => queue.run('a', 'uvw'[i] as string, one.run))
    all.push(queue.run('a', 'u', async () => ''), queue.run('a', 'v', async () => ''))
    expect(await codeFrom(queue.run('a', 'w', async () => ''))).toBe('busy')
    expect(await codeFrom(queue.run('a', 'x', async () => ''))).toBe('ok')
    gates.forEach((one) => one.end())
    await Promise.all(all)
    expect(await codeFrom(queue.run('a', 'w', async () => ''))).toBe('ok')
  })
})
