/** What was measured to be left in the enclave's memory: docs/threat-model.md, "What is left in memory", says why. A ratchet: lines only go. */
import type { Findings } from './memory-look.ts'

/** `kind, form`; each form whole or in part. */
export const KNOWN: readonly string[] = [
  // OpenSSL's, once in six runs: the key that signs receipts, which opens nothing.
  'receipts key, number',
  'receipts key, raw',
]

/** After other operations than signing. */
export const KNOWN_OF_LIVES: readonly string[] = [
  // The HPKE library puts the input of a key derivation together with its labels, in memory of its own.
  'recovery code, raw',
]

/** What was found and isn't listed. */
export function beyond(findings: Findings, known: readonly string[]): Findings {
  return Object.fromEntries(Object.entries(findings).filter(([what]) => !known.includes(what.replace(/, in part$/, ''))))
}
