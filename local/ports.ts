import { createServer, type AddressInfo } from 'node:net'

/** Whether nobody listens on this loopback port. */
export function isFree(port: number): Promise<boolean> {
  return new Promise((resolve) => {
    const server = createServer()
    server.once('error', () => resolve(false))
    server.listen({ port, host: '127.0.0.1' }, () => server.close(() => resolve(true)))
  })
}

/** A port that was free a moment ago: for programs that can't tell which one they took. */
export function anyFreePort(): Promise<number> {
  return new Promise((resolve, reject) => {
    const server = createServer()
    server.once('error', reject)
    server.listen({ port: 0, host: '127.0.0.1' }, () => {
      const { port } = server.address() as AddressInfo
      server.close(() => resolve(port))
    })
  })
}

/** The first free one of a port and the twenty after it. @throws Error when there is none */
export async function freePortFrom(first: number): Promise<number> {
  for (let port = first; port < first + 20; port++) if (await isFree(port)) return port
  throw new Error(`ports ${first} to ${first + 19} are all taken`)
}
