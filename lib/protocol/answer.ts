import { decodeCbor, encodeCbor, type CborValue } from './cbor.ts'
import { isErrorCode, type ErrorCode, type GuessState } from './errors.ts'
import { attempt, bytes, integer, Malformed, nullable, object, oneOf } from './fields.ts'
import { OPERATIONS, type Operation } from './header.ts'
import { LIMITS } from './limits.ts'
import { pad, shortOf, unpad } from './padding.ts'

/** What comes back sealed: the result, or why not. */
export type AnswerOutcome =
  | { readonly ok: true; readonly result: CborValue }
  | { readonly ok: false; readonly code: ErrorCode; readonly guesses: GuessState | null }

/** AAD of a sealed answer: CBOR `{v, op, request}`; an answer to one request can't stand for another. */
export function answerBinding(op: Operation, request: Uint8Array): Uint8Array<ArrayBuffer> {
  return encodeCbor({ v: LIMITS.protocolVersion, op, request })
}

/** Deterministic CBOR `{op, request, result, error}`, one of the last two null. */
export function encodeAnswer(op: Operation, request: Uint8Array, outcome: AnswerOutcome): Uint8Array<ArrayBuffer> {
  if (outcome.ok) return encodeCbor({ op, request, result: outcome.result, error: null })
  const guesses: CborValue = outcome.guesses === null ? null : encodeGuesses(outcome.guesses)
  return encodeCbor({ op, request, result: null, error: { code: outcome.code, guesses } })
}

export function decodeAnswer(
  encoded: Uint8Array,
): { op: Operation; request: Uint8Array; outcome: AnswerOutcome } | undefined {
  return attempt(() => {
    const fields = object(decodeCbor(encoded), ['op', 'request', 'result', 'error'])
    const op = oneOf(fields['op'], OPERATIONS)
    const request = bytes(fields['request'], 16)
    if (fields['error'] === null) {
      const result = fields['result'] as CborValue
      if (typeof result !== 'object' || result === null) throw new Malformed()
      return { op, request, outcome: { ok: true, result } }
    }
    if (fields['result'] !== null) throw new Malformed()
    const error = object(fields['error'], ['code', 'guesses'])
    if (!isErrorCode(error['code'])) throw new Malformed()
    return { op, request, outcome: { ok: false, code: error['code'], guesses: nullable(error['guesses'], decodeGuesses) } }
  })
}

/** The answer's padded bytes, for sealing. What an export lets out counts at its longest. Wipe them. */
export function encodeSealedAnswer(op: Operation, request: Uint8Array, outcome: AnswerOutcome): Uint8Array<ArrayBuffer> {
  return pad(encodeAnswer(op, request, outcome), outcome.ok ? shortResult(outcome.result) : 0)
}

/** Returns `undefined` for what is not padded, or no answer. How much padding there is, is the enclave's to say. */
export function decodeSealedAnswer(padded: Uint8Array): ReturnType<typeof decodeAnswer> {
  const content = unpad(padded)
  return content === undefined ? undefined : decodeAnswer(content)
}

function shortResult(result: CborValue): number {
  const { mnemonic, passphrase } = result as Readonly<Record<string, CborValue | undefined>>
  const short = (field: CborValue | undefined, longest: number): number => (field instanceof Uint8Array ? shortOf(field, longest) : 0)
  return short(mnemonic, LIMITS.maxMnemonicBytes) + short(passphrase, LIMITS.maxPassphraseBytes)
}

export function encodeGuesses(guesses: GuessState): CborValue {
  return { left: guesses.guessesLeft, lockedUntil: guesses.lockedUntilMs, wrongTotal: guesses.wrongTotal }
}

export function decodeGuesses(value: unknown): GuessState {
  const fields = object(value, ['left', 'lockedUntil', 'wrongTotal'])
  return {
    guessesLeft: integer(fields['left'], 0, 1000),
    lockedUntilMs: integer(fields['lockedUntil'], 0, Number.MAX_SAFE_INTEGER),
    wrongTotal: integer(fields['wrongTotal'], 0, 100_000),
  }
}
