/** What an attacker tried, what they won by it, and what the threat model says they may win. */

/** As in the table of docs/threat-model.md. */
export const ATTACKERS = [
  'network', 'stolen token', 'stolen token, proof none', 'relay', 'relay, proof none', 'host', 'database', 'changed image', 'changed configuration',
  'identity provider', 'table and login together', 'host and login together', 'KMS key policy',
] as const
export type Attacker = (typeof ATTACKERS)[number]

export interface Won {
  /** Data keys, seeds and private keys that are not the attacker's own. */
  readonly keys: number
  /** PINs and transactions. */
  readonly plaintexts: number
  /** Over what the owner never asked to sign. */
  readonly signatures: number
  /** PINs that an enclave, or the attacker's own computer, tried for them; in 30 days, where time bounds them. */
  readonly guesses: number
}

export const NOTHING: Won = { keys: 0, plaintexts: 0, signatures: 0, guesses: 0 }

/** What an attack brought in. Nobody's word is taken for what it is worth: the judge looks. */
export interface Evidence {
  /** All that the attacker ended up with. */
  readonly loot?: readonly Uint8Array[]
  /** Serialized transactions that they hold a signature for. */
  readonly signed?: readonly Uint8Array[]
  readonly guesses?: number
  /** The service was denied to somebody. */
  readonly denial?: boolean
  /** What stopped it: the code of the refusal, or a word. */
  readonly stopped: string
  /** What should have. Where it differs, something else did, and the attempt proves nothing. */
  readonly expected: string
  /** More to say of it. */
  readonly note?: string
}

export interface Attempt extends Evidence {
  readonly attacker: Attacker
  readonly attempt: string
  readonly won: Won
}

/** Guesses in 30 days where the limit holds: 30 wrong ones, however often the owner succeeds between them, then one in 24 hours. */
export const LIMITED = 60

/** The most that each may win. docs/threat-model.md says the same, and why. */
export const ALLOWED: Readonly<Record<Attacker, Won>> = {
  network: NOTHING,
  'stolen token': NOTHING,
  'stolen token, proof none': { ...NOTHING, guesses: LIMITED },
  relay: NOTHING,
  'relay, proof none': { ...NOTHING, guesses: LIMITED },
  host: NOTHING,
  database: NOTHING,
  'changed image': NOTHING,
  'changed configuration': NOTHING,
  'identity provider': { ...NOTHING, guesses: LIMITED },
  // Of each enclave, while it runs.
  'table and login together': { ...NOTHING, guesses: LIMITED },
  'host and login together': { ...NOTHING, guesses: Infinity },
  'KMS key policy': { keys: Infinity, plaintexts: Infinity, signatures: Infinity, guesses: Infinity },
}

const KINDS = ['keys', 'plaintexts', 'signatures', 'guesses'] as const

/** The most that each attacker won by any of their attempts. */
export function tally(attempts: readonly Attempt[]): Partial<Record<Attacker, Won>> {
  const sums: Partial<Record<Attacker, Won>> = {}
  for (const { attacker, won } of attempts) {
    const before = sums[attacker] ?? NOTHING
    sums[attacker] = Object.fromEntries(KINDS.map((kind) => [kind, Math.max(before[kind], won[kind])])) as unknown as Won
  }
  return sums
}

/** What is wrong with a run: more won than the table allows, or stopped by something else than what should stop it. */
export function violations(attempts: readonly Attempt[]): string[] {
  return attempts.flatMap(({ attacker, attempt, won, stopped, expected }) => [
    ...KINDS.filter((kind) => won[kind] > ALLOWED[attacker][kind]).map((kind) => `${attacker}, ${attempt}: won ${won[kind]} ${kind}`),
    ...(stopped === expected ? [] : [`${attacker}, ${attempt}: ended with "${stopped}", not with "${expected}"`]),
  ])
}

export function spell(won: Won): string {
  const parts = KINDS.filter((kind) => won[kind] > 0).map((kind) => `${count(won[kind])} ${kind}`)
  return parts.join(', ') || 'nothing'
}

const count = (value: number): string => (value === Infinity ? 'unlimited' : String(value))

/** What `docs/threat-model.md` must say of an attacker: the cells of the row. */
export function cells(attacker: Attacker): string[] {
  const allowed = ALLOWED[attacker]
  return KINDS.map((kind) => (allowed[kind] === Infinity ? 'no limit' : String(allowed[kind])))
}

/** The table at the end. */
export function table(sums: Partial<Record<Attacker, Won>>): string {
  const rows = ATTACKERS.flatMap((attacker) => {
    const won = sums[attacker]
    return won === undefined ? [] : [[attacker, ...KINDS.map((kind) => count(won[kind]))]]
  })
  return [['attacker', ...KINDS], ...rows].map(([name = '', ...cells]) => name.padEnd(28) + cells.map((cell) => cell.padStart(12)).join('')).join('\n')
}

/** A weakness that was made on purpose, and what it let through. */
export interface Contrast {
  readonly missing: string
  /** What must be above zero. */
  readonly kind: keyof Won
  readonly won: Won
}

export interface Run {
  readonly attempts: readonly Attempt[]
  readonly contrasts: readonly Contrast[]
  /** Empty when everything is as the threat model says. */
  readonly violations: readonly string[]
}

const WITHOUT_LIMIT = 'no limit'

/** JSON; what was won, not the loot. */
export function encodeRun(run: Run): string {
  return JSON.stringify(run, (name, value: unknown) => (name === 'loot' || name === 'signed' ? undefined : value === Infinity ? WITHOUT_LIMIT : value))
}

export function decodeRun(text: string): Run {
  return JSON.parse(text, (_name, value: unknown) => (value === WITHOUT_LIMIT ? Infinity : value)) as Run
}
