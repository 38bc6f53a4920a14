/**
 * Program: `npm run tcb [-- --files] [-- --aws]`. What runs inside the enclave: files, lines and packages of its bundle, as esbuild counts them while it
 * builds the image. Exits with 1 when that is more than docs/tcb-budget.json allows: who adds to the trusted base raises the budget in the same commit.
 * With `--aws`, besides: what other ways to talk to AWS would bring into the bundle, each alone.
 */
import { mkdtemp, readFile, rm } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { parseArgs } from 'node:util'
import { checkBudget, parseBudget } from './tcb/budget.ts'
import { readTrustedBase, shareOf, sum, type Count, type TrustedBase } from './tcb/trusted-base.ts'

const root = join(import.meta.dirname, '..')
const { values } = parseArgs({ options: { files: { type: 'boolean', default: false }, aws: { type: 'boolean', default: false } } })

const base = await read('enclave-sim/main.ts')
print(base)
const excess = checkBudget(base, parseBudget(await readFile(join(root, 'docs', 'tcb-budget.json'), 'utf8')))
for (const line of excess) console.error(`BUDGET ${line}`)
process.exitCode = excess.length === 0 ? 0 : 1
if (values.aws) {
  heading('Ways to talk to AWS, each alone')
  for (const [name, entry] of [['our own client', 'own'], ['@smithy/signature-v4, in place of our signature', 'signer'], ['AWS SDK', 'sdk']] as const) {
    const { rooms, packages, bundleBytes } = await read(`scripts/tcb/aws/${entry}.ts`)
    row(`${name}: ${packages.length} packages`, { ...sum([...rooms, ...packages]), bytes: bundleBytes })
  }
}

async function read(entry: string): Promise<TrustedBase> {
  const outDir = await mkdtemp(join(tmpdir(), 'cloister-tcb-'))
  return readTrustedBase({ root, entry, outDir }).finally(() => rm(outDir, { recursive: true }))
}

function print({ rooms, packages, bundleBytes, beside, sources }: TrustedBase): void {
  heading('Our own code')
  for (const room of rooms) row(room.room, room)
  row('sum', sum(rooms))
  for (const [title, direct] of [['Packages that it imports', true], ['Packages that those bring along', false]] as const) {
    const members = packages.filter((one) => one.direct === direct)
    heading(title)
    for (const one of members) {
      row(`${one.name} ${one.version}`, one)
      const share = shareOf(packages, (name) => name === one.name)
      if (share.length > 1) row(`  with what it alone brings: ${share.length} packages`, sum(share))
    }
    row(`sum of ${members.length}`, sum(members))
  }
  heading('All')
  row(`enclave.mjs, ${packages.length} packages`, { ...sum([...rooms, ...packages]), bytes: bundleBytes })
  for (const { name, bytes } of beside) console.log(`${name}, native: ${bytes.toLocaleString('en')} bytes. Node.js ${process.versions.node} runs it: ours to trust as well, and not counted.`)
  if (values.files) {
    heading('Files')
    for (const { path, ...count } of sources) row(path, { files: 1, ...count })
  }
}

function heading(title: string): void {
  console.log(`\n${title.padEnd(50)} files    lines      bytes in the bundle`)
}

function row(name: string, { files, lines, bytes }: Count): void {
  console.log(`  ${name.padEnd(48)}${[files, lines, bytes].map((count, i) => count.toLocaleString('en').padStart(i === 0 ? 6 : 9 + 2 * (i - 1))).join('')}`)
}
