/**
 * Attempts to get out of the enclave's container, by a program smuggled into it, by an enclave image made for it, and by straight system calls. Each finds
 * nothing; and each finds something where the settings are off, so that it would have.
 */
import { chmod, cp, mkdtemp, readFile, rm, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { apiUrl, container, docker, inspect, NODE_IN_IMAGE, readProbe, required, ROOT, type Inspected, type Report } from './docker.ts'

const IMAGE = 'cloister-enclave'
const api = new URL(apiUrl()).host
const kms = `127.0.0.1:${required('CLOISTER_KMS_PORT')}`
const dynamodb = `127.0.0.1:${required('CLOISTER_DYNAMODB_PORT')}`
const issuer = `localhost:${required('CLOISTER_ISSUER_PORT')}`
/** This machine's services, the cloud's metadata, a name server, the documentation's network (RFC 5737). */
const OUTSIDE = [api, kms, dynamodb, `127.0.0.1:${required('CLOISTER_STS_PORT')}`, '169.254.169.254:80', '1.1.1.1:443', '192.0.2.1:443']
const WAYS_OUT = [kms, dynamodb, issuer].map((name) => `/run/forwarder/${name}`)
const ENGINE_SOCKETS = ['/var/run/docker.sock', '/run/docker.sock', '/run/containerd/containerd.sock']
const WRITES = ['/probe', '/etc/passwd', '/usr/local/bin/node', '/enclave/launch.mjs', '/enclave/image/enclave.mjs', '/run/forwarder/probe', '/dev/probe', '/dev/shm/probe', '/dev/mqueue/probe', '/var/probe']
const SECRETS = ['/simulator/root/key.pem', '/proc/1/environ', '/proc/1/mem', '/proc/self/environ', '/etc/passwd', '/enclave/launch.mjs']
const target = { write: WRITES, connect: [...OUTSIDE, ...WAYS_OUT, ...ENGINE_SOCKETS], datagram: '1.1.1.1', resolve: ['kms.us-east-1.amazonaws.com', 'localhost.example'], read: SECRETS }
/** Where nothing holds it back, a test sends nothing to strangers. */
const nearby = { ...target, connect: [api, kms, dynamodb], datagram: '127.0.0.1', resolve: ['localhost'] }
const SECCOMP = join(ROOT, 'enclave-sim', 'seccomp.json')
const KOFFI = ['koffi', '@koromix'].flatMap((name) => ['--volume', `${join(ROOT, 'node_modules', name)}:/native/node_modules/${name}:ro`])

let settings: Inspected
let probe: string
let dir: string

beforeAll(async () => {
  settings = await inspect('enclave')
  probe = await readProbe()
  dir = await mkdtemp(join(tmpdir(), 'cloister-breakout-'))
  await chmod(dir, 0o755)
})
afterAll(() => rm(dir, { recursive: true, force: true }))

const parse = (text: string): Report => JSON.parse(text.split('\n').find((line) => line.startsWith('{"node"')) as string) as Report
const probeArgs = (targets: object): string[] => ['--input-type=module', '-e', probe, JSON.stringify(targets)]

/** The options of `docker run` for a container with the settings that the enclave's really has. */
function sameSettings(): string[] {
  const host = settings.HostConfig
  const [capabilities, security] = [host['CapDrop'] as string[], host['SecurityOpt'] as string[]]
  return [
    '--rm', '--user', settings.Config.User, '--network', host.NetworkMode, '--ipc', String(host['IpcMode']), '--pids-limit', String(host['PidsLimit']), '--memory', String(host['Memory']),
    ...(host['ReadonlyRootfs'] === true ? ['--read-only'] : []),
    ...capabilities.flatMap((name) => ['--cap-drop', name]),
    // The engine keeps the profile's text; its command line takes a file.
    ...security.flatMap((option) => ['--security-opt', option.startsWith('seccomp') ? `seccomp=${SECCOMP}` : option]),
    ...Object.entries(host.Tmpfs).flatMap(([path, options]) => ['--tmpfs', `${path}:${options}`]),
  ]
}

/** Its own places for what the enclave writes; of the real one's only the way out. */
function ownVolumes(): string[] {
  const forwarder = settings.Mounts.find(({ Destination }) => Destination === '/run/forwarder')
  const own = ['/simulator', '/run/service', '/run/host'].flatMap((path) => ['--tmpfs', `${path}:uid=1000,gid=1000,mode=0700,size=256k`])
  return [...own, '--volume', `${forwarder?.Name}:/run/forwarder:ro`]
}

/** Root with what Docker gives it by default, and to manage its own namespaces; on the host's network. Not all that `--privileged` gives: nothing shall break. */
const unconfined = (): string[] => ['--rm', '--user', '0', '--network', 'host', '--cap-add', 'SYS_ADMIN', '--security-opt', 'seccomp=unconfined', '--security-opt', 'apparmor=unconfined']

const isRefused = (answer: string): boolean => answer !== 'done' && answer !== 'timeout'
const succeeded = (answers: Readonly<Record<string, string>>): string[] => Object.keys(answers).filter((name) => answers[name] === 'done')

test('the container has no network, no capability, no way to new privileges, and nothing of the host but four volumes', async () => {
  const { HostConfig: host, Config: config, Mounts: mounts } = settings
  expect(host).toMatchObject({
    NetworkMode: 'none', ReadonlyRootfs: true, Privileged: false, CapDrop: ['ALL'], IpcMode: 'none', PidMode: '', UTSMode: '', UsernsMode: '', PublishAllPorts: false, PidsLimit: 64,
  })
  const [first, seccomp] = host['SecurityOpt'] as string[]
  expect(first).toBe('no-new-privileges:true')
  expect(JSON.parse((seccomp as string).slice('seccomp='.length)) as unknown).toEqual(JSON.parse(await readFile(SECCOMP, 'utf8')))
  for (const name of ['CapAdd', 'Devices', 'DeviceRequests', 'GroupAdd', 'VolumesFrom', 'Links', 'ExtraHosts']) expect([name, host[name] ?? []]).toEqual([name, []])
  expect(host['PortBindings'] ?? {}).toEqual({})
  expect(host['Memory']).toBe(host['MemorySwap'])
  expect(config).toMatchObject({ User: '1000:1000' })
  expect(mounts.filter(({ Type }) => Type !== 'tmpfs').map(({ Type, Destination, RW }) => `${Type} ${Destination} ${RW ? 'rw' : 'ro'}`).sort()).toEqual([
    'volume /run/forwarder ro',
    'volume /run/host rw',
    'volume /run/service rw',
    'volume /simulator rw',
  ])
})

test('the relay holds one socket of it, the forwarder none; neither has its keys', async () => {
  const places = async (service: 'relay' | 'forwarder'): Promise<string[]> => (await inspect(service)).Mounts.filter(({ Type }) => Type === 'volume').map(({ Destination }) => Destination).sort()
  expect(await places('relay')).toEqual(['/ready', '/run/service'])
  expect(await places('forwarder')).toEqual(['/run/forwarder'])
})

describe('a program smuggled into the running container', () => {
  let report: Report
  beforeAll(async () => {
    report = parse(await docker('exec', await container('enclave'), NODE_IN_IMAGE, ...probeArgs(target)))
  })

  test('is nobody, and stays it', () => {
    expect(report.user).toEqual({ uid: 1000, gid: 1000, groups: [1000] })
    const none = '0'.repeat(16)
    expect(report.status).toEqual({ CapInh: none, CapPrm: none, CapEff: none, CapBnd: none, CapAmb: none, NoNewPrivs: '1', Seccomp: '2' })
    expect(report.become).toEqual({ setuid: 'EPERM', setgid: 'EPERM', setgroups: 'EPERM' })
  })

  test('finds no shell, no interpreter, no privileged program: Node and the loader are all that can be run', () => {
    expect(new Set(Object.values(report.shells))).toEqual(new Set(['ENOENT']))
    const { executable, privileged } = report.files as Exclude<Report['files'], string>
    expect(privileged).toEqual([])
    expect(executable.filter((path) => !/\/(?:ld-linux[^/]*|lib[^/]*)\.so[.0-9]*$/.test(path))).toEqual([NODE_IN_IMAGE])
  })

  test('can write to nothing but its scratch, its own sockets and the simulator\'s root', () => {
    const { writable } = report.files as Exclude<Report['files'], string>
    const expected = /^\/(?:tmp|run\/service|run\/host|simulator)(?:\/|$)|^\/run\/forwarder\/[a-z0-9.]+:\d+$|^\/dev\/(?:null|zero|full|random|urandom|tty|ptmx|pts\/ptmx|fd|stdin|stdout|stderr)$/
    expect(writable.filter((path) => !expected.test(path))).toEqual([])
    expect(writable).toContain('/tmp')
    for (const [path, answer] of Object.entries(report.write)) expect([path, isRefused(answer)]).toEqual([path, true])
  })

  test('has an idle loopback, and reaches what the forwarder leads to', () => {
    expect(report.interfaces).toBe('lo')
    expect(report.abstractSockets).toBe(0)
    expect(succeeded(report.connect).sort()).toEqual([...WAYS_OUT].sort())
    expect(succeeded(report.resolve)).toEqual([])
    expect(report.datagram).not.toBe('done')
    const { sockets } = report.files as Exclude<Report['files'], string>
    expect(sockets.filter((path) => path.startsWith('/run/forwarder')).sort()).toEqual([...WAYS_OUT].sort())
  })
})

describe('an enclave image that was made to break out, under the same launcher and settings', () => {
  let report: Report
  let logs: string
  beforeAll(async () => {
    await writeFile(join(dir, 'enclave.mjs'), probe)
    await writeFile(join(dir, 'target.json'), JSON.stringify(target))
    await cp(join(ROOT, '.build', 'docker', 'enclave', 'argon2.node'), join(dir, 'argon2.node'))
    logs = await docker('run', ...sameSettings(), ...ownVolumes(), '--volume', `${dir}:/enclave/image:ro`, IMAGE)
    report = parse(logs)
  }, 60_000)

  test('sees no file but those of its image: not the simulator\'s key, not the launcher, not the root folder', () => {
    expect(report.files).toBe('ERR_ACCESS_DENIED')
    expect(report.read).toEqual(Object.fromEntries(SECRETS.map((path) => [path, 'ERR_ACCESS_DENIED'])))
  })

  test('writes nothing, anywhere', () => {
    expect(new Set(Object.values(report.write))).toEqual(new Set(['ERR_ACCESS_DENIED']))
  })

  test('starts no process and no thread, and makes no code of strings', () => {
    expect([report.self, report.worker]).toEqual(['ERR_ACCESS_DENIED', 'ERR_ACCESS_DENIED'])
    expect(new Set(Object.values(report.shells))).toEqual(new Set(['ERR_ACCESS_DENIED']))
    expect(report.code).toMatch(/Code generation from strings disallowed/)
  })

  test('reaches what the forwarder leads to, and nothing else', () => {
    expect(report.interfaces).not.toContain('eth')
    expect(succeeded(report.connect).sort()).toEqual([...WAYS_OUT].sort())
    expect(succeeded(report.resolve)).toEqual([])
    expect(report.datagram).not.toBe('done')
  })
})

test('native code in a container with the same settings: no system call gives it more than it has', async () => {
  const args = [...sameSettings(), ...ownVolumes(), ...KOFFI, '--entrypoint', NODE_IN_IMAGE, IMAGE, ...probeArgs({ ...target, koffi: '/native/node_modules/koffi' })]
  const { calls } = parse(await docker('run', ...args))
  expect(Object.keys(calls).length).toBeGreaterThanOrEqual(12)
  // EPERM, each of them.
  expect(Object.entries(calls).filter(([, errno]) => errno !== 1)).toEqual([])
})

test('forwarded bytes go where the forwarder leads, whatever they say', async () => {
  // A proxy would take it for an order; KMS takes it for no TLS.
  const code = `
    import { connect } from 'node:net'
    const socket = connect('/run/forwarder/${kms}')
    let got = ''
    socket.on('data', (bytes) => (got += bytes.toString('latin1')))
    socket.on('error', () => undefined)
    socket.on('close', () => { console.log(JSON.stringify(got)); process.exit() })
    socket.end('CONNECT ${api} HTTP/1.1\\r\\nhost: ${api}\\r\\n\\r\\nGET /v1/health HTTP/1.1\\r\\nhost: ${api}\\r\\n\\r\\n')`
  const answer = await docker('exec', await container('enclave'), NODE_IN_IMAGE, '--input-type=module', '-e', code)
  expect(answer).not.toMatch(/HTTP\/1\.1 200|"status":"ok"/)
})

describe('the twin: with the settings off, the same probe gets out', () => {
  let report: Report
  beforeAll(async () => {
    const args = [...unconfined(), ...ownVolumes(), ...KOFFI, '--entrypoint', NODE_IN_IMAGE, IMAGE, ...probeArgs({ ...nearby, koffi: '/native/node_modules/koffi' })]
    report = parse(await docker('run', ...args))
  }, 60_000)

  test('it is root with capabilities, and writes to the root file system', () => {
    expect(report.user.uid).toBe(0)
    expect((report.status as Record<string, string>)['CapEff']).not.toBe('0'.repeat(16))
    expect(report.status).toMatchObject({ NoNewPrivs: '0', Seccomp: '0' })
    expect(report.become).toMatchObject({ setuid: 'done' })
    expect(succeeded(report.write)).toEqual(expect.arrayContaining(['/probe', '/etc/passwd', '/enclave/launch.mjs', '/dev/probe', '/dev/shm/probe']))
    expect((report.files as Exclude<Report['files'], string>).writable).toEqual(expect.arrayContaining(['/', '/etc', '/usr/local/bin/node']))
  })

  test('it reaches this machine\'s services', () => {
    expect(report.interfaces.split(',').length).toBeGreaterThan(1)
    expect(succeeded(report.connect)).toEqual([api, kms, dynamodb])
    expect([report.resolve, report.datagram]).toEqual([{ localhost: 'done' }, 'done'])
  })

  test('it starts programs and makes code of strings', () => {
    expect([report.self, report.worker, report.code]).toEqual(['done', 'done', 'done'])
  })

  test('system calls do as they are told', () => {
    const granted = Object.keys(report.calls).filter((name) => report.calls[name] === 0)
    expect(granted).toEqual(expect.arrayContaining(['mount', 'newNetwork', 'chroot', 'setuid', 'rawSocket', 'packetSocket', 'device', 'trace', 'readMemory']))
  })
})
