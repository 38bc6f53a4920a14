/** A local Ethereum chain: anvil, from npm where there is a build of it for this machine, else from the PATH. */
import { spawn } from 'node:child_process'
import { once } from 'node:events'
import { createRequire } from 'node:module'
import { join } from 'node:path'
import { setTimeout as sleep } from 'node:timers/promises'

export const LOCAL_CHAIN_ID = 31337

export interface LocalChain {
  readonly url: string
  readonly close: () => Promise<void>
}

const START_TIMEOUT_MS = 15_000

/** @param stateFile - the chain's state, read at start and written at the end; null for a chain that forgets */
export async function startChain(options: { readonly root: string; readonly port: number; readonly stateFile: string | null }): Promise<LocalChain> {
  const { root, port, stateFile } = options
  const args = ['--host', '127.0.0.1', '--port', String(port), '--chain-id', String(LOCAL_CHAIN_ID), '--silent']
  if (stateFile !== null) args.push('--state', stateFile, '--state-interval', '30')
  const child = spawn(process.execPath, [join(root, 'local', 'tether.ts'), anvilProgram(root), ...args], { stdio: ['ignore', 'ignore', 'inherit', 'ipc'] })
  const url = `http://127.0.0.1:${port}`
  const deadline = performance.now() + START_TIMEOUT_MS
  while (!(await answers(url))) {
    if (child.exitCode === 127) throw new Error('anvil is not here: npm has no build for this machine, so install Foundry and put anvil on the PATH')
    if (child.exitCode !== null || performance.now() > deadline) throw new Error('anvil did not start')
    await sleep(50)
  }
  return {
    url,
    async close() {
      if (child.exitCode !== null) return
      const gone = once(child, 'exit')
      child.kill('SIGTERM')
      await gone
    },
  }
}

function anvilProgram(root: string): string {
  const arch = process.arch === 'x64' ? 'amd64' : process.arch
  try {
    return createRequire(join(root, 'package.json')).resolve(`@foundry-rs/anvil-${process.platform}-${arch}/bin/anvil`)
  } catch {
    return 'anvil'
  }
}

async function answers(url: string): Promise<boolean> {
  const body = JSON.stringify({ jsonrpc: '2.0', id: 1, method: 'eth_chainId', params: [] })
  const response = await fetch(url, { method: 'POST', headers: { 'content-type': 'application/json' }, body }).catch(() => undefined)
  return response?.ok ?? false
}
