import { constants, createHash, generateKeyPairSync, privateDecrypt, createDecipheriv } from 'node:crypto'
import { readFile, stat } from 'node:fs/promises'
import { join } from 'node:path'
import {
  CancelKeyDeletionCommand, CreateKeyCommand, DecryptCommand, DescribeKeyCommand, DisableKeyCommand, EnableKeyCommand, EncryptCommand,
  GenerateDataKeyCommand, GenerateDataKeyWithoutPlaintextCommand, GenerateRandomCommand, GetKeyPolicyCommand, KMSClient, ListKeysCommand,
  PutKeyPolicyCommand, ReEncryptCommand, RotateKeyOnDemandCommand, ScheduleKeyDeletionCommand,
} from '@aws-sdk/client-kms'
import { verifyAttestation } from '../../lib/attestation/verify.ts'
import { createIdentities } from '../../local/iam/identities.ts'
import { parsePolicy } from '../../local/iam/policy.ts'
import { loadKeyPolicy, loadMain } from '../../local/iam/resources.ts'
import { auditToFile, type AuditEvent } from '../../local/kms/audit.ts'
import { startKms, type Kms } from '../../local/kms/server.ts'
import { createLocalCa, type LocalCa } from '../../local/tls.ts'
import { AT_MS, makeDocument, makeKeys, makePki, type Pki } from '../support/attestation-pki.ts'
import { cleanup, clientConfig, failure, stateDir } from '../support/local.ts'

const rsa = generateKeyPairSync('rsa', { modulusLength: 2048 })
const spki = new Uint8Array(rsa.publicKey.export({ format: 'der', type: 'spki' }))
const pcr = (value: number): Uint8Array => new Uint8Array(48).fill(value)
const base64Of = (bytes: Uint8Array): string => Buffer.from(bytes).toString('base64')
const hexOf = (bytes: Uint8Array): string => Buffer.from(bytes).toString('hex')

const identities = createIdentities()
const everything = parsePolicy({ Version: '2012-10-17', Statement: { Effect: 'Allow', Action: 'kms:*', Resource: '*' } }, 'identity')
const operatorIdentity = identities.addStatic({ roleArn: 'arn:aws:iam::000000000000:role/operator', sessionName: 'local', policies: [everything] })

const nowMs = AT_MS
let ca: LocalCa
let pki: Pki
let otherPki: Pki
let kms: Kms
let dir: string
let operator: KMSClient
let enclave: KMSClient
let relay: KMSClient
let keyArn: string
const events: AuditEvent[] = []

const start = (): Promise<Kms> => startKms({
  dir: join(dir, 'kms'), port: 0, tls: ca.serverOptions, identities, rootDer: pki.rootDer, verify: verifyAttestation,
  audit: (event) => void events.push(event), nowMs: () => nowMs,
})
// The certificates of the test documents have their day in 2025.
const connect = (to: Kms, credentials = operatorIdentity.credentials): KMSClient =>
  new KMSClient(clientConfig(to.url, ca.caPem, credentials, { systemClockOffset: nowMs - Date.now() }))

const document = (changes: Record<string, unknown> = {}, from = pki): Promise<Uint8Array> =>
  makeDocument(from, { public_key: spki, timestamp: nowMs, pcrs: new Map([[0, pcr(1)], [16, pcr(2)]]), ...changes })
const recipient = async (changes: Record<string, unknown> = {}, from = pki) =>
  ({ KeyEncryptionAlgorithm: 'RSAES_OAEP_SHA_256' as const, AttestationDocument: await document(changes, from) })
const context = { purpose: 'wallet', owner: 'user#demo#i#ann' }

/** Opens an envelope whose offsets the unit test pins. */
function open(envelope: Uint8Array | undefined): Buffer {
  const bytes = Buffer.from(envelope as Uint8Array)
  expect(bytes.subarray(33, 65).equals(createHash('sha256').update(spki).digest())).toBe(true)
  const key = privateDecrypt({ key: rsa.privateKey, padding: constants.RSA_PKCS1_OAEP_PADDING, oaepHash: 'sha256' }, bytes.subarray(131, 387))
  const decipher = createDecipheriv('aes-256-cbc', key, bytes.subarray(415, 431))
  return Buffer.concat([decipher.update(bytes.subarray(435, bytes.length - 10)), decipher.final()])
}

