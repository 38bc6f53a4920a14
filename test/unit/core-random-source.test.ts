/** Health tests of the random sources: their cutoffs are the standard's, they notice what they are for, and a failure ends the enclave. */
import { randomBytes } from 'node:crypto'
import {
  createHealthTests, FALSE_ALARM_BITS, MIN_ENTROPY_BITS, PROPORTION_CUTOFF, PROPORTION_WINDOW, REPETITION_CUTOFF, START_UP_SAMPLES, startUpTest, testedSource,
} from '../../enclave-sim/core/random-source.ts'
import { bootEnclave, type Enclave } from '../../enclave-sim/core/enclave.ts'
import { verifyAttestation } from '../../lib/attestation/verify.ts'
import { parseRecipientKey, sealEnvelope } from '../../local/kms/envelope.ts'
import { createTestClient, PIN } from '../support/core-client.ts'
import { configurationBytes, createWorld, type World } from '../support/core-world.ts'

/** Index of the sample at which the tests fail, fed one by one; `undefined` when they do not. */
function failsAt(samples: Iterable<number>): number | undefined {
  const passes = createHealthTests()
  let at = 0
  for (const sample of samples) {
    if (!passes(new Uint8Array([sample]))) return at
    at += 1
  }
  return undefined
}

const sequence = (length: number, of: (index: number) => number): number[] => Array.from({ length }, (_none, index) => of(index) & 0xff)

/** A generator of our own, so that a run is the same each time; what it lacks in strength these tests do not see. */
function uniform(seed: number): () => number {
  let state = seed >>> 0
  return () => {
    state = (state + 0x6d2b79f5) >>> 0
    let mixed = Math.imul(state ^ (state >>> 15), state | 1)
    mixed ^= mixed + Math.imul(mixed ^ (mixed >>> 7), mixed | 61)
    return ((mixed ^ (mixed >>> 14)) >>> 0) / 2 ** 32
  }
}

describe('cutoffs', () => {
  test('α is within what §4.4 suggests: 2⁻²⁰ to 2⁻⁴⁰', () => {
    expect(FALSE_ALARM_BITS).toBeGreaterThanOrEqual(20)
    expect(FALSE_ALARM_BITS).toBeLessThanOrEqual(40)
  })

  test('repetition count, §4.4.1: 1 + ⌈−log₂ α / H⌉', () => {
    expect(REPETITION_CUTOFF).toBe(1 + Math.ceil(-Math.log2(2 ** -FALSE_ALARM_BITS) / MIN_ENTROPY_BITS))
    expect(REPETITION_CUTOFF).toBe(11)
  })

  test('adaptive proportion, §4.4.2: 1 + CRITBINOM(W, 2⁻ᴴ, 1 − α), by whole numbers', () => {
    // P(X = k) = C(W, k) · (2ᴴ − 1)^(W − k) / 2^(H·W); the quantile is the least k with P(X ≤ k) ≥ 1 − α.
    const [window, ways, alpha] = [BigInt(PROPORTION_WINDOW), 2n ** BigInt(MIN_ENTROPY_BITS), 2n ** BigInt(FALSE_ALARM_BITS)]
    const total = ways ** window
    let [choose, below, quantile] = [1n, 0n, -1n]
    while (below * alpha < total * (alpha - 1n)) {
      quantile += 1n
      if (quantile > 0n) choose = (choose * (window - quantile + 1n)) / quantile
      below += choose * (ways - 1n) ** (window - quantile)
    }
    expect(PROPORTION_WINDOW).toBe(512)
    expect(BigInt(PROPORTION_CUTOFF)).toBe(1n + quantile)
  })

  test('the start-up test takes at least 1,024 samples, §4.3', () => {
    expect(START_UP_SAMPLES).toBeGreaterThanOrEqual(1024)
  })
})

describe('the tests', () => {
  test('stuck: at the sample that makes the cutoff, and not one before', () => {
    expect(failsAt(sequence(100, () => 7))).toBe(REPETITION_CUTOFF - 1)
    expect(failsAt(sequence(REPETITION_CUTOFF - 1, () => 7))).toBe(undefined)
    // From anywhere in the stream, and across draws.
    const stream = [...sequence(300, (index) => index), ...sequence(100, () => 9)]
    expect(failsAt(stream)).toBe(300 + REPETITION_CUTOFF - 1)
    const passes = createHealthTests()
    expect(passes(new Uint8Array(6).fill(1))).toBe(true)
    expect(passes(new Uint8Array(5).fill(1))).toBe(false)
  })

  test('alternating between two values: within one window', () => {
    expect(failsAt(sequence(1024, (index) => index % 2))).toBe(2 * (PROPORTION_CUTOFF - 1))
  })

  test('the window’s first value, cutoff times in a window: refused; once less: not', () => {
    // Value 0 comes first, then at every fifth place until it has come often enough.
    const with_ = (count: number): number[] => sequence(PROPORTION_WINDOW, (index) => (index % 5 === 0 && index / 5 < count ? 0 : 1 + (index % 251)))
    expect(failsAt(with_(PROPORTION_CUTOFF))).toBe(5 * (PROPORTION_CUTOFF - 1))
    expect(failsAt(with_(PROPORTION_CUTOFF - 1))).toBe(undefined)
    // Windows do not overlap: what came in the last one does not count in the next.
    expect(failsAt([...with_(PROPORTION_CUTOFF - 1), ...with_(PROPORTION_CUTOFF - 1)])).toBe(undefined)
  })

  test.each([0.25, 0.5, 0.9])('biased: one value with probability %d, within a few windows', (bias) => {
    for (let seed = 1; seed <= 5; seed++) {
      const next = uniform(seed)
      const at = failsAt(sequence(64 * PROPORTION_WINDOW, () => (next() < bias ? 0x55 : Math.floor(next() * 256))))
      expect(at).toBeDefined()
    }
  })

  test('good ones pass: this machine’s, and one with just the assumed entropy', () => {
    expect(createHealthTests()(randomBytes(1_000_000))).toBe(true)
    const next = uniform(99)
    // 16 values, alike: 4 bits a byte.
    expect(createHealthTests()(Uint8Array.from(sequence(1_000_000, () => Math.floor(next() * 16))))).toBe(true)
  })

  test('once failed, a source stays so', () => {
    const passes = createHealthTests()
    expect(passes(new Uint8Array(64))).toBe(false)
    expect(passes(new Uint8Array(randomBytes(256)))).toBe(false)
  })
})

