/** `serverless package` of a copy of the project, as on a machine that knows nothing of AWS: no HOME, no credentials, and no way to open a connection. */
import { spawn } from 'node:child_process'
import { once } from 'node:events'
import { cp, mkdir, readFile, symlink, writeFile } from 'node:fs/promises'
import { join } from 'node:path'
import { CORE_SCHEMA, load, Type } from 'js-yaml'
import { stateDir } from './local.ts'

export interface Resource {
  readonly Type: string
  readonly Properties: Readonly<Record<string, unknown>>
  readonly [attribute: string]: unknown
}

export interface PackagedTemplate {
  readonly Parameters: Readonly<Record<string, unknown>>
  readonly Conditions: Readonly<Record<string, unknown>>
  readonly Resources: Readonly<Record<string, Resource>>
  readonly Outputs: Readonly<Record<string, unknown>>
}

export interface Packaged {
  readonly exitCode: number | null
  readonly output: string
  /** Where it tried to connect to, one line each. */
  readonly connections: string
  /** Folder of the archives and the template. */
  readonly dir: string
  readonly templateFile: string
}

/** Loaded into every Node.js process that the CLI starts: notes where a connection was to go, and opens none. */
export const NO_NETWORK = `
const { appendFileSync } = require('node:fs')
const { Socket } = require('node:net')
Socket.prototype.connect = function (...args) {
  const [to] = args.flat()
  appendFileSync(process.env.CONNECTIONS, JSON.stringify([to?.host ?? to, to?.port]) + '\\n')
  process.nextTick(() => this.destroy(new Error('no network')))
  return this
}
`

/** A copy, so that bundles of a `serverless offline` that runs meanwhile are not overwritten. */
export async function packageService(env: Readonly<Record<string, string>> = {}): Promise<Packaged> {
  const base = await stateDir()
  const [home, project, dir, connections] = ['home', 'project', 'package', 'connections'].map((name) => join(base, name)) as [string, string, string, string]
  await mkdir(home)
  await mkdir(project)
  await writeFile(connections, '')
  await writeFile(join(base, 'no-network.cjs'), NO_NETWORK)
  for (const name of ['serverless.yml', 'package.json', 'package-lock.json', 'tsconfig.json', 'resources', 'functions', 'lib', 'local']) {
    await cp(join(process.cwd(), name), join(project, name), { recursive: true })
  }
  await symlink(join(process.cwd(), 'node_modules'), join(project, 'node_modules'))
  const program = join('node_modules', 'serverless', 'bin', 'serverless.js')
  const child = spawn(process.execPath, ['--disable-warning=ExperimentalWarning', program, 'package', '--stage', 'production', '--package', dir], {
    cwd: project,
    stdio: ['ignore', 'pipe', 'pipe'],
    env: { PATH: process.env['PATH'] ?? '', HOME: home, NODE_OPTIONS: `--require=${join(base, 'no-network.cjs')}`, CONNECTIONS: connections, ...env },
  })
  let output = ''
  for (const stream of [child.stdout, child.stderr]) stream.on('data', (chunk: Buffer) => (output += chunk.toString()))
  const [exitCode] = (await once(child, 'close')) as [number | null]
  const templateFile = join(dir, 'cloudformation-template-update-stack.json')
  return { exitCode, output, connections: await readFile(connections, 'utf8'), dir, templateFile }
}

export async function readTemplate({ templateFile }: Packaged): Promise<PackagedTemplate> {
  return JSON.parse(await readFile(templateFile, 'utf8')) as PackagedTemplate
}

/** A template that is deployed as it is: short tags in long form. */
export async function readYaml(file: string): Promise<PackagedTemplate> {
  const tags = ['Ref', 'Condition', 'Sub', 'GetAtt', 'If', 'Join', 'Equals', 'Not', 'And', 'Or'].flatMap((name) => {
    const long = name === 'Ref' || name === 'Condition' ? name : `Fn::${name}`
    return (['scalar', 'sequence'] as const).map((kind) => new Type(`!${name}`, { kind, construct: (data) => ({ [long]: data }) }))
  })
  return load(await readFile(file, 'utf8'), { schema: CORE_SCHEMA.extend(tags) }) as PackagedTemplate
}
