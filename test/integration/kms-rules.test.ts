/** KMS's own rules, asked by AWS's client: what it refuses and in which words, conditions, rotation, deletion, and what its trail says. */
import { readdir } from 'node:fs/promises'
import { join } from 'node:path'
import {
  CreateKeyCommand, DecryptCommand, DescribeKeyCommand, EncryptCommand, GenerateDataKeyCommand, GenerateRandomCommand, KMSClient, PutKeyPolicyCommand, ReEncryptCommand,
  RotateKeyOnDemandCommand, ScheduleKeyDeletionCommand, type GenerateRandomCommandInput,
} from '@aws-sdk/client-kms'
import { createHttpsPost } from '../../enclave-sim/platform/https-post.ts'
import { createAgent } from '../../enclave-sim/platform/egress.ts'
import { verifyAttestation } from '../../lib/attestation/verify.ts'
import { createIdentities } from '../../local/iam/identities.ts'
import { parsePolicy } from '../../local/iam/policy.ts'
import type { AuditEvent } from '../../local/kms/audit.ts'
import { startKms, type Kms } from '../../local/kms/server.ts'
import { createLocalCa, type LocalCa } from '../../local/tls.ts'
import { awsClient } from '../support/aws-client.ts'
import { cleanup, clientConfig, failure, stateDir } from '../support/local.ts'

const DAY_MS = 86_400_000
const ARN = 'arn:aws:kms:us-east-1:000000000000:'
const ROLE = 'arn:aws:iam::000000000000:role/operator'
const UNKNOWN = '01234567-89ab-cdef-0123-456789abcdef'
const identities = createIdentities()
const everything = parsePolicy({ Version: '2012-10-17', Statement: { Effect: 'Allow', Action: 'kms:*', Resource: '*' } }, 'identity')
const { credentials, userId } = identities.addStatic({ roleArn: ROLE, sessionName: 'local', policies: [everything] })

let dir: string
let ca: LocalCa
let kms: Kms
let client: KMSClient
let keyArn: string
let offMs = 0
const events: AuditEvent[] = []

const start = (): Promise<Kms> => startKms({
  dir: join(dir, 'kms'), port: 0, tls: ca.serverOptions, identities, rootDer: new Uint8Array(1), verify: verifyAttestation, audit: (event) => void events.push(event), nowMs: () => Date.now() + offMs,
})
const connect = (to: Kms): KMSClient => new KMSClient(clientConfig(to.url, ca.caPem, credentials, { systemClockOffset: offMs }))
const newKey = async (): Promise<string> => (await client.send(new CreateKeyCommand({}))).KeyMetadata?.Arn as string

beforeAll(async () => {
  dir = await stateDir()
  ca = await createLocalCa({ dir })
  kms = await start()
  cleanup(() => kms.close())
  client = connect(kms)
  keyArn = await newKey()
})
beforeEach(() => void (events.length = 0))

const broken = (shown: string, member: string, rule: string): string => `1 validation error detected: Value ${shown} at '${member}' failed to satisfy constraint: Member must ${rule}`
const blob = (length: number): string => `'java.nio.HeapByteBuffer[pos=0 lim=${length} cap=${length}]'`

