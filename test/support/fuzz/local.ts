/** The emulators: a test that feeds the enclave nonsense must not end by killing the cloud under it. */
import { createHash, generateKeyPairSync } from 'node:crypto'
import { mkdtempSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { SignatureV4 } from '@smithy/signature-v4'
import { Sha256 } from '@aws-crypto/sha256-js'
import { AwsError, type AwsCall } from '../../../local/awsjson.ts'
import { questionsOf } from '../../../local/dynamodb/access.ts'
import { attributesOf, partitionOf } from '../../../local/dynamodb/expressions.ts'
import { checkRequest } from '../../../local/dynamodb/requests.ts'
import { parseOperator } from '../../../local/iam/conditions.ts'
import { decideByIdentity, decideByKeyPolicy } from '../../../local/iam/evaluate.ts'
import { createIdentities } from '../../../local/iam/identities.ts'
import { parsePolicy, PolicyError } from '../../../local/iam/policy.ts'
import { ACCOUNT_ID, REGION } from '../../../local/iam/resources.ts'
import { authenticate } from '../../../local/iam/sigv4.ts'
import { matchesGlob, resolveVariables } from '../../../local/iam/variables.ts'
import { adminOperations } from '../../../local/kms/admin.ts'
import { openBlob, readUnverifiedHeader, sealBlob } from '../../../local/kms/ciphertext.ts'
import { parseRecipientKey } from '../../../local/kms/envelope.ts'
import { openKeyStore } from '../../../local/kms/keys.ts'
import { cryptoOperations } from '../../../local/kms/operations.ts'
import { readRecipient } from '../../../local/kms/recipient.ts'
import { StsError } from '../../../local/sts/error.ts'
import { verifyWebIdentity } from '../../../local/sts/token.ts'
import { errorXml, resultXml } from '../../../local/sts/xml.ts'
import { createTestIssuer, ISSUER } from '../core-tokens.ts'
import { b } from './protocol.ts'
import { bytesTarget, row, textTarget, valueTarget, type Row } from './target.ts'

const NOW_MS = Date.UTC(2026, 0, 2, 3, 4, 5)
const isAws = (error: unknown): boolean => error instanceof AwsError && error.status < 500
const isPolicy = (error: unknown): boolean => error instanceof PolicyError
const isSts = (error: unknown): boolean => error instanceof StsError
const json = (value: unknown): Readonly<Record<string, unknown>> | undefined => (typeof value === 'object' && value !== null && !Array.isArray(value) ? (value as Readonly<Record<string, unknown>>) : undefined)
const roleArn = `arn:aws:iam::${ACCOUNT_ID}:role/r`

const statement = {
  Sid: 'a', Effect: 'Allow', Action: ['kms:*', 'dynamodb:Get?tem'], Resource: '*',
  Condition: { StringEquals: { 'aws:x': ['a', '${aws:y}'] }, 'ForAllValues:StringLike': { 'dynamodb:LeadingKeys': 'user#*#${aws:sub}' }, Null: { 'aws:z': 'true' }, NumericLessThan: { 'aws:n': 5 }, ArnLike: { 'aws:a': 'arn:aws:iam::*:role/*' } },
}
const policy = { Version: '2012-10-17', Id: 'p', Statement: [statement] }
const keyPolicy = { Version: '2012-10-17', Statement: { Effect: 'Allow', Principal: { AWS: `arn:aws:iam::${ACCOUNT_ID}:root` }, Action: 'kms:*', Resource: '*' } }
const context = new Map<string, string | readonly string[]>([['aws:x', 'a'], ['aws:y', '*'], ['dynamodb:leadingkeys', ['user#1', 'user#2']], ['aws:n', '4'], ['aws:a', roleArn]])
const access = { principal: { type: 'aws', arn: roleArn, roleArn, accountId: ACCOUNT_ID } as const, action: 'kms:Decrypt', resource: 'arn:aws:kms:us-east-1:0:key/k', context }

const names = { names: { '#a': 'owner', '#b': 'item' }, values: { ':v': { S: 'user#1' }, ':w': { S: 'x' } } }
const key = { owner: { S: 'user#1' }, item: { S: 'wallet#1' } }
const dynamo: readonly (readonly [string, object])[] = [
  ['GetItem', { TableName: 'wallets', Key: key, ProjectionExpression: '#a, b.c[0]', ExpressionAttributeNames: { '#a': 'owner' } }],
  ['PutItem', { TableName: 'wallets', Item: key, ConditionExpression: 'attribute_not_exists(item)', ReturnValues: 'NONE' }],
  ['UpdateItem', { TableName: 'wallets', Key: key, UpdateExpression: 'SET #v = :v ADD n :w', ExpressionAttributeNames: { '#v': 'version' }, ExpressionAttributeValues: names.values }],
  ['Query', { TableName: 'wallets', KeyConditionExpression: '#a = :v AND begins_with(#b, :w)', ExpressionAttributeNames: names.names, ExpressionAttributeValues: names.values }],
  ['BatchGetItem', { RequestItems: { wallets: { Keys: [key] } } }], ['BatchWriteItem', { RequestItems: { wallets: [{ PutRequest: { Item: key } }, { DeleteRequest: { Key: key } }] } }],
  ['TransactWriteItems', { TransactItems: [{ Put: { TableName: 'wallets', Item: key } }, { ConditionCheck: { TableName: 'wallets', Key: key, ConditionExpression: 'a = :v' } }] }],
  ['Scan', { TableName: 'wallets' }], ['DescribeTable', { TableName: 'wallets' }],
]

/** Every operation of KMS, as an identity that may do everything. */
async function kms(): Promise<(operation: string, input: Readonly<Record<string, unknown>>) => Promise<unknown>> {
  const keys = await openKeyStore({ dir: mkdtempSync(join(tmpdir(), 'cloister-fuzz-')), region: REGION, accountId: ACCOUNT_ID, nowMs: () => NOW_MS })
  const identities = createIdentities()
  const identity = identities.addStatic({ roleArn, sessionName: 'fuzz', policies: [parsePolicy({ Version: '2012-10-17', Statement: { Effect: 'Allow', Action: '*', Resource: '*' } }, 'identity')] })
  const made = await keys.create(JSON.stringify(keyPolicy), '')
  const scope = { keys, attester: { verify: () => Promise.reject(new Error('no document')), rootDer: b(1) }, nowMs: () => NOW_MS, requestContext: [] }
  return (operation, input) => {
    const call: AwsCall = { operation, input: { ...input, ...(input['KeyId'] === 'KEY' ? { KeyId: made.arn } : {}) }, identity, requestId: 'r', userAgent: 'u' }
    const run = cryptoOperations[operation] ?? adminOperations[operation]
    if (run === undefined) throw new Error('no such operation')
    return run(call, scope, {})
  }
}
const KMS_INPUTS: Readonly<Record<string, object>> = {
  GenerateDataKey: { KeyId: 'KEY', KeySpec: 'AES_256', EncryptionContext: { a: 'b' } }, GenerateRandom: { NumberOfBytes: 5 }, PutKeyPolicy: { KeyId: 'KEY', Policy: JSON.stringify(keyPolicy) },
  DescribeKey: { KeyId: 'KEY' }, GetKeyPolicy: { KeyId: 'KEY', PolicyName: 'default' }, CreateKey: { Description: 'd', KeySpec: 'SYMMETRIC_DEFAULT' },
}
/** What else an input may hold: of another operation, it is read or ignored, never crashed over. */
const EVERY_FIELD = {
  KeyId: 'KEY', KeySpec: 'AES_256', EncryptionContext: { a: 'b' }, NumberOfBytes: 5, Policy: JSON.stringify(keyPolicy), PolicyName: 'default', CiphertextBlob: 'AQID', Plaintext: 'AQID', PendingWindowInDays: 7,
  GrantTokens: [], Recipient: { KeyEncryptionAlgorithm: 'RSAES_OAEP_SHA_256', AttestationDocument: 'AQID' }, DryRun: false, BypassPolicyLockoutSafetyCheck: true,
}
const kmsRows: readonly Row[] = [...Object.keys(cryptoOperations), ...Object.keys(adminOperations)].map((operation) =>
  row(`local/kms ${operation}`, async () => {
    const call = await kms()
    const own = KMS_INPUTS[operation]
    return valueTarget('json', {
      seeds: [own ?? EVERY_FIELD],
      async decode(input) {
        const fields = json(input)
        if (fields === undefined) return undefined
        // Without an input that succeeds, a refusal is as good.
        return own === undefined ? call(operation, fields).catch((error: unknown) => (isAws(error) ? true : Promise.reject(error instanceof Error ? error : new Error('thrown')))) : call(operation, fields)
      },
      throws: isAws,
    })
  }),
)

export const localRows: readonly Row[] = [
  ...kmsRows,
  row('local/dynamodb/expressions.ts attributesOf', () => textTarget({ seeds: ['#a = :v AND begins_with(b.c[0], :w)', 'SET a = a - :v REMOVE #b', 'a BETWEEN :v AND :w'], decode: (text) => attributesOf(text, names), throws: isAws })),
  row('local/dynamodb/expressions.ts partitionOf', () => textTarget({ seeds: ['#a = :v AND begins_with(#b, :w)', '(owner = :v) AND (item BETWEEN :v AND :w)'], decode: (text) => partitionOf(text, 'owner', names), throws: isAws })),
  row('local/dynamodb/requests.ts checkRequest', () =>
    valueTarget('json', {
      seeds: dynamo.map(([, input]) => input),
      decode(value) {
        const fields = json(value)
        if (fields === undefined) return undefined
        checkRequest(fields)
        return true
      },
      throws: isAws,
    })),
  row('local/dynamodb/access.ts questionsOf', () =>
    valueTarget('json', {
      seeds: dynamo.map(([operation, input]) => ({ operation, input })),
      decode(value) {
        const { operation, input } = json(value) ?? {}
        const fields = json(input)
        return typeof operation === 'string' && fields !== undefined ? questionsOf(operation, fields, 'owner') : undefined
      },
      throws: isAws,
    })),
  row('local/iam/policy.ts parsePolicy', () =>
    valueTarget('json', {
      seeds: [policy, JSON.stringify(policy)],
      decode: (document) => decideByIdentity(access, [parsePolicy(document, 'identity')]),
      throws: isPolicy,
    })),
  row('local/iam/policy.ts parsePolicy, text', () => textTarget({ seeds: [JSON.stringify(keyPolicy)], decode: (text) => decideByKeyPolicy(access, parsePolicy(text, 'resource'), []), throws: isPolicy })),
  row('local/iam/conditions.ts parseOperator', () => textTarget({ seeds: ['StringEquals', 'ForAllValues:StringLike', 'NumericLessThanIfExists', 'Null'], decode: parseOperator })),
  row(['local/iam/variables.ts matchesGlob', 'local/iam/variables.ts resolveVariables'], () =>
    textTarget({
      seeds: ['user#*#${aws:y}', 'a?b', '*', `${'*a'.repeat(20)}b`],
      decode: (pattern) => [matchesGlob(resolveVariables(pattern, context, true) ?? pattern, 'a'.repeat(500)), matchesGlob(pattern, pattern)],
    })),
  row('local/iam/sigv4.ts authenticate', async () => {
    const identities = createIdentities()
    const { credentials } = identities.addStatic({ roleArn, sessionName: 'fuzz', policies: [] })
    const signer = new SignatureV4({ credentials, service: 'kms', region: REGION, sha256: Sha256 })
    const plain = { method: 'POST', protocol: 'https:', hostname: 'localhost', path: '/', headers: { host: 'localhost:1', 'x-amz-target': 'TrentService.Decrypt' }, body: b(3) }
    const { headers } = await signer.sign(plain, { signingDate: new Date(NOW_MS) })
    return valueTarget('json', {
      seeds: [headers],
      async decode(given) {
        const texts = Object.fromEntries(Object.entries(json(given) ?? {}).filter(([, value]) => typeof value === 'string')) as Record<string, string>
        const found = await authenticate({ method: 'POST', url: '/', headers: texts, body: b(3) }, { identities, service: 'kms', region: REGION, nowMs: NOW_MS })
        return typeof found === 'string' ? undefined : found
      },
    })
  }),
  row(['local/kms/ciphertext.ts readUnverifiedHeader', 'local/kms/ciphertext.ts openBlob'], () =>
    bytesTarget('raw', {
      seeds: [sealBlob({ keyId: '01234567-89ab-cdef-0123-456789abcdef', version: 1 }, b(32), b(32), { a: 'b' })],
      decode: (blob) => (readUnverifiedHeader(blob) === undefined ? undefined : openBlob(blob, b(32), { a: 'b' })),
    })),
  row('local/kms/envelope.ts parseRecipientKey', () => {
    const spki = new Uint8Array(generateKeyPairSync('rsa', { modulusLength: 2048 }).publicKey.export({ format: 'der', type: 'spki' }))
    return bytesTarget('der', { seeds: [spki], decode: parseRecipientKey, encode: (read) => new Uint8Array(read.export({ format: 'der', type: 'spki' })) })
  }),
  row('local/kms/recipient.ts readRecipient', () => {
    const publicKey = new Uint8Array(generateKeyPairSync('rsa', { modulusLength: 2048 }).publicKey.export({ format: 'der', type: 'spki' }))
    const attester = { rootDer: b(1), verify: (bytes: Uint8Array) => (bytes.length > 2 ? Promise.resolve({ moduleId: 'm', timestampMs: NOW_MS, pcrs: new Map(), publicKey }) : Promise.reject(new Error('no'))) }
    return valueTarget('json', { seeds: [{ Recipient: EVERY_FIELD.Recipient }], decode: async (input) => (json(input) === undefined ? undefined : readRecipient(json(input) ?? {}, attester, NOW_MS)), throws: isAws })
  }),
  row('local/sts/token.ts verifyWebIdentity', async () => {
    const issuer = await createTestIssuer(() => NOW_MS)
    const provider = { arn: 'arn:p', issuer: ISSUER, audiences: ['app'] }
    return textTarget({ seeds: [await issuer.token(), await issuer.token({ azp: 'app', aud: ['x'] })], decode: (token) => verifyWebIdentity(token, [provider], () => Promise.resolve(issuer.jwks), NOW_MS), throws: isSts })
  }),
  row('local/sts/token.ts verifyWebIdentity, payload', async () => {
    const issuer = await createTestIssuer(() => NOW_MS)
    const provider = { arn: 'arn:p', issuer: ISSUER, audiences: ['app'] }
    const payload = { iss: ISSUER, aud: 'app', sub: 'alice', iat: NOW_MS / 1000, exp: NOW_MS / 1000 + 3600 }
    return bytesTarget('json', {
      seeds: [Buffer.from(JSON.stringify(payload))],
      decode: async (bytes) => verifyWebIdentity(await issuer.sign(Buffer.from(bytes).toString('utf8')), [provider], () => Promise.resolve(issuer.jwks), NOW_MS),
      throws: isSts,
    })
  }),
  row('local/sts/xml.ts resultXml', () =>
    // Whatever is named, there is no element in it that we did not write.
    textTarget({ seeds: ['a<b>&c', '"\'', createHash('sha256').update('x').digest('hex')], decode: (text) => [resultXml('A', { B: text }, 'r'), errorXml('C', text, 'r', 'Sender')].every((xml) => (xml.match(/</g) ?? []).length === (xml.startsWith('<A') ? 10 : 12)) || undefined })),
]
