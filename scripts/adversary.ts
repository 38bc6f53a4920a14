/**
 * Program: `npm run adversary [-- --out FILE]`. Attacks a cloud on this machine from every place of the attacker table, and prints what each attacker won.
 * Ends with 1 when that is not what docs/threat-model.md allows. FILE gets the run as JSON.
 */
import { mkdtemp, rm, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { parseArgs } from 'node:util'
import { encodeRun } from './adversary/attempt.ts'
import { runAdversary } from './adversary/run.ts'

const { values } = parseArgs({ options: { out: { type: 'string' } } })
const dir = await mkdtemp(join(tmpdir(), 'cloister-adversary-'))
try {
  const run = await runAdversary({ root: process.cwd(), dir, print: (line) => console.log(line) })
  if (values.out !== undefined) await writeFile(values.out, encodeRun(run))
  process.exitCode = run.violations.length === 0 ? 0 : 1
} finally {
  await rm(dir, { recursive: true, force: true })
}
// Connections that attackers left open.
process.exit()
