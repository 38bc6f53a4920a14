/** The enclave's life as a table: what a phase does not list is refused. */
export const PHASES = ['boot', 'self-test', 'configured', 'serving', 'draining', 'halted'] as const
export type Phase = (typeof PHASES)[number]

/** `attest` offers a channel key, `request` takes a sealed request in, `answer` lets one's answer out, `operate` is for an operator's commands. */
export type Ability = 'health' | 'configure' | 'credentials' | 'attest' | 'channels' | 'request' | 'answer' | 'operate'

const ALLOWED: Readonly<Record<Phase, readonly Ability[]>> = {
  boot: ['health'],
  // The self-tests have passed by the time that anyone can ask; what is missing is the configuration.
  'self-test': ['health', 'configure'],
  configured: ['health', 'credentials'],
  serving: ['health', 'credentials', 'attest', 'channels', 'request', 'answer', 'operate'],
  // Nothing new comes in; what is inside is finished. It still says which channels are its own, so that the relay knows whom to send elsewhere.
  draining: ['health', 'credentials', 'channels', 'answer', 'operate'],
  halted: ['health'],
}

const NEXT: Readonly<Record<Phase, readonly Phase[]>> = {
  boot: ['self-test', 'halted'],
  'self-test': ['configured', 'halted'],
  configured: ['serving', 'halted'],
  serving: ['draining', 'halted'],
  draining: ['serving', 'halted'],
  halted: [],
}

interface PhaseMachine {
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