beforeAll(async () => {
  dir = await stateDir()
  ca = await createLocalCa({ dir })
  const keys = await makeKeys()
  pki = await makePki(keys)
  otherPki = await makePki(await makeKeys())
  kms = await start()
  cleanup(() => kms.close())
  const main = await loadMain('resources', '')
  operator = connect(kms)
  const phaseOne = await loadKeyPolicy('resources')
  const { KeyMetadata: made } = await operator.send(new CreateKeyCommand({ Policy: phaseOne, Description: 'data keys' }))
  keyArn = made?.Arn as string
  const { enclaveRole } = await loadMain('resources', keyArn)
  const as = (role: typeof main.relayRole) => identities.addStatic({ roleArn: role.arn, sessionName: 'local', policies: role.policies }).credentials
  enclave = connect(kms, as(enclaveRole))
  relay = connect(kms, as(main.relayRole))
})

const generate = async (changes: Record<string, unknown> = {}, from = pki) =>
  new GenerateDataKeyCommand({ KeyId: keyArn, KeySpec: 'AES_256', EncryptionContext: context, Recipient: await recipient(changes, from) })

const putPolicy = (Policy: string) => failure(operator.send(new PutKeyPolicyCommand({ KeyId: keyArn, Policy })))

test('in the first phase nobody uses the key, whatever the enclave', async () => {
  const error = await failure(enclave.send(await generate()))
  expect(error).toMatchObject({ name: 'AccessDeniedException', status: 400 })
  expect(error.message).toBe(
    `User: arn:aws:sts::000000000000:assumed-role/cloister-enclave/local is not authorized to perform: kms:GenerateDataKey on resource: ${keyArn} because no resource-based policy allows the kms:GenerateDataKey action`,
  )
})

