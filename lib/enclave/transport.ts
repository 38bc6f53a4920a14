/** HTTP to an enclave's door: one answer under a deadline, or none. */
import { request, type RequestOptions } from 'node:http'
import { urlToHttpOptions } from 'node:url'
import { MAX_SERVICE_BYTES } from '../protocol/service.ts'

/** @param url `http://host:port`, or `unix:/path` of a socket, for an enclave that has no network */
export function route(url: string, path: string): RequestOptions {
  return url.startsWith('unix:') ? { socketPath: url.slice('unix:'.length), path } : urlToHttpOptions(new URL(path, url))
}

/** `undefined` when nothing came, or not all of it in time, or too much. */
export function send(options: RequestOptions, body: Uint8Array | null, timeoutMs: number): Promise<{ status: number; body: Uint8Array } | undefined> {
  return new Promise((resolve) => {
    const none = (): void => resolve(undefined)
    const outgoing = request({ ...options, signal: AbortSignal.timeout(timeoutMs) }, (incoming) => {
      const chunks: Buffer[] = []
      let size = 0
      incoming.on('data', (chunk: Buffer) => {
        size += chunk.length
        if (size > MAX_SERVICE_BYTES) outgoing.destroy()
        else chunks.push(chunk)
      })
      incoming.on('error', none)
      incoming.on('close', none)
      incoming.on('end', () => resolve({ status: incoming.statusCode ?? 0, body: new Uint8Array(Buffer.concat(chunks)) }))
    })
    outgoing.on('error', none)
    if (body === null) outgoing.end()
    else outgoing.end(body)
  })
}
