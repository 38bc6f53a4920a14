/** The signer against AWS's published examples, and against AWS's own signer for whatever else. */
import { createHash, createHmac, type Hash, type Hmac } from 'node:crypto'
import { SignatureV4 } from '@smithy/signature-v4'
import fc from 'fast-check'
import { signRequest } from '../../enclave-sim/platform/sigv4.ts'

const bytes = (text: string): Uint8Array => new TextEncoder().encode(text)

/** AWS General Reference, "Signature Version 4 test suite": the credentials, the time and the scope of all its examples. */
const SUITE = {
  credentials: { accessKeyId: 'AKIDEXAMPLE', secretAccessKey: 'wJalrXUtnFEMI/K7MDENG+bPxRfiCYEXAMPLEKEY', sessionToken: null },
  scope: { region: 'us-east-1', service: 'service' },
  atMs: Date.UTC(2015, 7, 30, 12, 36, 0),
  host: 'example.amazonaws.com',
}

const SUITE_TOKEN =
  'AQoDYXdzEPT//////////wEXAMPLEtc764bNrC9SAPBSM22wDOk4x4HIZ8j4FZTwdQWLWsKWHGBuFqwAeMicRXmxfpSPfIeoIYRqTflfKD8YUuwthAx7mSEI/qkPpKPi/kMcGdQrmGdeehM4IC1NtBmUpp2wUE8phUZampKsburEDy0KPkyQDYwT7WZ0wq5VSXDvp75YU9HFvlRd8Tx6q6fE8YQcHNVXAkiY9q6d+xo0rKwT38xVqr7ZD0u0iPPkUL64lIZbqBAz+scqKmlzm8FDrypNC9Yjc8fPOLn9FX9KSYvKTr4rvx3iSIlTJabIQwj2ICCR/oLxBA=='

// All of the suite's `POST /` without a query string. (Its post-sts-header-after is post-vanilla with a token that is not signed.)
test.each<[string, Record<string, string>, string, string | null, string, string]>([
  ['post-vanilla', {}, '', null, 'host;x-amz-date', '5da7c1a2acd57cee7505fc6676e4e544621c30862966e37dddb68e92efbe5d6b'],
  ['post-header-key-sort', { 'my-header1': 'value1' }, '', null, 'host;my-header1;x-amz-date', 'c5410059b04c1ee005303aed430f6e6645f61f4dc9e1461ec8f8916fdf18852c'],
  ['post-header-value-case', { 'my-header1': 'VALUE1' }, '', null, 'host;my-header1;x-amz-date', 'cdbc9802e29d2942e5e10b5bccfdd67c5f22c7c4e8ae67b53629efa58b974b7d'],
  ['post-sts-header-before', {}, '', SUITE_TOKEN, 'host;x-amz-date;x-amz-security-token', '85d96828115b5dc0cfc3bd16ad9e210dd772bbebba041836c64533a82be05ead'],
  ['post-x-www-form-urlencoded', { 'content-type': 'application/x-www-form-urlencoded' }, 'Param1=value1', null, 'content-type;host;x-amz-date', 'ff11897932ad3f4e8b18135d722051e5ac45fc38421b1da7b9d196a0fe09473a'],
  [
    'post-x-www-form-urlencoded-parameters', { 'content-type': 'application/x-www-form-urlencoded; charset=utf8' }, 'Param1=value1', null,
    'content-type;host;x-amz-date', '1a72ec8f64bd914b0e42e42607c7fbce7fb2c7465f63e3092b3b0d39fa77a6fe',
  ],
])('AWS test suite: %s', (_name, headers, body, sessionToken, names, signature) => {
  const signed = signRequest({ headers: { ...headers, host: SUITE.host }, body: bytes(body) }, { ...SUITE.credentials, sessionToken }, SUITE.scope, SUITE.atMs)
  expect(signed['x-amz-date']).toBe('20150830T123600Z')
  expect(signed['authorization']).toBe(
    `AWS4-HMAC-SHA256 Credential=AKIDEXAMPLE/20150830/us-east-1/service/aws4_request, SignedHeaders=${names}, Signature=${signature}`,
  )
})

class Sha256 {
  private readonly hash: Hash | Hmac
  constructor(secret?: unknown) {
    this.hash = secret === undefined ? createHash('sha256') : createHmac('sha256', secret as string)
  }
  update(data: unknown): void {
    this.hash.update(data as string)
  }
  digest(): Promise<Uint8Array> {
    return Promise.resolve(new Uint8Array(this.hash.digest()))
  }
  reset(): void {}
}

