/** Runs a table of decoders: the seeds as they are, what edits make of them, and what was made to be slow. */
import { createContext, Script } from 'node:vm'
import fc from 'fast-check'
import { sample, type Row, type Target } from './target.ts'

const isSlow = process.env['SLOW'] === '1'
const HOUR_MS = 3_600_000
const RUNS = 60
/** Generous: what hangs, hangs for hours. */
const HANG_MS = isSlow ? 600_000 : 60_000
const NASTY_BYTES = isSlow ? 256 * 1024 : 8 * 1024

/** @param share of an hour that the whole table may take under `SLOW=1` */
export function fuzzAll(rows: readonly Row[], share: number): void {
  const budgetMs = (HOUR_MS * share) / rows.length
  describe.each(rows.map((row) => [row.covers[0] as string, row] as const))('%s', (_name, { make }) => {
    let target: Target
    beforeAll(async () => {
      target = await make()
    })

    test('reads the real ones', async () => {
      expect(target.seeds).toBeGreaterThan(0)
      for (let index = 0; index < target.seeds; index++) expect([index, await target.attempt(target.seed(index))]).toEqual([index, 'accepted'])
    })

    test('takes whatever comes', async () => {
      const limits = isSlow ? { numRuns: 1_000_000_000, interruptAfterTimeLimit: budgetMs, markInterruptAsFailure: false } : { numRuns: RUNS }
      await fc.assert(fc.asyncProperty(sample, async (one) => void (await run(target, target.input(one)))), limits)
    }, HOUR_MS)

    test('does not hang', async () => {
      for (const input of target.nasty(NASTY_BYTES)) await guarded(target, input)
    }, HOUR_MS)
  })
}

/** V8 stops code that runs in a script with a limit, wherever it was compiled: so a hang fails its test, not the run. A limit costs a thread. */
const script = new Script('run()')
const box = createContext({ run: (): unknown => undefined })

const run = (target: Target, input: unknown): Promise<unknown> => (isSlow ? guarded(target, input) : target.attempt(input))

function guarded(target: Target, input: unknown): Promise<unknown> {
  box['run'] = () => target.attempt(input)
  return script.runInContext(box, { timeout: HANG_MS }) as Promise<unknown>
}