describe('with the measurements deployed', () => {
  beforeAll(async () => {
    const Policy = await loadKeyPolicy('resources', [hexOf(pcr(1)), hexOf(pcr(9))], [hexOf(pcr(2))])
    await operator.send(new PutKeyPolicyCommand({ KeyId: keyArn, PolicyName: 'default', Policy }))
  })

  test('an approved enclave makes a data key and opens it again, and only it sees it', async () => {
    const made = await enclave.send(await generate())
    expect(made.KeyId).toBe(keyArn)
    expect(made.Plaintext ?? null).toBeNull()
    const dataKey = open(made.CiphertextForRecipient)
    expect(dataKey).toHaveLength(32)
    const opened = await enclave.send(new DecryptCommand({
      KeyId: keyArn, CiphertextBlob: made.CiphertextBlob, EncryptionContext: context, Recipient: await recipient(),
    }))
    expect(opened).toMatchObject({ KeyId: keyArn, EncryptionAlgorithm: 'SYMMETRIC_DEFAULT' })
    expect(opened.Plaintext ?? null).toBeNull()
    expect(open(opened.CiphertextForRecipient).equals(dataKey)).toBe(true)
    expect(hexOf(made.CiphertextBlob as Uint8Array)).not.toContain(hexOf(dataKey))
  })

  test('the audit line has the measurements and no secret', async () => {
    events.length = 0
    await enclave.send(await generate())
    expect(events).toEqual([expect.objectContaining({
      eventSource: 'kms.amazonaws.com', eventName: 'GenerateDataKey',
      userIdentity: expect.objectContaining({ type: 'AssumedRole', arn: 'arn:aws:sts::000000000000:assumed-role/cloister-enclave/local' }),
      requestParameters: { keyId: keyArn, keySpec: 'AES_256', encryptionContext: context },
      additionalEventData: { recipient: {
        attestationDocumentModuleId: 'i-0123456789abcdef0-enc0123456789abcdef',
        attestationDocumentEnclaveImageDigest: base64Of(pcr(1)), attestationDocumentEnclavePCR16: base64Of(pcr(2)),
      } },
      resources: [{ accountId: '000000000000', type: 'AWS::KMS::Key', ARN: keyArn }],
    })])
    expect(events[0]).not.toHaveProperty('errorCode')
    await failure(enclave.send(await generate({ pcrs: new Map([[0, pcr(3)], [16, pcr(2)]]) })))
    expect(events[1]).toMatchObject({ eventName: 'GenerateDataKey', errorCode: 'AccessDenied' })
  })

  test.each<[string, Record<string, unknown>]>([
    ['another image', { pcrs: new Map([[0, pcr(3)], [16, pcr(2)]]) }],
    ['another configuration', { pcrs: new Map([[0, pcr(1)], [16, pcr(3)]]) }],
    ['image and configuration swapped', { pcrs: new Map([[0, pcr(2)], [16, pcr(1)]]) }],
    ['debug mode', { pcrs: new Map([[0, pcr(0)], [16, pcr(2)]]) }],
    ['no configuration', { pcrs: new Map([[0, pcr(1)]]) }],
  ])('%s gets no data key, old or new', async (_name, changes) => {
    const made = await enclave.send(await generate())
    expect(await failure(enclave.send(await generate(changes)))).toMatchObject({ name: 'AccessDeniedException' })
    const decrypt = new DecryptCommand({ CiphertextBlob: made.CiphertextBlob, EncryptionContext: context, Recipient: await recipient(changes) })
    expect(await failure(enclave.send(decrypt))).toMatchObject({ name: 'AccessDeniedException' })
  })

  test.each<[string, () => Promise<Uint8Array>]>([
    ['signed under another root', () => document({}, otherPki)],
    ['older than five minutes', () => document({ timestamp: nowMs - 5 * 60_000 - 1 })],
    ['from the future', () => document({ timestamp: nowMs + 5 * 60_000 + 1 })],
    ['without a public key', () => document({ public_key: null })],
    ['with a public key that is not RSA', () => document({ public_key: new Uint8Array(32) })],
    ['with something behind it', async () => new Uint8Array([...(await document()), 0])],
    ['that is none', async () => new Uint8Array(100)],
  ])('a document %s is refused', async (_name, make) => {
    const Recipient = { KeyEncryptionAlgorithm: 'RSAES_OAEP_SHA_256' as const, AttestationDocument: await make() }
    const command = new GenerateDataKeyCommand({ KeyId: keyArn, KeySpec: 'AES_256', EncryptionContext: context, Recipient })
    expect(await failure(enclave.send(command))).toMatchObject({ name: 'ValidationException', status: 400 })
    expect(await failure(enclave.send(new GenerateRandomCommand({ NumberOfBytes: 32, Recipient })))).toMatchObject({ name: 'ValidationException' })
  })

  test('five minutes of age are let through', async () => {
    await enclave.send(await generate({ timestamp: nowMs - 5 * 60_000 }))
  })

  test('without a document the enclave role itself is denied explicitly', async () => {
    const command = new GenerateDataKeyCommand({ KeyId: keyArn, KeySpec: 'AES_256' })
    const error = await failure(enclave.send(command))
    expect(error).toMatchObject({ name: 'AccessDeniedException' })
    expect(error.message).toContain('explicit deny in a resource-based policy')
  })

  test('an approved document does not help another role', async () => {
    for (const client of [relay, operator]) {
      expect(await failure(client.send(await generate()))).toMatchObject({ name: 'AccessDeniedException' })
    }
  })

  test('nobody mints a data key that they know', async () => {
    const { CiphertextBlob } = await enclave.send(await generate())
    for (const client of [operator, enclave, relay]) {
      for (const command of [
        new EncryptCommand({ KeyId: keyArn, Plaintext: new Uint8Array(32) }),
        new ReEncryptCommand({ CiphertextBlob, DestinationKeyId: keyArn, SourceEncryptionContext: context, DestinationEncryptionContext: {} }),
      ]) expect(await failure(client.send(command as EncryptCommand))).toMatchObject({ name: 'AccessDeniedException' })
    }
    const other = new GenerateDataKeyWithoutPlaintextCommand({ KeyId: keyArn, KeySpec: 'AES_256' })
    expect(await failure(operator.send(other))).toMatchObject({ name: 'UnknownOperationException' })
  })

  test('another encryption context, or a changed blob, opens nothing', async () => {
    const { CiphertextBlob } = await enclave.send(await generate())
    const blob = CiphertextBlob as Uint8Array
    const decrypt = async (changed: Uint8Array, EncryptionContext: Record<string, string>) =>
      failure(enclave.send(new DecryptCommand({ CiphertextBlob: changed, EncryptionContext, Recipient: await recipient() })))
    expect(await decrypt(blob, {})).toMatchObject({ name: 'InvalidCiphertextException', status: 400 })
    expect(await decrypt(blob, { ...context, owner: 'user#demo#i#bob' })).toMatchObject({ name: 'InvalidCiphertextException' })
    expect(await decrypt(blob.map((byte, i) => (i === blob.length - 1 ? byte ^ 1 : byte)), context)).toMatchObject({ name: 'InvalidCiphertextException' })
    expect(await decrypt(new Uint8Array(60), context)).toMatchObject({ name: 'InvalidCiphertextException' })
    expect(await decrypt(blob.map((byte, i) => (i === 5 ? byte ^ 1 : byte)), context)).toMatchObject({ name: 'AccessDeniedException' })
  })

  test('InvalidCiphertextException comes without a message, AccessDeniedException with "Message"', async () => {
    const error = await failure(enclave.send(new DecryptCommand({ CiphertextBlob: new Uint8Array(60) })))
    expect(error.name).toBe('InvalidCiphertextException')
    expect(error.message).not.toMatch(/cipher text|context/i)
  })

  test('rotation keeps what older versions sealed', async () => {
    const before = await enclave.send(await generate())
    await operator.send(new RotateKeyOnDemandCommand({ KeyId: keyArn }))
    const after = await enclave.send(await generate())
    for (const { CiphertextBlob, CiphertextForRecipient } of [before, after]) {
      const opened = await enclave.send(new DecryptCommand({ CiphertextBlob, EncryptionContext: context, Recipient: await recipient() }))
      expect(open(opened.CiphertextForRecipient).equals(open(CiphertextForRecipient))).toBe(true)
    }
  })

  test('a key that is disabled or on its way out is not used', async () => {
    await operator.send(new DisableKeyCommand({ KeyId: keyArn }))
    expect(await failure(enclave.send(await generate()))).toMatchObject({ name: 'DisabledException' })
    await operator.send(new EnableKeyCommand({ KeyId: keyArn }))
    const { KeyState } = await operator.send(new ScheduleKeyDeletionCommand({ KeyId: keyArn, PendingWindowInDays: 7 }))
    expect(KeyState).toBe('PendingDeletion')
    expect(await failure(enclave.send(await generate()))).toMatchObject({ name: 'KMSInvalidStateException' })
    expect(await failure(operator.send(new EnableKeyCommand({ KeyId: keyArn })))).toMatchObject({ name: 'KMSInvalidStateException' })
    await operator.send(new CancelKeyDeletionCommand({ KeyId: keyArn }))
    await operator.send(new EnableKeyCommand({ KeyId: keyArn }))
    await enclave.send(await generate())
  })

  test('who may do what: operator, enclave and relay', async () => {
    const describe = new DescribeKeyCommand({ KeyId: keyArn })
    expect((await operator.send(describe)).KeyMetadata).toMatchObject({ Arn: keyArn, KeyState: 'Enabled', Enabled: true })
    expect((await enclave.send(describe)).KeyMetadata?.Arn).toBe(keyArn)
    expect(await failure(relay.send(describe))).toMatchObject({ name: 'AccessDeniedException' })
    expect((await operator.send(new ListKeysCommand({}))).Keys?.map(({ KeyArn }) => KeyArn)).toContain(keyArn)
    const { Policy } = await operator.send(new GetKeyPolicyCommand({ KeyId: keyArn }))
    for (const client of [enclave, relay]) {
      expect(await failure(client.send(new PutKeyPolicyCommand({ KeyId: keyArn, Policy })))).toMatchObject({ name: 'AccessDeniedException' })
      expect(await failure(client.send(new DisableKeyCommand({ KeyId: keyArn })))).toMatchObject({ name: 'AccessDeniedException' })
      expect(await failure(client.send(new CreateKeyCommand({})))).toMatchObject({ name: 'AccessDeniedException' })
    }
  })

  test('a policy that is not understood, or shuts its author out, is refused', async () => {
    const statement = { Effect: 'Allow', Principal: '*', Action: 'kms:*', Resource: '*' }
    for (const document of ['{', JSON.stringify({ Version: '2012-10-17', Statement: { ...statement, Condition: { Odd: {} } } })]) {
      expect(await putPolicy(document)).toMatchObject({ name: 'MalformedPolicyDocumentException' })
    }
    const lockout = { Version: '2012-10-17', Statement: { ...statement, Action: 'kms:Decrypt' } }
    expect(await putPolicy(JSON.stringify(lockout))).toMatchObject({ name: 'MalformedPolicyDocumentException' })
  })
})

