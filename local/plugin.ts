/** Serverless plugin: `serverless offline` starts the local cloud before the API, and stops it after. */
import { spawn, type ChildProcess } from 'node:child_process'
import { once } from 'node:events'
import { readFileSync } from 'node:fs'
import { join, resolve } from 'node:path'
import type { StackReady } from './main.ts'

interface Serverless {
  readonly config: { readonly servicePath: string }
  readonly service: { readonly provider: { environment?: Record<string, unknown> }; readonly custom?: Record<string, unknown> }
}

/**
 * Settings by environment: `CLOISTER_STATE` is the folder that survives a restart (`.local`), `CLOISTER_ORIGINS` the pages that may call,
 * `CLOISTER_ISSUER_PORT`, `CLOISTER_LOGIN_PORT` and `CLOISTER_CHAIN_PORT` fix ports, `CLOISTER_STACK` names a file with the functions' environment: then somebody else runs the cloud.
 */
class LocalCloud {
  readonly hooks: Readonly<Record<string, () => Promise<void> | void>>
  private readonly serverless: Serverless
  private child: ChildProcess | undefined

  constructor(serverless: Serverless) {
    this.serverless = serverless
    this.hooks = {
      // `serverless offline` and `serverless offline start` have different hooks. The former exits without a last one: then the
      // cloud ends because its channel to this process closes.
      'before:offline:start': () => this.start(),
      'before:offline:start:init': () => this.start(),
      'before:offline:start:end': () => this.stop(),
    }
  }

  private async start(): Promise<void> {
    const given = process.env['CLOISTER_STACK']
    const env = given === undefined ? (await this.startCloud()).env : (JSON.parse(readFileSync(given, 'utf8')) as StackReady['env'])
    const { provider } = this.serverless.service
    // What is set here is all that a function sees of the machine it runs on.
    provider.environment = { ...provider.environment, ...env, AWS_ACCESS_KEY_ID: 'local', AWS_SECRET_ACCESS_KEY: 'local' }
    for (const [name, value] of Object.entries(env)) process.env[name] = value
  }

  private async startCloud(): Promise<StackReady> {
    const root = this.serverless.config.servicePath
    const origins = (process.env['CLOISTER_ORIGINS'] ?? '').split(',').filter(Boolean).flatMap((origin) => ['--origin', origin])
    const args = ['--state', resolve(root, process.env['CLOISTER_STATE'] ?? '.local'), ...origins]
    for (const name of ['ISSUER', 'LOGIN', 'CHAIN'] as const) {
      const port = process.env[`CLOISTER_${name}_PORT`]
      if (port !== undefined) args.push(`--${name.toLowerCase()}-port`, port)
    }
    const child = spawn(process.execPath, [join(root, 'local', 'main.ts'), ...args], { stdio: ['ignore', 'inherit', 'inherit', 'ipc'], detached: true })
    this.child = child
    const [message] = (await Promise.race([once(child, 'message'), once(child, 'exit').then(() => [{}])])) as [{ ready?: StackReady; failed?: string }]
    if (message.ready === undefined) throw new Error(`The local cloud did not start${message.failed === undefined ? '' : `: ${message.failed}`}`)
    // Without its cloud the API answers nothing but errors.
    child.once('exit', () => this.child === undefined || process.kill(process.pid, 'SIGTERM'))
    process.send?.({ ready: message.ready })
    return message.ready
  }

  private async stop(): Promise<void> {
    const { child } = this
    this.child = undefined
    if (child === undefined || child.exitCode !== null) return
    const gone = once(child, 'exit')
    child.kill('SIGTERM')
    await gone
  }
}

export default LocalCloud
