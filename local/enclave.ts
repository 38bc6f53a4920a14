/** The enclave's host: builds the image, starts it under the simulated hypervisor, configures it and keeps its credentials fresh. */
import { spawn, type ChildProcess } from 'node:child_process'
import { createHash } from 'node:crypto'
import { once } from 'node:events'
import { readFile } from 'node:fs/promises'
import { join } from 'node:path'
import { createInterface } from 'node:readline'
import type { Measurements } from '../lib/attestation/policy.ts'

export interface EnclaveCredentials {
  readonly accessKeyId: string
  readonly secretAccessKey: string
  readonly sessionToken: string
  readonly expiresAtMs: number
}

export interface LaunchedEnclave {
  /** Where the relay finds it. */
  readonly serviceUrl: string
  readonly image: Omit<Measurements, 'pcr16'>
  configure(configuration: Uint8Array): Promise<void>
  giveCredentials(credentials: EnclaveCredentials): Promise<void>
  /** New channel key, as each hour. */
  rotateChannelKey(): Promise<void>
  /** Of one that others start anew: whether it waits for its configuration. */
  isFresh?(): Promise<boolean>
  /** Process id of the launcher; its child is the enclave. */
  readonly pid: number
  /** Called when it ends without being told to. */
  onExit(listener: () => void): void
  kill(signal: 'SIGKILL'): Promise<void>
  close(): Promise<void>
}

/** Builds the image as `npm run measure` does, into a folder of its own: two clouds may start at once. Returns the image's folder. */
export async function buildEnclave(root: string, outDir: string): Promise<string> {
  const child = spawn(process.execPath, [join(root, 'scripts', 'measure.ts'), '--out', outDir], { cwd: root, stdio: ['ignore', 'ignore', 'inherit'] })
  const [code] = (await once(child, 'exit')) as [number | null]
  if (code !== 0) throw new Error('the enclave image does not build')
  return join(outDir, 'enclave')
}

/** What `measure` printed of an image that {@link buildEnclave} built: what is approved and pinned, whatever an enclave may say of itself. */
export async function readMeasurements(outDir: string): Promise<Omit<Measurements, 'pcr16'>> {
  const { measurements } = JSON.parse(await readFile(join(outDir, 'measurements.json'), 'utf8')) as { measurements: [Omit<Measurements, 'pcr16'>] }
  return measurements[0]
}

/** What PCR16 will be (enclave-sim/core/configuration.ts): SHA-384 of 48 zero bytes and the configuration's own SHA-384. */
export function configurationPcr(configuration: Uint8Array): string {
  const digest = createHash('sha384').update(configuration).digest()
  return createHash('sha384').update(new Uint8Array(48)).update(digest).digest('hex')
}

/** The simulator's root certificate, DER: there once an enclave was launched. */
export async function simulatorRoot(pkiDir: string): Promise<Uint8Array> {
  return new Uint8Array(await readFile(join(pkiDir, 'root', 'certificate.der')))
}

/** @param options.forwarder folder of UNIX sockets that are its only way out (docs/deploy.md), instead of the machine's network */
export async function launchEnclave(options: {
  readonly root: string; readonly image: string; readonly pkiDir: string; readonly port?: number; readonly forwarder?: string
}): Promise<LaunchedEnclave> {
  const launcher = join(options.root, 'enclave-sim', 'platform', 'simulator', 'launch.ts')
  const args = ['--image', options.image, '--pki', options.pkiDir, '--service', `tcp:127.0.0.1:${options.port ?? 0}`, '--host', 'tcp:127.0.0.1:0']
  if (options.forwarder !== undefined) args.push('--forwarder', options.forwarder)
  // As it is now: under jest, what a test sets is not what a child would get by itself.
  const child = spawn(process.execPath, [launcher, ...args], { stdio: ['pipe', 'pipe', 'inherit'], env: process.env })
  const { listening, measurements } = await firstLine(child)
  const hostUrl = httpUrl(listening.host)
  let closing = false
  return {
    serviceUrl: httpUrl(listening.service),
    image: measurements,
    pid: child.pid as number,
    configure: (configuration) => post(hostUrl, '/v1/configure', configuration),
    giveCredentials: (credentials) => post(hostUrl, '/v1/credentials', JSON.stringify(credentials)),
    rotateChannelKey: () => post(hostUrl, '/v1/rotate-channel-key', ''),
    onExit: (listener) => void child.once('exit', () => closing || listener()),
    async kill(signal) {
      closing = true
      await end(child, signal)
    },
    async close() {
      closing = true
      await end(child, 'SIGTERM')
    },
  }
}

interface FirstLine {
  readonly listening: { readonly service: string; readonly host: string }
  readonly measurements: Omit<Measurements, 'pcr16'>
}

async function firstLine(child: ChildProcess): Promise<FirstLine> {
  const lines = createInterface({ input: child.stdout as NodeJS.ReadableStream })
  const [line] = (await Promise.race([once(lines, 'line'), once(child, 'exit').then(() => [])])) as [string?]
  if (line === undefined) throw new Error('the enclave did not start')
  return JSON.parse(line) as FirstLine
}

function httpUrl(address: string): string {
  return `http://${address.slice('tcp:'.length)}`
}

async function post(url: string, path: string, body: Uint8Array | string): Promise<void> {
  const response = await fetch(new URL(path, url), { method: 'POST', body: body as BodyInit })
  if (!response.ok) throw new Error(`the enclave refused ${path}`)
}

async function end(child: ChildProcess, signal: 'SIGTERM' | 'SIGKILL'): Promise<void> {
  if (child.exitCode !== null || child.signalCode !== null) return
  const gone = once(child, 'exit')
  child.kill(signal)
  await gone
}
