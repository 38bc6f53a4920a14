/** A small HTTPS client that trusts one authority and follows nothing: for logins, JWKS and scripts. */
import { request, type Agent } from 'node:https'
import type { IncomingHttpHeaders } from 'node:http'
import { MAX_BODY_BYTES } from './serve.ts'

interface HttpsRequest {
  readonly url: string
  /** Certificate of the only authority to trust, PEM. */
  readonly ca: string
  readonly method?: 'GET' | 'POST'
  readonly headers?: Readonly<Record<string, string>>
  readonly body?: string
  readonly timeoutMs?: number
  readonly agent?: Agent
}

export interface HttpsAnswer {
  readonly status: number
  readonly headers: IncomingHttpHeaders
  readonly text: string
}

/** Rejects on connection errors, untrusted certificates, timeouts and answers over {@link MAX_BODY_BYTES}. */
export function httpsRequest({ url, ca, method = 'GET', headers = {}, body, timeoutMs = 5_000, agent }: HttpsRequest): Promise<HttpsAnswer> {
  return new Promise((resolve, reject) => {
    const signal = AbortSignal.timeout(timeoutMs)
    const outgoing = request(url, { method, headers, ca, signal, ...(agent && { agent }) }, (incoming) => {
      const chunks: Buffer[] = []
      let length = 0
      incoming.on('data', (chunk: Buffer) => {
        length += chunk.length
        if (length > MAX_BODY_BYTES) incoming.destroy(new Error('answer too long'))
        else chunks.push(chunk)
      })
      incoming.on('error', reject)
      incoming.on('end', () => {
        resolve({ status: incoming.statusCode ?? 0, headers: incoming.headers, text: Buffer.concat(chunks).toString('utf8') })
      })
    })
    outgoing.on('error', reject)
    outgoing.end(body)
  })
}
