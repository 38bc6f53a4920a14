/** Program (`npm run adversary`): attacks a cloud on this machine from every place of the attacker table, and prints what each attacker won. */
import { mkdtemp, rm } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { runAdversary } from './adversary/run.ts'

const dir = await mkdtemp(join(tmpdir(), 'cloister-adversary-'))
try {
  const { violations } = await runAdversary({ root: process.cwd(), dir, print: (line) => console.log(line) })
  process.exitCode = violations.length === 0 ? 0 : 1
} finally {
  await rm(dir, { recursive: true, force: true })
}
// Connections that attackers left open.
process.exit()