describe('a key that anybody in the account may use', () => {
  let plainArn: string

  beforeAll(async () => {
    plainArn = (await operator.send(new CreateKeyCommand({}))).KeyMetadata?.Arn as string
  })

  test('gives plaintext where there is no recipient', async () => {
    const { Plaintext, CiphertextBlob } = await operator.send(new GenerateDataKeyCommand({ KeyId: plainArn, NumberOfBytes: 24 }))
    expect(Plaintext).toHaveLength(24)
    const opened = await operator.send(new DecryptCommand({ CiphertextBlob }))
    expect(opened.Plaintext).toEqual(Plaintext)
    const moved = await operator.send(new ReEncryptCommand({ CiphertextBlob, DestinationKeyId: plainArn, DestinationEncryptionContext: { a: 'b' } }))
    const again = await operator.send(new DecryptCommand({ CiphertextBlob: moved.CiphertextBlob, EncryptionContext: { a: 'b' } }))
    expect(again.Plaintext).toEqual(Plaintext)
    const sealed = await operator.send(new EncryptCommand({ KeyId: plainArn, Plaintext: new Uint8Array([1]) }))
    const wrong = new DecryptCommand({ KeyId: keyArn, CiphertextBlob: sealed.CiphertextBlob })
    expect(await failure(operator.send(wrong))).toMatchObject({ name: 'AccessDeniedException' })
    const third = (await operator.send(new CreateKeyCommand({}))).KeyMetadata?.Arn
    expect(await failure(operator.send(new DecryptCommand({ KeyId: third, CiphertextBlob: sealed.CiphertextBlob })))).toMatchObject({ name: 'IncorrectKeyException' })
  })

  test.each<[string, object, string]>([
    ['both lengths', { KeySpec: 'AES_256', NumberOfBytes: 32 }, 'ValidationException'],
    ['no length', {}, 'ValidationException'],
    ['another spec', { KeySpec: 'RSA_2048' }, 'ValidationException'],
    ['too many bytes', { NumberOfBytes: 1025 }, 'ValidationException'],
    ['an unknown key', { KeyId: '01234567-89ab-cdef-0123-456789abcdef', KeySpec: 'AES_256' }, 'NotFoundException'],
    ['an alias', { KeyId: 'alias/x', KeySpec: 'AES_256' }, 'NotFoundException'],
    ['grant tokens', { KeySpec: 'AES_256', GrantTokens: ['t'] }, 'InvalidGrantTokenException'],
    ['another wrapping', { KeySpec: 'AES_256', Recipient: { KeyEncryptionAlgorithm: 'RSAES_OAEP_SHA_1', AttestationDocument: new Uint8Array(1) } }, 'ValidationException'],
    ['an empty recipient', { KeySpec: 'AES_256', Recipient: {} }, 'ValidationException'],
  ])('refuses %s', async (_name, input, name) => {
    const command = new GenerateDataKeyCommand({ KeyId: plainArn, ...input })
    expect(await failure(operator.send(command))).toMatchObject({ name, status: 400 })
  })
})

