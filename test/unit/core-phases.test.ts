/** The enclave's life: nothing outside of its phase, and once halted nothing but its state. */
import { createHash, randomBytes } from 'node:crypto'
import { bootEnclave, type Enclave, type Platform } from '../../enclave-sim/core/enclave.ts'
import { createAttestedClock, MAX_DRIFT_MS } from '../../enclave-sim/core/clock.ts'
import { createPhases, PHASES, type Ability, type Phase } from '../../enclave-sim/core/phases.ts'
import { runSelfTests, SELF_TESTS } from '../../enclave-sim/core/self-test.ts'
import { VERSION } from '../../enclave-sim/core/version.ts'
import { argon2id } from '../../enclave-sim/platform/argon2.ts'
import { decodeUnverifiedAttestation } from '../../lib/attestation/document.ts'
import { verifyAttestation } from '../../lib/attestation/verify.ts'
import { concat, utf8 } from '../../lib/protocol/bytes.ts'
import { channelKeyId } from '../../lib/protocol/channel.ts'
import { CloisterError } from '../../lib/protocol/errors.ts'
import { LIMITS } from '../../lib/protocol/limits.ts'
import { decodeChannelBinding, type ServiceRequest } from '../../lib/protocol/service.ts'
import { codeFrom } from '../support/core-codes.ts'
import { createTestClient, PIN } from '../support/core-client.ts'
import { configurationBytes, createWorld, type World } from '../support/core-world.ts'

let world: World
beforeAll(async () => {
  world = await createWorld()
})
afterAll(() => world.close())

const message: ServiceRequest = { token: utf8('x'), header: utf8('x'), enc: new Uint8Array(32), ciphertext: new Uint8Array(32), record: null }

describe('the table of phases', () => {
  const abilities: readonly Ability[] = ['health', 'configure', 'credentials', 'attest', 'channels', 'request', 'answer', 'operate']
  const allowed: Readonly<Record<Phase, readonly Ability[]>> = {
    boot: ['health'],
    'self-test': ['health', 'configure'],
    configured: ['health', 'credentials'],
    serving: ['health', 'credentials', 'attest', 'channels', 'request', 'answer', 'operate'],
    draining: ['health', 'credentials', 'channels', 'answer', 'operate'],
    halted: ['health'],
  }
  const way: Readonly<Record<Phase, readonly Phase[]>> = {
    boot: [], 'self-test': ['self-test'], configured: ['self-test', 'configured'], serving: ['self-test', 'configured', 'serving'],
    draining: ['self-test', 'configured', 'serving', 'draining'], halted: ['halted'],
  }
  const machineIn = (phase: Phase) => {
    const machine = createPhases()
    for (const step of way[phase]) machine.enter(step)
    return machine
  }

  test.each(PHASES.map((phase) => [phase] as const))('%s: what is listed, and nothing else', (phase) => {
    const machine = machineIn(phase)
    expect(machine.current).toBe(phase)
    expect(abilities.filter((ability) => machine.allows(ability))).toEqual(allowed[phase])
  })

  test.each<[Phase, readonly Phase[]]>([
    ['boot', ['self-test', 'halted']], ['self-test', ['configured', 'halted']], ['configured', ['serving', 'halted']], ['serving', ['draining', 'halted']],
    ['draining', ['serving', 'halted']], ['halted', ['halted']],
  ])('from %s only to %j', (from, to) => {
    for (const next of PHASES) {
      const machine = machineIn(from)
      if (to.includes(next)) {
        machine.enter(next)
        expect(machine.current).toBe(next)
      } else {
        expect(() => machine.enter(next)).toThrow('no way')
        expect(machine.current).toBe(from)
      }
    }
  })
})

/** Everything that an enclave can be asked, and what it says to each. */
async function asked(enclave: Enclave): Promise<Record<string, string>> {
  const handled = await enclave.handle(message)
  const channels = (): string => {
    try {
      return String(enclave.channelIds().length > 0)
    } catch (error) {
      return error instanceof CloisterError ? error.code : 'another error'
    }
  }
  return {
    offer: await codeFrom(enclave.offer(randomBytes(32))),
    channels: channels(),
    rotate: await codeFrom(enclave.rotateChannelKey()),
    attest: await codeFrom(enclave.attest(randomBytes(32))),
    drain: await codeFrom((async () => enclave.drain())()),
    resume: await codeFrom((async () => enclave.resume())()),
    handle: 'code' in handled ? handled.code : handled.outcome,
  }
}

const NOTHING = { offer: 'unavailable', channels: 'unavailable', rotate: 'unavailable', attest: 'unavailable', drain: 'unavailable', resume: 'unavailable', handle: 'unavailable' }

