/** HTTP servers of the local cloud: on 127.0.0.1 only, and gone with all their connections when closed. */
import type { IncomingMessage, RequestListener, Server as HttpServer, ServerResponse } from 'node:http'
import { createServer, type Server as HttpsServer } from 'node:https'
import type { AddressInfo, ListenOptions, Socket } from 'node:net'

/** Key and certificate chain, PEM. */
export interface TlsServerOptions {
  readonly key: string
  readonly cert: string
}

export interface Service {
  readonly url: string
  /** Stops listening, drops every connection, and waits for what runs on behalf of them. */
  readonly close: () => Promise<void>
}

export interface Listening {
  readonly port: number
  readonly close: () => Promise<void>
}

/** Answers longer than this come from nothing we run; requests longer than this are refused unread. */
export const MAX_BODY_BYTES = 4 * 1024 * 1024

/** Starts an HTTPS server on 127.0.0.1; port 0 takes any free one. */
export async function listenTls(port: number, tls: TlsServerOptions, handler: RequestListener): Promise<Listening> {
  const server = createServer({ key: tls.key, cert: tls.cert, minVersion: 'TLSv1.2' }, handler)
  const { close } = await listen(server, { host: '127.0.0.1', port })
  return { port: (server.address() as AddressInfo).port, close }
}

/** Makes any HTTP server listen, and gives it an end that does not wait for idle or hanging clients. */
export async function listen(server: HttpServer | HttpsServer, where: ListenOptions): Promise<{ readonly close: () => Promise<void> }> {
  const sockets = new Set<Socket>()
  server.on('connection', (socket: Socket) => {
    sockets.add(socket)
    socket.on('close', () => sockets.delete(socket))
  })
  await new Promise<void>((resolve, reject) => {
    server.once('error', reject)
    server.listen(where, () => {
      server.off('error', reject)
      resolve()
    })
  })
  let closed: Promise<void> | undefined
  const close = (): Promise<void> =>
    new Promise((resolve, reject) => {
      server.close((error) => (error ? reject(error) : resolve()))
      for (const socket of sockets) socket.destroy()
    })
  return { close: () => (closed ??= close()) }
}

/** Reads a request's body. Resolves to `undefined` when it is longer than {@link MAX_BODY_BYTES} or breaks off. */
export function readBody(request: IncomingMessage): Promise<Buffer | undefined> {
  return new Promise((resolve) => {
    const chunks: Buffer[] = []
    let length = 0
    request.on('data', (chunk: Buffer) => {
      length += chunk.length
      if (length > MAX_BODY_BYTES) {
        resolve(undefined)
        request.destroy()
      } else chunks.push(chunk)
    })
    request.on('end', () => resolve(Buffer.concat(chunks)))
    request.on('error', () => resolve(undefined))
    request.on('close', () => resolve(undefined))
  })
}

/** Sends one complete answer, unless the client is gone. */
export function send(response: ServerResponse, status: number, headers: Readonly<Record<string, string>>, body: string | Uint8Array): void {
  if (response.destroyed || response.headersSent) return
  response.writeHead(status, { ...headers, 'content-length': String(Buffer.byteLength(body)) })
  response.end(body)
}