describe('a call that breaks a constraint is a ValidationException that names it', () => {
  const generate = (input: object) => client.send(new GenerateDataKeyCommand({ KeyId: keyArn, KeySpec: 'AES_256', ...input }))
  const decrypt = (input: object) => client.send(new DecryptCommand({ CiphertextBlob: new Uint8Array(60), ...input }))
  const random = (input: object) => client.send(new GenerateRandomCommand(input as GenerateRandomCommandInput))
  const attested = (change: object) => ({ Recipient: { KeyEncryptionAlgorithm: 'RSAES_OAEP_SHA_256', AttestationDocument: new Uint8Array(9), ...change } })

  test('their twin is taken', async () => {
    expect((await generate({})).KeyId).toBe(keyArn)
    expect((await random({ NumberOfBytes: 1024 })).Plaintext).toHaveLength(1024)
  })
  test.each<[string, () => Promise<unknown>, string]>([
    ['no key', () => generate({ KeyId: undefined }), broken('null', 'keyId', 'not be null')],
    ['an empty key', () => generate({ KeyId: '' }), broken("''", 'keyId', 'have length greater than or equal to 1')],
    ['a long key', () => generate({ KeyId: 'k'.repeat(2049) }), broken(`'${'k'.repeat(2049)}'`, 'keyId', 'have length less than or equal to 2048')],
    ['another spec', () => generate({ KeySpec: 'AES_512' }), broken("'AES_512'", 'keySpec', 'satisfy enum value set: [AES_256, AES_128]')],
    ['no bytes', () => generate({ KeySpec: undefined, NumberOfBytes: 0 }), broken("'0'", 'numberOfBytes', 'have value greater than or equal to 1')],
    ['too many bytes', () => random({ NumberOfBytes: 1025 }), broken("'1025'", 'numberOfBytes', 'have value less than or equal to 1024')],
    ['spec and bytes', () => generate({ NumberOfBytes: 1 }), 'Please specify either number of bytes or key spec.'],
    ['no blob', () => decrypt({ CiphertextBlob: undefined }), broken('null', 'ciphertextBlob', 'not be null')],
    ['an empty blob', () => decrypt({ CiphertextBlob: new Uint8Array() }), broken(blob(0), 'ciphertextBlob', 'have length greater than or equal to 1')],
    ['a long blob', () => decrypt({ CiphertextBlob: new Uint8Array(6145) }), broken(blob(6145), 'ciphertextBlob', 'have length less than or equal to 6144')],
    ['another algorithm', () => decrypt({ EncryptionAlgorithm: 'AES' }), broken("'AES'", 'encryptionAlgorithm', 'satisfy enum value set: [SYMMETRIC_DEFAULT, RSAES_OAEP_SHA_1, RSAES_OAEP_SHA_256, SM2PKE]')],
    ['another wrapping', () => generate(attested({ KeyEncryptionAlgorithm: 'RSAES_OAEP_SHA_1' })), broken("'RSAES_OAEP_SHA_1'", 'recipient.keyEncryptionAlgorithm', 'satisfy enum value set: [RSAES_OAEP_SHA_256]')],
    ['an empty document', () => random({ NumberOfBytes: 1, ...attested({ AttestationDocument: new Uint8Array() }) }), broken(blob(0), 'recipient.attestationDocument', 'have length greater than or equal to 1')],
    ['a long document', () => decrypt(attested({ AttestationDocument: new Uint8Array(262_145) })), broken(blob(262_145), 'recipient.attestationDocument', 'have length less than or equal to 262144')],
    ['a plaintext that is too long', () => client.send(new EncryptCommand({ KeyId: keyArn, Plaintext: new Uint8Array(4097) })), broken(blob(4097), 'plaintext', 'have length less than or equal to 4096')],
    ['a short window', () => client.send(new ScheduleKeyDeletionCommand({ KeyId: keyArn, PendingWindowInDays: 6 })), broken("'6'", 'pendingWindowInDays', 'have value greater than or equal to 7')],
  ])('%s', async (_what, call, message) => {
    expect(await failure(call())).toEqual({ name: 'ValidationException', message, status: 400 })
  })

  test.each<[string, () => Promise<unknown>, string]>([
    ['a key that is not there', () => generate({ KeyId: UNKNOWN }), `Key '${ARN}key/${UNKNOWN}' does not exist`],
    ['its ARN', () => generate({ KeyId: `${ARN}key/${UNKNOWN}` }), `Key '${ARN}key/${UNKNOWN}' does not exist`],
    ['a name that is none', () => generate({ KeyId: 'k' }), "Invalid keyId 'k'"],
    ['an alias', () => generate({ KeyId: 'alias/x' }), `Alias ${ARN}alias/x is not found.`],
    ['another region', () => generate({ KeyId: keyArn.replace('us-east-1', 'eu-west-1') }), 'Invalid arn eu-west-1'],
  ])('%s is a NotFoundException', async (_what, call, message) => {
    expect(await failure(call())).toEqual({ name: 'NotFoundException', message, status: 400 })
  })

  test('a dry run that would succeed, one that would not; grant tokens; an algorithm of other keys; a policy over its limit', async () => {
    expect(await failure(generate({ DryRun: true }))).toMatchObject({ name: 'DryRunOperationException', status: 412 })
    const { CiphertextBlob } = await generate({})
    expect(await failure(decrypt({ CiphertextBlob, DryRun: true }))).toMatchObject({ name: 'DryRunOperationException', status: 412 })
    expect(await failure(decrypt({ CiphertextBlob, EncryptionContext: { a: 'b' }, DryRun: true }))).toMatchObject({ name: 'InvalidCiphertextException', status: 400 })
    expect(await failure(generate({ GrantTokens: ['t'] }))).toMatchObject({ name: 'InvalidGrantTokenException', status: 400 })
    expect(await failure(generate({ GrantTokens: Array.from({ length: 11 }, () => 't') }))).toMatchObject({ name: 'ValidationException' })
    expect((await generate({ GrantTokens: [] })).KeyId).toBe(keyArn)
    expect(await failure(decrypt({ CiphertextBlob, EncryptionAlgorithm: 'RSAES_OAEP_SHA_256' }))).toMatchObject({ name: 'InvalidKeyUsageException', status: 400 })
    expect(await failure(client.send(new PutKeyPolicyCommand({ KeyId: keyArn, Policy: ' '.repeat(32_769) })))).toMatchObject({ name: 'LimitExceededException', status: 400 })
  })

  test('a value of the wrong JSON type is a SerializationException, which an SDK never sends', async () => {
    const agent = createAgent({ kind: 'direct' }, ca.caPem)
    cleanup(async () => agent.destroy())
    const current = () => ({ ...credentials, sessionToken: null as never, expiresAtMs: 0 })
    const raw = awsClient('kms', createHttpsPost(agent), { endpoint: kms.url, credentials: { current, replace: () => undefined }, nowMs: Date.now })
    const good = { KeyId: keyArn, KeySpec: 'AES_256' }
    expect(await raw('GenerateDataKey', good)).toMatchObject({ KeyId: keyArn })
    for (const change of [{ KeyId: 5 }, { NumberOfBytes: '32', KeySpec: null }, { EncryptionContext: { a: 1 } }, { EncryptionContext: [] }, { Recipient: 'r' }, { DryRun: 'true' }, { GrantTokens: 't' }]) {
      await expect(raw('GenerateDataKey', { ...good, ...change })).rejects.toMatchObject({ code: 'SerializationException', status: 400 })
    }
    await expect(raw('Decrypt', { CiphertextBlob: '!' })).rejects.toMatchObject({ code: 'SerializationException' })
  })
})