describe('an enclave', () => {
  test('before it is configured answers nothing', async () => {
    const enclave = await bootEnclave(world.platform())
    expect([enclave.phase, enclave.reason]).toEqual(['self-test', undefined])
    expect(await asked(enclave)).toEqual(NOTHING)
  })

  test('serves once configured, and is configured once', async () => {
    const enclave = await world.enclave()
    expect(enclave.phase).toBe('serving')
    expect(await asked(enclave)).toEqual({ offer: 'ok', channels: 'true', rotate: 'ok', attest: 'ok', drain: 'ok', resume: 'ok', handle: 'token_malformed' })
    await expect(enclave.configure(configurationBytes())).rejects.toThrow('not the time')
    expect(enclave.phase).toBe('serving')
  })

  test('collects what a request left behind, whether it was answered or refused, and each minute what is older', async () => {
    const collected: string[] = []
    let everyMinute = (): void => undefined
    const repeat: Platform['repeat'] = (_everyMs, run) => {
      everyMinute = run
      return () => undefined
    }
    const enclave = await world.enclave({ collect: (what) => void collected.push(what), repeat })
    expect(collected).toEqual([])
    await asked(enclave)
    expect(collected).toEqual(['young'])
    everyMinute()
    expect(collected).toEqual(['young', 'all'])
    enclave.halt('test ends')
    await asked(enclave)
    expect(collected).toEqual(['young', 'all', 'young'])
  })

  test('lets go of a channel key that nobody asked to renew, and makes another when somebody asks', async () => {
    let everyMinute = (): void => undefined
    const enclave = await world.enclave({ repeat: (_everyMs, run) => ((everyMinute = run), () => undefined) })
    const first = await enclave.offer(randomBytes(32))
    const minutes = async (count: number): Promise<void> => {
      for (let minute = 0; minute < count; minute++) {
        world.advance(60_000)
        everyMinute()
        for (let i = 0; i < 20; i++) await new Promise((resolve) => setImmediate(resolve))
      }
    }
    const life = (LIMITS.channelKeyLifeMs + LIMITS.channelKeyGraceMs) / 60_000
    await minutes(life - 1)
    expect(enclave.channelIds()).toEqual([first.key])
    await minutes(1)
    expect(enclave.channelIds()).toEqual([])
    expect(enclave.status().work?.channelKeys).toEqual([])
    const { key } = await enclave.offer(randomBytes(32))
    expect(enclave.channelIds()).toEqual([key])
    expect(key).not.toEqual(first.key)
    enclave.halt('test ends')
  })

  test('rejects a configuration that it can not read, and waits for another', async () => {
    const enclave = await bootEnclave(world.platform())
    await expect(enclave.configure(utf8('{}'))).rejects.toThrow('not readable')
    expect(enclave.phase).toBe('self-test')
    await enclave.configure(configurationBytes())
    expect(enclave.phase).toBe('serving')
    enclave.halt('test ends')
  })

  test('attests its channel key under the measured configuration, bound to the nonce', async () => {
    const enclave = await world.enclave()
    const nonce = randomBytes(32)
    const { document, key } = await enclave.offer(nonce)
    const attestation = await verifyAttestation(document, { rootDer: world.rootDer, atMs: world.nowMs() })
    const measured = createHash('sha384').update(concat(new Uint8Array(48), createHash('sha384').update(configurationBytes()).digest())).digest()
    expect(Buffer.from(attestation.pcrs.get(16) as Uint8Array).equals(measured)).toBe(true)
    expect(Buffer.from(attestation.nonce as Uint8Array).equals(nonce)).toBe(true)
    expect(await channelKeyId(attestation.publicKey as Uint8Array)).toEqual(key)
    const binding = decodeChannelBinding(attestation.userData as Uint8Array)
    expect(binding).toEqual({ key, notAfterMs: world.nowMs() + LIMITS.channelKeyLifeMs + LIMITS.channelKeyGraceMs })
  })

  test('another configuration measures otherwise: one byte is enough', async () => {
    const measure = async (configuration: Uint8Array): Promise<string> => {
      const enclave = await bootEnclave(world.platform())
      await enclave.configure(configuration)
      const { document } = await enclave.offer(randomBytes(32))
      enclave.halt('test ends')
      return Buffer.from(decodeUnverifiedAttestation(document).document.pcrs.get(16) as Uint8Array).toString('hex')
    }
    expect(await measure(configurationBytes())).toBe(await measure(configurationBytes()))
    expect(await measure(concat(configurationBytes(), utf8(' ')))).not.toBe(await measure(configurationBytes()))
  })

  test('halts while it is configured when the device refuses: a register that somebody locked before', async () => {
    const nsm = world.device()
    await nsm.lockPcr(16)
    const enclave = await bootEnclave(world.platform({ nsm }))
    await expect(enclave.configure(configurationBytes())).rejects.toThrow('halted')
    expect([enclave.phase, enclave.reason]).toEqual(['halted', 'configure'])
    expect(await asked(enclave)).toEqual(NOTHING)
  })

  test('halted answers nothing, and stays so', async () => {
    const enclave = await world.enclave()
    enclave.halt('first')
    enclave.halt('second')
    expect([enclave.phase, enclave.reason]).toEqual(['halted', 'first'])
    expect(await asked(enclave)).toEqual(NOTHING)
    await expect(enclave.configure(configurationBytes())).rejects.toThrow('not the time')
  })

  test('halted in the middle of a request, it does not answer that one either', async () => {
    const serving: Enclave[] = []
    const enclave = await world.enclave({
      argon2id: async (...of) => {
        for (const one of serving) one.halt('now')
        return argon2id(...of)
      },
    })
    serving.push(enclave)
    const client = createTestClient(world, enclave, await world.login())
    await expect(client.create(PIN)).rejects.toThrow('clear:unavailable')
  })

  test('gives the kernel the device’s entropy before it makes a key', async () => {
    const steps: string[] = []
    const nsm = world.device()
    const enclave = await bootEnclave(
      world.platform({
        nsm: { ...nsm, random: async () => (steps.push('random'), nsm.random()), attest: async (fields) => (steps.push('attest'), nsm.attest(fields)) },
        seedKernel: async (bytes) => void steps.push(`seed ${bytes.length}`),
      }),
    )
    // Four draws for the start-up test, which nothing is made with.
    expect(steps).toEqual(['random', 'random', 'random', 'random', 'random', 'seed 256'])
    enclave.halt('test ends')
  })
})

