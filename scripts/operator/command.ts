/** Commands a deployment's enclaves through its operator function, with the AWS credentials of the environment. docs/operate.md explains. */
import { readFile } from 'node:fs/promises'
import { join } from 'node:path'
import { parseArgs } from 'node:util'
import { InvokeCommand, LambdaClient } from '@aws-sdk/client-lambda'
import type { Measurements } from '../../lib/attestation/policy.ts'
import { acceptAttestation, measurementsOf } from '../../lib/attestation/policy.ts'
import { verifyAttestation } from '../../lib/attestation/verify.ts'
import { toBase64url } from '../../lib/protocol/bytes.ts'
import { CloisterError } from '../../lib/protocol/errors.ts'
import type { EnclaveStatus } from '../../lib/protocol/operator.ts'
import { COMMANDS, decodeAnswer, type EnclaveAnswer, type OperatorAnswer, type Selection } from '../../lib/operator/messages.ts'
import { readMeasurements, readRoot } from '../pins.ts'

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
  readonly local: boolean
}

interface Pins {
  readonly root: Uint8Array
  readonly measurements: readonly Measurements[]
}

type Options = NonNullable<ReturnType<typeof readArgs>>['values']

interface Terminal {
  out(line: string): void
  err(line: string): void
}

/** @returns the exit code: 1 unless every enclave that was asked did as told, 2 for a command that is none */
export async function operatorCommand(argv: readonly string[], terminal: Terminal): Promise<0 | 1 | 2> {
  const read = readArgs(argv, terminal)
  const command = COMMANDS.find((name) => name === read?.positionals[0])
  if (read === undefined || command === undefined || read.positionals.length !== 1) {
    terminal.err(USAGE)
    return 2
  }
  try {
    return (await run(command, read.values, terminal)) ? 0 : 1
  } catch (error) {
    terminal.err(`operator: ${explain(error)}`)
    return 1
  }
}

async function run(name: (typeof COMMANDS)[number], values: Options, terminal: Terminal): Promise<boolean> {
  if (values.now && name !== 'rotate') throw new Error('--now is for rotate')
  // Pins first: without them `measurements` says nothing.
  const pins = name === 'measurements' ? await readPins(values) : undefined
  const nonce = crypto.getRandomValues(new Uint8Array(32))
  const enclave = selection(values.enclave)
  const event =
    name === 'rotate' ? { command: name, enclave, now: values.now } : name === 'measurements' ? { command: name, enclave, nonce: toBase64url(nonce) } : { command: name, enclave }
  const answer = decodeAnswer(await invoke(await target(values), event))
  if (answer === undefined) throw new Error('what answered is no operator function of this release')
  if (!answer.ok) throw new Error(ERRORS[answer.error])
  let fine = true
  for (const one of answer.enclaves) {
    const shown = await show(one, nonce, pins)
    if ('error' in shown.json) fine = false
    const [first = '', ...more] = shown.lines
    if (values.json) terminal.out(JSON.stringify({ enclave: one.enclave, ...shown.json }))
    else for (const line of [`enclave ${one.enclave}: ${first}`, ...more.map((text) => `  ${text}`)]) terminal.out(line)
  }
  return fine
}

interface Shown {
  readonly json: object
  readonly lines: readonly string[]
}

async function show(answer: EnclaveAnswer, nonce: Uint8Array, pins: Pins | undefined): Promise<Shown> {
  if ('error' in answer) return { json: { error: answer.error }, lines: ['does not answer, or is in no phase for this'] }
  if ('status' in answer) return { json: { status: answer.status }, lines: describe(answer.status) }
  const measurements = await verified(answer.document, nonce, pins as Pins)
  if (typeof measurements === 'string') return { json: { error: measurements }, lines: [`NOT VERIFIED: ${measurements}`] }
  const lines = Object.entries(measurements).map(([pcr, digest]) => `${pcr.padEnd(6)} ${digest as string}`)
  return { json: { verified: true, measurements }, lines: ['verified: fresh, under the root, with measurements of the release', ...lines] }
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

async function invoke({ functionName, region, endpoint, local }: Target, event: object): Promise<unknown> {
  const client = new LambdaClient({
    maxAttempts: 1, // a command is given once
    ...(region === undefined ? {} : { region }),
    // Nobody looks at the signature on one's own machine; the SDK wants to make one.
    ...(endpoint === undefined ? {} : { endpoint }),
    ...(local ? { credentials: { accessKeyId: 'local', secretAccessKey: 'local' } } : {}),
  })
  const answer = await client.send(new InvokeCommand({ FunctionName: functionName, Payload: Buffer.from(JSON.stringify(event)) }), { abortSignal: AbortSignal.timeout(TIMEOUT_MS) })
  if (answer.FunctionError !== undefined) throw new Error('the function failed; see its log')
  return JSON.parse(Buffer.from(answer.Payload ?? []).toString('utf8'))
}

async function target(values: Options): Promise<Target> {
  const local = values.local ? await localState(values.state) : undefined
  const functionName = values.function ?? (values.local ? 'cloister-dev-operator' : undefined)
  if (functionName === undefined) throw new Error('--function is required (or --local, for npm start)')
  const region = values.region ?? (values.local ? 'us-east-1' : undefined)
  return { functionName, region, endpoint: values['endpoint-url'] ?? local?.lambdaUrl, local: values.local }
}

async function readPins(values: Options): Promise<Pins> {
  if (values.local) {
    const { root, measurements } = await localState(values.state)
    return { root: new Uint8Array(Buffer.from(root, 'base64')), measurements }
  }
  if (values.measurements === undefined) throw new Error('--measurements is required')
  const root = await readRoot({ aws: values.root, other: values['insecure-root'] })
  return { root, measurements: await readMeasurements(values.measurements) }
}

async function localState(stateDir: string): Promise<{ lambdaUrl: string; root: string; measurements: readonly Measurements[] }> {
  const text = await readFile(join(stateDir, 'trust.json'), 'utf8').catch(() => {
    throw new Error('--local: there is no trust.json: is npm start running?')
  })
  return JSON.parse(text) as Awaited<ReturnType<typeof localState>>
}

function selection(enclave: string | undefined): Selection {
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

function readArgs(argv: readonly string[], terminal: Terminal) {
  try {
    return parseArgs({
      args: [...argv],
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
    terminal.err(`operator: ${error instanceof Error ? error.message : 'failed'}\n`)
    return undefined
  }
}
