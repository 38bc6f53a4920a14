/** What was measured to be left in the enclave's memory, and can't be helped from here: docs/threat-model.md, "What is left in memory". A ratchet: lines only go. */
import type { Findings } from './memory-look.ts'

/** `kind, form`, each form whole or in part. */
export const AFTER_REQUESTS: readonly string[] = []

/** The same once V8 has collected its garbage. */
export const AFTER_COLLECTION: readonly string[] = []

/** What was found and isn't listed. */
export function beyond(findings: Findings, known: readonly string[]): Findings {
  return Object.fromEntries(Object.entries(findings).filter(([what]) => !known.includes(what.replace(/, in part$/, ''))))
}
