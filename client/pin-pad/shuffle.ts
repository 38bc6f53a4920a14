/** The ten digits in an order that nobody can foresee: Fisher and Yates's, every order as likely as any other. */

/** @param random bytes, uniform: `crypto.getRandomValues` when left out */
export function shuffledDigits(random: () => number = randomByte): readonly number[] {
  const digits = [0, 1, 2, 3, 4, 5, 6, 7, 8, 9]
  for (let last = digits.length - 1; last > 0; last--) {
    const other = below(last + 1, random)
    const kept = digits[last] as number
    digits[last] = digits[other] as number
    digits[other] = kept
  }
  return digits
}

/** As a telephone has them. */
export const ORDERED_DIGITS: readonly number[] = [1, 2, 3, 4, 5, 6, 7, 8, 9, 0]

/** Uniform below `bound`: bytes past the last whole multiple are thrown away, or the first digits would come up more often. */
function below(bound: number, random: () => number): number {
  const limit = 256 - (256 % bound)
  for (;;) {
    const byte = random()
    if (byte < limit) return byte % bound
  }
}

function randomByte(): number {
  return crypto.getRandomValues(new Uint8Array(1))[0] as number
}
