/**
 * Program: the local cloud as a process of its own. `node local/main.ts --state DIR [--issuer-port N] …`.
 *
 * Tells whoever started it over IPC `{ready: …}` once everything is up, and ends when told to, or when they are gone.
 */
import { parseArgs } from 'node:util'
import { join } from 'node:path'
import { startStack, type Stack } from './stack.ts'

/** What the parent learns; bytes as base64. */
export interface StackReady {
  readonly env: Readonly<Record<string, string>>
  readonly issuerUrl: string
  readonly clientId: string
  readonly caPem: string
  readonly chainUrl: string | null
  readonly rootBase64: string
  readonly measurements: Stack['trust']['measurements']
}

const { values } = parseArgs({
  options: {
    state: { type: 'string' },
    origin: { type: 'string', multiple: true, default: [] },
    'issuer-port': { type: 'string', default: '0' },
    'chain-port': { type: 'string', default: '0' },
  },
})
if (values.state === undefined) throw new Error('--state is required')

const { promise: told, resolve: tell } = Promise.withResolvers<void>()
for (const signal of ['SIGINT', 'SIGTERM', 'SIGHUP'] as const) process.on(signal, () => tell())
process.on('disconnect', () => tell())

try {
  const stack = await startStack({
    root: join(import.meta.dirname, '..'),
    stateDir: values.state,
    origins: values.origin,
    ports: { issuer: Number(values['issuer-port']), chain: Number(values['chain-port']) },
  })
  const { env, issuerUrl, clientId, caPem, chainUrl, trust } = stack
  const ready: StackReady = { env, issuerUrl, clientId, caPem, chainUrl, rootBase64: Buffer.from(trust.root).toString('base64'), measurements: trust.measurements }
  process.send?.({ ready })
  for (const enclave of stack.services.enclaves) {
    enclave.onExit(() => {
      console.error('The enclave ended. The stack stops.')
      process.exitCode = 1
      tell()
    })
  }
  await told
  await stack.close()
} catch (error) {
  process.send?.({ failed: error instanceof Error ? error.message : 'unknown' })
  process.exitCode = 1
}
// Sockets of clients that linger are nobody's business any more.
process.exit()
