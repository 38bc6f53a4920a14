/** What an operator's command line says to the operator function, and what comes back: JSON, as a Lambda invocation carries it. */
import { array, attempt, base64url, boolean, integer, Malformed, object, oneOf, text } from '../protocol/fields.ts'
import { LIMITS } from '../protocol/limits.ts'
import { decodeEnclaveStatus, type EnclaveStatus } from '../protocol/operator.ts'

export const COMMANDS = ['status', 'measurements', 'rotate', 'drain', 'resume'] as const

/** Which enclaves: by its place in `CLOISTER_ENCLAVES`, from 1; null where there is only one, or the command asks and changes nothing. */
export type Selection = number | 'all' | null

export type OperatorCommand =
  | { readonly command: 'status' | 'drain' | 'resume'; readonly enclave: Selection }
  /** `now`: what was sealed to earlier channel keys is not opened any more. */
  | { readonly command: 'rotate'; readonly enclave: Selection; readonly now: boolean }
  | { readonly command: 'measurements'; readonly enclave: Selection; readonly nonce: Uint8Array }

export type EnclaveAnswer =
  | { readonly enclave: number; readonly status: EnclaveStatus }
  /** Not verified: that is for the operator's own machine. */
  | { readonly enclave: number; readonly document: Uint8Array }
  /** It did not answer, or is in no phase for this. */
  | { readonly enclave: number; readonly error: 'unavailable' }

const OPERATOR_ERRORS = ['malformed', 'enclave_unknown', 'enclave_required', 'internal'] as const
export type OperatorAnswer =
  | { readonly ok: true; readonly enclaves: readonly EnclaveAnswer[] }
  | { readonly ok: false; readonly error: (typeof OPERATOR_ERRORS)[number] }

/** Exactly the command's own fields: an event of the HTTP API, whatever is in it, is none. */
export function decodeCommand(event: unknown): OperatorCommand | undefined {
  return attempt((): OperatorCommand => {
    const name = oneOf((event as { readonly command?: unknown } | null)?.command, COMMANDS)
    const own = name === 'rotate' ? ['now'] : name === 'measurements' ? ['nonce'] : []
    const fields = object(event, ['command', 'enclave', ...own])
    const enclave = readSelection(fields['enclave'])
    if (name === 'rotate') return { command: name, enclave, now: boolean(fields['now']) }
    if (name === 'measurements') return { command: name, enclave, nonce: base64url(fields['nonce'], LIMITS.minNonceBytes, LIMITS.maxNonceBytes) }
    return { command: name, enclave }
  })
}

function readSelection(value: unknown): Selection {
  return value === null || value === 'all' ? value : integer(value, 1, 64)
}

/** @returns `undefined` when the function answered something else; it may be an old one, or an error of Lambda's */
export function decodeAnswer(json: unknown): OperatorAnswer | undefined {
  return attempt((): OperatorAnswer => {
    if ((json as { readonly ok?: unknown } | null)?.ok === false) return { ok: false, error: oneOf(object(json, ['ok', 'error'])['error'], OPERATOR_ERRORS) }
    const fields = object(json, ['ok', 'enclaves'])
    if (fields['ok'] !== true) throw new Malformed()
    return { ok: true, enclaves: array(fields['enclaves'], 64, readEnclave) }
  })
}

function readEnclave(value: unknown): EnclaveAnswer {
  const kind = ['status', 'document', 'error'].find((name) => typeof value === 'object' && value !== null && Object.hasOwn(value, name)) ?? ''
  const fields = object(value, ['enclave', kind])
  const enclave = integer(fields['enclave'], 1, 64)
  if (kind === 'document') return { enclave, document: base64url(fields['document'], 1, 16 * 1024) }
  if (kind === 'error') return { enclave, error: oneOf(text(fields['error'], /^[a-z_]+$/), ['unavailable']) }
  const status = decodeEnclaveStatus(fields['status'])
  if (status === undefined) throw new Malformed()
  return { enclave, status }
}
