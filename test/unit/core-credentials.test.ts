/** Credentials that the host replaces are used from the next call on, however long the old ones would have lasted. */
import { createCredentialSource, readCredentials } from '../../enclave-sim/platform/credentials.ts'
import { createTable } from '../../enclave-sim/platform/table.ts'
import { answerOf, awsClient } from '../support/aws-client.ts'

const credentials = (accessKeyId: string) => ({ accessKeyId, secretAccessKey: 'secret', sessionToken: `token-of-${accessKeyId}`, expiresAtMs: Date.now() + 3_600_000 })

test('requests are signed with the ones that were given last, and none leaves without', async () => {
  const tokens: string[] = []
  const source = createCredentialSource()
  const post = async ({ headers }: { headers: Readonly<Record<string, string>> }) => {
    tokens.push(headers['x-amz-security-token'] ?? '')
    return answerOf(200, {})
  }
  const table = createTable(awsClient('dynamodb', post, { credentials: source }), 'arn:aws:dynamodb:us-east-1:000000000000:table/wallets')
  const charge = { owner: 'user#a', wallet: 'w', version: 1, spent: 1, lockedUntilMs: 0, previousLockedUntilMs: 0, atMs: 1 }
  await expect(table.release(charge)).rejects.toThrow('the host gave no credentials')
  expect(tokens).toEqual([])
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
