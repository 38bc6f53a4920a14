/**
 * Program: `npm run operator -- COMMAND [options]`: commands a deployment's enclaves through its operator function, with the AWS credentials of the
 * environment. docs/operate.md explains. Ends with 1 unless every enclave that was asked did as told, and with 2 for a command that is none.
 */
import { readFile } from 'node:fs/promises'
import { join } from 'node:path'
import { parseArgs } from 'node:util'
import { InvokeCommand, LambdaClient } from '@aws-sdk/client-lambda'
import type { Measurements } from '../lib/attestation/policy.ts'
import { acceptAttestation, measurementsOf } from '../lib/attestation/policy.ts'
import { verifyAttestation } from '../lib/attestation/verify.ts'
import { toBase64url } from '../lib/protocol/bytes.ts'
import { CloisterError } from '../lib/protocol/errors.ts'
import type { EnclaveStatus } from '../lib/protocol/operator.ts'
import { COMMANDS, decodeAnswer, type EnclaveAnswer, type OperatorAnswer, type Selection } from '../lib/operator/messages.ts'
import { readMeasurements, readRoot } from './pins.ts'

const USAGE = `npm run operator -- COMMAND [options]

  status         phase, channel keys, requests, clock and version of each enclave
  measurements   a fresh attestation of each, verified here: --root and --measurements
  rotate         a new channel key; what was sealed to earlier ones opens for ten minutes more, with --now not at all
  drain          nothing new is taken in or attested, what is inside is finished; until \`resume\`
  resume

  --enclave N|all      which of them, from 1; rotate, drain and resume must say it where there are several
  --function NAME      the operator function (cloister-production-operator), or its ARN
  --region REGION      as AWS_REGION
  --endpoint-url URL   of Lambda, where it is not AWS's
  --root FILE          AWS's Nitro root certificate, PEM or DER; --insecure-root FILE for a simulator's
  --measurements FILE  the release manifest of \`npm run measure\` with its pcr16, or a list of measurements
  --local [--state DIR]  all of these as \`npm start\` left them in .local
  --json               the answer as JSON`

const TIMEOUT_MS = 30_000
const CLOCK_TOLERANCE_MS = 300_000

const ERRORS: Readonly<Record<Extract<OperatorAnswer, { ok: false }>['error'], string>> = {
  malformed: 'the function does not know this command: is it of another release?',
  enclave_unknown: 'there is no such enclave',
  enclave_required: 'there are several enclaves: say which, by --enclave N or --enclave all',
  internal: 'the function failed; see its log',
}

interface Target {
  readonly functionName: string
  readonly region: string | undefined
  readonly endpoint: string | undefined
}

interface Pins {
  readonly root: Uint8Array
  readonly measurements: readonly Measurements[]
}

const { values, positionals } = readArgs()
const command = COMMANDS.find((name) => name === positionals[0])
if (command === undefined || positionals.length !== 1) {
  console.error(USAGE)
  process.exit(2)
}
try {
  process.exitCode = (await main(command)) ? 0 : 1
} catch (error) {
  console.error(`operator: ${explain(error)}`)
  process.exitCode = 1
}

async function main(name: (typeof COMMANDS)[number]): Promise<boolean> {
  if (values.now && name !== 'rotate') throw new Error('--now is for rotate')
  // Pins first: without them `measurements` says nothing.
  const pins = name === 'measurements' ? await readPins() : undefined
  const nonce = crypto.getRandomValues(new Uint8Array(32))
  const enclave = selection()
  const event =
    name === 'rotate' ? { command: name, enclave, now: values.now } : name === 'measurements' ? { command: name, enclave, nonce: toBase64url(nonce) } : { command: name, enclave }
  const answer = decodeAnswer(await invoke(await target(), event))
  if (answer === undefined) throw new Error('what answered is no operator function of this release')
  if (!answer.ok) throw new Error(ERRORS[answer.error])
  let fine = true
  for (const one of answer.enclaves) fine = (await show(one, nonce, pins)) && fine
  return fine
}

async function show(answer: EnclaveAnswer, nonce: Uint8Array, pins: Pins | undefined): Promise<boolean> {
  const { enclave } = answer
  if ('error' in answer) return tell(enclave, { error: answer.error }, ['does not answer, or is in no phase for this']) && false
  if ('status' in answer) return tell(enclave, { status: answer.status }, describe(answer.status))
  const measurements = await verified(answer.document, nonce, pins as Pins)
  if (typeof measurements === 'string') return tell(enclave, { error: measurements }, [`NOT VERIFIED: ${measurements}`]) && false
  const lines = Object.entries(measurements).map(([pcr, digest]) => `${pcr.padEnd(6)} ${digest as string}`)
  return tell(enclave, { verified: true, measurements }, ['verified: fresh, under the root, with measurements of the release', ...lines])
}

