/** The enclave's life as a table: what a phase does not list is refused. */
export const PHASES = ['boot', 'self-test', 'configured', 'serving', 'halted'] as const
export type Phase = (typeof PHASES)[number]

export type Ability = 'health' | 'configure' | 'credentials' | 'attest' | 'channels' | 'request'

const ALLOWED: Readonly<Record<Phase, readonly Ability[]>> = {
  boot: ['health'],
  // The self-tests have passed by the time that anyone can ask; what is missing is the configuration.
  'self-test': ['health', 'configure'],
  configured: ['health', 'credentials'],
  serving: ['health', 'credentials', 'attest', 'channels', 'request'],
  halted: ['health'],
}

const NEXT: Readonly<Record<Phase, readonly Phase[]>> = {
  boot: ['self-test', 'halted'],
  'self-test': ['configured', 'halted'],
  configured: ['serving', 'halted'],
  serving: ['halted'],
  halted: [],
}

export interface PhaseMachine {
  readonly current: Phase
  allows(ability: Ability): boolean
  /** @throws Error for a step that the table does not have */
  enter(phase: Phase): void
}

export function createPhases(): PhaseMachine {
  let current: Phase = 'boot'
  return {
    get current() {
      return current
    },
    allows: (ability) => ALLOWED[current].includes(ability),
    enter(phase) {
      if (current === phase && phase === 'halted') return
      if (!NEXT[current].includes(phase)) throw new Error(`no way from ${current} to ${phase}`)
      current = phase
    },
  }
}
