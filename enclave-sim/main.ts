/**
 * The enclave's program: `enclave.mjs --service ADDR --host ADDR [--forwarder DIRECTORY]`, ADDR being `tcp:127.0.0.1:PORT` (0: any) or `unix:/path`.
 *
 * Prints one line of JSON once it listens, then nothing. With `--forwarder` it has no network: each host it talks to is a UNIX
 * socket `DIRECTORY/<host>:<port>`, behind which a forwarder passes bytes on.
 */
import { existsSync } from 'node:fs'
import type { Server } from 'node:http'
import type { AddressInfo } from 'node:net'
import { parseArgs } from 'node:util'
import { bootEnclave } from './core/enclave.ts'
import { argon2id } from './platform/argon2.ts'
import { createConnect } from './platform/connect.ts'
import { createCredentialSource } from './platform/credentials.ts'
import { createHostDoor, createServiceDoor } from './platform/listener.ts'
import { openNsmDevice } from './platform/nsm-device.ts'
import { openNsmSocket } from './platform/nsm-socket.ts'
import { createNsm } from './platform/nsm.ts'
import { seedKernel } from './platform/seed-kernel.ts'

const { values } = parseArgs({ options: { service: { type: 'string' }, host: { type: 'string' }, forwarder: { type: 'string' } } })
const credentials = createCredentialSource()

// The only switch between a laptop and Nitro: which device answers. Who trusts its documents is not decided here.
const transport = existsSync('/dev/nsm') ? await openNsmDevice() : openNsmSocket({ onClose: () => process.exit(0) })
const nsm = createNsm(transport)

const { gc } = globalThis
if (gc === undefined) throw new Error('the image starts with --expose-gc')

const enclave = await bootEnclave({
  nsm,
  argon2id,
  monotonicMs: () => Number(process.hrtime.bigint() / 1_000_000n),
  seedKernel,
  repeat(everyMs, run) {
    const timer = setInterval(run, everyMs).unref()
    return () => clearInterval(timer)
  },
  collect: (what) => gc({ type: what === 'all' ? 'major' : 'minor' }),
  connect: createConnect(values.forwarder === undefined ? { kind: 'direct' } : { kind: 'forwarder', directory: values.forwarder }, credentials),
})

const listening = {
  service: await listen(createServiceDoor(enclave), values.service),
  host: await listen(createHostDoor(enclave, credentials), values.host),
}
process.stdout.write(`${JSON.stringify({ listening })}\n`)

function listen(server: Server, address: string | undefined): Promise<string> {
  const [kind, rest] = [address?.slice(0, address.indexOf(':')), address?.slice(address.indexOf(':') + 1) ?? '']
  server.keepAliveTimeout = 75_000
  return new Promise((resolve, reject) => {
    server.on('error', reject)
    if (kind === 'unix') {
      server.listen(rest, () => resolve(`unix:${rest}`))
    } else if (kind === 'tcp') {
      const [host, port] = [rest.slice(0, rest.lastIndexOf(':')), Number(rest.slice(rest.lastIndexOf(':') + 1))]
      server.listen(port, host, () => resolve(`tcp:${host}:${(server.address() as AddressInfo).port}`))
    } else {
      reject(new Error('--service and --host are tcp:HOST:PORT or unix:/path'))
    }
  })
}