/** Every third a space: at the ends they go, inside they become one. */
const printable = (min: number, max: number) =>
  fc.string({ unit: fc.oneof(fc.constant(' '), fc.integer({ min: 0x20, max: 0x7e }).map((code) => String.fromCharCode(code)), fc.constantFrom('a', ',')), minLength: min, maxLength: max })
const visible = (min: number, max: number) => fc.string({ unit: fc.integer({ min: 0x21, max: 0x7e }).map((code) => String.fromCharCode(code)), minLength: min, maxLength: max })
const RESERVED = ['host', 'authorization', 'x-amz-date', 'x-amz-security-token', 'x-amz-content-sha256', 'date', '__proto__']
const name = fc.stringMatching(/^[a-z][a-z0-9-]{0,30}$/).filter((one) => !RESERVED.includes(one))

const signing = fc.record({
  headers: fc.dictionary(name, printable(0, 60), { maxKeys: 8, noNullPrototype: true }),
  host: fc.stringMatching(/^[a-z0-9.-]{1,40}(:[1-9][0-9]{0,4})?$/),
  body: fc.uint8Array({ maxLength: 300 }),
  accessKeyId: fc.stringMatching(/^[A-Z0-9]{16,40}$/),
  secretAccessKey: visible(1, 60),
  sessionToken: fc.option(visible(1, 200)),
  region: fc.constantFrom('us-east-1', 'eu-central-1', 'cn-north-1'),
  service: fc.constantFrom('kms', 'dynamodb', 'sts'),
  atMs: fc.integer({ min: 0, max: Date.UTC(2200, 0, 1) }),
})

test('signs as AWS’s own signer does: any headers, body, credentials, scope and time', async () => {
  const run = async ({ headers: given, host, body, accessKeyId, secretAccessKey, sessionToken, region, service, atMs }: typeof signing extends fc.Arbitrary<infer T> ? T : never) => {
    const headers = { ...given, host }
    const ours = signRequest({ headers, body }, { accessKeyId, secretAccessKey, sessionToken }, { region, service }, atMs)
    const credentials = { accessKeyId, secretAccessKey, ...(sessionToken === null ? {} : { sessionToken }) }
    const signer = new SignatureV4({ credentials, region, service, sha256: Sha256, applyChecksum: false })
    const theirs = await signer.sign(
      { method: 'POST', protocol: 'https:', hostname: 'unused', path: '/', query: {}, headers, body },
      // It leaves some out by itself, such as user-agent.
      { signingDate: new Date(atMs), signableHeaders: new Set([...Object.keys(headers), 'x-amz-date', 'x-amz-security-token']) },
    )
    expect(ours).toEqual(theirs.headers)
  }
  await fc.assert(fc.asyncProperty(signing, run), { numRuns: process.env['SLOW'] === '1' ? 20_000 : 300 })
})

describe('rejects', () => {
  const sign = (headers: Record<string, string>): unknown => signRequest({ headers, body: new Uint8Array() }, SUITE.credentials, SUITE.scope, SUITE.atMs)
  test('its twin is signed', () => expect(sign({ host: 'h', 'x-a': 'b' })).toHaveProperty('authorization'))
  test.each<[string, Record<string, string>]>([
    ['no host', { 'x-a': 'b' }],
    ['a name in capitals', { host: 'h', 'X-A': 'b' }],
    ['a name with a line break', { host: 'h', 'x\na': 'b' }],
    ['a value with a line break', { host: 'h', 'x-a': 'b\nx-c:d' }],
    ['a value with a tab', { host: 'h', 'x-a': 'b\tc' }],
    ['a value that is not ASCII', { host: 'h', 'x-a': 'ä' }],
    ['a date of the caller’s', { host: 'h', 'x-amz-date': '20150830T123600Z' }],
    ['a token of the caller’s, although the credentials have none', { host: 'h', 'x-amz-security-token': 't' }],
    ['an authorization of the caller’s', { host: 'h', authorization: 'a' }],
  ])('%s', (_what, headers) => expect(() => sign(headers)).toThrow(TypeError))
  test('a time that is none', () => {
    expect(() => signRequest({ headers: { host: 'h' }, body: new Uint8Array() }, SUITE.credentials, SUITE.scope, Number.NaN)).toThrow(RangeError)
  })
})
