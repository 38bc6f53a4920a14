/**
 * Program: the local cloud as a process of its own. `node local/main.ts --state DIR [--issuer-port N] …`.
 *
 * Tells whoever started it over IPC `{ready: …}` once everything is up, and ends when told to, or when they are gone. `--ready DIR` tells it by
 * files instead. With `--enclave-service unix:/path --enclave-host unix:/path --enclave-manifest FILE --enclave-pki DIR` the enclave runs
 * elsewhere: see attach.ts.
 */
import { parseArgs } from 'node:util'
import { join } from 'node:path'
import { tellByFiles } from './ready.ts'
import { startStack, type Stack, type StackOptions } from './stack.ts'

/** What the parent learns; bytes as base64. */
export interface StackReady {
  readonly env: Readonly<Record<string, string>>
  readonly issuerUrl: string
  readonly loginUrl: string
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
    'login-port': { type: 'string', default: '0' },
    'chain-port': { type: 'string', default: '0' },
    'kms-port': { type: 'string', default: '0' },
    'dynamodb-port': { type: 'string', default: '0' },
    'sts-port': { type: 'string', default: '0' },
    'enclave-service': { type: 'string' },
    'enclave-host': { type: 'string' },
    'enclave-manifest': { type: 'string' },
    'enclave-pki': { type: 'string' },
    ready: { type: 'string' },
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
    ports: {
      issuer: Number(values['issuer-port']),
      login: Number(values['login-port']),
      chain: Number(values['chain-port']),
      kms: Number(values['kms-port']),
      dynamodb: Number(values['dynamodb-port']),
      sts: Number(values['sts-port']),
    },
    ...attached(),
  })
  const { env, issuerUrl, loginUrl, clientId, caPem, chainUrl, trust } = stack
  const ready: StackReady = { env, issuerUrl, loginUrl, clientId, caPem, chainUrl, rootBase64: Buffer.from(trust.root).toString('base64'), measurements: trust.measurements }
  process.send?.({ ready })
  if (values.ready !== undefined) await tellByFiles(values.ready, ready)
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
  const failed = error instanceof Error ? error.message : 'unknown'
  if (process.send === undefined) console.error(`local cloud: ${failed}`)
  process.send?.({ failed })
  process.exitCode = 1
}
// Sockets of clients that linger are nobody's business any more.
process.exit()

function attached(): Pick<StackOptions, 'attach'> {
  const { 'enclave-service': service, 'enclave-host': host, 'enclave-manifest': manifest, 'enclave-pki': pkiDir } = values
  if (service === undefined && host === undefined && manifest === undefined && pkiDir === undefined) return {}
  if (service === undefined || host === undefined || manifest === undefined || pkiDir === undefined) throw new Error('the four --enclave-… options go together')
  return { attach: { enclaves: [{ service, host, manifest }], pkiDir } }
}