describe('conditions of a key policy', () => {
  const context = { owner: 'ann', purpose: 'p' }
  const manage = { Effect: 'Allow', Principal: { AWS: ROLE }, Action: ['kms:PutKeyPolicy', 'kms:ScheduleKeyDeletion', 'kms:CancelKeyDeletion'], Resource: '*' }
  const use = (Condition: object) => JSON.stringify({ Version: '2012-10-17', Statement: [manage, { Effect: 'Allow', Principal: { AWS: '*' }, Action: 'kms:GenerateDataKey', Resource: '*', Condition }] })
  let key: string
  beforeAll(async () => void (key = await newKey()))

  test.each<[string, object, object]>([
    ['kms:EncryptionContext:', { StringEquals: { 'kms:EncryptionContext:owner': 'ann' } }, { StringEquals: { 'kms:EncryptionContext:owner': 'Ann' } }],
    ['its value in another case', { StringEqualsIgnoreCase: { 'kms:EncryptionContext:OWNER': 'ANN' } }, { StringEqualsIgnoreCase: { 'kms:EncryptionContext:owner': 'bob' } }],
    ['kms:EncryptionContextKeys, all', { 'ForAllValues:StringEquals': { 'kms:EncryptionContextKeys': ['owner', 'purpose'] } }, { 'ForAllValues:StringEquals': { 'kms:EncryptionContextKeys': ['owner'] } }],
    ['kms:EncryptionContextKeys, any', { 'ForAnyValue:StringEquals': { 'kms:EncryptionContextKeys': 'owner' } }, { 'ForAnyValue:StringEquals': { 'kms:EncryptionContextKeys': 'Owner' } }],
    ['kms:EncryptionContextKeys, there', { Null: { 'kms:EncryptionContextKeys': 'false' } }, { Null: { 'kms:EncryptionContextKeys': 'true' } }],
    ['kms:RecipientAttestation:, absent', { Null: { 'kms:RecipientAttestation:ImageSha384': 'true' } }, { Null: { 'kms:RecipientAttestation:ImageSha384': 'false' } }],
    ['kms:CallerAccount', { StringEquals: { 'kms:CallerAccount': '000000000000' } }, { StringEquals: { 'kms:CallerAccount': '000000000001' } }],
    ['kms:KeySpec', { StringEquals: { 'kms:KeySpec': 'SYMMETRIC_DEFAULT' } }, { StringNotEquals: { 'kms:KeySpec': 'SYMMETRIC_DEFAULT' } }],
    ['kms:MultiRegion', { Bool: { 'kms:MultiRegion': 'false' } }, { Bool: { 'kms:MultiRegion': 'true' } }],
    ['kms:ViaService, absent', { Null: { 'kms:ViaService': 'true' } }, { StringEquals: { 'kms:ViaService': 's3.us-east-1.amazonaws.com' } }],
    ['aws:PrincipalArn', { ArnLike: { 'aws:PrincipalArn': 'arn:aws:iam::*:role/oper*' } }, { ArnNotLike: { 'aws:PrincipalArn': 'arn:aws:iam::*:role/oper*' } }],
    ['aws:PrincipalAccount', { StringEquals: { 'aws:PrincipalAccount': '000000000000' } }, { StringEquals: { 'aws:PrincipalAccount': '1' } }],
    ['aws:userid', { StringLike: { 'aws:userid': `${userId.slice(0, 8)}*:local` } }, { StringLike: { 'aws:userid': '*:other' } }],
    ['aws:SecureTransport', { Bool: { 'aws:SecureTransport': true } }, { Bool: { 'aws:SecureTransport': false } }],
    ['aws:RequestedRegion', { StringEquals: { 'aws:RequestedRegion': 'us-east-1' } }, { StringEquals: { 'aws:RequestedRegion': 'eu-west-1' } }],
  ])('%s: met, and its twin that is not', async (_what, met, unmet) => {
    const generate = () => client.send(new GenerateDataKeyCommand({ KeyId: key, KeySpec: 'AES_128', EncryptionContext: context }))
    await client.send(new PutKeyPolicyCommand({ KeyId: key, Policy: use(met) }))
    expect((await generate()).Plaintext).toHaveLength(16)
    await client.send(new PutKeyPolicyCommand({ KeyId: key, Policy: use(unmet) }))
    expect(await failure(generate())).toMatchObject({ name: 'AccessDeniedException' })
  })

  test('a deletion may be given a least window, and nobody locks the key’s authors out', async () => {
    const guards = [
      { Effect: 'Deny', Principal: '*', Action: 'kms:ScheduleKeyDeletion', Resource: '*', Condition: { NumericLessThan: { 'kms:ScheduleKeyDeletionPendingWindowInDays': 30 } } },
      { Effect: 'Deny', Principal: '*', Action: 'kms:PutKeyPolicy', Resource: '*', Condition: { Bool: { 'kms:BypassPolicyLockoutSafetyCheck': true } } },
    ]
    const Policy = JSON.stringify({ Version: '2012-10-17', Statement: [manage, ...guards] })
    await client.send(new PutKeyPolicyCommand({ KeyId: key, Policy }))
    expect(await failure(client.send(new ScheduleKeyDeletionCommand({ KeyId: key, PendingWindowInDays: 29 })))).toMatchObject({ name: 'AccessDeniedException' })
    expect(await failure(client.send(new PutKeyPolicyCommand({ KeyId: key, Policy, BypassPolicyLockoutSafetyCheck: true })))).toMatchObject({ name: 'AccessDeniedException' })
    await client.send(new ScheduleKeyDeletionCommand({ KeyId: key, PendingWindowInDays: 30 }))
  })
})