test('randomness is the enclave role\'s to ask for, sealed where it says to whom', async () => {
  const sealed = await enclave.send(new GenerateRandomCommand({ NumberOfBytes: 32, Recipient: await recipient({ pcrs: new Map([[0, pcr(8)]]) }) }))
  expect(sealed.Plaintext ?? null).toBeNull()
  expect(open(sealed.CiphertextForRecipient)).toHaveLength(32)
  expect((await enclave.send(new GenerateRandomCommand({ NumberOfBytes: 16 }))).Plaintext).toHaveLength(16)
  expect(await failure(relay.send(new GenerateRandomCommand({ NumberOfBytes: 16 })))).toMatchObject({ name: 'AccessDeniedException' })
})

test('keys, versions and policies survive a restart', async () => {
  const made = await enclave.send(await generate())
  const second = await start()
  try {
    const client = connect(second, await enclave.config.credentials())
    const decrypt = new DecryptCommand({ CiphertextBlob: made.CiphertextBlob, EncryptionContext: context, Recipient: await recipient() })
    expect(open((await client.send(decrypt)).CiphertextForRecipient).equals(open(made.CiphertextForRecipient))).toBe(true)
    expect(await failure(client.send(new DecryptCommand({ CiphertextBlob: made.CiphertextBlob, EncryptionContext: context })))).toMatchObject({ name: 'AccessDeniedException' })
  } finally {
    await second.close()
  }
})

