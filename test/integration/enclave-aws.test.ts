/** The enclave's own AWS client against the local services, which check signatures, policies and documents as AWS does. */
import { generateKeyPairSync } from 'node:crypto'
import { join } from 'node:path'
import { CreateKeyCommand, DisableKeyCommand, EnableKeyCommand, KMSClient, PutKeyPolicyCommand } from '@aws-sdk/client-kms'
import { KmsRefusal, type KmsPort } from '../../enclave-sim/core/ports.ts'
import { createAwsJson, type AwsJsonOptions } from '../../enclave-sim/platform/aws-json.ts'
import { createAgent } from '../../enclave-sim/platform/egress.ts'
import { createHttpsPost } from '../../enclave-sim/platform/https-post.ts'
import { createKms } from '../../enclave-sim/platform/kms.ts'
import { verifyAttestation } from '../../lib/attestation/verify.ts'
import { createIdentities, type Credentials } from '../../local/iam/identities.ts'
import { parsePolicy } from '../../local/iam/policy.ts'
import { loadKeyPolicy, loadMain } from '../../local/iam/resources.ts'
import type { AuditEvent } from '../../local/kms/audit.ts'
import { startKms, type Kms } from '../../local/kms/server.ts'
import { createLocalCa, type LocalCa } from '../../local/tls.ts'
import { AT_MS, makeDocument, makeKeys, makePki, type Pki } from '../support/attestation-pki.ts'
import { cleanup, clientConfig, stateDir } from '../support/local.ts'

const HOUR_MS = 3_600_000
const spki = new Uint8Array(generateKeyPairSync('rsa', { modulusLength: 2048 }).publicKey.export({ format: 'der', type: 'spki' }))
const pcr = (value: number): Uint8Array => new Uint8Array(48).fill(value)
const hexOf = (bytes: Uint8Array): string => Buffer.from(bytes).toString('hex')
const context = { purpose: 'wallet', owner: 'user#demo#i#ann' }
const identities = createIdentities()
const everything = parsePolicy({ Version: '2012-10-17', Statement: { Effect: 'Allow', Action: 'kms:*', Resource: '*' } }, 'identity')
const operatorIdentity = identities.addStatic({ roleArn: 'arn:aws:iam::000000000000:role/operator', sessionName: 'local', policies: [everything] })

let ca: LocalCa
let pki: Pki
let kms: Kms
let operator: KMSClient
let keyArn: string
let enclaveRole: Awaited<ReturnType<typeof loadMain>>['enclaveRole']
const events: AuditEvent[] = []

beforeAll(async () => {
  const dir = await stateDir()
  ca = await createLocalCa({ dir })
  pki = await makePki(await makeKeys())
  kms = await startKms({
    dir: join(dir, 'kms'), port: 0, tls: ca.serverOptions, identities, rootDer: pki.rootDer, verify: verifyAttestation, audit: (event) => void events.push(event), nowMs: () => AT_MS,
  })
  cleanup(() => kms.close())
  operator = new KMSClient(clientConfig(kms.url, ca.caPem, operatorIdentity.credentials, { systemClockOffset: AT_MS - Date.now() }))
  keyArn = (await operator.send(new CreateKeyCommand({ Policy: await loadKeyPolicy('resources') }))).KeyMetadata?.Arn as string
  await operator.send(new PutKeyPolicyCommand({ KeyId: keyArn, Policy: await loadKeyPolicy('resources', [hexOf(pcr(1))], [hexOf(pcr(2))]) }))
  ;({ enclaveRole } = await loadMain('resources', keyArn))
})

beforeEach(() => {
  events.length = 0
  Object.assign(kms.faults, { mode: 'none' })
})

function session(expiresAtMs: number): Credentials {
  return identities.issueSession({ roleArn: enclaveRole.arn, sessionName: 'host', policies: enclaveRole.policies, context: new Map(), expiresAtMs }).credentials
}

function connect(changes: Partial<AwsJsonOptions> = {}, credentials = session(AT_MS + HOUR_MS), trust: string | null = ca.caPem): KmsPort {
  const agent = createAgent({ kind: 'direct' }, trust)
  cleanup(async () => agent.destroy())
  const { accessKeyId, secretAccessKey, sessionToken = '' } = credentials
  const current = () => ({ accessKeyId, secretAccessKey, sessionToken, expiresAtMs: 0 })
  const aws = createAwsJson({
    service: 'kms', region: 'us-east-1', endpoint: kms.url, post: createHttpsPost(agent), credentials: { current, replace: () => undefined }, nowMs: () => AT_MS, timeoutMs: 20_000, attempts: 2, ...changes,
  })
  return createKms(aws, keyArn)
}

