/**
 * What the Nitro hypervisor is to an enclave, for an enclave that is a process: it takes a copy of the image that nobody else writes to,
 * measures that copy, starts it with nothing but its NSM device, and holds the keys that vouch for it. The enclave never has them.
 */
import { spawn } from 'node:child_process'
import { randomBytes } from 'node:crypto'
import { mkdtemp, rm, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import type { Duplex, Readable } from 'node:stream'
import { fromHex } from '../../../lib/protocol/bytes.ts'
import { ENCLAVE_NODE_ARGS, ENCLAVE_PROGRAM } from '../../image/args.ts'
import { readImageFiles, type ImageFile } from '../../image/files.ts'
import { measureImageFiles, measureParent, type ImageMeasurements } from '../../image/measure.ts'
import { NSM_REQUEST_MAX_BYTES } from '../nsm-codec.ts'
import { createFrameReader, encodeFrame } from '../nsm-frames.ts'
import { createSimulatedNsm, type SimulatedNsm } from './device.ts'
import { buildDocument } from './document.ts'
import { createPki } from './pki.ts'
import { openSimulatorRoot } from './root.ts'

/** Between asking the enclave to end and ending it. */
const GRACE_MS = 1000

interface LaunchOptions {
  readonly imageDir: string
  /** Where the simulator's root is kept. */
  readonly pkiDir: string
  /** Arguments for the enclave's program: addresses, which are not measured. */
  readonly programArgs: readonly string[]
  /** The parent that is simulated: `i-<17 hex>` (PCR4) and its role (PCR3). */
  readonly instanceId: string
  readonly roleArn: string
  /** Ends the enclave. */
  readonly signal: AbortSignal
}

interface RunningEnclave {
  readonly measurements: ImageMeasurements
  readonly stdout: Readable
  /** The enclave's exit code, 128 + n when signal n ended it; by then its copy of the image is gone. */
  readonly exited: Promise<number>
}

/** Starts one enclave. Rejects when the image can't be read or the signal comes first. */
export async function launchEnclave(options: LaunchOptions): Promise<RunningEnclave> {
  const files = await readImageFiles(options.imageDir)
  const measurements = await measureImageFiles(files, process.execPath, ENCLAVE_NODE_ARGS)
  const nsm = createDevice(options, measurements)
  const dir = await writePrivateCopy(files)
  try {
    options.signal.throwIfAborted()
    // No variable of ours reaches the enclave: NODE_OPTIONS alone could make it another program.
    const child = spawn(process.execPath, [...ENCLAVE_NODE_ARGS, ENCLAVE_PROGRAM, ...options.programArgs], {
      cwd: dir, env: {}, stdio: ['ignore', 'pipe', 'inherit', 'pipe'],
    })
    const exited = new Promise<number>((resolve) => {
      child.once('error', () => resolve(1))
      child.once('exit', (code, signal) => resolve(code ?? 128 + (SIGNAL_NUMBERS[signal ?? ''] ?? 0)))
    })
    const kill = (): void => {
      child.kill('SIGTERM')
      setTimeout(() => child.kill('SIGKILL'), GRACE_MS).unref()
    }
    options.signal.addEventListener('abort', kill, { once: true })
    serveNsm(child.stdio[3] as Duplex, nsm)
    return { measurements, stdout: child.stdout as Readable, exited: exited.finally(() => rm(dir, { recursive: true, force: true })) }
  } catch (error) {
    await rm(dir, { recursive: true, force: true })
    throw error
  }
}

const SIGNAL_NUMBERS: Readonly<Record<string, number>> = { SIGHUP: 1, SIGINT: 2, SIGABRT: 6, SIGBUS: 7, SIGKILL: 9, SIGSEGV: 11, SIGTERM: 15 }

function createDevice({ pkiDir, instanceId, roleArn }: LaunchOptions, { pcr0, pcr1, pcr2 }: ImageMeasurements): SimulatedNsm {
  const root = openSimulatorRoot(pkiDir, Date.now())
  const moduleId = `${instanceId}-enc${randomBytes(8).toString('hex')}`
  const signerAt = createPki({ root, instanceId, moduleId })
  const image = [pcr0, pcr1, pcr2].map((hex, index) => [index, fromHex(hex) as Uint8Array] as const)
  return createSimulatedNsm({
    pcrs: new Map([...image, [3, measureParent(roleArn)], [4, measureParent(instanceId)]]),
    moduleId,
    signDocument: async (content) => buildDocument(content, signerAt(content.timestampMs)),
    nowMs: Date.now,
    random: (length) => new Uint8Array(randomBytes(length)),
  })
}

async function writePrivateCopy(files: readonly ImageFile[]): Promise<string> {
  // Mode 0700; the system's own folder for such, because the enclave may read nothing else.
  const dir = await mkdtemp(join(tmpdir(), 'cloister-enclave-'))
  for (const { name, bytes } of files) await writeFile(join(dir, name), bytes, { mode: 0o400 })
  return dir
}

/** Answers the enclave's requests one after the other. A length that the driver would refuse ends the device, and the enclave with it. */
function serveNsm(socket: Duplex, nsm: SimulatedNsm): void {
  const read = createFrameReader(NSM_REQUEST_MAX_BYTES)
  let last: Promise<unknown> = Promise.resolve()
  socket.on('error', () => socket.destroy())
  socket.on('data', (chunk: Uint8Array) => {
    const requests = read(chunk)
    if (requests === undefined) socket.destroy()
    for (const request of requests ?? []) {
      last = last.then(() => nsm.handle(request)).then((answer) => socket.writable && socket.write(encodeFrame(answer)))
    }
  })
}
