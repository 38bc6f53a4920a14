/** Serves the wallet page: a handful of files from memory, on loopback, with the headers that such a page should have anywhere. */
import { createServer } from 'node:http'
import { listen, send, type Service } from './serve.ts'

export interface PageFile {
  /** Media type. */
  readonly type: string
  readonly body: string | Uint8Array
}

interface PageOptions {
  readonly port: number
  /** By path, `/` for the page itself. */
  readonly files: ReadonlyMap<string, PageFile>
  /** Origins that the page may call, besides its own. */
  readonly connect: readonly string[]
}

/** What a page may do where PINs are typed: run its own files, and call whom it must. Nothing inline, nothing evaluated, no frame around it. */
export function pageHeaders(connect: readonly string[]): Readonly<Record<string, string>> {
  const policy = [
    "default-src 'none'",
    "script-src 'self'",
    "style-src 'self'",
    "img-src 'self'",
    `connect-src ${["'self'", ...connect].join(' ')}`,
    "base-uri 'none'",
    "form-action 'none'",
    "frame-ancestors 'none'",
    "require-trusted-types-for 'script'",
    "trusted-types 'none'",
  ]
  return {
    'content-security-policy': policy.join('; '),
    'cache-control': 'no-store',
    'x-content-type-options': 'nosniff',
    'x-frame-options': 'DENY',
    'referrer-policy': 'no-referrer',
    // The login is a window that this page opens, at another origin.
    'cross-origin-opener-policy': 'same-origin-allow-popups',
    'cross-origin-resource-policy': 'same-origin',
    'permissions-policy': 'camera=(), microphone=(), geolocation=(), payment=(), usb=()',
  }
}

/** Starts the page's server on 127.0.0.1. */
export async function servePage({ port, files, connect }: PageOptions): Promise<Service> {
  const headers = pageHeaders(connect)
  const server = createServer((request, response) => {
    const { method = '', url = '' } = request
    const file = files.get(url.split('?')[0] as string)
    if (method !== 'GET' && method !== 'HEAD') send(response, 405, { ...headers, allow: 'GET, HEAD' }, '')
    else if (file === undefined) send(response, 404, { ...headers, 'content-type': 'text/plain' }, 'Not found')
    else send(response, 200, { ...headers, 'content-type': file.type }, method === 'HEAD' ? '' : file.body)
  })
  const { close } = await listen(server, { host: '127.0.0.1', port })
  return { url: `http://127.0.0.1:${port}`, close }
}
