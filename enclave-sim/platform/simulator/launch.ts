/**
 * Program: runs one enclave from an image and tells on stdout where it listens and what it measures to.
 *
 *   node launch.ts --image DIR --pki DIR --service ADDR --host ADDR [--forwarder DIR] [--instance-id ID] [--role-arn ARN]
 *
 * ADDR is `tcp:127.0.0.1:PORT` (0: any) or `unix:/path`. `--forwarder` is the enclave's own option, passed on as an absolute path. The enclave ends with this process, however it ends; this process ends with the
 * enclave and its exit code. It also ends both when stdin, if that is a pipe, or the IPC channel closes: when whoever started it is gone.
 */
import { fstatSync } from 'node:fs'
import { resolve } from 'node:path'
import { createInterface } from 'node:readline'
import { parseArgs } from 'node:util'
import { isAddress, removeStaleSocket } from './address.ts'
import { launchEnclave } from './hypervisor.ts'

const INSTANCE_ID = /^i-[0-9a-f]{17}$/

const stop = new AbortController()
// Listening before anything is started: a signal that comes early is kept.
for (const signal of ['SIGINT', 'SIGTERM', 'SIGHUP'] as const) process.on(signal, () => stop.abort())
if (process.channel) process.on('disconnect', () => stop.abort())
const stdin = fstatSync(0)
if (stdin.isFIFO() || stdin.isSocket()) {
  process.stdin.resume()
  for (const event of ['end', 'error', 'close']) process.stdin.on(event, () => stop.abort())
}

try {
  const { addresses, forwarder, ...options } = readOptions()
  for (const address of Object.values(addresses)) await removeStaleSocket(address)
  const programArgs = ['--service', addresses.service, '--host', addresses.host, ...(forwarder === undefined ? [] : ['--forwarder', resolve(forwarder)])]
  const enclave = await launchEnclave({ ...options, programArgs, signal: stop.signal })
  let listening = false
  for await (const line of createInterface({ input: enclave.stdout, crlfDelay: Infinity })) {
    const tells: Listening | undefined = listening ? undefined : readListening(line)
    listening ||= tells !== undefined
    console.log(tells ? JSON.stringify({ ...tells, measurements: enclave.measurements }) : line)
  }
  const code = await enclave.exited
  process.exit(stop.signal.aborted ? 0 : code)
} catch (error) {
  if (stop.signal.aborted) process.exit(0)
  console.error(`launch: ${error instanceof Error ? error.message : 'failed'}`)
  process.exit(1)
}

function readOptions() {
  const { values } = parseArgs({
    options: {
      image: { type: 'string' },
      pki: { type: 'string' },
      service: { type: 'string' },
      host: { type: 'string' },
      forwarder: { type: 'string' },
      'instance-id': { type: 'string', default: 'i-0123456789abcdef0' },
      'role-arn': { type: 'string', default: 'arn:aws:iam::000000000000:role/cloister-simulated-parent' },
    },
  })
  const { image, pki, service, host, forwarder, 'instance-id': instanceId, 'role-arn': roleArn } = values
  if (image === undefined || pki === undefined || service === undefined || host === undefined) throw new Error('--image, --pki, --service and --host are required')
  if (!isAddress(service) || !isAddress(host)) throw new Error('an address is tcp:127.0.0.1:PORT or unix:/path')
  if (!INSTANCE_ID.test(instanceId)) throw new Error('an instance id is i- and 17 lowercase hex digits')
  return { imageDir: image, pkiDir: pki, addresses: { service, host }, forwarder, instanceId, roleArn }
}

/** The enclave's line `{"listening": {…}}`. */
interface Listening {
  readonly listening: unknown
}

function readListening(line: string): Listening | undefined {
  try {
    const value = JSON.parse(line) as Partial<Listening> | null
    return value?.listening === undefined ? undefined : { listening: value.listening }
  } catch {
    return undefined
  }
}