describe('a tested source', () => {
  test('hands good bytes on, wipes bad ones and says so', async () => {
    let failures = 0
    const good = new Uint8Array(randomBytes(64))
    const bad = new Uint8Array(64).fill(3)
    const answers = [good, bad]
    const draw = testedSource(async (_length: number) => answers.shift() as Uint8Array, () => (failures += 1))
    expect(await draw(64)).toBe(good)
    expect(failures).toBe(0)
    await expect(draw(64)).rejects.toThrow('health test')
    expect(failures).toBe(1)
    expect(bad.every((byte) => byte === 0)).toBe(true)
  })

  test.each([1, 100, 256])('the start-up test draws its samples, %i at a time', async (length) => {
    let drawn = 0
    await startUpTest(async () => {
      drawn += length
      return new Uint8Array(randomBytes(length))
    })
    expect(drawn).toBeGreaterThanOrEqual(START_UP_SAMPLES)
    expect(drawn).toBeLessThan(START_UP_SAMPLES + length)
  })

  test('and does not wait for ever for one that gives nothing', async () => {
    await expect(startUpTest(async () => new Uint8Array())).rejects.toThrow('nothing')
  })
})

describe('an enclave', () => {
  let world: World
  beforeAll(async () => {
    world = await createWorld()
  })
  afterAll(() => world.close())

  /** Its device's random bytes are whatever `bytes` says at the time. */
  const withDevice = (bytes: () => Uint8Array) => ({ nsm: { ...world.device(), random: async () => bytes() } })
  const alternating = (): Uint8Array => new Uint8Array(256).map((_zero, index) => index % 2)
  const fresh = (): Uint8Array => new Uint8Array(randomBytes(256))
  const state = ({ phase, reason }: Enclave) => [phase, reason]

  test.each<[string, () => Uint8Array]>([['stuck', () => new Uint8Array(256)], ['alternating', alternating]])('whose device is %s at start never serves, and makes nothing', async (_name, bytes) => {
    let seeded = 0
    const enclave = await bootEnclave(world.platform({ ...withDevice(bytes), seedKernel: async () => void (seeded += 1) }))
    expect(state(enclave)).toEqual(['halted', 'random-source'])
    expect(seeded).toBe(0)
    await expect(enclave.configure(configurationBytes())).rejects.toThrow('not the time')
  })

  test('whose device fails later halts at the first bytes of it: no wallet comes of them', async () => {
    let now = fresh
    const enclave = await world.enclave(withDevice(() => now()))
    const client = createTestClient(world, enclave, await world.login())
    await client.create(PIN)
    const before = world.table.written('create')
    now = () => new Uint8Array(256).fill(0xaa)
    await expect(client.create(PIN)).rejects.toThrow('clear:unavailable')
    expect(state(enclave)).toEqual(['halted', 'random-source'])
    expect(world.table.written('create')).toBe(before)
  })

  test('for which KMS’s bytes fail halts as well', async () => {
    const generateRandom = async (attestation: Uint8Array): Promise<Uint8Array> => {
      const { publicKey } = await verifyAttestation(attestation, { rootDer: world.rootDer, atMs: world.nowMs() })
      return sealEnvelope(new Uint8Array(64), parseRecipientKey(publicKey as Uint8Array) as NonNullable<ReturnType<typeof parseRecipientKey>>)
    }
    const kms = { ...world.kms, generateRandom }
    const enclave = await world.enclave({ connect: () => ({ kms, table: world.table.port(), fetchJwks: world.issuer.fetchJwks }) })
    const client = createTestClient(world, enclave, await world.login())
    const before = world.table.written('create')
    await expect(client.create(PIN)).rejects.toThrow('clear:unavailable')
    expect(state(enclave)).toEqual(['halted', 'random-source-kms'])
    expect(world.table.written('create')).toBe(before)
  })
})
