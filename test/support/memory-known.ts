/** What was measured to be left in the enclave's memory: docs/threat-model.md, "What is left in memory", says why. A ratchet: lines only go. */
import type { Findings } from './memory-look.ts'

/** The native Argon2 copies the PIN into its own allocator's memory, and frees it as it is. */
const ARGON2: readonly string[] = ['PIN, raw']

/** Opened states, in memory that node:crypto freed; and, once, 16 bytes of a seed in a worker thread's memory. */
const OPENED: readonly string[] = ['idempotency key, raw', 'seed, raw']

/** `kind, form`; each form whole or in part. */
export const KNOWN: readonly string[] = [...ARGON2, ...OPENED]

/** What was found and isn't listed. */
export function beyond(findings: Findings, known: readonly string[]): Findings {
  return Object.fromEntries(Object.entries(findings).filter(([what]) => !known.includes(what.replace(/, in part$/, ''))))
}