describe('self-tests', () => {
  test('pass, and there is one for each primitive', async () => {
    await runSelfTests(argon2id)
    expect(Object.keys(SELF_TESTS).sort()).toEqual(
      [
        'aesCbc', 'aesGcm', 'aesGcmWeb', 'argon2id', 'bip32', 'bip32Public', 'channel', 'ecdsa', 'ed25519', 'hkdf', 'hkdfWeb', 'hmac', 'hmac512', 'hpke', 'keccak256', 'pbkdf2', 'proof', 'rsaOaep',
        'schnorr', 'sha256', 'sha256Native', 'sha256Web', 'sha384', 'sha512', 'slip10', 'tokenEdDsa', 'tokenEs256', 'tokenEs384', 'tokenEs512', 'tokenPs384', 'tokenRs256', 'totp',
      ],
    )
  })

  test.each(Object.keys(SELF_TESTS).map((name) => [name] as const))('%s with another answer, or none, fails by its name', async (name) => {
    const [, expected] = SELF_TESTS[name] as (typeof SELF_TESTS)[string]
    const wrong = { ...SELF_TESTS, [name]: [() => `${expected.slice(0, -1)}x`, expected] } as typeof SELF_TESTS
    await expect(runSelfTests(argon2id, wrong)).rejects.toThrow(`self-test failed: ${name}`)
    const broken = { ...SELF_TESTS, [name]: [() => Promise.reject(new Error('broken')), expected] } as typeof SELF_TESTS
    await expect(runSelfTests(argon2id, broken)).rejects.toThrow(`self-test failed: ${name}`)
  })

  test.each(Object.keys(SELF_TESTS).map((name) => [name] as const))('an enclave whose %s is broken halts, says so, and answers nothing else', async (name) => {
    const [, expected] = SELF_TESTS[name] as (typeof SELF_TESTS)[string]
    const thrown = (): string => {
      throw new Error('broken')
    }
    for (const compute of [() => `${expected.slice(0, -1)}x`, thrown]) {
      let taken = 0
      const seedKernel = async (): Promise<void> => void (taken += 1)
      const enclave = await bootEnclave(world.platform({ seedKernel }), { ...SELF_TESTS, [name]: [compute, expected] })
      expect([enclave.phase, enclave.reason]).toEqual(['halted', `self-test:${name}`])
      expect(enclave.status()).toEqual({ version: VERSION, phase: 'halted', reason: `self-test:${name}`, work: null })
      expect(await asked(enclave)).toEqual(NOTHING)
      await expect(enclave.configure(configurationBytes())).rejects.toThrow('not the time')
      expect(taken).toBe(0)
    }
  })

  test.each<[string, Parameters<World['platform']>[0], string]>([
    ['Argon2 that answers wrongly', { argon2id: async () => new Uint8Array(32) }, 'self-test:argon2id'],
    ['Argon2 that does not answer', { argon2id: () => Promise.reject(new Error('none')) }, 'self-test:argon2id'],
    ['a kernel that takes no entropy', { seedKernel: () => Promise.reject(new Error('none')) }, 'entropy'],
  ])('%s: halted at boot', async (_what, overrides, reason) => {
    const enclave = await bootEnclave(world.platform(overrides))
    expect([enclave.phase, enclave.reason]).toEqual(['halted', reason])
    expect(await asked(enclave)).toEqual(NOTHING)
    await expect(enclave.configure(configurationBytes())).rejects.toThrow('not the time')
  })
})

