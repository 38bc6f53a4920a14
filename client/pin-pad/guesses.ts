/** What a person is told of the guesses that are left, in words. */

/** As the enclave's sealed answers say it (`GuessState`). */
export interface Guesses {
  /** Guesses that may be tried now. */
  readonly guessesLeft: number
  /** Milliseconds since the epoch until which no guess is taken; 0 when none is. */
  readonly lockedUntilMs: number
}

export interface GuessNotice {
  readonly locked: boolean
  /** For people who see; changes each second while locked. */
  readonly text: string
  /** For screen readers: said once. */
  readonly spoken: string
}

/** A fresh wallet's five are not worth a word. */
const FREE_GUESSES = 5

export function describeGuesses(guesses: Guesses | null, nowMs: number): GuessNotice {
  if (guesses === null) return { locked: false, text: '', spoken: '' }
  const { guessesLeft, lockedUntilMs } = guesses
  if (lockedUntilMs > nowMs) {
    const wait = formatWait(lockedUntilMs - nowMs)
    return { locked: true, text: `Too many wrong PINs. Try again in ${wait}`, spoken: 'Too many wrong PINs. The pad is locked for a while.' }
  }
  // Once a lock has run out there is one guess, and then the next, longer lock.
  const left = lockedUntilMs > 0 ? Math.max(1, guessesLeft) : guessesLeft
  if (left >= FREE_GUESSES) return { locked: false, text: '', spoken: '' }
  const text = left <= 1 ? 'Last try before a longer wait' : `${left} tries left before a wait`
  return { locked: false, text, spoken: text }
}

/** `0:59`, `12:00`, `23:59:59`; rounded up, so that it never says zero too early. */
export function formatWait(ms: number): string {
  const seconds = Math.max(0, Math.ceil(ms / 1000))
  const two = (value: number): string => String(value).padStart(2, '0')
  const hours = Math.floor(seconds / 3600)
  const minutes = Math.floor(seconds / 60) % 60
  return hours > 0 ? `${hours}:${two(minutes)}:${two(seconds % 60)}` : `${minutes}:${two(seconds % 60)}`
}
