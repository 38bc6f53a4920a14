/** Where an enclave listens, in the place of vsock: `tcp:127.0.0.1:PORT` (0: any) or `unix:/path`. */
import { lstat, rm } from 'node:fs/promises'
import { connect } from 'node:net'

const ADDRESS = /^(?:tcp:127\.0\.0\.1:\d{1,5}|unix:\/.+)$/

/** Whether a text is an address: the loopback interface or an absolute path, nothing that others reach. */
export function isAddress(text: string): boolean {
  return ADDRESS.test(text)
}

/**
 * Removes the socket that a killed enclave left behind at a `unix:` address; the next one could not listen there, and may not remove it.
 * A socket that somebody answers at stays, and so does any other file.
 */
export async function removeStaleSocket(address: string): Promise<void> {
  if (!address.startsWith('unix:')) return
  const path = address.slice('unix:'.length)
  const isSocket = await lstat(path).then((stats) => stats.isSocket(), () => false)
  if (isSocket && (await isDead(path))) await rm(path, { force: true })
}

function isDead(path: string): Promise<boolean> {
  return new Promise((resolve) => {
    const socket = connect(path)
    socket.once('connect', () => {
      socket.destroy()
      resolve(false)
    })
    socket.once('error', (error: NodeJS.ErrnoException) => resolve(error.code === 'ECONNREFUSED'))
  })
}