/** @returns the measurements, or the code of what is wrong with the document */
async function verified(document: Uint8Array, nonce: Uint8Array, { root, measurements }: Pins): Promise<Measurements | string> {
  try {
    const nowMs = Date.now()
    const attestation = await verifyAttestation(document, { rootDer: root, atMs: nowMs })
    acceptAttestation(attestation, { measurements, nonce, nowMs, maxAgeMs: CLOCK_TOLERANCE_MS, maxSkewMs: CLOCK_TOLERANCE_MS })
    return measurementsOf(attestation)
  } catch (error) {
    if (error instanceof CloisterError) return error.code
    throw error
  }
}

function describe({ version, phase, reason, work }: EnclaveStatus): readonly string[] {
  const head = `${phase}${reason === null ? '' : ` (${reason})`}, version ${version}`
  if (work === null) return [head]
  const keys = work.channelKeys.map(({ id, ageSec, opensForSec }, index) => {
    return `channel key ${id}  ${ageSec} s old, opens for ${opensForSec} s${index === 0 && phase === 'serving' ? ', on offer' : ''}`
  })
  const { driftMs, readAgoSec } = work.clock
  return [head, ...keys, `requests    ${work.open} open: ${work.running} PINs worked on, ${work.waiting} waiting`, `clock       ${driftMs} ms off when read ${readAgoSec} s ago`]
}

function tell(enclave: number, json: object, lines: readonly string[]): true {
  if (values.json) console.log(JSON.stringify({ enclave, ...json }))
  else console.log([`enclave ${enclave}: ${lines[0] ?? ''}`, ...lines.slice(1).map((line) => `  ${line}`)].join('\n'))
  return true
}

async function invoke({ functionName, region, endpoint }: Target, event: object): Promise<unknown> {
  const client = new LambdaClient({
    maxAttempts: 1, // a command is given once
    ...(region === undefined ? {} : { region }),
    // Nobody looks at the signature on one's own machine; the SDK wants to make one.
    ...(endpoint === undefined ? {} : { endpoint }),
    ...(values.local ? { credentials: { accessKeyId: 'local', secretAccessKey: 'local' } } : {}),
  })
  const answer = await client.send(new InvokeCommand({ FunctionName: functionName, Payload: Buffer.from(JSON.stringify(event)) }), { abortSignal: AbortSignal.timeout(TIMEOUT_MS) })
  if (answer.FunctionError !== undefined) throw new Error('the function failed; see its log')
  return JSON.parse(Buffer.from(answer.Payload ?? []).toString('utf8'))
}

async function target(): Promise<Target> {
  const local = values.local ? await localState() : undefined
  const functionName = values.function ?? (values.local ? 'cloister-dev-operator' : undefined)
  if (functionName === undefined) throw new Error('--function is required (or --local, for npm start)')
  const region = values.region ?? (values.local ? 'us-east-1' : undefined)
  return { functionName, region, endpoint: values['endpoint-url'] ?? local?.lambdaUrl }
}

async function readPins(): Promise<Pins> {
  if (values.local) {
    const { root, measurements } = await localState()
    return { root: new Uint8Array(Buffer.from(root, 'base64')), measurements }
  }
  if (values.measurements === undefined) throw new Error('--measurements is required')
  const root = await readRoot({ aws: values.root, other: values['insecure-root'] })
  return { root, measurements: await readMeasurements(values.measurements) }
}

async function localState(): Promise<{ lambdaUrl: string; root: string; measurements: readonly Measurements[] }> {
  const text = await readFile(join(values.state, 'trust.json'), 'utf8').catch(() => {
    throw new Error('--local: there is no trust.json: is npm start running?')
  })
  return JSON.parse(text) as Awaited<ReturnType<typeof localState>>
}

function selection(): Selection {
  const { enclave } = values
  if (enclave === undefined || enclave === 'all') return enclave ?? null
  if (!/^[1-9][0-9]?$/.test(enclave)) throw new Error('--enclave is a number from 1, or all')
  return Number(enclave)
}

/** AWS's own words: names of errors, and nothing of what was sent. */
function explain(error: unknown): string {
  if (!(error instanceof Error)) return 'failed'
  if (error.name === 'AccessDeniedException') return 'AWS denies it: these credentials may not invoke the operator function'
  if (error.name === 'CredentialsProviderError') return 'no AWS credentials (or use --local, for npm start)'
  return error instanceof CloisterError ? error.code : error.message
}

function readArgs() {
  try {
    return parseArgs({
      allowPositionals: true,
      options: {
        function: { type: 'string' },
        region: { type: 'string' },
        'endpoint-url': { type: 'string' },
        enclave: { type: 'string' },
        now: { type: 'boolean', default: false },
        root: { type: 'string' },
        'insecure-root': { type: 'string' },
        measurements: { type: 'string' },
        local: { type: 'boolean', default: false },
        state: { type: 'string', default: '.local' },
        json: { type: 'boolean', default: false },
        help: { type: 'boolean', default: false },
      },
    })
  } catch (error) {
    console.error(`operator: ${error instanceof Error ? error.message : 'failed'}\n\n${USAGE}`)
    process.exit(2)
  }
}