test('rotation: each ciphertext opens by the material that sealed it, 25 times over; then no more', async () => {
  const KeyId = await newKey()
  const sealed: { readonly blob: Uint8Array | undefined; readonly material: string | undefined }[] = []
  for (let round = 0; round <= 25; round++) {
    const made = await client.send(new GenerateDataKeyCommand({ KeyId, KeySpec: 'AES_256' }))
    sealed.push({ blob: made.CiphertextBlob, material: made.KeyMaterialId })
    if (round < 25) await client.send(new RotateKeyOnDemandCommand({ KeyId }))
  }
  expect(await failure(client.send(new RotateKeyOnDemandCommand({ KeyId })))).toMatchObject({ name: 'LimitExceededException', status: 400 })
  expect(new Set(sealed.map(({ material }) => material)).size).toBe(26)
  for (const { blob: CiphertextBlob, material } of sealed) {
    expect(material).toMatch(/^[0-9a-f]{64}$/)
    expect(await client.send(new DecryptCommand({ CiphertextBlob }))).toMatchObject({ KeyId, KeyMaterialId: material })
  }
  expect((await client.send(new DescribeKeyCommand({ KeyId }))).KeyMetadata?.CurrentKeyMaterialId).toBe(sealed.at(-1)?.material)
  const moved = await client.send(new ReEncryptCommand({ CiphertextBlob: sealed[0]?.blob, DestinationKeyId: KeyId }))
  expect(moved).toMatchObject({ SourceKeyMaterialId: sealed[0]?.material, DestinationKeyMaterialId: sealed.at(-1)?.material })
})