const document = (image = 1): Promise<Uint8Array> => makeDocument(pki, { public_key: spki, timestamp: AT_MS, pcrs: new Map([[0, pcr(image)], [16, pcr(2)]]) })
const codeOf = async (call: Promise<unknown>): Promise<unknown> => {
  const error = (await call.catch((thrown: unknown) => thrown)) as Error & { reason?: string; code?: string }
  return error instanceof KmsRefusal ? error.reason : error.code
}

test('the three calls, with session credentials', async () => {
  const port = connect()
  const { ciphertext, envelope } = await port.generateDataKey(await document(), context)
  expect(envelope).toHaveLength(493)
  expect(await port.decrypt(await document(), ciphertext, context)).toHaveLength(493)
  expect(await port.generateRandom(await document(), 32)).toHaveLength(493)
  expect(events.map(({ eventName, errorCode, userAgent }) => [eventName, errorCode, userAgent])).toEqual(
    ['GenerateDataKey', 'Decrypt', 'GenerateRandom'].map((name) => [name, undefined, 'cloister-enclave']),
  )
})

test('which no is which', async () => {
  const port = connect()
  const { ciphertext } = await port.generateDataKey(await document(), context)
  expect(await codeOf(port.decrypt(await document(), ciphertext, { ...context, owner: 'another' }))).toBe('ciphertext')
  expect(await codeOf(port.decrypt(await document(), ciphertext.map((byte, i) => (i === ciphertext.length - 1 ? byte ^ 1 : byte)), context))).toBe('ciphertext')
  expect(await codeOf(port.decrypt(await document(9), ciphertext, context))).toBe('denied')
  expect(await codeOf(port.generateDataKey(await document(9), context))).toBe('denied')
  expect(await codeOf(port.generateDataKey(new Uint8Array(9), context))).toBe('ValidationException')
  await operator.send(new DisableKeyCommand({ KeyId: keyArn }))
  expect(await codeOf(port.decrypt(await document(), ciphertext, context))).toBe('key')
  await operator.send(new EnableKeyCommand({ KeyId: keyArn }))
  await port.decrypt(await document(), ciphertext, context)
})

test('the signature is made at the time that was handed in: five minutes off are let through, no more', async () => {
  for (const offMs of [-300_000, 300_000]) await connect({ nowMs: () => AT_MS + offMs }).generateRandom(await document(), 32)
  for (const offMs of [-301_000, 301_000]) expect(await codeOf(connect({ nowMs: () => AT_MS + offMs }).generateRandom(await document(), 32))).toBe('InvalidSignatureException')
})

test('expired credentials, another secret, another region', async () => {
  expect(await codeOf(connect({}, session(AT_MS)).generateRandom(await document(), 32))).toBe('ExpiredTokenException')
  expect(await codeOf(connect({}, { ...session(AT_MS + HOUR_MS), secretAccessKey: 'x' }).generateRandom(await document(), 32))).toBe('InvalidSignatureException')
  expect(await codeOf(connect({ region: 'eu-central-1' }).generateRandom(await document(), 32))).toBe('InvalidSignatureException')
})

test('whoever answers in KMS’s place under another authority is not asked', async () => {
  const other = await createLocalCa({ dir: await stateDir() })
  for (const trust of [other.caPem, null]) await expect(connect({}, undefined, trust).generateRandom(await document(), 32)).rejects.toThrow()
  expect(events).toEqual([])
})

test.each(['throttle', 'error', 'down', 'lost'] as const)('%s, once: asked again; twice: no answer', async (mode) => {
  const port = connect()
  Object.assign(kms.faults, { mode, times: 1 })
  expect(await port.generateRandom(await document(), 32)).toHaveLength(493)
  Object.assign(kms.faults, { mode, times: 2 })
  await expect(port.generateRandom(await document(), 32)).rejects.toThrow()
})

test.each(['hang', 'stall'] as const)('%s: each attempt ends', async (mode) => {
  Object.assign(kms.faults, { mode })
  await expect(connect({ timeoutMs: 100 }).generateRandom(await document(), 32)).rejects.toThrow()
})
