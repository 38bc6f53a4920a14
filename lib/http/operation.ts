import type { APIGatewayProxyEventV2, APIGatewayProxyStructuredResultV2 } from 'aws-lambda'
import { toBase64url } from '../protocol/bytes.ts'
import type { Operation } from '../protocol/header.ts'
import { theRelay } from '../relay/relay.ts'
import { operate } from '../wallets/operate.ts'
import { json } from './endpoint.ts'
import { refused } from './problem.ts'
import { bearerToken, sealedRequest } from './request.ts'

/** One sealed operation over HTTP: `{answer}` in base64url, or a problem with the answer in it. */
export async function sealedOperation(
  event: APIGatewayProxyEventV2,
  expected: { readonly op: Operation; readonly wallet: string | null; readonly status: number },
): Promise<APIGatewayProxyStructuredResultV2> {
  const token = bearerToken(event)
  const { outcome, answer } = await operate(theRelay().relay, token, expected, sealedRequest(event))
  return outcome === 'done' ? json({ answer: toBase64url(answer) }, expected.status) : refused(answer)
}
