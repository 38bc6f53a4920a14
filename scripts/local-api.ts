/** Starts `serverless offline`, and with it the whole local cloud, as a child of this process. */
import { spawn } from 'node:child_process'
import { once } from 'node:events'
import { createWriteStream } from 'node:fs'
import { mkdir } from 'node:fs/promises'
import { join } from 'node:path'
import { setTimeout as sleep } from 'node:timers/promises'
import type { StackReady } from '../local/main.ts'
import { anyFreePort } from '../local/ports.ts'

export interface Api {
  readonly url: string
  /** Where functions are invoked as Lambda's own interface does: on loopback, and by whoever asks. */
  readonly lambdaUrl: string
  /** Everything that the relay and the cloud wrote. */
  readonly logFile: string
  /** Resolves when it ends by itself. */
  readonly exited: Promise<void>
  close(): Promise<void>
}

/** The API with the cloud that it started itself. */
export interface LocalApi extends Api {
  readonly stack: StackReady
}

interface LocalApiOptions {
  readonly root: string
  readonly stateDir: string
  /** 0: any free port. */
  readonly port: number
  readonly env?: Readonly<Record<string, string>>
  /** When it counts as started: healthy, or, for tests of what is broken, answering at all. */
  readonly readyWhen?: 'healthy' | 'answering'
}

const START_TIMEOUT_MS = 60_000

/** @throws Error with what to do about it */
export async function startLocalApi(options: LocalApiOptions): Promise<LocalApi> {
  const { stack, ...api } = await start(options, true)
  return { ...api, stack: stack as StackReady }
}

/** @param stackFile JSON of the functions' environment: the cloud is somebody else's */
export async function startApi(options: LocalApiOptions & { readonly stackFile: string }): Promise<Api> {
  return start({ ...options, env: { ...options.env, CLOISTER_STACK: options.stackFile } }, false)
}

async function start({ root, stateDir, port, env = {}, readyWhen = 'healthy' }: LocalApiOptions, withCloud: boolean): Promise<Api & { stack: StackReady | undefined }> {
  await mkdir(stateDir, { recursive: true, mode: 0o700 })
  const httpPort = port === 0 ? await anyFreePort() : port
  const lambdaPort = await anyFreePort()
  const url = `http://127.0.0.1:${httpPort}`
  const logFile = join(stateDir, 'cloud.log')
  const log = createWriteStream(logFile, { mode: 0o600 })
  await once(log, 'open')
  const program = join(root, 'node_modules', 'serverless', 'bin', 'serverless.js')
  const args = [program, 'offline', 'start', '--httpPort', String(httpPort), '--lambdaPort', String(lambdaPort)]
  // The cloud's own log goes to the file: a terminal is for people.
  const child = spawn(process.execPath, args, {
    cwd: root,
    stdio: ['ignore', log, log, 'ipc'],
    // Out of the terminal's group: Ctrl-C is told to us, and we end things in their order.
    detached: true,
    env: { ...process.env, CLOISTER_STATE: stateDir, CLOISTER_ORIGINS: url, SLS_TELEMETRY_DISABLED: '1', ...env },
  })
  const exited = once(child, 'exit').then(() => undefined)
  let stack: StackReady | undefined
  child.on('message', (message: { ready?: StackReady }) => (stack = message.ready ?? stack))

  async function close(): Promise<void> {
    if (child.exitCode === null && child.signalCode === null) child.kill('SIGTERM')
    await exited
    log.end()
  }

  const deadline = performance.now() + START_TIMEOUT_MS
  while ((withCloud && stack === undefined) || !(await isReady(url, readyWhen))) {
    if (child.exitCode !== null || child.signalCode !== null) throw new Error(`the local cloud did not start; see ${logFile}`)
    if (performance.now() > deadline) {
      await close()
      throw new Error(`the local cloud took more than ${START_TIMEOUT_MS / 1000} s to start; see ${logFile}`)
    }
    await sleep(50)
  }
  return { url, lambdaUrl: `http://127.0.0.1:${lambdaPort}`, stack, logFile, exited, close }
}

async function isReady(url: string, when: 'healthy' | 'answering'): Promise<boolean> {
  const answer = await fetch(new URL('/v1/health', url)).catch(() => undefined)
  return when === 'healthy' ? (answer?.ok ?? false) : answer !== undefined
}
