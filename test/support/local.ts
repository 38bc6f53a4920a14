/** Temporary state directories, and AWS clients for the services of local/. */
import { mkdtemp, rm } from 'node:fs/promises'
import { Agent } from 'node:https'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { NodeHttpHandler } from '@smithy/node-http-handler'
import type { Credentials } from '../../local/iam/identities.ts'

/** Where an engine is that the tests are to run on instead of the embedded one; `.ci/dynamodb.sh` names AWS's DynamoDB Local. */
export const engineUrl = process.env['CLOISTER_DYNAMODB_ENGINE']

const cleanups: (() => Promise<void>)[] = []

/** Runs when the test file ends, last added first. */
export function cleanup(action: () => Promise<void>): void {
  cleanups.push(action)
}

afterAll(async () => {
  for (const action of cleanups.splice(0).reverse()) await action()
})

export async function stateDir(): Promise<string> {
  const dir = await mkdtemp(join(tmpdir(), 'cloister-test-'))
  cleanup(() => rm(dir, { recursive: true, force: true }))
  return dir
}

/** Configuration of an AWS client that trusts `ca` alone and tries once. */
export function clientConfig(endpoint: string, ca: string, credentials: Credentials, extra: { systemClockOffset?: number } = {}) {
  const requestHandler = new NodeHttpHandler({ httpsAgent: new Agent({ ca, keepAlive: true }), requestTimeout: 20_000 })
  cleanup(async () => requestHandler.destroy())
  return { endpoint, region: 'us-east-1', credentials, maxAttempts: 1, requestHandler, ...extra }
}

/** The error that a call ends with, as the SDK names it. */
export async function failure(call: Promise<unknown>): Promise<{ name: string; message: string; status: number | undefined }> {
  try {
    await call
  } catch (error) {
    const { name, message, $metadata } = error as Error & { $metadata?: { httpStatusCode?: number } }
    return { name, message, status: $metadata?.httpStatusCode }
  }
  throw new Error('the call succeeded')
}
