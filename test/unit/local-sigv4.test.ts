import { Sha256 } from '@aws-crypto/sha256-js'
import { SignatureV4 } from '@smithy/signature-v4'
import { createIdentities, type Credentials } from '../../local/iam/identities.ts'
import { authenticate, type SignedRequest } from '../../local/iam/sigv4.ts'

const nowMs = Date.UTC(2026, 0, 2, 3, 4, 5)
const identities = createIdentities()
const roleArn = 'arn:aws:iam::000000000000:role/r'
const fixed = identities.addStatic({ roleArn, sessionName: 'fixed', policies: [] })
const session = identities.issueSession({ roleArn, sessionName: 'session', policies: [], context: new Map(), expiresAtMs: nowMs + 60_000 })
const options = { identities, service: 'kms', region: 'us-east-1', nowMs }
const body = Buffer.from('{"KeyId":"k"}')

interface Plan { credentials: Credentials; service: string; region: string; atMs: number }

async function signed(plan: Partial<Plan> = {}): Promise<SignedRequest & { headers: Record<string, string> }> {
  const { credentials = fixed.credentials, service = 'kms', region = 'us-east-1', atMs = nowMs } = plan
  const signer = new SignatureV4({ credentials, service, region, sha256: Sha256 })
  const headers = { host: 'localhost:1', 'content-type': 'application/x-amz-json-1.1', 'x-amz-target': 'TrentService.Decrypt' }
  const request = await signer.sign(
    { method: 'POST', protocol: 'https:', hostname: 'localhost', path: '/', headers, body }, { signingDate: new Date(atMs) },
  )
  return { method: 'POST', url: '/', headers: request.headers, body }
}

test('takes what the library signs, for keys with and without a session', async () => {
  expect(await authenticate(await signed(), options)).toBe(fixed)
  expect(await authenticate(await signed({ credentials: session.credentials }), options)).toBe(session)
})

const edit = async (change: (request: { method: string; url: string; headers: Record<string, string>; body: Uint8Array }) => void) => {
  const request = { ...(await signed()) }
  change(request)
  return authenticate(request, options)
}

const authorization = (from: string | RegExp, to: string) => edit(({ headers }) => {
  headers['authorization'] = (headers['authorization'] as string).replace(from, to)
})

describe('refuses', () => {
  test('no signature', async () => expect(await edit(({ headers }) => delete headers['authorization'])).toBe('missing'))
  test('another scheme', async () => expect(await authorization('AWS4-HMAC-SHA256', 'AWS4-ECDSA-P256-SHA256')).toBe('incomplete'))
  test('no date', async () => expect(await edit(({ headers }) => delete headers['x-amz-date'])).toBe('incomplete'))
  test('a date that is none', async () => expect(await edit(({ headers }) => { headers['x-amz-date'] = '20260230T000000Z' })).toBe('mismatch'))
  test('another method', async () => expect(await edit((request) => { request.method = 'PUT' })).toBe('incomplete'))
  test('a query string', async () => expect(await edit((request) => { request.url = '/?a=b' })).toBe('incomplete'))
  test('an unsigned amz header', async () => expect(await edit(({ headers }) => { headers['x-amz-other'] = '1' })).toBe('incomplete'))
  test('a target left out of the signature', async () => expect(await authorization(';x-amz-target', '')).toBe('incomplete'))
  test('a host left out of the signature', async () => expect(await authorization('host;', '')).toBe('incomplete'))
  test('a header named twice', async () => expect(await authorization('host;', 'host;host;')).toBe('incomplete'))
  test('an unknown key', async () => expect(await authorization(fixed.credentials.accessKeyId, `AKIA${'A'.repeat(16)}`)).toBe('unknown-key'))
  test('another body', async () => expect(await edit((request) => { request.body = Buffer.from('{}') })).toBe('mismatch'))
  test('another body with its own hash declared', async () => {
    expect(await edit((request) => {
      request.body = Buffer.from('{}')
      request.headers['x-amz-content-sha256'] = '44136fa355b3678a1146ad16f7e8649e94fb4fc21fe77e8310c060f61caaff8a'
    })).toBe('mismatch')
  })
  test('another target', async () => expect(await edit(({ headers }) => { headers['x-amz-target'] = 'TrentService.Encrypt' })).toBe('mismatch'))
  test('another host', async () => expect(await edit(({ headers }) => { headers['host'] = 'other' })).toBe('mismatch'))
  test('another signature', async () => {
    expect(await edit(({ headers }) => {
      headers['authorization'] = (headers['authorization'] as string).replace(/.$/, (last) => (last === '0' ? '1' : '0'))
    })).toBe('mismatch')
  })
  test('another secret', async () => {
    expect(await authenticate(await signed({ credentials: { ...fixed.credentials, secretAccessKey: 'x' } }), options)).toBe('mismatch')
  })
  test('another service', async () => expect(await authenticate(await signed({ service: 'sts' }), options)).toBe('mismatch'))
  test('another region', async () => expect(await authenticate(await signed({ region: 'eu-west-1' }), options)).toBe('mismatch'))
  test('a session key without its token', async () => {
    const { accessKeyId, secretAccessKey } = session.credentials
    expect(await authenticate(await signed({ credentials: { accessKeyId, secretAccessKey } }), options)).toBe('unknown-key')
  })
  test('a session key with another token', async () => {
    expect(await authenticate(await signed({ credentials: { ...session.credentials, sessionToken: 'x' } }), options)).toBe('unknown-key')
  })
  test('a fixed key with a token', async () => {
    expect(await authenticate(await signed({ credentials: { ...fixed.credentials, sessionToken: 'x' } }), options)).toBe('unknown-key')
  })
  test('a session at its end', async () => {
    const request = await signed({ credentials: session.credentials, atMs: nowMs + 60_000 })
    expect(await authenticate(request, { ...options, nowMs: nowMs + 59_999 })).toBe(session)
    expect(await authenticate(request, { ...options, nowMs: nowMs + 60_000 })).toBe('expired-token')
  })
  test('a clock more than five minutes off', async () => {
    for (const sign of [-1, 1]) {
      expect(await authenticate(await signed({ atMs: nowMs + sign * 300_000 }), options)).toBe(fixed)
      expect(await authenticate(await signed({ atMs: nowMs + sign * 301_000 }), options)).toBe('skewed')
    }
  })
})

test('an access key id is registered once', () => {
  const credentials = { accessKeyId: fixed.credentials.accessKeyId, secretAccessKey: 'y' }
  expect(() => identities.addStatic({ roleArn, sessionName: 'again', policies: [], credentials })).toThrow('taken')
  expect(() => identities.addStatic({ roleArn: 'role', sessionName: 'again', policies: [] })).toThrow('malformed')
})
