/**
 * Program: asks a deployment whether it does what it should, without logging in. Ends with 1 if it doesn't.
 *
 * `node scripts/smoke.ts --url URL --function NAME --root FILE --measurements JSON|FILE`: the API's URL, the name of its health function (called with the AWS
 * credentials of the environment), AWS's Nitro root certificate (PEM or DER) and the measurements that apps pin, as `npm run measure` writes them.
 */
import { parseArgs } from 'node:util'
import { InvokeCommand, LambdaClient } from '@aws-sdk/client-lambda'
import { fetchAttestation } from '../client/http.ts'
import { acceptChannel } from '../client/trust.ts'
import { CloisterError } from '../lib/protocol/errors.ts'
import { readMeasurements, readRoot } from './pins.ts'

const CLOCK_TOLERANCE_MS = 300_000
const TIMEOUT_MS = 30_000

const { values } = parseArgs({
  options: {
    url: { type: 'string' },
    function: { type: 'string' },
    root: { type: 'string' },
    /** A root that is not AWS's: for a simulator, whose enclaves protect nothing. */
    'insecure-root': { type: 'string' },
    measurements: { type: 'string' },
  },
})

const url = new URL(required('url'))
if (url.protocol !== 'https:' && url.hostname !== '127.0.0.1') throw new Error('--url must be https')
const root = await readRoot({ aws: values.root, other: values['insecure-root'] })
const measurements = await readMeasurements(required('measurements'))
let failures = 0

await check('the health function answers when it is invoked', async () => {
  const FunctionName = required('function')
  const event = { version: '2.0', routeKey: 'GET /v1/health', rawPath: '/v1/health', rawQueryString: '', headers: {}, requestContext: { requestId: 'smoke' }, isBase64Encoded: false }
  const answer = await new LambdaClient({}).send(new InvokeCommand({ FunctionName, Payload: Buffer.from(JSON.stringify(event)) }))
  must(answer.FunctionError === undefined, 'the function threw')
  const { statusCode } = JSON.parse(Buffer.from(answer.Payload ?? []).toString('utf8')) as { statusCode?: number }
  must(statusCode === 200, `status ${statusCode}`)
})

await check('GET /v1/health: an enclave serves', async () => {
  const { status, headers, body } = await ask('GET', '/v1/health')
  must(status === 200 && body['status'] === 'ok' && body['phase'] === 'serving', `status ${status}`)
  must(headers.get('cache-control') === 'no-store', 'it may be cached')
})

await check('GET /v1/enclave: attested under the pinned root, with the pinned measurements', async () => {
  const nonce = crypto.getRandomValues(new Uint8Array(32))
  const document = await fetchAttestation({ url: url.href, fetch }, nonce)
  await acceptChannel(document, nonce, { root, measurements, clockToleranceMs: CLOCK_TOLERANCE_MS })
})

const wallet = crypto.randomUUID()
for (const [method, path] of [['GET', '/v1/wallets'], ['POST', '/v1/wallets'], ['POST', `/v1/wallets/${wallet}/view`], ['POST', `/v1/wallets/${wallet}/sign`]] as const) {
  await check(`${method} ${path.replace(wallet, '{id}')} without a token: 401`, async () => {
    const { status, headers, body } = await ask(method, path)
    must(status === 401 && body['code'] === 'token_missing', `status ${status}`)
    must(headers.get('www-authenticate')?.startsWith('Bearer') === true, 'no challenge')
  })
}

await check('a token that is none: 401', async () => {
  const { status } = await ask('GET', '/v1/wallets', { authorization: 'Bearer not.a.token' })
  must(status === 401, `status ${status}`)
})

process.exitCode = failures === 0 ? 0 : 1

async function ask(method: string, path: string, headers: Record<string, string> = {}): Promise<{ status: number; headers: Headers; body: Record<string, unknown> }> {
  const init: RequestInit = { method, headers, redirect: 'error', signal: AbortSignal.timeout(TIMEOUT_MS) }
  if (method === 'POST') init.body = '{}'
  const response = await fetch(new URL(path, url), init)
  return { status: response.status, headers: response.headers, body: (await response.json()) as Record<string, unknown> }
}

async function check(what: string, run: () => Promise<void>): Promise<void> {
  try {
    await run()
    console.log(`ok    ${what}`)
  } catch (error) {
    failures += 1
    const why = error instanceof CloisterError ? error.code : error instanceof Error ? `${error.name}: ${error.message}` : 'unknown'
    console.log(`FAIL  ${what} (${why})`)
  }
}

function must(fine: boolean, otherwise: string): void {
  if (!fine) throw new Error(otherwise)
}

function required(name: 'url' | 'function' | 'measurements'): string {
  const value = values[name]
  if (value === undefined || value === '') throw new Error(`--${name} is required`)
  return value
}
