// The simulated device, asked by the client that runs in the enclave; its documents are checked by the verifier that apps run.
import { createHash } from 'node:crypto'
import { mkdtempSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { createNsm } from '../../enclave-sim/platform/nsm.ts'
import { createSimulatedNsm } from '../../enclave-sim/platform/simulator/device.ts'
import { buildDocument } from '../../enclave-sim/platform/simulator/document.ts'
import { createPki } from '../../enclave-sim/platform/simulator/pki.ts'
import { openSimulatorRoot } from '../../enclave-sim/platform/simulator/root.ts'
import { verifyAttestation } from '../../lib/attestation/verify.ts'
import { concat, toHex, utf8 } from '../../lib/protocol/bytes.ts'

const nowMs = Date.UTC(2026, 0, 2, 3, 4, 5, 678)
const instanceId = 'i-0123456789abcdef0'
const moduleId = `${instanceId}-enc0123456789abcdef`
const pkiDir = mkdtempSync(join(tmpdir(), 'cloister-test-pki-'))
const root = openSimulatorRoot(pkiDir, nowMs - 1000)
afterAll(() => rmSync(pkiDir, { recursive: true }))

const boot = new Map([0, 1, 2, 3, 4].map((index) => [index, new Uint8Array(48).fill(index + 1)]))

function device(options: Partial<Parameters<typeof createSimulatedNsm>[0]> = {}) {
  const signerAt = createPki({ root, instanceId, moduleId })
  return createSimulatedNsm({
    pcrs: boot,
    moduleId,
    nowMs: () => nowMs,
    random: (length) => new Uint8Array(length).fill(5),
    signDocument: async (content) => buildDocument(content, signerAt(content.timestampMs)),
    ...options,
  })
}
const client = (options: Parameters<typeof device>[0] = {}) => createNsm({ request: (bytes) => device(options).handle(bytes) })
function persistent(options: Parameters<typeof device>[0] = {}) {
  const one = device(options)
  return createNsm({ request: (bytes) => one.handle(bytes) })
}
const extended = (old: Uint8Array, data: Uint8Array): Uint8Array => new Uint8Array(createHash('sha384').update(old).update(data).digest())
const none = { publicKey: null, userData: null, nonce: null }

describe('PCRs', () => {
  test('at boot: the given ones, the others zero; 0 to 15 locked', async () => {
    const nsm = client()
    expect(await nsm.describe()).toEqual({ moduleId, maxPcrs: 32, digest: 'SHA384', lockedPcrs: Array.from({ length: 16 }, (_, index) => index) })
    expect(await nsm.describePcr(4)).toEqual({ locked: true, data: boot.get(4) })
    expect(await nsm.describePcr(5)).toEqual({ locked: true, data: new Uint8Array(48) })
    expect(await nsm.describePcr(31)).toEqual({ locked: false, data: new Uint8Array(48) })
  })

  test('extend by SHA-384 of old value and data, again and again, until locked', async () => {
    const nsm = persistent()
    const first = extended(new Uint8Array(48), utf8('a'))
    expect(await nsm.extendPcr(16, utf8('a'))).toEqual(first)
    const second = extended(first, utf8('b'))
    expect(await nsm.extendPcr(16, utf8('b'))).toEqual(second)
    await nsm.lockPcr(16)
    await expect(nsm.extendPcr(16, utf8('c'))).rejects.toMatchObject({ code: 'ReadOnlyIndex' })
    await expect(nsm.lockPcr(16)).rejects.toMatchObject({ code: 'ReadOnlyIndex' })
    expect(await nsm.describePcr(16)).toEqual({ locked: true, data: second })
  })

  test('lock in a range: all below it', async () => {
    const nsm = persistent()
    await nsm.lockPcrs(18)
    expect([(await nsm.describePcr(17)).locked, (await nsm.describePcr(18)).locked]).toEqual([true, false])
    await nsm.lockPcrs(32)
    expect((await nsm.describe()).lockedPcrs).toHaveLength(32)
  })

  test.each([0, 4, 15])('rejects writing PCR %i, which is locked at boot', async (index) => {
    await expect(client().extendPcr(index, utf8('x'))).rejects.toMatchObject({ code: 'ReadOnlyIndex' })
    await expect(client().lockPcr(index)).rejects.toMatchObject({ code: 'ReadOnlyIndex' })
  })

  test('rejects indexes above 31', async () => {
    await expect(client().describePcr(32)).rejects.toMatchObject({ code: 'InvalidIndex' })
    await expect(client().extendPcr(32, utf8('x'))).rejects.toMatchObject({ code: 'InvalidIndex' })
    await expect(client().lockPcr(1000)).rejects.toMatchObject({ code: 'InvalidIndex' })
    await expect(client().lockPcrs(33)).rejects.toMatchObject({ code: 'InvalidIndex' })
  })

  test('rejects a boot PCR of another length or index', () => {
    expect(() => device({ pcrs: new Map([[0, new Uint8Array(47)]]) })).toThrow('48 bytes')
    expect(() => device({ pcrs: new Map([[32, new Uint8Array(48)]]) })).toThrow('below 32')
  })
})

describe('other requests', () => {
  test('random: 256 bytes of the source', async () => {
    expect(await client().random()).toEqual(new Uint8Array(256).fill(5))
  })

  test.each(['publicKey', 'userData', 'nonce'] as const)('attestation: %s of 1,024 bytes passes, of 1,025 is InputTooLarge', async (name) => {
    await client().attest({ ...none, [name]: new Uint8Array(1024) })
    await expect(client().attest({ ...none, [name]: new Uint8Array(1025) })).rejects.toMatchObject({ code: 'InputTooLarge' })
  })

  test('malformed is InvalidOperation, a request above the limit InputTooLarge', async () => {
    expect(toHex(await device().handle(Uint8Array.of(0xff)))).toBe(toHex(concat(Uint8Array.of(0xa1, 0x65), utf8('Error'), Uint8Array.of(0x70), utf8('InvalidOperation'))))
    expect(toHex(await device().handle(new Uint8Array(0x1001)))).toContain(toHex(utf8('InputTooLarge')))
  })

  test('a failure inside is InternalError, and says nothing more', async () => {
    const failing = client({ signDocument: () => Promise.reject(new Error('secret')) })
    await expect(failing.attest(none)).rejects.toMatchObject({ code: 'InternalError', message: 'NSM device: InternalError' })
  })
})

const verify = (document: Uint8Array, rootDer = root.certificate) => verifyAttestation(document, { rootDer, atMs: nowMs })

describe('documents', () => {
  test('verify under the simulator root and carry what was asked for', async () => {
    const inputs = { publicKey: utf8('key'), userData: new Uint8Array(1024).fill(1), nonce: new Uint8Array(0) }
    const document = await verify(await client().attest(inputs))
    expect(document).toMatchObject({ ...inputs, moduleId, timestampMs: nowMs })
    expect(document.pcrs.get(0)).toEqual(boot.get(0))
    expect([...document.pcrs.keys()]).toEqual(Array.from({ length: 16 }, (_, index) => index))
  })

  test('show PCR16 once it is locked, and not before', async () => {
    const nsm = persistent()
    const value = await nsm.extendPcr(16, utf8('configuration'))
    expect((await verify(await nsm.attest(none))).pcrs.get(16)).toBeUndefined()
    await nsm.lockPcr(16)
    const { pcrs } = await verify(await nsm.attest(none))
    expect([pcrs.size, pcrs.get(16)]).toEqual([17, value])
  })

  test('are rejected under another root, and with any part changed', async () => {
    const dir = mkdtempSync(join(tmpdir(), 'cloister-test-pki-'))
    const document = await client().attest(none)
    try {
      await expect(verify(document, openSimulatorRoot(dir, nowMs).certificate)).rejects.toMatchObject({ code: 'attestation_chain' })
    } finally {
      rmSync(dir, { recursive: true })
    }
    const signature = Uint8Array.from(document)
    signature[signature.length - 1] = (signature.at(-1) as number) ^ 1
    await expect(verify(signature)).rejects.toMatchObject({ code: 'attestation_signature' })
    const pcr = Uint8Array.from(document)
    const at = Buffer.from(document).indexOf(Buffer.from(boot.get(0) as Uint8Array))
    pcr[at] = 0xee
    await expect(verify(pcr)).rejects.toMatchObject({ code: 'attestation_signature' })
  })

  test('have the shape of real ones', async () => {
    const document = await client().attest(none)
    const bytes = toHex(document)
    // Untagged COSE_Sign1, ES384, no unprotected header, two-byte length, indefinite map that starts with module_id.
    expect(bytes).toMatch(/^8444a1013822a059....bf696d6f64756c655f6964/)
    expect(bytes.slice(-2 * 99)).toMatch(/^ff5860[0-9a-f]{192}$/)
    const keys = ['module_id', 'digest', 'timestamp', 'pcrs', 'certificate', 'cabundle', 'public_key', 'user_data', 'nonce']
    const positions = keys.map((key) => bytes.indexOf(toHex(concat(Uint8Array.of(0x60 + key.length), utf8(key)))))
    expect(positions).toEqual(positions.toSorted((a, b) => a - b))
    expect(positions[0]).toBeGreaterThan(0)
    expect(bytes).toContain(`${toHex(utf8('timestamp'))}1b${nowMs.toString(16).padStart(16, '0')}`)
    expect(bytes).toContain(`${toHex(utf8('pcrs'))}b000583`)
    expect(bytes).toContain(`${toHex(utf8('public_key'))}f669${toHex(utf8('user_data'))}f665${toHex(utf8('nonce'))}f6ff`)
  })

  test('fit the answer buffer at their largest', async () => {
    const nsm = persistent()
    await nsm.lockPcrs(32)
    const [publicKey, userData, nonce] = [1, 2, 3].map(() => new Uint8Array(1024)) as [Uint8Array, Uint8Array, Uint8Array]
    expect((await verify(await nsm.attest({ publicKey, userData, nonce }))).pcrs.size).toBe(32)
  })
})
