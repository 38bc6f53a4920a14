/** AWS's JSON protocol as the enclave speaks it: what it sends, what it takes for an answer, what it tries again. */
import { AwsError, fromBase64, toBase64, type AwsJsonOptions } from '../../enclave-sim/platform/aws-json.ts'
import type { HttpsPost } from '../../enclave-sim/platform/https-post.ts'
import { answerOf, awsClient, TEST_CREDENTIALS } from '../support/aws-client.ts'

type Sent = Parameters<HttpsPost>[0]
type Answer = Awaited<ReturnType<HttpsPost>>

/** Answers one after the other, the last one without end; an Error is no answer. */
function script(...answers: readonly (Answer | Error)[]): { readonly sent: Sent[]; readonly post: HttpsPost } {
  const sent: Sent[] = []
  const post: HttpsPost = async (request) => {
    sent.push(request)
    const answer = answers[Math.min(sent.length, answers.length) - 1] as Answer | Error
    if (answer instanceof Error) throw answer
    return answer
  }
  return { sent, post }
}

const ok = answerOf(200, { done: true })
const refused = (code: string, status = 400): Answer => answerOf(status, { __type: code })

test('what is sent', async () => {
  const { sent, post } = script(ok)
  expect(await awsClient('kms', post)('Decrypt', { KeyId: 'ä' })).toEqual({ done: true })
  const [{ url, headers, body }] = sent as [Sent]
  expect(url.href).toBe('https://aws.test/')
  expect(Buffer.from(body).toString('utf8')).toBe('{"KeyId":"ä"}')
  expect(headers).toMatchObject({
    host: 'aws.test', 'content-type': 'application/x-amz-json-1.1', 'x-amz-target': 'TrentService.Decrypt', 'x-amz-date': '20260102T030405Z', 'x-amz-security-token': TEST_CREDENTIALS.sessionToken,
  })
  expect(headers['authorization']).toContain('/20260102/us-east-1/kms/aws4_request, SignedHeaders=content-type;host;user-agent;x-amz-date;x-amz-security-token;x-amz-target, ')
})

test('DynamoDB has a version and a prefix of its own', async () => {
  const { sent, post } = script(ok)
  await awsClient('dynamodb', post)('PutItem', {})
  expect(sent[0]?.headers).toMatchObject({ 'content-type': 'application/x-amz-json-1.0', 'x-amz-target': 'DynamoDB_20120810.PutItem' })
})

test('each request is signed at the time of the clock that was handed in', async () => {
  const { sent, post } = script(ok)
  let nowMs = Date.UTC(2030, 0, 1)
  const aws = awsClient('kms', post, { nowMs: () => nowMs })
  await aws('Decrypt', {})
  nowMs += 60_000
  await aws('Decrypt', {})
  expect(sent.map(({ headers }) => headers['x-amz-date'])).toEqual(['20300101T000000Z', '20300101T000100Z'])
})

test.each<[string, string | null, string]>([
  ['us-east-1', null, 'https://kms.us-east-1.amazonaws.com/'],
  ['us-gov-west-1', null, 'https://kms.us-gov-west-1.amazonaws.com/'],
  ['cn-north-1', null, 'https://kms.cn-north-1.amazonaws.com.cn/'],
  ['us-east-1', 'https://127.0.0.1:4567', 'https://127.0.0.1:4567/'],
  ['us-iso-east-1', 'https://kms.internal', 'https://kms.internal/'],
])('the endpoint in %s, %s', async (region, endpoint, expected) => {
  const { sent, post } = script(ok)
  await awsClient('kms', post, { region, endpoint })('Decrypt', {})
  expect(sent[0]?.url.href).toBe(expected)
  expect(sent[0]?.headers['host']).toBe(new URL(expected).host)
})

test.each<[string, Partial<AwsJsonOptions>]>([
  ['plain HTTP', { endpoint: 'http://aws.test' }],
  ['a path', { endpoint: 'https://aws.test/kms' }],
  ['a query', { endpoint: 'https://aws.test/?a' }],
  ['a password', { endpoint: 'https://a:b@aws.test' }],
  ['no URL', { endpoint: 'aws.test' }],
  ['a region whose domain is not known', { endpoint: null, region: 'us-iso-east-1' }],
])('rejects an endpoint with %s', (_what, changes) => {
  expect(() => awsClient('kms', script(ok).post, changes)).toThrow(/endpoint|Invalid URL/)
})

