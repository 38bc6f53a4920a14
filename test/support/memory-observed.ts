/** Starts the local cloud with an enclave that can be told to collect its garbage and to write a heap snapshot; else it is as shipped. */
import { mkdtemp, rm, stat } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { setTimeout as sleep } from 'node:timers/promises'
import { startCloud, type Cloud } from './cloud.ts'
import { processes } from './memory-run.ts'

export interface ObservedCloud extends Cloud {
  /** Full collections in the enclave. */
  collect(): Promise<void>
  /** Returns the file of a fresh V8 heap snapshot. */
  heapSnapshot(): Promise<string>
}

const PRELOAD = join(process.cwd(), 'test', 'support', 'memory-collect.cjs')

export async function startObservedCloud(moreFlags: readonly string[] = []): Promise<ObservedCloud> {
  const dir = await mkdtemp(join(tmpdir(), 'cloister-memory-'))
  const snapshot = join(dir, 'enclave.heapsnapshot')
  const flags = ['--expose-gc', `--require=${PRELOAD}`, `--allow-fs-read=${PRELOAD}`, `--allow-fs-write=${snapshot}`, ...moreFlags]
  const before = process.env['NODE_OPTIONS']
  Object.assign(process.env, { NODE_OPTIONS: `${before ?? ''} --require=${PRELOAD}`, CLOISTER_TEST_FLAGS: JSON.stringify(flags) })
  try {
    const cloud = await startCloud()
    const { enclave } = await processes(cloud)
    return {
      ...cloud,
      async collect() {
        process.kill(enclave, 'SIGUSR2')
        await sleep(1_500)
      },
      async heapSnapshot() {
        process.kill(enclave, 'SIGWINCH')
        // Its size stands still once it is written.
        for (let size = -1, tries = 0; tries < 240; tries++, await sleep(500)) {
          const now = (await stat(snapshot).catch(() => undefined))?.size ?? 0
          if (now > 0 && now === size) return snapshot
          size = now
        }
        throw new Error('no heap snapshot was written')
      },
      async close() {
        await cloud.close()
        await rm(dir, { recursive: true, force: true })
      },
    }
  } finally {
    if (before === undefined) delete process.env['NODE_OPTIONS']
    else process.env['NODE_OPTIONS'] = before
    delete process.env['CLOISTER_TEST_FLAGS']
  }
}
