/**
 * How many PINs are worked on at once, and how many wait. Fair: owners take turns, so that one who sends a hundred requests
 * does not stand before one who sends a single one. Past the bound the answer is `busy`, at once.
 */
import { CloisterError } from '../../lib/protocol/errors.ts'

interface AdmissionLimits {
  readonly running: number
  readonly waiting: number
  readonly waitingPerOwner: number
}

export interface Admission {
  readonly running: number
  readonly waiting: number
  /** Waits for a place and runs the task in it. @throws CloisterError `busy` */
  run<T>(owner: string, task: () => Promise<T>): Promise<T>
}

export function createAdmission(limits: AdmissionLimits): Admission {
  let running = 0
  let waiting = 0
  /** Owners in the order of their turns; a Map keeps it. */
  const lines = new Map<string, (() => void)[]>()

  function next(): void {
    const first = lines.entries().next().value
    if (first === undefined || running >= limits.running) return
    const [owner, line] = first
    const start = line.shift()
    lines.delete(owner)
    if (line.length > 0) lines.set(owner, line) // to the end of the round
    waiting -= 1
    running += 1
    start?.()
  }

  return {
    get running() {
      return running
    },
    get waiting() {
      return waiting
    },
    async run(owner, task) {
      const line = lines.get(owner) ?? []
      if (waiting >= limits.waiting || line.length >= limits.waitingPerOwner) throw new CloisterError('busy', { retryAfterSec: 1 })
      waiting += 1
      await new Promise<void>((resolve) => {
        line.push(resolve)
        lines.set(owner, line)
        next()
      })
      try {
        return await task()
      } finally {
        running -= 1
        next()
      }
    },
  }
}
