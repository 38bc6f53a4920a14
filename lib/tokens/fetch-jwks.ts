import { type Agent, request } from 'node:https'
import type { FetchJwks } from './verify.ts'

const MAX_BYTES = 256 * 1024

/**
 * Fetches JWK sets with node:https, which unlike the global `fetch` takes an agent: for the CA to trust, and for the
 * enclave's way out. No redirects.
 */
export function createFetchJwks(agent: Agent): FetchJwks {
  return (url, { signal }) =>
    new Promise((resolve, reject) => {
      const outgoing = request(url, { agent, signal, headers: { accept: 'application/json' } }, (incoming) => {
        const chunks: Buffer[] = []
        let size = 0
        incoming.on('data', (chunk: Buffer) => {
          size += chunk.length
          if (size > MAX_BYTES) outgoing.destroy(new Error('the key set is too large'))
          else chunks.push(chunk)
        })
        incoming.on('error', reject)
        incoming.on('end', () => {
          // Not `new Response(…, {status})`: it throws for statuses that have no body, out here where nobody catches.
          if (incoming.statusCode === 200) resolve(new Response(Buffer.concat(chunks)))
          else reject(new Error('the issuer gave no key set'))
        })
      })
      outgoing.on('error', reject)
      outgoing.end()
    })
}
