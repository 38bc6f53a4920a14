/** The PIN: given, or asked for at the last moment, so that an app need not hold it. */
import type { Summary } from '../lib/chains/chain.ts'
import { utf8, wipe } from '../lib/protocol/bytes.ts'
import { CloisterError } from '../lib/protocol/errors.ts'
import type { Operation } from '../lib/protocol/header.ts'
import { withDeadline } from './deadline.ts'

/** What somebody is asked their PIN for. */
export interface PinRequest {
  readonly op: Operation
  /** UUIDv4. */
  readonly wallet: string
  /** The name that its owner gave it. */
  readonly label: string
  /** `choose`: a new PIN is wanted, so ask twice. */
  readonly purpose: 'authorize' | 'choose'
  /** What is about to be signed, one for each payload that came with one: show them before asking. */
  readonly summaries: readonly Summary[]
}

/** Asks its user. The bytes that it returns become ours and are wiped once used; `null`: the user declined. */
export type PinPrompt = (request: PinRequest) => Promise<Uint8Array | string | null>

/** 4 to 64 bytes, text that becomes UTF-8, or a prompt. Bytes are better than text: they can be wiped. Those given directly are copied: wipe yours. */
export type Pin = Uint8Array | string | PinPrompt

/**
 * The PIN as bytes of our own, to be wiped by whoever asked.
 * @throws CloisterError `declined`; what the prompt throws; what the signal was aborted with
 */
export async function obtainPin(pin: Pin | undefined, request: PinRequest, signal?: AbortSignal): Promise<Uint8Array> {
  if (pin === undefined) throw new TypeError('a PIN is needed: give `pin` here, or to connect')
  if (typeof pin !== 'function') return ownBytes(pin)
  let isLate = false
  const asked = Promise.resolve(pin(request)).then((answer) => {
    if (answer === null) throw new CloisterError('declined')
    const bytes = typeof answer === 'string' ? utf8(answer) : answer
    if (isLate) wipe(bytes)
    return bytes
  })
  return withDeadline({ signal }, () => asked).catch((error: unknown) => {
    isLate = true
    throw error
  })
}

function ownBytes(pin: Uint8Array | string): Uint8Array {
  return typeof pin === 'string' ? utf8(pin) : pin.slice()
}
