// The launcher as a process, with an enclave that only attests: made here, bundled by the image builder, spoken to over TCP.
import { spawn, type ChildProcess } from 'node:child_process'
import { once } from 'node:events'
import { existsSync, mkdirSync, mkdtempSync, readdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs'
import { connect, createServer } from 'node:net'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { createInterface } from 'node:readline'
import { ENCLAVE_NODE_ARGS } from '../../enclave-sim/image/args.ts'
import { buildImage } from '../../enclave-sim/image/build.ts'
import { measureConfiguration, measureImage, measureParent } from '../../enclave-sim/image/measure.ts'
import { verifyAttestation } from '../../lib/attestation/verify.ts'
import { fromHex, toHex, utf8 } from '../../lib/protocol/bytes.ts'

const platform = join(process.cwd(), 'enclave-sim', 'platform')
const dir = mkdtempSync(join(tmpdir(), 'cloister-test-launch-'))
const [image, pki, tmp] = [join(dir, 'image'), join(dir, 'pki'), join(dir, 'tmp')] as [string, string, string]
const running: ChildProcess[] = []

/** Listens where it is told; to each connection it answers an attestation document and what it sees of its surroundings. A byte ends it. */
const PROGRAM = `
import { createHash } from 'node:crypto'
import { createServer } from 'node:net'
import { openNsmSocket } from '${platform}/nsm-socket.ts'
import { createNsm } from '${platform}/nsm.ts'
const nsm = createNsm(openNsmSocket({ onClose: () => process.exit(9) }))
await nsm.extendPcr(16, createHash('sha384').update('configuration').digest())
await nsm.lockPcr(16)
const server = createServer(async (socket) => {
  const document = await nsm.attest({ publicKey: null, userData: null, nonce: Buffer.from('nonce') })
  socket.write(JSON.stringify({ document: Buffer.from(document).toString('hex'), random: (await nsm.random()).length, env: Object.keys(process.env), argv: process.argv.slice(2) }) + '\\n')
  socket.on('data', (bytes) => process.exit(bytes[0])).on('error', () => {})
})
const address = process.argv[3]
const where = address.startsWith('unix:') ? { path: address.slice(5) } : { host: '127.0.0.1', port: Number(address.split(':')[2]) }
server.listen(where, () => {
  console.log('a line before')
  const at = server.address()
  console.log(JSON.stringify({ listening: { service: typeof at === 'string' ? 'unix:' + at : 'tcp:127.0.0.1:' + at.port } }))
  console.log(JSON.stringify({ pid: process.pid }))
})
`

beforeAll(async () => {
  mkdirSync(tmp)
  writeFileSync(join(dir, 'main.ts'), PROGRAM)
  await buildImage({ root: process.cwd(), entry: join(dir, 'main.ts'), outDir: image })
})
afterAll(async () => {
  for (const child of running) if (child.exitCode === null && child.signalCode === null) child.kill('SIGKILL')
  rmSync(dir, { recursive: true })
})

function launch(options: { args?: string[]; stdin?: 'pipe' | 'ignore'; service?: string; imageDir?: string } = {}) {
  const { args = [], stdin = 'ignore', service = 'tcp:127.0.0.1:0', imageDir = image } = options
  const child = spawn(
    process.execPath,
    ['--disable-warning=ExperimentalWarning', join(platform, 'simulator', 'launch.ts'), '--image', imageDir, '--pki', pki, '--service', service, '--host', 'tcp:127.0.0.1:0', ...args],
    { stdio: [stdin, 'pipe', 'pipe'], env: { ...process.env, TMPDIR: tmp, CANARY: 'x' } },
  )
  running.push(child)
  let errors = ''
  child.stderr?.on('data', (chunk: Buffer) => (errors += chunk.toString()))
  const exited = once(child, 'exit').then(([code]) => code as number | null)
  return { child, exited, errors: () => errors }
}

interface Started {
  before: string
  told: { listening: { service: string }; measurements: Record<'pcr0' | 'pcr1' | 'pcr2', string> }
  enclavePid: number
}

async function started(launched: ReturnType<typeof launch>): Promise<Started> {
  const lines: string[] = []
  for await (const line of createInterface({ input: launched.child.stdout as NodeJS.ReadableStream })) {
    if (lines.push(line) === 3) break
  }
  const [before, told, pid] = lines
  if (before === undefined || told === undefined || pid === undefined) throw new Error(launched.errors())
  return { before, told: JSON.parse(told) as Started['told'], enclavePid: (JSON.parse(pid) as { pid: number }).pid }
}

const isAlive = (pid: number): boolean => {
  try {
    process.kill(pid, 0)
    return true
  } catch {
    return false
  }
}
async function gone(pid: number): Promise<void> {
  while (isAlive(pid)) await new Promise((resolve) => setTimeout(resolve, 20))
}

async function ask(address: string, end?: number): Promise<{ document: string; random: number; env: string[]; argv: string[] }> {
  const socket = address.startsWith('unix:') ? connect(address.slice(5)) : connect(Number(address.split(':')[2]), '127.0.0.1')
  let text = ''
  for await (const chunk of socket as AsyncIterable<Buffer>) {
    text += chunk.toString()
    if (text.endsWith('\n')) break
  }
  socket.destroy()
  if (end !== undefined) {
    const last = connect(Number(address.split(':')[2]), '127.0.0.1', () => last.write(Uint8Array.of(end)))
    last.on('error', () => undefined)
  }
  return JSON.parse(text) as Awaited<ReturnType<typeof ask>>
}

test('an enclave attests, under the root in the PKI folder, to the image it was started from', async () => {
  const launched = launch({ args: ['--forwarder', dir, '--instance-id', 'i-0aaaaaaaaaaaaaaaa', '--role-arn', 'arn:aws:iam::000000000000:role/r'] })
  const { before, told, enclavePid } = await started(launched)
  expect(before).toBe('a line before')
  const measured = await measureImage(image, process.execPath, ENCLAVE_NODE_ARGS)
  expect(told.measurements).toEqual(measured)

  const answer = await ask(told.listening.service, 7)
  expect(answer).toMatchObject({ random: 256, env: [], argv: ['--service', 'tcp:127.0.0.1:0', '--host', 'tcp:127.0.0.1:0', '--forwarder', dir] })
  const rootDer = new Uint8Array(readFileSync(join(pki, 'root', 'certificate.der')))
  const document = await verifyAttestation(fromHex(answer.document) as Uint8Array, { rootDer, atMs: Date.now() })
  const pcr = (index: number): string => toHex(document.pcrs.get(index) as Uint8Array)
  expect([pcr(0), pcr(1), pcr(2)]).toEqual([measured.pcr0, measured.pcr1, measured.pcr2])
  expect(pcr(3)).toBe(toHex(measureParent('arn:aws:iam::000000000000:role/r')))
  expect(pcr(4)).toBe(toHex(measureParent('i-0aaaaaaaaaaaaaaaa')))
  expect(pcr(16)).toBe(measureConfiguration(utf8('configuration')))
  expect(document.moduleId).toMatch(/^i-0aaaaaaaaaaaaaaaa-enc[0-9a-f]{16}$/)
  expect(document.nonce).toEqual(utf8('nonce'))

  // It was told to end with 7, so the launcher ends with 7, and the copy of the image goes.
  expect(await launched.exited).toBe(7)
  expect(isAlive(enclavePid)).toBe(false)
  expect(readdirSync(tmp)).toEqual([])
})

test('a changed image measures to something else', async () => {
  const changed = join(dir, 'changed')
  mkdirSync(changed)
  for (const file of readdirSync(image)) writeFileSync(join(changed, file), readFileSync(join(image, file)))
  writeFileSync(join(changed, 'enclave.mjs'), `${readFileSync(join(image, 'enclave.mjs'), 'utf8')}\n`)
  const launched = launch({ imageDir: changed })
  const { told } = await started(launched)
  expect(told.measurements).toEqual(await measureImage(changed, process.execPath, ENCLAVE_NODE_ARGS))
  expect(told.measurements.pcr0).not.toBe((await measureImage(image, process.execPath, ENCLAVE_NODE_ARGS)).pcr0)
  // What runs is a copy: the folder may change under it.
  rmSync(join(changed, 'enclave.mjs'))
  await ask(told.listening.service, 0)
  expect(await launched.exited).toBe(0)
})

test('each launch has a chain of its own, under the same root', async () => {
  const both = [launch(), launch()]
  const documents = await Promise.all(both.map(async (one) => (await ask((await started(one)).told.listening.service, 0)).document))
  const rootDer = new Uint8Array(readFileSync(join(pki, 'root', 'certificate.der')))
  const verified = await Promise.all(documents.map((document) => verifyAttestation(fromHex(document) as Uint8Array, { rootDer, atMs: Date.now() })))
  expect(new Set(verified.map(({ moduleId }) => moduleId)).size).toBe(2)
  expect(new Set(verified.map(({ cabundle }) => toHex(cabundle[1] as Uint8Array))).size).toBe(2)
  await Promise.all(both.map(({ exited }) => exited))
})

describe('the enclave ends with its launcher', () => {
  test('that is killed', async () => {
    const launched = launch()
    const { enclavePid } = await started(launched)
    expect(isAlive(enclavePid)).toBe(true)
    launched.child.kill('SIGKILL')
    await gone(enclavePid)
    expect(await launched.exited).toBeNull()
    // Nobody was left to remove the copy.
    for (const name of readdirSync(tmp)) rmSync(join(tmp, name), { recursive: true })
  })

  test.each(['SIGTERM', 'SIGINT'] as const)('that gets %s', async (signal) => {
    const launched = launch()
    const { enclavePid } = await started(launched)
    launched.child.kill(signal)
    expect(await launched.exited).toBe(0)
    expect(isAlive(enclavePid)).toBe(false)
    expect(readdirSync(tmp)).toEqual([])
  })

  test('whose stdin is a pipe that closes', async () => {
    const launched = launch({ stdin: 'pipe' })
    const { enclavePid } = await started(launched)
    launched.child.stdin?.end()
    expect(await launched.exited).toBe(0)
    expect(isAlive(enclavePid)).toBe(false)
  })

  test('that is stopped before the enclave has started', async () => {
    const launched = launch({ stdin: 'pipe' })
    launched.child.stdin?.end()
    expect(await launched.exited).toBe(0)
    expect(readdirSync(tmp)).toEqual([])
  })
})

test('a killed enclave is an exit code of 128 + 9', async () => {
  const launched = launch()
  const { enclavePid } = await started(launched)
  process.kill(enclavePid, 'SIGKILL')
  expect(await launched.exited).toBe(137)
})

test('SIGUSR1 opens no debugger in the enclave', async () => {
  const launched = launch()
  const { enclavePid, told } = await started(launched)
  process.kill(enclavePid, 'SIGUSR1')
  await ask(told.listening.service, 0).catch(() => undefined)
  await launched.exited
  expect(launched.errors()).not.toContain('Debugger')
})

describe('a UNIX socket', () => {
  const path = join(dir, 'service.sock')

  test('that a killed enclave left behind is no obstacle', async () => {
    const first = launch({ service: `unix:${path}` })
    process.kill((await started(first)).enclavePid, 'SIGKILL')
    await first.exited
    expect(existsSync(path)).toBe(true)
    const second = launch({ service: `unix:${path}` })
    const { told } = await started(second)
    expect(told.listening.service).toBe(`unix:${path}`)
    expect((await ask(told.listening.service)).random).toBe(256)
    second.child.kill('SIGTERM')
    expect(await second.exited).toBe(0)
  })

  test('that somebody else listens on is left alone', async () => {
    const taken = join(dir, 'taken.sock')
    const server = createServer((socket) => socket.destroy()).listen(taken)
    await once(server, 'listening')
    const launched = launch({ service: `unix:${taken}` })
    expect(await launched.exited).not.toBe(0)
    expect(existsSync(taken)).toBe(true)
    server.close()
  })
})

test.each<[string, Parameters<typeof launch>[0]]>([
  ['an address that others reach', { service: 'tcp:0.0.0.0:0' }],
  ['a relative socket path', { service: 'unix:service.sock' }],
  ['a malformed instance id', { args: ['--instance-id', 'i-1'] }],
  ['an unknown option', { args: ['--debug'] }],
  ['an image folder that is not there', { imageDir: join(dir, 'nothing') }],
])('rejects %s', async (_, options) => {
  const launched = launch(options)
  expect(await launched.exited).toBe(1)
  expect(launched.errors()).toMatch(/^launch: /)
})
