/** A user with a wallet, for tests that break things around it. */
import type { AttributeValue } from '@aws-sdk/client-dynamodb'
import type { Faults } from '../../local/faults.ts'
import { issuerHash } from '../../lib/tokens/owner.ts'
import type { Cloud, LoggedIn } from './cloud.ts'
import { operatorTable } from './operator-table.ts'
import { rawCall, type RawAnswer } from './raw-client.ts'
import { CREATE, signParameters, transfer } from './transactions.ts'

export const PIN = '493817'
let users = 0

interface Owned {
  readonly who: LoggedIn
  readonly wallet: string
  record(): Promise<Record<string, AttributeValue>>
  sign(more?: { pin?: string; idempotency?: Uint8Array; nonce?: number }): Promise<RawAnswer>
}

export async function owned(cloud: Cloud): Promise<Owned> {
  users += 1
  const name = `user${users}`
  const table = operatorTable(cloud.stack)
  const who = await cloud.logIn(name)
  const wallet = crypto.randomUUID()
  const created = await rawCall(cloud, who, { op: 'create', wallet, pin: PIN, parameters: CREATE })
  expect(created.http.status).toBe(201)
  return {
    who,
    wallet,
    record: () => table.get(`user#demo#${issuerHash(cloud.stack.issuerUrl)}#${name}`, wallet),
    sign: ({ pin = PIN, idempotency, nonce = 0 } = {}) =>
      rawCall(cloud, who, { op: 'sign', wallet, pin, parameters: signParameters(transfer(nonce)), ...(idempotency === undefined ? {} : { idempotency }) }),
  }
}

export function heal(faults: Faults): void {
  faults.mode = 'none'
  delete faults.only
  delete faults.times
  delete faults.skip
}

/**
 * What a client does: the same again a little later, when the service said so.
 * @returns the last answer, and how many before it were `unavailable`: of these nobody knows whether they were done
 */
export async function retryBusy(run: () => Promise<RawAnswer>): Promise<RawAnswer & { readonly unsure: number }> {
  let unsure = 0
  for (let tries = 0; ; tries++) {
    const answer = await run()
    if (![503, 409].includes(answer.http.status) || tries === 20) return { ...answer, unsure }
    if (answer.http.json['code'] === 'unavailable') unsure += 1
    await new Promise((resolve) => setTimeout(resolve, 100 + Math.random() * 400))
  }
}
