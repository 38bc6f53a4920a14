/** What each vector came to, counted. A check is a function: it passes by returning, and says otherwise by throwing. */
import { UnknownShape } from './fields.ts'

/**
 * Thrown by a check whose vector is about something that the project doesn't do. Never for something that it does
 * wrong.
 */
class Skip extends Error {}

/** Thrown by a check that the project failed. */
export class Failure extends Error {}

export interface Report {
  /** Runs one check. `id` is the vector's own, unique within its file. */
  check(file: string, id: string, run: () => Promise<void> | void): Promise<void>
  /** Counts vectors that aren't run at all; `count` is 0 where nothing is a vector. */
  skip(file: string, reason: string, count?: number): void
  /** Prints what was skipped since the last call, a line for each file and reason. */
  flush(): void
  counts(): { readonly passed: number; readonly failed: number; readonly skipped: number }
}

export function createReport(print: (line: string) => void): Report {
  const counts = { passed: 0, failed: 0, skipped: 0 }
  const skips = new Map<string, Map<string, number>>()

  const skip = (file: string, reason: string, count = 1): void => {
    const reasons = skips.get(file) ?? new Map<string, number>()
    skips.set(file, reasons.set(reason, (reasons.get(reason) ?? 0) + count))
    counts.skipped += count
  }

  return {
    skip,
    async check(file, id, run) {
      try {
        await run()
        counts.passed += 1
      } catch (error) {
        if (error instanceof Skip || error instanceof UnknownShape) return skip(file, error.message)
        counts.failed += 1
        print(`FAIL ${oneLine(file)} ${oneLine(id)}: ${describe(error)}`)
      }
    },
    flush() {
      for (const [file, reasons] of skips) {
        for (const [reason, count] of reasons) print(`SKIP ${oneLine(file)}: ${count > 1 ? `${count} × ` : ''}${oneLine(reason)}`)
      }
      skips.clear()
    },
    counts: () => ({ ...counts }),
  }
}

/** @throws Failure unless `condition` holds */
export function must(condition: boolean, why: string): void {
  if (!condition) throw new Failure(why)
}

/** @throws Skip */
export function skip(reason: string): never {
  throw new Skip(reason)
}

/** What `run` throws; `undefined` when it returns. */
export async function refusalOf(run: () => unknown): Promise<unknown> {
  try {
    await run()
    return undefined
  } catch (error) {
    return error ?? new Error('nothing was thrown')
  }
}

function describe(error: unknown): string {
  if (error instanceof Failure) return oneLine(error.message)
  return error instanceof Error ? oneLine(`unexpected ${error.name}: ${error.message}`) : 'something else than an error was thrown'
}

/** Names and messages come from the folder: a line of ours stays one line. */
function oneLine(text: string): string {
  return text.replace(/[\p{Cc}\p{Zl}\p{Zp}]+/gu, ' ').slice(0, 300)
}
