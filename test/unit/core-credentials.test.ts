/** Credentials that the host replaces are used from the next call on, however long the old ones would have lasted. */
import { Readable } from 'node:stream'
import { createCredentialSource, readCredentials } from '../../enclave-sim/platform/credentials.ts'
import { createTable } from '../../enclave-sim/platform/table.ts'

const credentials = (accessKeyId: string) => ({ accessKeyId, secretAccessKey: 'secret', sessionToken: `token-of-${accessKeyId}`, expiresAtMs: Date.now() + 3_600_000 })

test('the SDK signs with the ones that were given last', async () => {
  const tokens: string[] = []
  const handler = {
    handle: async (request: { headers: Record<string, string> }) => {
      tokens.push(request.headers['x-amz-security-token'] ?? '')
      return { response: { statusCode: 200, headers: { 'content-type': 'application/x-amz-json-1.0' }, body: Readable.from([Buffer.from('{}')]) } }
    },
    metadata: { handlerProtocol: 'http/1.1' },
  }
  const source = createCredentialSource()
  const table = createTable({ region: 'us-east-1', table: 'wallets', endpoint: 'https://dynamodb.test', handler: handler as never, credentials: source, timeoutMs: 5_000 })
  const charge = { owner: 'user#a', wallet: 'w', version: 1, spent: 1, lockedUntilMs: 0, previousLockedUntilMs: 0, atMs: 1 }
  await expect(table.release(charge)).rejects.toThrow()
  for (const id of ['AKIAAAAAAAAAAAAAAAAA', 'AKIABBBBBBBBBBBBBBBB']) {
    source.replace(credentials(id))
    await table.release(charge)
  }
  expect(tokens).toEqual(['token-of-AKIAAAAAAAAAAAAAAAAA', 'token-of-AKIABBBBBBBBBBBBBBBB'])
})

test('reads well-formed ones only', () => {
  const good = credentials('AKIAAAAAAAAAAAAAAAAA')
  expect(readCredentials(good)).toEqual(good)
  for (const bad of [{ ...good, accessKeyId: 'short' }, { ...good, more: 1 }, { ...good, sessionToken: 'a\nb' }, { ...good, expiresAtMs: '1' }, null]) {
    expect(readCredentials(bad)).toBeUndefined()
  }
})
