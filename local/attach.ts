/** An enclave that somebody else runs, in a container for instance: the host's part of it, over its UNIX sockets. */
import { request } from 'node:http'
import { readFile } from 'node:fs/promises'
import { setTimeout as sleep } from 'node:timers/promises'
import type { LaunchedEnclave } from './enclave.ts'

export interface EnclaveAddress {
  /** `unix:/path`, as the relay reaches it. */
  readonly service: string
  /** `unix:/path` of its door for the host. */
  readonly host: string
  /** What `npm run measure` wrote: what the image must measure to, whatever the enclave itself says. */
  readonly manifest: string
}

const START_TIMEOUT_MS = 60_000
const CALL_TIMEOUT_MS = 10_000

/** Waits for it to answer. It stays when {@link LaunchedEnclave.close} is called: it is not ours to end. */
export async function attachEnclave({ service, host, manifest }: EnclaveAddress): Promise<LaunchedEnclave> {
  const socketPath = host.startsWith('unix:/') && service.startsWith('unix:/') ? host.slice('unix:'.length) : undefined
  if (socketPath === undefined) throw new Error('the addresses of an enclave to attach to are unix:/path')
  const { measurements } = JSON.parse(await readFile(manifest, 'utf8')) as { measurements: [LaunchedEnclave['image']] }
  const { pcr0, pcr1, pcr2 } = measurements[0]
  const post = async (path: string, body: Uint8Array | string): Promise<void> => {
    if ((await call(socketPath, 'POST', path, body)).status !== 200) throw new Error(`the enclave refused ${path}`)
  }
  for (const deadline = performance.now() + START_TIMEOUT_MS; (await phaseOf(socketPath)) === undefined; ) {
    if (performance.now() > deadline) throw new Error('the enclave does not answer')
    await sleep(100)
  }
  return {
    serviceUrl: service,
    image: { pcr0, pcr1, pcr2 },
    pid: 0,
    async configure(configuration) {
      // One that serves already was configured for an earlier cloud. If that was otherwise, its PCR16 says so, and KMS and clients refuse it.
      if (!['serving', 'draining'].includes((await phaseOf(socketPath)) ?? '')) await post('/v1/configure', configuration)
    },
    giveCredentials: (credentials) => post('/v1/credentials', JSON.stringify(credentials)),
    rotateChannelKey: () => post('/v1/rotate-channel-key', ''),
    // Configuration is what a fresh one waits for.
    isFresh: async () => (await phaseOf(socketPath)) === 'self-test',
    onExit: () => undefined,
    kill: () => Promise.reject(new Error('the enclave is not ours to end')),
    close: () => Promise.resolve(),
  }
}

async function phaseOf(socketPath: string): Promise<string | undefined> {
  try {
    return (JSON.parse((await call(socketPath, 'GET', '/v1/health')).text) as { phase?: string }).phase
  } catch {
    return undefined
  }
}

function call(socketPath: string, method: string, path: string, body?: Uint8Array | string): Promise<{ status: number; text: string }> {
  return new Promise((resolve, reject) => {
    const outgoing = request({ socketPath, method, path, agent: false, signal: AbortSignal.timeout(CALL_TIMEOUT_MS) }, (incoming) => {
      const chunks: Buffer[] = []
      incoming.on('data', (chunk: Buffer) => chunks.push(chunk))
      incoming.on('error', reject)
      incoming.on('end', () => resolve({ status: incoming.statusCode ?? 0, text: Buffer.concat(chunks).toString('utf8') }))
    })
    outgoing.on('error', reject)
    outgoing.end(body)
  })
}
