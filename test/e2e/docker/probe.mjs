/**
 * What a program can do where it runs: one line of JSON, `{name: 'done' | why not}` or lists. Runs inside containers, as a program that somebody smuggled
 * in, and as an enclave image of its own. The tests run it where much is allowed, too: a probe that finds nothing anywhere proves nothing.
 *
 * Targets come as JSON in the last argument or, where the enclave's own arguments are in its place, in the file target.json beside it.
 */
import { lookup } from 'node:dns/promises'
import fs from 'node:fs'
import net from 'node:net'
import os from 'node:os'
import { createRequire } from 'node:module'
import { spawnSync } from 'node:child_process'
import { createSocket } from 'node:dgram'
import { Worker } from 'node:worker_threads'

const SHELLS = ['/bin/sh', '/bin/bash', '/bin/dash', '/bin/ash', '/bin/busybox', '/busybox/sh', '/usr/bin/env', '/usr/bin/python3', '/usr/bin/perl', '/usr/bin/apt-get', '/sbin/apk']
const target = readTarget()

async function attempt(action) {
  try {
    return (await action()) ?? 'done'
  } catch (error) {
    return String(error?.code ?? error?.message ?? error)
  }
}

async function each(names, action) {
  const results = {}
  for (const name of names) results[name] = await attempt(() => action(name))
  return results
}

function readTarget() {
  try {
    return JSON.parse(fs.readFileSync('target.json', 'utf8'))
  } catch {
    return JSON.parse(process.argv.at(-1))
  }
}

function connect(to) {
  return new Promise((resolve, reject) => {
    const socket = net.connect(to)
    socket.setTimeout(1500, () => socket.destroy(new Error('timeout')))
    socket.once('connect', () => resolve(socket.destroy() && 'done'))
    socket.once('error', reject)
  })
}

/** Everything under `/` but `/proc` and `/sys`, without following links. */
function* walk(dir = '/') {
  for (const entry of fs.readdirSync(dir, { withFileTypes: true })) {
    const path = dir === '/' ? `/${entry.name}` : `${dir}/${entry.name}`
    if (['/proc', '/sys', '/native'].includes(path)) continue
    yield path
    if (entry.isDirectory() && can(path, fs.constants.R_OK | fs.constants.X_OK)) yield* walk(path)
  }
}

function can(path, mode) {
  try {
    fs.accessSync(path, mode)
    return true
  } catch {
    return false
  }
}

function files() {
  const found = { writable: [], executable: [], privileged: [], sockets: [] }
  if (can('/', fs.constants.W_OK)) found.writable.push('/')
  for (const path of walk()) {
    const stats = fs.lstatSync(path)
    if (stats.isSymbolicLink()) continue
    if (can(path, fs.constants.W_OK)) found.writable.push(path)
    if (stats.isFile() && stats.size > 0 && stats.mode & 0o111) found.executable.push(path)
    if (stats.isFile() && stats.mode & 0o6000) found.privileged.push(path)
    if (stats.isSocket()) found.sockets.push(path)
  }
  return found
}

function status() {
  const text = fs.readFileSync('/proc/self/status', 'utf8')
  return Object.fromEntries([...text.matchAll(/^(Cap[A-Z][a-z]+|NoNewPrivs|Seccomp):\t(\S+)$/gm)].map(([, name, value]) => [name, value]))
}

