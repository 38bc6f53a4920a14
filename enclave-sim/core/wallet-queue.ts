/**
 * One request at a time for each wallet. The next in line takes the record that the last one left, so that a burst of
 * requests which all read the same version does not end in conflicts with itself. Lines are bounded as places are (admission.ts):
 * who waits here holds an opened request, and has not reached the other queue yet.
 */
import { CloisterError } from '../../lib/protocol/errors.ts'
import type { WalletRecord } from '../../lib/protocol/record.ts'

export interface WalletTurn {
  /** What the last turn left behind; `undefined` for the first in line. */
  readonly latest: WalletRecord | undefined
  /** Tells those who wait what the table holds now; `undefined` when that is not known any more. */
  leave(record: WalletRecord | undefined): void
}

export interface WalletQueue {
  /** In all lines, behind those whose turn it is. */
  readonly waiting: number
  /** Waits for the wallet's turn and runs the task in it. @throws CloisterError `busy` */
  run<T>(owner: string, wallet: string, task: (turn: WalletTurn) => Promise<T>): Promise<T>
}

interface Line {
  tail: Promise<void>
  waiting: number
  latest: WalletRecord | undefined
}

/** @param limits how many may wait behind those whose turn it is: in all lines together, and in one */
export function createWalletQueue(limits: { readonly waiting: number; readonly waitingPerOwner: number }): WalletQueue {
  const lines = new Map<string, Line>()
  let total = 0
  return {
    get waiting() {
      return total - lines.size
    },
    async run(owner, wallet, task) {
      const key = JSON.stringify([owner, wallet])
      const line = lines.get(key) ?? { tail: Promise.resolve(), waiting: 0, latest: undefined }
      // Of each line's `waiting` one is not waiting: it has its turn.
      if (line.waiting > limits.waitingPerOwner || (line.waiting > 0 && total - lines.size >= limits.waiting)) {
        throw new CloisterError('busy', { retryAfterSec: 1 })
      }
      lines.set(key, line)
      line.waiting += 1
      total += 1
      const { promise: done, resolve: finish } = Promise.withResolvers<void>()
      const before = line.tail
      line.tail = done
      await before
      try {
        return await task({ latest: line.latest, leave: (record) => (line.latest = record) })
      } finally {
        line.waiting -= 1
        total -= 1
        if (line.waiting === 0) lines.delete(key)
        finish()
      }
    },
  }
}
