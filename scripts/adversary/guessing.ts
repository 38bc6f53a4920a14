/**
 * How many PINs somebody may try in a month who can make the enclave listen. Time is not waited for: all that an enclave compares with its clock
 * is in the record (the lock, the rolling total) or in its memory of the same, so that to set the one back by an hour, and to start it anew, is to let
 * an hour pass. That its memory changes nothing where nobody tampers is test/unit/core-floor-memory.test.ts's to show.
 */
import type { AttributeValue } from '@aws-sdk/client-dynamodb'
import type { OperatorTable } from '../../test/support/operator-table.ts'
import type { Reply } from './sealing.ts'

type Item = Record<string, AttributeValue>
const DAY_MS = 86_400_000

interface Guessed {
  readonly inADay: number
  readonly in30Days: number
}

/**
 * @param at.restart starts the enclave that takes the guesses anew
 * @param guess tries one PIN that is wrong
 * @param owner what the owner does between guesses, if anything
 */
export async function guessForAMonth(
  at: { readonly table: OperatorTable; readonly owner: string; readonly wallet: string; restart(): Promise<void> }, guess: () => Promise<Reply>, owner?: (streak: number) => Promise<void>,
): Promise<Guessed> {
  let [elapsedMs, inADay, in30Days, streak] = [0, 0, 0, 0]
  for (;;) {
    const { code, outcome } = await guess()
    if (code === 'pin_wrong') {
      if (elapsedMs < DAY_MS) inADay += 1
      in30Days += 1
      streak += 1
      await owner?.(streak)
    } else if (code === 'wallet_locked' && outcome?.ok === false && outcome.guesses !== null) {
      const waitMs = Math.max(0, outcome.guesses.lockedUntilMs - Date.now()) + 1000
      elapsedMs += waitMs
      if (elapsedMs >= 30 * DAY_MS) return { inADay, in30Days }
      await pass(at, waitMs)
    } else {
      throw new Error(`a guess ended with ${code}`)
    }
  }
}

/** Lets time pass for one record. */
async function pass({ table, owner, wallet, restart }: Parameters<typeof guessForAMonth>[0], ms: number): Promise<void> {
  const item = await table.get(owner, wallet)
  const back = (value: string | undefined): string => String(Math.max(0, Number(value) - ms))
  const wrong = item['wrong']?.NS
  await table.put({ ...item, lockedUntil: { N: back(item['lockedUntil']?.N) }, ...(wrong === undefined ? {} : { wrong: { NS: wrong.map(back) } }) })
  await restart()
}

/**
 * Sets the counters of a record back, and leaves it as it is otherwise: its version too, which enclaves remember.
 * @param counters as they were in this earlier item; left out: nothing spent, nothing wrong
 */
export async function setBack({ table, owner, wallet }: Omit<Parameters<typeof guessForAMonth>[0], 'restart'>, counters: Item = {}): Promise<void> {
  const { wrong: _, ...item } = await table.get(owner, wallet)
  const { spent = { N: '0' }, lockedUntil = { N: '0' }, wrong } = counters
  await table.put({ ...item, spent, lockedUntil, ...(wrong === undefined ? {} : { wrong }) })
}
