#!/usr/bin/env node
/** `cloister recover <file>`: the offline exit. Asks for the recovery code, and prints what opens the wallet elsewhere. */
import { readFile } from 'node:fs/promises'
import { createInterface } from 'node:readline/promises'
import { text } from 'node:stream/consumers'
import { parseArgs } from 'node:util'
import { restore, RestoreError, type Restored } from './restore.ts'

const USAGE = `Usage: cloister recover <backup file> [--private-keys]

Opens a Cloister backup file with its recovery code, on this machine, without any server.
Prints the mnemonic, its passphrase if there is one, and the accounts it leads to.

  --private-keys   also print the private key of each account, in hex

The recovery code is read from the terminal, or from standard input.
`

async function main(args: readonly string[]): Promise<number> {
  const { values, positionals } = parseArgs({ args: [...args], allowPositionals: true, options: { 'private-keys': { type: 'boolean' }, help: { type: 'boolean' } } })
  const [command, path, ...more] = positionals
  if (values.help === true || command !== 'recover' || path === undefined || more.length > 0) {
    process.stderr.write(USAGE)
    return values.help === true ? 0 : 2
  }
  const file = await readFile(path)
  print(await restore(file, await ask()), values['private-keys'] === true)
  return 0
}

async function ask(): Promise<string> {
  if (!process.stdin.isTTY) return text(process.stdin)
  const terminal = createInterface({ input: process.stdin, output: process.stderr })
  try {
    return await terminal.question('Recovery code: ')
  } finally {
    terminal.close()
  }
}

function print(restored: Restored, withKeys: boolean): void {
  const lines = [`wallet      ${restored.wallet}`]
  if (restored.mnemonic !== null) lines.push(`mnemonic    ${restored.mnemonic}`)
  if (restored.passphrase !== null && restored.passphrase !== '') lines.push(`passphrase  ${restored.passphrase}`)
  for (const { namespace, path, address, matches } of restored.accounts) {
    lines.push(`account     ${namespace}  ${path}  ${address}  ${matches ? 'found again' : 'NOT what the keys lead to'}`)
    if (withKeys) lines.push(`            ${restored.privateKey(namespace, path)}`)
  }
  process.stdout.write(`${lines.join('\n')}\n`)
  if (restored.accounts.some(({ matches }) => !matches)) throw new RestoreError('Some addresses of the file are not those of its keys.')
}

try {
  process.exitCode = await main(process.argv.slice(2))
} catch (error) {
  const isOurs = error instanceof RestoreError
  process.stderr.write(`${isOurs || error instanceof Error ? error.message : 'failed'}\n`)
  process.exitCode = 1
}
