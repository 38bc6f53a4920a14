/** The enclave as its host sees it: configured once, then attesting and answering sealed requests. */
import { createHash } from 'node:crypto'
import { answerBinding, encodeSealedAnswer, type AnswerOutcome } from '../../lib/protocol/answer.ts'
import { wipe } from '../../lib/protocol/bytes.ts'
import { wipeDeep } from '../../lib/protocol/cbor.ts'
import { CloisterError, ERRORS } from '../../lib/protocol/errors.ts'
import type { Operation } from '../../lib/protocol/header.ts'
import type { ReceiptMeasurements } from '../../lib/protocol/receipt.ts'
import type { EnclaveStatus } from '../../lib/protocol/operator.ts'
import type { ServiceAnswer, ServiceRequest } from '../../lib/protocol/service.ts'
import type { FetchJwks } from '../../lib/tokens/verify.ts'
import { createTokenVerifier } from '../../lib/tokens/verify.ts'
import { createAdmission } from './admission.ts'
import { authenticate, openSealedRequest, type Gate, type OpenedRequest } from './authenticate.ts'
import { createChannelKeys, type ChannelKeys } from './channel-keys.ts'
import { createAttestedClock, MAX_DRIFT_MS } from './clock.ts'
import { CONFIGURATION_PCR, readConfiguration, type Configuration } from './configuration.ts'
import { createDataKeys } from './data-keys.ts'
import { createFloor } from './floor.ts'
import { warmKeys } from './keys.ts'
import { addAccounts, discover, rename } from './operations/accounts.ts'
import { create, importWallet } from './operations/create.ts'
import { deleteWallet, restore } from './operations/deletion.ts'
import { cancelExport, exportWallet } from './operations/export.ts'
import { confirmFactor, enrolFactor, removeFactor } from './operations/factor.ts'
import { workOf } from './operate.ts'
import type { Core, OperationHandler } from './operations/operation.ts'
import { changePin, verifyPin } from './operations/pin.ts'
import { recover, renewRecovery } from './operations/recovery.ts'
import { sign } from './operations/sign.ts'
import { history, view } from './operations/view.ts'
import { createPhases, type Ability, type Phase } from './phases.ts'
import type { Argon2id, KmsPort, MonotonicMs, NsmPort, SeedKernel, TablePort } from './ports.ts'
import { startUpTest, testedSource } from './random-source.ts'
import { createRecipient } from './recipient.ts'
import { createReplayGuard } from './replay.ts'
import { runSelfTests, SELF_TESTS, SelfTestFailure } from './self-test.ts'
import { VERSION } from './version.ts'
import { createWalletQueue } from './wallet-queue.ts'

const CLOCK_SYNC_MS = 60_000
const MAX_UNSYNCED_MS = 3 * CLOCK_SYNC_MS

const OPERATIONS: Readonly<Record<Operation, OperationHandler>> = {
  create, import: importWallet, view, discover, addAccounts, rename, delete: deleteWallet, restore, sign, changePin, verifyPin, recover, renewRecovery,
  export: exportWallet, cancelExport, history, enrolFactor, confirmFactor, removeFactor,
}

export interface Platform {
  readonly nsm: NsmPort
  readonly argon2id: Argon2id
  readonly monotonicMs: MonotonicMs
  readonly seedKernel: SeedKernel
  /** Calls again and again, until it is told to end; keeps no process alive. */
  repeat(everyMs: number, run: () => void): () => void
  /**
   * Collects garbage, and so has OpenSSL overwrite the keys in node:crypto's objects: nothing else frees them. `young`: what one request made, in less
   * than a millisecond. `all`: what lived longer. Never throws.
   */
  collect(what: 'young' | 'all'): void
  /** Clients that reach the outside as the measured configuration says. `nowMs`: attested time, for signatures. */
  connect(configuration: Configuration, nowMs: () => number): { kms: KmsPort; table: TablePort; fetchJwks: FetchJwks }
}

