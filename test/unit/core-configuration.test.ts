/** The measured configuration: everything in it, nothing else, each field in its form. */
import { CONFIGURATION_PCR, readConfiguration } from '../../enclave-sim/core/configuration.ts'
import { utf8 } from '../../lib/protocol/bytes.ts'
import { CONFIGURATION, configurationBytes } from '../support/core-world.ts'

const CERTIFICATE = '-----BEGIN CERTIFICATE-----\nMIIB\n-----END CERTIFICATE-----\n'
const read = (changes: Readonly<Record<string, unknown>>) => readConfiguration(configurationBytes(changes))
const [ISSUER] = CONFIGURATION.issuers
const [TENANT] = CONFIGURATION.tenants

test('reads a whole one', () => {
  expect(readConfiguration(configurationBytes())).toEqual({
    tenancy: { issuers: CONFIGURATION.issuers, tenants: CONFIGURATION.tenants },
    region: 'us-east-1',
    kmsKeyArn: CONFIGURATION.kmsKeyArn,
    tableArn: 'arn:aws:dynamodb:us-east-1:000000000000:table/cloister-wallets',
    kms: { url: 'https://kms.test' },
    dynamodb: { url: null },
    certificateAuthorities: null,
    exportDelaySec: 0,
    limits: { running: 4, waiting: 64, waitingPerOwner: 32 },
  })
  expect(CONFIGURATION_PCR).toBe(16)
})

test.each(Object.keys(CONFIGURATION).map((name) => [name] as const))('rejects one without %s', (name) => {
  const { [name]: _left, ...rest } = CONFIGURATION as Record<string, unknown>
  expect(readConfiguration(utf8(JSON.stringify(rest)))).toBeUndefined()
  expect(read({ [name]: undefined })).toBeUndefined()
  expect(read({ [name]: 17.5 })).toBeUndefined()
})

test('rejects unknown fields, at every level', () => {
  expect(read({ more: 1 })).toBeUndefined()
  expect(read({ kms: { url: null, ca: 'x' } })).toBeUndefined()
  expect(read({ limits: { ...CONFIGURATION.limits, more: 1 } })).toBeUndefined()
  expect(read({ issuers: [{ ...ISSUER, more: 1 }] })).toBeUndefined()
  expect(read({ tenants: [{ ...TENANT, more: 1 }] })).toBeUndefined()
  expect(readConfiguration(utf8(`{"__proto__":{},${JSON.stringify(CONFIGURATION).slice(1)}`))).toBeUndefined()
})

test.each<[string, Uint8Array]>([
  ['nothing', new Uint8Array()],
  ['no JSON', utf8('format: 1')],
  ['trailing text', utf8(`${JSON.stringify(CONFIGURATION)};`)],
  ['an array', utf8('[]')],
  ['null', utf8('null')],
  ['bytes that are no UTF-8', new Uint8Array([...configurationBytes().slice(0, -1), 0xff])],
])('rejects %s', (_what, bytes) => {
  expect(readConfiguration(bytes)).toBeUndefined()
})

const ARN = 'arn:aws:kms:us-east-1:000000000000:key/1'
test.each<[string, unknown, readonly unknown[]]>([
  ['format', 1, [0, 2, '1', null, 1.5]],
  ['region', 'us-gov-west-1', ['', 'us', 'US-EAST-1', 'us-east-1 ', 'us-east-1\n', 'eu-west-10', 'https://x', null, ['us-east-1']]],
  ['kmsKeyArn', ARN, ['', 'alias/x', 'arn:aws:kms:us-east-1:000000000000:alias/x', `${ARN}\n`, `${ARN}/x`, 'arn:aws:s3:us-east-1:000000000000:key/1', 'arn:aws:kms:us-east-1:1:key/1', null]],
  ['kmsKeyArn', 'arn:aws-us-gov:kms:us-gov-west-1:123456789012:key/mrk-1', []],
  ['tableArn', 'arn:aws:dynamodb:eu-central-1:111122223333:table/a.b', ['', 'cloister-wallets', 'arn:aws:dynamodb:eu-central-1:111122223333:table/ab', 'arn:aws:dynamodb:eu-central-1::table/abc', 'arn:aws:dynamodb:eu-central-1:111122223333:table/a b', 'arn:aws:dynamodb:eu-central-1:111122223333:table/abc/index/x', 'arn:aws:s3:eu-central-1:111122223333:table/abc', null]],
  ['kms', { url: null }, [null, {}, { url: 'http://kms.test' }, { url: '' }, { url: 'https://' }, { url: 'https://a b' }, { url: 1 }, 'https://kms.test', []]],
  ['dynamodb', { url: 'https://127.0.0.1:1' }, [null, {}, { url: 'http://127.0.0.1:1' }]],
  ['certificateAuthorities', CERTIFICATE, ['', 'MIIB', `x${CERTIFICATE}`, `${CERTIFICATE}x`, [CERTIFICATE], `-----BEGIN CERTIFICATE-----${'A'.repeat(20_001)}-----END CERTIFICATE-----`]],
  ['exportDelaySec', 90 * 86_400, [-1, 90 * 86_400 + 1, 1.5, '0', null, [0]]],
  ['limits', { running: 1, waiting: 1, waitingPerOwner: 1 }, [
    null, {}, { running: 0, waiting: 1, waitingPerOwner: 1 }, { running: 257, waiting: 1, waitingPerOwner: 1 }, { running: 1, waiting: 0, waitingPerOwner: 1 },
    { running: 1, waiting: 1, waitingPerOwner: 0 }, { running: 1.5, waiting: 1, waitingPerOwner: 1 }, { running: '1', waiting: 1, waitingPerOwner: 1 }, { running: 1, waiting: 100_001, waitingPerOwner: 1 },
  ]],
])('%s: takes a good one, rejects the others', (name, good, bad) => {
  expect(read({ [name]: good })).toBeDefined()
  for (const value of bad) expect([value, read({ [name]: value })]).toEqual([value, undefined])
})
