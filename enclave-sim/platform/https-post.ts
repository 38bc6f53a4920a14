/** One HTTPS request and its whole answer: what AWS's JSON services need of HTTP. Nothing is followed, nothing is tried again. */
import type { IncomingHttpHeaders } from 'node:http'
import { request, type Agent } from 'node:https'

/** The longest answer that is expected here has some 8 KiB: a KMS ciphertext in base64. */
export const MAX_ANSWER_BYTES = 64 * 1024

export interface HttpsAnswer {
  readonly status: number
  readonly headers: IncomingHttpHeaders
  readonly body: Uint8Array
}

/**
 * Rejects when there is no complete answer, for whatever reason.
 * @param request.signal ends all of it: waiting for a connection, connecting, headers and body
 */
export type HttpsPost = (request: {
  readonly url: URL
  readonly headers: Readonly<Record<string, string>>
  readonly body: Uint8Array
  readonly signal: AbortSignal
}) => Promise<HttpsAnswer>

/** @param agent knows whose certificates to take, and the way out */
export function createHttpsPost(agent: Agent): HttpsPost {
  return ({ url, headers, body, signal }) =>
    new Promise((resolve, reject) => {
      const outgoing = request(url, { method: 'POST', agent, headers, signal }, (incoming) => {
        const chunks: Buffer[] = []
        let size = 0
        incoming.on('data', (chunk: Buffer) => {
          size += chunk.length
          if (size > MAX_ANSWER_BYTES) outgoing.destroy(new Error('the answer is too long'))
          else chunks.push(chunk)
        })
        incoming.on('error', reject)
        incoming.on('close', () => reject(new Error('the answer broke off')))
        incoming.on('end', () => resolve({ status: incoming.statusCode ?? 0, headers: incoming.headers, body: Buffer.concat(chunks) }))
      })
      outgoing.on('error', reject)
      outgoing.end(body)
    })
}
