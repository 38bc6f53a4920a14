/** The operator function's work. Who may invoke it is IAM's to say: nothing in an event tells who did. */
import { Logger } from '@aws-lambda-powertools/logger'
import { send, route } from '../enclave/transport.ts'
import { toBase64url, utf8 } from '../protocol/bytes.ts'
import { decodeEnclaveStatus, parseJson } from '../protocol/operator.ts'
import { encodeAttestRequest } from '../protocol/service.ts'
import { decodeCommand, type OperatorCommand } from './messages.ts'

const TIMEOUT_MS = 5_000
const MAX_DOCUMENT_BYTES = 16 * 1024

const logger = new Logger({ serviceName: 'cloister-operator' })

/**
 * @param enclaves their addresses, as the relay knows them
 * @param event an {@link OperatorCommand} as JSON
 * @returns an `OperatorAnswer` as JSON; it never throws
 */
export async function runOperatorCommand(enclaves: () => readonly string[], event: unknown): Promise<object> {
  const command = decodeCommand(event)
  if (command === undefined) return refuse('malformed')
  try {
    return await run(enclaves(), command)
  } catch {
    return refuse('internal')
  }
}

async function run(enclaves: readonly string[], command: OperatorCommand): Promise<object> {
  const { command: name, enclave: selection } = command
  // Of what changes something it must be said which one: all at once is an outage.
  if (selection === null && enclaves.length > 1 && name !== 'status' && name !== 'measurements') return refuse('enclave_required')
  const chosen = enclaves.map((url, index) => ({ url, enclave: index + 1 })).filter(({ enclave }) => selection === null || selection === 'all' || selection === enclave)
  if (chosen.length === 0) return refuse('enclave_unknown')
  const answers = await Promise.all(chosen.map(async ({ url, enclave }) => ({ enclave, ...((await ask(url, command)) ?? { error: 'unavailable' }) })))
  // The fields are a list of what may be logged.
  logger.info('operator', { command: name, enclave: selection, answered: answers.filter((answer) => !('error' in answer)).length, of: answers.length })
  return { ok: true, enclaves: answers }
}

function refuse(error: string): object {
  logger.warn('operator', { refused: error })
  return { ok: false, error }
}

async function ask(url: string, command: OperatorCommand): Promise<object | undefined> {
  if (command.command === 'measurements') {
    const document = await call(url, 'POST', 'attest', encodeAttestRequest(command.nonce))
    return document === undefined || document.length > MAX_DOCUMENT_BYTES ? undefined : { document: toBase64url(document) }
  }
  const body = command.command === 'rotate' ? utf8(JSON.stringify({ now: command.now })) : null
  const answer = await call(url, command.command === 'status' ? 'GET' : 'POST', command.command, body)
  const status = answer === undefined ? undefined : decodeEnclaveStatus(parseJson(answer))
  return status === undefined ? undefined : { status }
}

async function call(url: string, method: string, command: string, body: Uint8Array | null): Promise<Uint8Array | undefined> {
  const answer = await send({ ...route(url, `/v1/operator/${command}`), method, agent: false }, body, TIMEOUT_MS)
  return answer?.status === 200 ? answer.body : undefined
}