describe('errors go by name', () => {
  const codeOf = async (answer: Answer): Promise<unknown> => {
    const error: unknown = await awsClient('kms', script(answer).post)('Decrypt', { KeyId: 'canary' }).catch((thrown: unknown) => thrown)
    expect(error).toBeInstanceOf(AwsError)
    expect(String(error)).not.toContain('canary')
    return (error as AwsError).code
  }
  test.each<[string, Answer, string]>([
    ['in __type', answerOf(400, { __type: 'NotFoundException' }), 'NotFoundException'],
    ['with a namespace', answerOf(400, { __type: 'com.amazonaws.dynamodb.v20120810#ConditionalCheckFailedException' }), 'ConditionalCheckFailedException'],
    ['with an address', answerOf(400, { code: 'FooError:http://internal.amazon.com/coral/com.amazon.coral.validate/' }), 'FooError'],
    ['with both', answerOf(400, { __type: 'aws.protocoltests#FooError:http://internal.amazon.com/x/' }), 'FooError'],
    ['in the header, which goes first', answerOf(400, { __type: 'OtherException' }, { 'x-amzn-errortype': 'ThisException:' }), 'ThisException'],
    ['in code, which goes before __type', answerOf(400, { code: 'ThisException', __type: 'OtherException' }), 'ThisException'],
    ['nowhere', answerOf(400, {}), ''],
    ['nowhere: a page', answerOf(502, '<html>canary</html>'), ''],
    ['that is none', answerOf(400, { __type: 'canary canary' }), ''],
    ['that is no text', answerOf(400, { __type: ['NotFoundException'] }), ''],
  ])('%s', async (_what, answer, code) => expect(await codeOf(answer)).toBe(code))
})

test.each<[string, Answer]>([
  ['nothing', answerOf(200, '')],
  ['a list', answerOf(200, '[]')],
  ['null', answerOf(200, 'null')],
  ['half an object', answerOf(200, '{"a":')],
  ['bytes that are not UTF-8', { status: 200, headers: {}, body: Uint8Array.of(0x7b, 0x22, 0xff, 0x22, 0x3a, 0x31, 0x7d) }],
  ['a redirect', answerOf(302, {}, { location: 'https://other.test' })],
  ['another status of success', answerOf(204, {})],
])('rejects an answer that is %s', async (_what, answer) => {
  const { sent, post } = script(answer)
  await expect(awsClient('kms', post)('Decrypt', {})).rejects.toThrow()
  expect(sent).toHaveLength(1)
})

describe('tries again', () => {
  const tries = async (attempts: number, ...answers: readonly (Answer | Error)[]): Promise<{ times: number; result: unknown }> => {
    const { sent, post } = script(...answers)
    const result = await awsClient('kms', post, { attempts })('Decrypt', {}).catch((error: unknown) => error)
    return { times: sent.length, result }
  }
  test.each<[string, Answer | Error]>([
    ['no answer', new Error('socket hang up')],
    ['an error on their side', refused('KMSInternalException', 500)],
    ['a time-out on their side', refused('DependencyTimeoutException', 503)],
    ['too much at once', refused('ThrottlingException')],
    ['something else than JSON', answerOf(200, '<html>')],
  ])('after %s, as often as it may', async (_what, trouble) => {
    expect(await tries(2, trouble, ok)).toEqual({ times: 2, result: { done: true } })
    expect(await tries(2, trouble, trouble, ok)).toMatchObject({ times: 2, result: expect.any(Error) as Error })
    expect(await tries(1, trouble, ok)).toMatchObject({ times: 1, result: expect.any(Error) as Error })
  })
  test.each(['AccessDeniedException', 'InvalidCiphertextException', 'ValidationException', 'LimitExceededException', 'ConditionalCheckFailedException'])('never after a no: %s', async (code) => {
    expect(await tries(2, refused(code), ok)).toMatchObject({ times: 1, result: { code } })
  })
  test('each attempt has a time-out of its own', async () => {
    const { sent, post } = script(new Error('no answer'), ok)
    await awsClient('kms', post, { attempts: 2 })('Decrypt', {})
    expect(sent[0]?.signal).not.toBe(sent[1]?.signal)
  })
})

test('base64 has one spelling', () => {
  for (const length of [0, 1, 2, 3, 100]) {
    const value = Uint8Array.from({ length }, (_, i) => i * 7)
    expect(fromBase64(toBase64(value))).toEqual(value)
    expect(fromBase64(toBase64(new Uint8Array([9, ...value, 9]).subarray(1, length + 1)))).toEqual(value)
  }
  for (const bad of ['AA', 'AA=', 'AB==', 'AAA', 'A A=', 'AA==\n', '_-8=', 'AA==AA==', null, undefined, 1, ['AA==']]) expect(fromBase64(bad)).toBeUndefined()
})