describe('the clock', () => {
  /** A device and a monotonic clock of which each can go its own way. */
  async function clockOf() {
    let deviceMs = 0
    let ownMs = 0
    const nsm = world.device(() => deviceMs)
    const clock = await createAttestedClock(nsm, () => 1000 + ownMs)
    return {
      clock,
      startMs: world.nowMs(),
      move(device: number, own: number) {
        deviceMs += device
        ownMs += own
      },
    }
  }

  test('is the device’s time, carried on by our own count', async () => {
    const { clock, startMs, move } = await clockOf()
    expect(clock.nowMs()).toBe(startMs)
    move(0, 1234)
    expect(clock.nowMs()).toBe(startMs + 1234)
  })

  test('follows the device within five seconds, forwards only', async () => {
    const { clock, startMs, move } = await clockOf()
    move(3000, 0)
    expect(await clock.sync()).toBe(3000)
    expect(clock.nowMs()).toBe(startMs + 3000)
    move(-2000, 0)
    expect(await clock.sync()).toBe(2000)
    expect(clock.nowMs()).toBe(startMs + 3000)
  })

  test.each([MAX_DRIFT_MS + 1, -MAX_DRIFT_MS - 1, 86_400_000, -86_400_000])('does not follow by %i ms, and says how far', async (ms) => {
    const { clock, startMs, move } = await clockOf()
    move(ms, 0)
    expect(await clock.sync()).toBe(Math.abs(ms))
    expect(clock.nowMs()).toBe(startMs)
  })

  async function afterAMinute(skewMs: number, device: 'answers' | 'fails' | 'hangs' = 'answers', minutes = 1): Promise<Enclave> {
    let skew = 0
    let now: typeof device = 'answers'
    const nsm = world.device(() => skew)
    const attest: typeof nsm.attest = (fields) => {
      if (now === 'fails') return Promise.reject(new Error('no device'))
      return now === 'hangs' ? new Promise(() => undefined) : nsm.attest(fields)
    }
    let everyMinute = (): void => undefined
    const repeat: Platform['repeat'] = (everyMs, run) => {
      expect(everyMs).toBe(60_000)
      everyMinute = run
      return () => (everyMinute = () => undefined)
    }
    const enclave = await world.enclave({ nsm: { ...nsm, attest }, repeat })
    skew = skewMs
    now = device
    for (let minute = 0; minute < minutes; minute++) {
      world.advance(60_000)
      everyMinute()
      for (let i = 0; i < 20; i++) await new Promise((resolve) => setImmediate(resolve))
    }
    return enclave
  }

  test.each([0, 4000, -4000])('an enclave that is %i ms off after a minute goes on', async (ms) => {
    expect((await afterAMinute(ms)).phase).toBe('serving')
  })

  test.each([5001, -5001, 3_600_000])('an enclave that is %i ms off after a minute halts', async (ms) => {
    const enclave = await afterAMinute(ms)
    expect([enclave.phase, enclave.reason]).toEqual(['halted', 'clock'])
    expect(await asked(enclave)).toEqual(NOTHING)
  })

  test('an enclave whose device does not answer any more halts within a few minutes; one whose device does goes on', async () => {
    expect((await afterAMinute(0, 'answers', 6)).phase).toBe('serving')
    expect((await afterAMinute(0, 'hangs', 3)).phase).toBe('serving')
    const enclave = await afterAMinute(0, 'hangs', 4)
    expect([enclave.phase, enclave.reason]).toEqual(['halted', 'device'])
  })

  test('an enclave whose device is gone after a minute halts', async () => {
    const enclave = await afterAMinute(0, 'fails')
    expect([enclave.phase, enclave.reason]).toEqual(['halted', 'device'])
  })
})