export interface Enclave {
  readonly phase: Phase
  /** Why it halted: a word for operators, nothing of what it was doing. */
  readonly reason: string | undefined
  /** Whether the present phase lists it. */
  allows(ability: Ability): boolean
  /** @throws Error unless in the right phase with a readable configuration */
  configure(configuration: Uint8Array): Promise<void>
  /** @throws CloisterError `unavailable` outside of `serving` */
  offer(nonce: Uint8Array): Promise<{ document: Uint8Array; key: Uint8Array }>
  channelIds(): readonly Uint8Array[]
  handle(message: ServiceRequest): Promise<ServiceAnswer>
  /** @param now the earlier keys open nothing more, instead of a while longer */
  rotateChannelKey(now?: boolean): Promise<void>
  /** In every phase; what it works on, only while it does. */
  status(): EnclaveStatus
  /** An attestation document with nothing in it but the nonce: for operators, who look at the measurements. */
  attest(nonce: Uint8Array): Promise<Uint8Array>
  /** Takes no new requests and offers no channel; `resume` takes it back. @throws CloisterError `unavailable` where there is nothing to drain */
  drain(): void
  resume(): void
  halt(reason: string): void
}

interface Serving {
  readonly gate: Gate
  readonly core: Core
  readonly channelKeys: ChannelKeys
  clockReading(): { readonly driftMs: number; readonly readAgoMs: number }
  /** Ends what repeats. */
  end(): void
}

/** Boots: self-tests first, then the start-up test of the device's random bytes. A failed one leaves it halted. */
export async function bootEnclave(outside: Platform, selfTests: typeof SELF_TESTS = SELF_TESTS): Promise<Enclave> {
  const phases = createPhases()
  let reason: string | undefined
  let serving: Serving | undefined
  let open = 0
  // The only way to the device's random bytes from here on.
  const platform = { ...outside, nsm: { ...outside.nsm, random: testedSource(() => outside.nsm.random(), () => halt('random-source')) } }

  function halt(why: string): void {
    reason ??= why
    serving?.end()
    serving = undefined
    phases.enter('halted')
  }

  function ready(ability: Ability): Serving {
    if (!phases.allows(ability) || serving === undefined) throw new CloisterError('unavailable', { retryAfterSec: 5 })
    return serving
  }

  try {
    await runSelfTests(platform.argon2id, selfTests)
    await startUpTest(platform.nsm.random)
    // Before the first key, salt or nonce is made.
    const entropy = await platform.nsm.random()
    await platform.seedKernel(entropy)
    wipe(entropy)
    warmKeys()
    phases.enter('self-test')
  } catch (error) {
    halt(error instanceof SelfTestFailure ? `self-test:${error.primitive}` : 'entropy')
  }

  return {
    get phase() {
      return phases.current
    },
    get reason() {
      return reason
    },
    allows: (ability) => phases.allows(ability),
    async configure(bytes) {
      if (!phases.allows('configure')) throw new Error('not the time to configure')
      const configuration = readConfiguration(bytes)
      if (configuration === undefined) throw new Error('the configuration is not readable')
      phases.enter('configured')
      try {
        await platform.nsm.extendPcr(CONFIGURATION_PCR, createHash('sha384').update(bytes).digest())
        await platform.nsm.lockPcr(CONFIGURATION_PCR)
        serving = await serve(platform, configuration, halt)
        phases.enter('serving')
      } catch {
        halt('configure')
        throw new Error('the enclave halted while it was configured')
      }
    },
    async offer(nonce) {
      return ready('attest').channelKeys.offer(nonce)
    },
    channelIds: () => ready('channels').channelKeys.ids(),
    async rotateChannelKey(now = false) {
      await ready('operate').channelKeys.rotate(now)
    },
    status: () => ({
      version: VERSION,
      phase: phases.current,
      reason: reason ?? null,
      work: serving === undefined ? null : workOf(serving.core, serving.channelKeys, open, serving.clockReading()),
    }),
    async attest(nonce) {
      ready('operate')
      return platform.nsm.attest({ publicKey: null, userData: null, nonce })
    },
    drain() {
      ready('operate')
      if (phases.current === 'serving') phases.enter('draining')
    },
    resume() {
      ready('operate')
      if (phases.current === 'draining') phases.enter('serving')
    },
    async handle(message) {
      open += 1
      try {
        const done = await answer(ready('request'), message)
        ready('answer') // halted meanwhile: then nothing leaves
        return done
      } catch (error) {
        return inTheClear(error)
      } finally {
        open -= 1
        platform.collect('young')
      }
    },
    halt,
  }
}

