/** Everything around an enclave, in one process and under one clock that only the test moves. */
import { createHash, randomBytes } from 'node:crypto'
import { mkdtempSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { createClientKey, loginNonce, type ClientKey } from '../../client/client-key.ts'
import { bootEnclave, type Enclave, type Platform } from '../../enclave-sim/core/enclave.ts'
import { argon2id } from '../../enclave-sim/platform/argon2.ts'
import { createNsm, type Nsm } from '../../enclave-sim/platform/nsm.ts'
import { createSimulatedNsm } from '../../enclave-sim/platform/simulator/device.ts'
import { buildDocument } from '../../enclave-sim/platform/simulator/document.ts'
import { createPki } from '../../enclave-sim/platform/simulator/pki.ts'
import { openSimulatorRoot } from '../../enclave-sim/platform/simulator/root.ts'
import { ownerOf } from '../../lib/tokens/owner.ts'
import { createMemoryKms, type MemoryKms } from './core-kms.ts'
import { createMemoryTable, type MemoryTable } from './core-table.ts'
import { createTestIssuer, ISSUERS, tenancy, TENANTS, type TestIssuer } from './core-tokens.ts'

const START_MS = Date.UTC(2026, 5, 1, 12)
const instanceId = 'i-0123456789abcdef0'
const moduleId = `${instanceId}-enc0123456789abcdef`

const BOOT_PCRS = new Map([0, 1, 2, 3, 4].map((index) => [index, new Uint8Array(48).fill(index + 1)]))

export const CONFIGURATION = {
  format: 1,
  issuers: ISSUERS,
  tenants: TENANTS,
  region: 'us-east-1',
  kmsKeyArn: 'arn:aws:kms:us-east-1:000000000000:key/11111111-2222-4333-8444-555555555555',
  tableArn: 'arn:aws:dynamodb:us-east-1:000000000000:table/cloister-wallets',
  kms: { url: 'https://kms.test' },
  dynamodb: { url: null },
  certificateAuthorities: null,
  exportDelaySec: 0,
  limits: { running: 4, waiting: 64, waitingPerOwner: 32 },
}

export const configurationBytes = (changes: Readonly<Record<string, unknown>> = {}): Uint8Array =>
  new Uint8Array(Buffer.from(JSON.stringify({ ...CONFIGURATION, ...changes })))

/** Somebody who logged in. */
export interface User {
  readonly token: string
  readonly clientKey: ClientKey
  /** Partition. */
  readonly owner: string
}

export interface World {
  readonly rootDer: Uint8Array
  readonly table: MemoryTable
  readonly kms: MemoryKms
  readonly issuer: TestIssuer
  nowMs(): number
  advance(ms: number): void
  /** A device of its own; `skewMs` moves its clock against everybody else's. */
  device(skewMs?: () => number): Nsm
  platform(overrides?: Partial<Platform> & { table?: ReturnType<MemoryTable['port']> }): Platform
  /** Booted and configured. */
  enclave(overrides?: Parameters<World['platform']>[0]): Promise<Enclave>
  login(sub?: string, claims?: Readonly<Record<string, unknown>>): Promise<User>
  /** Halts every enclave; for the end of a test file. */
  close(): void
}

export async function createWorld(): Promise<World> {
  let nowMs = START_MS
  const pkiDir = mkdtempSync(join(tmpdir(), 'cloister-test-pki-'))
  const root = openSimulatorRoot(pkiDir, START_MS - 86_400_000)
  rmSync(pkiDir, { recursive: true })
  const signerAt = createPki({ root, instanceId, moduleId })
  const table = createMemoryTable()
  const kms = createMemoryKms(root.certificate, () => nowMs)
  const issuer = await createTestIssuer(() => nowMs)
  const running: Enclave[] = []

  const world: World = {
    rootDer: root.certificate,
    table,
    kms,
    issuer,
    nowMs: () => nowMs,
    advance: (ms) => void (nowMs += ms),
    device(skewMs = () => 0) {
      const device = createSimulatedNsm({
        pcrs: BOOT_PCRS,
        moduleId,
        nowMs: () => nowMs + skewMs(),
        random: (length) => randomBytes(length),
        signDocument: async (content) => buildDocument(content, signerAt(content.timestampMs)),
      })
      return createNsm({ request: (bytes) => device.handle(bytes) })
    },
    platform: ({ table: port, ...overrides } = {}) => ({
      nsm: world.device(),
      argon2id,
      // Its zero means nothing: not even that of the wall clock.
      monotonicMs: () => nowMs - START_MS + 17,
      seedKernel: async () => undefined,
      // Time passes when a test says so, and then by days: the enclave's own minutes are for tests that ask for them.
      repeat: () => () => undefined,
      collect: () => undefined,
      connect: () => ({ kms, table: port ?? table.port(), fetchJwks: issuer.fetchJwks }),
      ...overrides,
    }),
    async enclave(overrides) {
      const enclave = await bootEnclave(world.platform(overrides))
      running.push(enclave)
      await enclave.configure(configurationBytes())
      return enclave
    },
    async login(sub = `user-${randomBytes(6).toString('hex')}`, claims = {}) {
      const clientKey = await createClientKey()
      const token = await issuer.token({ sub, nonce: await loginNonce(clientKey), ...claims })
      const audience = typeof claims['aud'] === 'string' ? claims['aud'] : 'app'
      const tenant = tenancy().tenants.find((one) => one.audiences.includes(audience))
      if (tenant === undefined) throw new Error('no such tenant')
      return { token, clientKey, owner: ownerOf({ tenant, subject: sub }) }
    },
    close: () => running.forEach((enclave) => enclave.halt('test ends')),
  }
  return world
}

export const sha256 = (bytes: Uint8Array | string): Uint8Array<ArrayBuffer> => new Uint8Array(createHash('sha256').update(bytes).digest())
