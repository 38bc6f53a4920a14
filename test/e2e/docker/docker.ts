/** The engine, as the tests use it: by its command line. `.ci/docker.sh` starts the stack and says under which name. */
import { execFile } from 'node:child_process'
import { readFile } from 'node:fs/promises'
import { join } from 'node:path'
import { promisify } from 'node:util'
import type { StackReady } from '../../../local/main.ts'

type Service = 'enclave' | 'forwarder' | 'cloud' | 'relay'

export const ROOT = process.cwd()
export const IMAGE_DIR = join(ROOT, '.build', 'docker', 'enclave')
export const NODE_IN_IMAGE = '/usr/local/bin/node'

const run = promisify(execFile)

const project = (): string => required('CLOISTER_DOCKER_PROJECT')
export const apiUrl = (): string => `http://127.0.0.1:${required('CLOISTER_API_PORT')}`

export function required(name: string): string {
  const value = process.env[name]
  if (value === undefined) throw new Error(`${name} is not set: these tests are run by .ci/docker.sh`)
  return value
}

/** What the command prints. @throws with what it prints to stderr */
export async function docker(...args: readonly string[]): Promise<string> {
  const { stdout } = await run('docker', [...args], { maxBuffer: 16 * 1024 * 1024, timeout: 60_000 }).catch((error: { stderr?: string; stdout?: string }) => {
    // Without the command, which may hold a whole program.
    throw new Error(`docker ${args[0]} failed: ${error.stderr} ${error.stdout}`)
  })
  return stdout.trim()
}

/** The container's id. */
export async function container(service: Service): Promise<string> {
  const label = (name: string, value: string): string[] => ['--filter', `label=com.docker.compose.${name}=${value}`]
  const ids = (await docker('ps', '--all', '--quiet', '--no-trunc', ...label('project', project()), ...label('service', service))).split('\n').filter(Boolean)
  if (ids.length !== 1) throw new Error(`${ids.length} containers for ${service}`)
  return ids[0] as string
}

/** Runs JavaScript in a running container, with its user and limits. */
export async function evaluate(service: Service, code: string, ...args: readonly string[]): Promise<string> {
  return docker('exec', await container(service), NODE_IN_IMAGE, '--input-type=module', '-e', code, ...args)
}

/** What the cloud tells its users. */
export async function readReady(): Promise<StackReady> {
  return JSON.parse(await evaluate('cloud', "import { readFileSync } from 'node:fs'; process.stdout.write(readFileSync('/ready/ready.json'))")) as StackReady
}

export interface Inspected {
  readonly State: { readonly Pid: number; readonly Running: boolean; readonly StartedAt: string }
  readonly RestartCount: number
  readonly Config: { readonly User: string; readonly Image: string; readonly ExposedPorts?: unknown }
  readonly Mounts: readonly { readonly Type: string; readonly Name?: string; readonly Destination: string; readonly RW: boolean }[]
  readonly HostConfig: Readonly<Record<string, unknown>> & { readonly Tmpfs: Readonly<Record<string, string>>; readonly NetworkMode: string }
}

export async function inspect(service: Service): Promise<Inspected> {
  return (JSON.parse(await docker('inspect', await container(service))) as [Inspected])[0]
}

export const readProbe = (): Promise<string> => readFile(join(ROOT, 'test', 'e2e', 'docker', 'probe.mjs'), 'utf8')

/** See probe.mjs. */
export interface Report {
  readonly status: Readonly<Record<string, string>> | string
  readonly user: { readonly uid: number; readonly gid: number; readonly groups: readonly number[] }
  readonly files: { readonly writable: string[]; readonly executable: string[]; readonly privileged: string[]; readonly sockets: string[] } | string
  readonly write: Readonly<Record<string, string>>
  readonly read: Readonly<Record<string, string>>
  readonly become: Readonly<Record<string, string>>
  readonly shells: Readonly<Record<string, string>>
  readonly self: string
  readonly worker: string
  readonly code: string
  /** Names with commas between. */
  readonly interfaces: string
  readonly abstractSockets: number | string
  readonly connect: Readonly<Record<string, string>>
  readonly resolve: Readonly<Record<string, string>>
  readonly datagram: string
  readonly calls: Readonly<Record<string, number>>
}
