/** The parent instance carries every byte that the enclave sends and gets: an enclave behind a forwarder that is the attacker's own. */
import { once } from 'node:events'
import { mkdir, readFile, rm, writeFile } from 'node:fs/promises'
import { connect as dial, createServer, type Server, type Socket } from 'node:net'
import { join } from 'node:path'
import { verifyAttestation } from '../../lib/attestation/verify.ts'
import { startKms, type Kms } from '../../local/kms/server.ts'
import { createLocalCa } from '../../local/tls.ts'
import { endOf } from './codes.ts'
import { takePosition, type Position } from './position.ts'
import { appFor, type World } from './world.ts'

/** What is done to the bytes for one destination. */
type Treatment = 'pass' | 'drop' | 'hang' | 'garble' | { readonly to: number }

interface Wire {
  readonly directory: string
  treat(port: number, treatment: Treatment): void
  /** What the enclave sent, as the host sees it. */
  readonly seen: Uint8Array[]
  close(): Promise<void>
}

/** A forwarder for these ports of the local cloud, by the names that the configuration uses. */
async function layWire(directory: string, hosts: readonly string[]): Promise<Wire> {
  await mkdir(directory, { recursive: true })
  const treatments = new Map<number, Treatment>()
  const seen: Uint8Array[] = []
  const servers: Server[] = []
  const sockets = new Set<Socket>()
  for (const host of hosts) {
    const port = Number(host.split(':')[1])
    const path = join(directory, host)
    await rm(path, { force: true })
    const server = createServer((inside) => {
      sockets.add(inside)
      inside.on('error', () => inside.destroy())
      inside.on('close', () => sockets.delete(inside))
      inside.on('data', (chunk: Buffer) => seen.push(new Uint8Array(chunk)))
      handle(inside, port, treatments.get(port) ?? 'pass')
    })
    servers.push(server)
    server.listen(path)
    await once(server, 'listening')
  }
  const cut = (): void => sockets.forEach((socket) => socket.destroy())
  return {
    directory,
    seen,
    treat(port, treatment) {
      treatments.set(port, treatment)
      cut()
    },
    async close() {
      cut()
      await Promise.all(servers.map((server) => new Promise((resolve) => server.close(resolve))))
    },
  }
}

function handle(inside: Socket, port: number, treatment: Treatment): void {
  if (treatment === 'hang') return
  if (treatment === 'drop') {
    inside.destroy()
    return
  }
  const outside = dial(typeof treatment === 'object' ? treatment.to : port, '127.0.0.1')
  outside.on('error', () => inside.destroy())
  outside.on('close', () => inside.destroy())
  inside.on('close', () => outside.destroy())
  inside.pipe(outside)
  outside.on('data', (chunk: Buffer) => {
    if (treatment === 'garble') chunk[chunk.length >> 1] = (chunk[chunk.length >> 1] as number) ^ 0x10
    inside.write(chunk)
  })
}

const portOf = (url: string): number => Number(new URL(url).port)
const nameOf = (url: string): string => `${new URL(url).hostname}:${portOf(url)}`

/** Names, as the enclave's sockets are called, of all that it talks to. */
function destinations({ stack }: Pick<World, 'stack'>, kmsUrl = stack.services.kms.url): string[] {
  return [kmsUrl, stack.services.dynamodb.url, stack.issuerUrl].map(nameOf)
}

/** A KMS of the attacker's own, under the name and the key id of the real one, with key material that they know. */
export async function fakeKms(world: World, name: string): Promise<{ kms: Kms; caPem: string }> {
  const { stack, dir } = world
  const ca = await createLocalCa({ dir: join(dir, name, 'tls') })
  const keyId = stack.keyArn.split('/')[1] as string
  const stored = JSON.parse(await readFile(join(dir, 'state', 'kms', `${keyId}.json`), 'utf8')) as Record<string, unknown>
  await mkdir(join(dir, name, 'kms'), { recursive: true })
  await writeFile(join(dir, name, 'kms', `${keyId}.json`), JSON.stringify({ ...stored, materialsBase64: [Buffer.alloc(32, 7).toString('base64')] }))
  const kms = await startKms({
    dir: join(dir, name, 'kms'), port: 0, tls: ca.serverOptions, identities: stack.services.identities, rootDer: stack.trust.root, verify: verifyAttestation,
  })
  return { kms, caPem: ca.caPem }
}

export async function hostWire(world: World): Promise<void> {
  const { stack, dir } = world
  const wire = await layWire(join(dir, 'wire'), destinations(world))
  const { kms: fake } = await fakeKms(world, 'fake-kms')
  try {
    const enclave = await world.launch(world.image, stack.configuration, wire.directory)
    const position = takePosition(stack, enclave.serviceUrl)
    const [kms, table] = [portOf(stack.services.kms.url), portOf(stack.services.dynamodb.url)]
    const app = await appFor(world, position, stack.trust)
    const create = (): Promise<string> => endOf(app.wallets.create({ pin: world.victim.pin }))

    await world.tried('host', 'carry every byte', {
      stopped: await create(), expected: 'ok', loot: [...wire.seen], note: `${wire.seen.length} pieces of TLS; the twin of those below`,
    })
    const ways: readonly (readonly [string, number, Treatment, string])[] = [
      ['drop what is for KMS', kms, 'drop', 'unavailable'],
      ['never answer for KMS', kms, 'hang', 'unavailable'],
      ['alter what KMS answers', kms, 'garble', 'unavailable'],
      ['drop what is for the table', table, 'drop', 'unavailable'],
      ['alter what the table answers', table, 'garble', 'unavailable'],
      ['answer as KMS, with a key of its own', kms, { to: portOf(fake.url) }, 'unavailable'],
      ['answer as KMS by another server of the same authority', kms, { to: table }, 'unavailable'],
    ]
    for (const [name, port, treatment, expected] of ways) {
      wire.seen.length = 0
      wire.treat(port, treatment)
      await world.tried('host', name, { stopped: await create(), expected, loot: [...wire.seen], denial: true })
      wire.treat(port, 'pass')
    }
    await enclave.giveCredentials({ ...stack.enclaveCredentials(), secretAccessKey: 'wrong' })
    await world.tried('host', 'give the enclave credentials that are wrong', { stopped: await create(), expected: 'unavailable', denial: true })
    await enclave.giveCredentials(stack.enclaveCredentials())
    await world.tried('host', 'configure it a second time', {
      stopped: (await endOf(enclave.configure(stack.configuration))) === 'ok' ? 'ok' : 'refused', expected: 'refused',
    })
    await restarted(world, position, enclave.close)
  } finally {
    await wire.close()
    await fake.close()
  }
}

/** An enclave that starts anew has forgotten which requests it saw: and its channel key as well. */
async function restarted(world: World, position: Position, close: () => Promise<void>): Promise<void> {
  await close()
  const fresh = await world.launch(world.image, world.stack.configuration)
  const later = takePosition(world.stack, fresh.serviceUrl)
  const passed = position.recorded[0]
  if (passed === undefined) throw new Error('nothing was recorded')
  await world.tried('host', 'end the enclave, start it again, and send a request again', {
    stopped: await endOf(later.pass(passed)), expected: 'channel_unknown',
  })
  await fresh.close()
}