async function serve(platform: Platform, configuration: Configuration, halt: (why: string) => void): Promise<Serving> {
  const clock = await createAttestedClock(platform.nsm, platform.monotonicMs)
  const { kms, table, fetchJwks } = platform.connect(configuration, () => clock.nowMs())
  const channelKeys = await createChannelKeys(platform.nsm, clock)
  const tokens = createTokenVerifier({ tenancy: configuration.tenancy, fetchJwks, nowMs: () => clock.nowMs() })
  const kmsKeys = createDataKeys(kms, await createRecipient(platform.nsm, clock))
  const dataKeys = { ...kmsKeys, random: testedSource(kmsKeys.random, () => halt('random-source-kms')) }
  const vault = { dataKeys, argon2id: platform.argon2id, kmsKeyArn: configuration.kmsKeyArn }
  const measurements = await readMeasurements(platform.nsm)
  let syncedAtMs = platform.monotonicMs()
  let driftMs = 0
  async function readClock(): Promise<void> {
    driftMs = await clock.sync()
    syncedAtMs = platform.monotonicMs()
    if (driftMs > MAX_DRIFT_MS) halt('clock')
  }
  const end = platform.repeat(CLOCK_SYNC_MS, () => {
    channelKeys.prune()
    platform.collect('all')
    // A device that stopped answering is as bad as one that disagrees.
    if (platform.monotonicMs() - syncedAtMs > MAX_UNSYNCED_MS) return halt('device')
    void readClock().catch(() => halt('device'))
  })
  return {
    gate: { tokens, channelKeys, clock, replay: createReplayGuard() },
    core: {
      vault, table, clock, measurements,
      floor: createFloor(),
      nsm: platform.nsm,
      queue: createWalletQueue(configuration.limits),
      admission: createAdmission(configuration.limits),
      exportDelayMs: configuration.exportDelaySec * 1000,
    },
    channelKeys,
    clockReading: () => ({ driftMs, readAgoMs: platform.monotonicMs() - syncedAtMs }),
    end,
  }
}

/** What receipts say of the enclave that made them. */
async function readMeasurements(nsm: NsmPort): Promise<ReceiptMeasurements> {
  const pcr = async (index: number): Promise<Uint8Array> => (await nsm.describePcr(index)).data
  return { pcr0: await pcr(0), pcr1: await pcr(1), pcr2: await pcr(2), pcr16: await pcr(CONFIGURATION_PCR) }
}

async function answer(serving: Serving, message: ServiceRequest): Promise<ServiceAnswer> {
  const opened = await openSealedRequest(serving.gate, message)
  let taken = false
  try {
    const owner = await authenticate(serving.gate, message, opened)
    taken = true
    const { core } = serving
    const result = await OPERATIONS[opened.body.op]({ core, owner, body: opened.body, record: message.record })
    try {
      return await sealed(opened, { ok: true, result })
    } finally {
      wipeDeep(result) // keys may be in it, and codes
    }
  } catch (error) {
    const code = error instanceof CloisterError ? error.code : 'internal'
    if (ERRORS[code].where === 'sealed') {
      return await sealed(opened, { ok: false, code, guesses: error instanceof CloisterError ? (error.guesses ?? null) : null })
    }
    // Nothing was done that the same request could not do again.
    if (taken) serving.gate.replay.giveBack(opened.body.request)
    return inTheClear(error)
  } finally {
    wipe(opened.body.pin ?? undefined, opened.body.otp ?? undefined)
    wipeDeep(opened.body.parameters) // new PINs, recovery codes and imported keys come in them
  }
}

async function sealed(opened: OpenedRequest, outcome: AnswerOutcome): Promise<ServiceAnswer> {
  const { op, request } = opened.body
  const encoded = encodeSealedAnswer(op, request, outcome)
  const bytes = await opened.sealAnswer(encoded, answerBinding(op, request)).finally(() => wipe(encoded))
  return { outcome: outcome.ok ? 'done' : 'refused', answer: bytes }
}

function inTheClear(error: unknown): ServiceAnswer {
  if (!(error instanceof CloisterError) || ERRORS[error.code].where !== 'http') {
    return { outcome: 'not_tried', code: 'internal', retryAfterSec: null }
  }
  return { outcome: error.code === 'busy' ? 'busy' : 'not_tried', code: error.code, retryAfterSec: error.retryAfterSec ?? null }
}