/** Straight system calls, when the test mounted a way to make them. 0 is success, else errno. */
function systemCalls() {
  if (target.koffi === undefined) return {}
  const koffi = createRequire('/')(target.koffi)
  const libc = koffi.load('libc.so.6')
  const call = (signature, ...args) => {
    const result = libc.func(signature)(...args)
    return result < 0 ? koffi.errno() : 0
  }
  const CLONE_NEWUSER = 0x10000000
  const CLONE_NEWNET = 0x40000000
  return {
    device: call('int mknod(const char *, unsigned int, unsigned long)', '/tmp/probe-device', 0o20600, 0x103),
    mount: call('int mount(const char *, const char *, const char *, unsigned long, const char *)', 'none', '/tmp', 'tmpfs', 0, ''),
    remountRoot: call('int mount(const char *, const char *, const char *, unsigned long, const char *)', null, '/', null, 32, null),
    newUserNamespace: call('int unshare(int)', CLONE_NEWUSER),
    newNetwork: call('int unshare(int)', CLONE_NEWNET),
    chroot: call('int chroot(const char *)', '/tmp'),
    setuid: call('int setuid(int)', 0),
    rawSocket: call('int socket(int, int, int)', 2, 3, 1),
    packetSocket: call('int socket(int, int, int)', 17, 3, 0),
    // The host's own door on many virtual machines: not behind the network namespace.
    vsock: call('int socket(int, int, int)', 40, 1, 0),
    trace: call('long ptrace(long, int, void *, void *)', 0, 0, null, null),
    readMemory: call('long process_vm_readv(int, void *, unsigned long, void *, unsigned long, unsigned long)', process.pid, null, 0, null, 0, 0),
    ...(process.arch === 'x64' && {
      bpf: call('long syscall(long, int, void *, int)', 321, 0, null, 0),
      keyring: call('long syscall(long, int, int, int)', 250, 0, -3, 1),
      ioUring: call('long syscall(long, int, void *)', 425, 1, Buffer.alloc(120)),
    }),
  }
}

function interfaces() {
  if (!can('/proc/net/dev', fs.constants.R_OK)) return Object.keys(os.networkInterfaces()).join()
  return fs.readFileSync('/proc/net/dev', 'utf8').split('\n').slice(2).filter(Boolean).map((line) => line.split(':')[0].trim()).join()
}

const report = {
  node: process.version,
  status: await attempt(status),
  user: { uid: process.getuid(), gid: process.getgid(), groups: process.getgroups() },
  files: await attempt(files),
  // Opened, not written to: on a machine where it can be done, nothing shall be the worse for it.
  write: await each([...target.write, '/proc/sys/kernel/hostname', '/proc/sysrq-trigger', '/sys/kernel/uevent_helper', '/sys/fs/cgroup/cgroup.procs'], (path) => fs.closeSync(fs.openSync(path, 'a'))),
  read: await each(target.read ?? [], (path) => void fs.readFileSync(path)),
  become: await each(['setuid', 'setgid', 'setgroups'], (call) => process[call](call === 'setgroups' ? [0] : 0)),
  shells: await each(SHELLS, (path) => {
    const { error, status: exitCode } = spawnSync(path, ['-c', 'exit 0'])
    if (error) throw error
    return `exit ${exitCode}`
  }),
  self: await attempt(() => spawnSync(process.execPath, ['-e', '']).error?.code),
  worker: await attempt(() => new Promise((resolve, reject) => new Worker('', { eval: true }).once('exit', () => resolve('done')).once('error', reject))),
  code: await attempt(() => void Reflect.construct(Function, ['return 1'])()),
  interfaces: await attempt(interfaces),
  abstractSockets: await attempt(() => fs.readFileSync('/proc/net/unix', 'utf8').split('\n').filter((line) => / @/.test(line)).length),
  connect: await each(target.connect, (to) => connect(to.startsWith('/') ? { path: to } : { host: to.slice(0, to.lastIndexOf(':')), port: Number(to.slice(to.lastIndexOf(':') + 1)) })),
  resolve: await each(target.resolve ?? [], (name) => lookup(name).then(() => 'done')),
  datagram: await attempt(
    () =>
      new Promise((resolve, reject) => {
        const socket = createSocket('udp4')
        socket.once('error', reject)
        socket.send('x', 53, target.datagram, (error) => (error ? reject(error) : resolve('done')))
      }),
  ),
  calls: await attempt(systemCalls),
}
fs.writeSync(1, `${JSON.stringify(report)}\n`)
process.exit(0)