test('a key whose day has come is gone, and after a restart so is its material', async () => {
  const KeyId = await newKey()
  const { CiphertextBlob } = await client.send(new GenerateDataKeyCommand({ KeyId, KeySpec: 'AES_256' }))
  await client.send(new ScheduleKeyDeletionCommand({ KeyId, PendingWindowInDays: 7 }))
  const file = `${KeyId.slice(KeyId.lastIndexOf('/') + 1)}.json`
  offMs = 7 * DAY_MS - 60_000
  const before = await start()
  expect(await failure(connect(before).send(new DecryptCommand({ KeyId, CiphertextBlob })))).toMatchObject({ name: 'KMSInvalidStateException', message: `${KeyId} is pending deletion.` })
  offMs += 120_000
  expect(await failure(connect(before).send(new DecryptCommand({ KeyId, CiphertextBlob })))).toMatchObject({ name: 'NotFoundException' })
  expect(await failure(connect(before).send(new DecryptCommand({ CiphertextBlob })))).toMatchObject({ name: 'AccessDeniedException' })
  await before.close()
  expect(await readdir(join(dir, 'kms'))).toContain(file)
  await (await start()).close()
  expect(await readdir(join(dir, 'kms'))).not.toContain(file)
  offMs = 0
})

describe('the trail', () => {
  const last = (): AuditEvent => events.at(-1) as AuditEvent

  test('who: a session, and the role behind it', async () => {
    await client.send(new DescribeKeyCommand({ KeyId: keyArn }))
    expect(last()['userIdentity']).toEqual({
      type: 'AssumedRole', principalId: userId, arn: 'arn:aws:sts::000000000000:assumed-role/operator/local', accountId: '000000000000', accessKeyId: credentials.accessKeyId,
      sessionContext: {
        sessionIssuer: { type: 'Role', principalId: userId.split(':')[0], arn: ROLE, accountId: '000000000000', userName: 'operator' }, attributes: { mfaAuthenticated: 'false' },
      },
    })
    expect(last()).toMatchObject({ eventName: 'DescribeKey', readOnly: true, requestParameters: { keyId: keyArn }, responseElements: null, managementEvent: true, eventCategory: 'Management' })
  })

  test('what was asked, and never a plaintext or a ciphertext', async () => {
    const { CiphertextBlob, Plaintext } = await client.send(new GenerateDataKeyCommand({ KeyId: keyArn, NumberOfBytes: 32, EncryptionContext: { a: 'b' } }))
    expect(last()).toMatchObject({ requestParameters: { keyId: keyArn, numberOfBytes: 32, encryptionContext: { a: 'b' } } })
    await client.send(new DecryptCommand({ CiphertextBlob, EncryptionContext: { a: 'b' } }))
    expect(last()).toMatchObject({ requestParameters: { encryptionAlgorithm: 'SYMMETRIC_DEFAULT', encryptionContext: { a: 'b' } }, resources: [{ ARN: keyArn }] })
    await client.send(new EncryptCommand({ KeyId: keyArn, Plaintext }))
    const other = await newKey()
    await client.send(new ReEncryptCommand({ CiphertextBlob, SourceEncryptionContext: { a: 'b' }, DestinationKeyId: other }))
    expect(last()).toMatchObject({ readOnly: true, resources: [{ ARN: keyArn }, { ARN: other }], requestParameters: { destinationKeyId: other, sourceEncryptionContext: { a: 'b' } } })
    await client.send(new GenerateRandomCommand({ NumberOfBytes: 32 }))
    expect(last()).toMatchObject({ requestParameters: null, resources: [] })
    await client.send(new ScheduleKeyDeletionCommand({ KeyId: other, PendingWindowInDays: 7 }))
    expect(last()).toMatchObject({ readOnly: false, requestParameters: { keyId: other, pendingWindowInDays: 7 } })
    const text = JSON.stringify(events)
    for (const secret of [CiphertextBlob, Plaintext]) expect(text).not.toContain(Buffer.from(secret as Uint8Array).toString('base64'))
  })

  test('errors by their whole names, but a denial', async () => {
    await failure(client.send(new GenerateDataKeyCommand({ KeyId: UNKNOWN, KeySpec: 'AES_256' })))
    expect(last()).toMatchObject({ errorCode: 'NotFoundException', errorMessage: `Key '${ARN}key/${UNKNOWN}' does not exist`, resources: [] })
    await failure(client.send(new DecryptCommand({ CiphertextBlob: new Uint8Array(60) })))
    expect(last()).toMatchObject({ errorCode: 'InvalidCiphertextException', errorMessage: null })
    await client.send(new PutKeyPolicyCommand({
      KeyId: keyArn, Policy: JSON.stringify({ Version: '2012-10-17', Statement: { Effect: 'Allow', Principal: { AWS: ROLE }, Action: 'kms:PutKeyPolicy', Resource: '*' } }),
    }))
    await failure(client.send(new GenerateDataKeyCommand({ KeyId: keyArn, KeySpec: 'AES_256' })))
    expect(last()).toMatchObject({ errorCode: 'AccessDenied', errorMessage: expect.stringContaining('is not authorized to perform: kms:GenerateDataKey') as string })
  })
})
