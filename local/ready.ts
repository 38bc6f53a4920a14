/** What whoever uses the cloud needs to know, as files: for those who did not start it. None of them is secret. */
import { mkdir, rename, writeFile } from 'node:fs/promises'
import { join } from 'node:path'
import type { StackReady } from './main.ts'

/** Writes `ca.pem`, `env.json` (the functions' environment) and last, whole or not at all, `ready.json`. */
export async function tellByFiles(dir: string, ready: StackReady): Promise<void> {
  await mkdir(dir, { recursive: true })
  const caFile = join(dir, 'ca.pem')
  // The one in the state directory has the authority's key for a neighbour.
  const env = { ...ready.env, CLOISTER_CA_FILE: caFile }
  await writeFile(caFile, ready.caPem)
  await writeFile(join(dir, 'env.json'), JSON.stringify(env))
  await writeFile(join(dir, 'ready.json.tmp'), JSON.stringify({ ...ready, env }))
  await rename(join(dir, 'ready.json.tmp'), join(dir, 'ready.json'))
}
