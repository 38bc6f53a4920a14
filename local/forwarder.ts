/**
 * Program: the enclave's way out, as vsock-proxy is on Nitro. `node forwarder.ts --directory DIR --allow HOST:PORT …`.
 *
 * Each allowed destination is a UNIX socket `DIR/HOST:PORT`; bytes are passed on as they are, to that destination and no other. TLS ends in the
 * enclave, so that nothing here can be read or answered for. Prints one line of JSON once it listens. It imports nothing of the project:
 * this file is the whole program.
 */
import { once } from 'node:events'
import { mkdir, rm } from 'node:fs/promises'
import { connect, createServer, type Server, type Socket } from 'node:net'
import { join } from 'node:path'
import { parseArgs } from 'node:util'

/** A name or an IPv4 address, lowercase, and a port. No slash: it becomes the name of a file. */
const DESTINATION = /^(?=.{1,90}$)([a-z0-9](?:[a-z0-9.-]*[a-z0-9])?):([1-9][0-9]{0,4})$/
const CONNECT_TIMEOUT_MS = 3_000
/** Of one destination. An enclave opens at most 64. */
const MAX_CONNECTIONS = 128

interface Destination {
  readonly name: string
  readonly host: string
  readonly port: number
}

const stop = new AbortController()
for (const signal of ['SIGINT', 'SIGTERM', 'SIGHUP'] as const) process.on(signal, () => stop.abort())
process.on('disconnect', () => stop.abort())

try {
  const { directory, allowed } = readOptions()
  await mkdir(directory, { recursive: true, mode: 0o700 })
  const servers: Server[] = []
  for (const destination of allowed) servers.push(await open(directory, destination))
  process.stdout.write(`${JSON.stringify({ forwarding: allowed.map(({ name }) => name) })}\n`)
  if (!stop.signal.aborted) await once(stop.signal, 'abort')
  // Closing a server removes its socket.
  for (const server of servers) server.close()
  process.exit(0)
} catch (error) {
  console.error(`forwarder: ${error instanceof Error ? error.message : 'failed'}`)
  process.exit(1)
}

function readOptions(): { directory: string; allowed: Destination[] } {
  const { values } = parseArgs({ options: { directory: { type: 'string' }, allow: { type: 'string', multiple: true, default: [] } } })
  if (values.directory === undefined || values.allow.length === 0) throw new Error('--directory DIR and --allow HOST:PORT are required')
  return { directory: values.directory, allowed: [...new Set(values.allow)].map(readDestination) }
}

function readDestination(name: string): Destination {
  const [, host, port] = DESTINATION.exec(name) ?? []
  if (host === undefined || host.includes('..') || Number(port) > 65_535) throw new Error('--allow takes HOST:PORT, a name or an IPv4 address')
  return { name, host, port: Number(port) }
}

async function open(directory: string, destination: Destination): Promise<Server> {
  const path = join(directory, destination.name)
  // What an earlier forwarder left behind when it was killed. The directory is ours alone.
  await rm(path, { force: true })
  const server = createServer({ allowHalfOpen: true }, (inside) => forward(inside, destination))
  server.maxConnections = MAX_CONNECTIONS
  server.listen(path)
  await once(server, 'listening')
  return server
}

function forward(inside: Socket, { host, port }: Destination): void {
  const outside = connect({ host, port, allowHalfOpen: true })
  const timer = setTimeout(() => outside.destroy(), CONNECT_TIMEOUT_MS)
  outside.once('connect', () => clearTimeout(timer))
  for (const [one, other] of [[inside, outside], [outside, inside]] as const) {
    one.on('error', () => one.destroy())
    one.on('close', () => {
      clearTimeout(timer)
      // What is on its way still arrives.
      other.destroySoon()
    })
    one.pipe(other)
  }
}