describe('faults', () => {
  afterEach(() => void (kms.faults.mode = 'none'))
  const random = new GenerateRandomCommand({ NumberOfBytes: 1 })

  test('throttle, error, down and lost', async () => {
    Object.assign(kms.faults, { mode: 'throttle', times: 1 })
    expect(await failure(enclave.send(random))).toMatchObject({ name: 'ThrottlingException', status: 400 })
    await enclave.send(random)
    Object.assign(kms.faults, { mode: 'error', times: 1 })
    expect(await failure(enclave.send(random))).toMatchObject({ name: 'KMSInternalException', status: 500 })
    Object.assign(kms.faults, { mode: 'down', times: 1 })
    expect(await failure(enclave.send(random))).toMatchObject({ status: undefined })
    events.length = 0
    Object.assign(kms.faults, { mode: 'lost', times: 1 })
    expect(await failure(enclave.send(random))).toMatchObject({ status: undefined })
    expect(events).toHaveLength(1)
  })

  test('hang, until the client gives up', async () => {
    Object.assign(kms.faults, { mode: 'hang', only: ['GenerateRandom'] })
    expect(await failure(enclave.send(random, { abortSignal: AbortSignal.timeout(50) }))).toMatchObject({ name: 'AbortError' })
    await enclave.send(new DescribeKeyCommand({ KeyId: keyArn }))
  })
})

test('a root and a verifier are required', async () => {
  const options = { dir, port: 0, tls: ca.serverOptions, identities, verify: verifyAttestation } as unknown as Parameters<typeof startKms>[0]
  await expect(startKms(options)).rejects.toThrow(TypeError)
})

test('the audit file has a JSON line for each event, for its owner alone', async () => {
  const file = join(await stateDir(), 'audit', 'kms.jsonl')
  const sink = auditToFile(file)
  await Promise.all([sink({ a: 1 }), sink({ a: 2 })])
  expect(await readFile(file, 'utf8')).toBe('{"a":1}\n{"a":2}\n')
  expect((await stat(file)).mode & 0o777).toBe(0o600)
})
