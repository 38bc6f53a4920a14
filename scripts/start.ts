/** `npm start`: the whole stack until Ctrl-C. State survives in `.local/`. */
import { existsSync } from 'node:fs'
import { readFile, writeFile } from 'node:fs/promises'
import { join } from 'node:path'
import { parseArgs } from 'node:util'
import { freePortFrom, isFree } from '../local/ports.ts'
import type { Service } from '../local/serve.ts'
import { startLocalApi, type LocalApi } from './local-api.ts'
import { startWalletPage } from './page.ts'

const root = join(import.meta.dirname, '..')
const { values } = parseArgs({
  options: { state: { type: 'string', default: join(root, '.local') }, port: { type: 'string', default: '3000' }, 'issuer-port': { type: 'string', default: '3443' }, 'page-port': { type: 'string', default: '3080' } },
})

const { promise: told, resolve: tell } = Promise.withResolvers<string>()
for (const signal of ['SIGINT', 'SIGTERM', 'SIGHUP'] as const) process.on(signal, () => tell(signal))

let api: LocalApi | undefined
let page: Service | undefined
try {
  await lock(values.state)
  const issuerPort = Number(values['issuer-port'])
  if (!(await isFree(issuerPort))) {
    // The issuer's URL is part of every wallet's owner: on another port, the wallets would seem gone.
    throw new Error(`port ${issuerPort} is taken, and the OpenID provider needs that one: wallets belong to its URL.\nEnd what listens there, or start with fresh wallets: npm start -- --issuer-port 3444 --state .local-3444`)
  }
  const port = await announced('API', Number(values.port))
  const chainPort = await announced('Ethereum chain', 8545)
  const pagePort = await announced('wallet page', Number(values['page-port']))
  console.log('Starting …')
  api = await startLocalApi({
    root,
    stateDir: values.state,
    port,
    env: {
      CLOISTER_ISSUER_PORT: String(issuerPort),
      CLOISTER_CHAIN_PORT: String(chainPort),
      CLOISTER_ORIGINS: [`http://127.0.0.1:${port}`, `http://127.0.0.1:${pagePort}`].join(','),
    },
  })
  page = await startWalletPage({ root, port: pagePort, apiUrl: api.url, stack: api.stack })
  await tellUrls(api, page)
  const ended = await Promise.race([told, api.exited.then(() => 'exit')])
  if (ended === 'exit') throw new Error(`the cloud ended by itself; see ${api.logFile}`)
  console.log('\nStopping …')
} catch (error) {
  console.error(`npm start: ${error instanceof Error ? error.message : 'failed'}`)
  process.exitCode = 1
} finally {
  await page?.close()
  await api?.close()
  if (api !== undefined) console.log('Stopped. Wallets and keys are kept; the next start finds them.')
}
process.exit()

/** The port, or the next free one, said aloud. */
async function announced(name: string, wanted: number): Promise<number> {
  const port = await freePortFrom(wanted)
  if (port !== wanted) console.log(`Port ${wanted} is taken: the ${name} listens on ${port}.`)
  return port
}

/** Two clouds on one state would spoil it. A lock whose process is gone counts for nothing. */
async function lock(stateDir: string): Promise<void> {
  const file = join(stateDir, 'pid')
  const pid = existsSync(file) ? Number(await readFile(file, 'utf8')) : 0
  if (pid > 0 && pid !== process.pid && isAlive(pid)) throw new Error(`already running on this state (process ${pid})`)
  const { mkdir } = await import('node:fs/promises')
  await mkdir(stateDir, { recursive: true, mode: 0o700 })
  await writeFile(file, String(process.pid))
}

function isAlive(pid: number): boolean {
  try {
    process.kill(pid, 0)
    return true
  } catch {
    return false
  }
}

async function tellUrls({ url, lambdaUrl, stack, logFile }: LocalApi, { url: pageUrl }: Service): Promise<void> {
  const trust = join(values.state, 'trust.json')
  await writeFile(trust, `${JSON.stringify({ url, lambdaUrl, root: stack.rootBase64, measurements: stack.measurements, issuer: stack.issuerUrl, clientId: stack.clientId }, null, 2)}\n`)
  console.log(`
  Wallet           ${pageUrl}          open it in a browser on this machine
  API              ${url}          try  curl ${url}/v1/health
  OpenID provider  ${stack.issuerUrl}    client id ${stack.clientId}, any user name
  Ethereum chain   ${stack.chainUrl}     chain id 31337
  What to pin      ${trust}
  Log              ${logFile}

  A token:         npm run -s token -- alice        (bound to no client key: it lists wallets)
  A signature:     npm run -s sign -- alice         (logs in, makes a wallet if there is none, signs)
  The operator:    npm run -s operator -- status --local

  Ctrl-C stops everything.
`)
}
