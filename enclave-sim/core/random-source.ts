/**
 * Health tests of the random sources (NIST SP 800-90B §4.4), one byte a sample. Each source has its own; every byte taken from it passes them before
 * it is used, and a source that fails once is never used again.
 *
 * Assumed min-entropy: 4 bits a byte, half of what either source promises, and what 64 bytes need for the 256 bits of the largest wallet.
 * False alarms: 2⁻⁴⁰ a test at that entropy, and far fewer at 8 bits. They notice a source that is stuck or grossly biased; what a well-made
 * generator gives out, they pass, whoever knows its seed.
 */
import { wipe } from '../../lib/protocol/bytes.ts'

/** H, bits a sample. */
export const MIN_ENTROPY_BITS = 4
/** α = 2⁻⁴⁰, as its negative binary logarithm. */
export const FALSE_ALARM_BITS = 40
/** §4.4.1: 1 + ⌈−log₂ α / H⌉ equal samples in a row. */
export const REPETITION_CUTOFF = 1 + Math.ceil(FALSE_ALARM_BITS / MIN_ENTROPY_BITS)
/** §4.4.2: samples in a window, for a source that is not binary. */
export const PROPORTION_WINDOW = 512
/** §4.4.2: 1 + CRITBINOM(512, 2⁻⁴, 1 − 2⁻⁴⁰) samples of a window equal to its first. */
export const PROPORTION_CUTOFF = 78
/** §4.3: samples that are tested before the first one is used. */
export const START_UP_SAMPLES = 1024

/** Both tests over one source, continuously: what the last draw ended with is where the next goes on. False from the first failure on. */
export function createHealthTests(): (samples: Uint8Array) => boolean {
  let healthy = true
  let last = -1
  let repetitions = 0
  let first = -1
  let matches = 0
  let seen = 0

  function take(sample: number): void {
    repetitions = sample === last ? repetitions + 1 : 1
    last = sample
    if (repetitions >= REPETITION_CUTOFF) healthy = false
    if (seen === 0) [first, matches] = [sample, 0]
    if (sample === first) matches += 1
    if (matches >= PROPORTION_CUTOFF) healthy = false
    seen = (seen + 1) % PROPORTION_WINDOW
  }

  return (samples) => {
    for (const sample of samples) take(sample)
    return healthy
  }
}

/**
 * A source whose bytes are tested before anybody gets them. Those that fail are wiped.
 * @param onFailure what else is to happen: the enclave halts
 */
export function testedSource<Args extends readonly unknown[]>(draw: (...args: Args) => Promise<Uint8Array>, onFailure: () => void): (...args: Args) => Promise<Uint8Array> {
  const passes = createHealthTests()
  return async (...args) => {
    const samples = await draw(...args)
    if (passes(samples)) return samples
    wipe(samples)
    onFailure()
    throw new Error('the random source failed a health test')
  }
}

/** §4.3: draws and discards the samples of the start-up test. @throws Error when they fail, or when there are none */
export async function startUpTest(random: () => Promise<Uint8Array>): Promise<void> {
  for (let tested = 0; tested < START_UP_SAMPLES; ) {
    const samples = await random()
    if (samples.length === 0) throw new Error('the random source gave nothing')
    tested += samples.length
    wipe(samples)
  }
}
