/** The way to the simulated NSM device: a socket that the enclave's process is born with, held at the other end by the launcher. */
import { Socket } from 'node:net'
import type { Duplex } from 'node:stream'
import { NSM_RESPONSE_MAX_BYTES } from './nsm-codec.ts'
import { createFrameReader, encodeFrame } from './nsm-frames.ts'
import type { NsmTransport } from './nsm.ts'

/** The file descriptor that the launcher hands the enclave. */
const NSM_SOCKET_FD = 3

/**
 * Opens the inherited descriptor.
 * @param options.onClose called once when the launcher is gone: an enclave doesn't outlive its hypervisor, so end the process.
 */
export function openNsmSocket(options: { readonly onClose: () => void; readonly fd?: number }): NsmTransport {
  const socket = new Socket({ fd: options.fd ?? NSM_SOCKET_FD, readable: true, writable: true })
  return createNsmStreamTransport(socket, options.onClose)
}

/** The same over any byte stream. One request is in flight at a time; the others wait in order. All fail once the stream closes. */
export function createNsmStreamTransport(stream: Duplex, onClose: () => void): NsmTransport {
  const read = createFrameReader(NSM_RESPONSE_MAX_BYTES)
  let waiting: { resolve: (answer: Uint8Array) => void; reject: (error: Error) => void } | undefined
  let last: Promise<unknown> = Promise.resolve()

  stream.on('data', (chunk: Uint8Array) => {
    // An answer that nobody asked for would be taken for the next question's.
    const frames = read(chunk)
    if (frames === undefined || frames.length > (waiting ? 1 : 0)) {
      stream.destroy()
      return
    }
    for (const frame of frames) {
      waiting?.resolve(frame)
      waiting = undefined
    }
  })
  stream.on('end', () => stream.destroy())
  stream.on('error', () => stream.destroy())
  stream.once('close', () => {
    waiting?.reject(closed())
    waiting = undefined
    onClose()
  })

  async function exchange(bytes: Uint8Array): Promise<Uint8Array> {
    if (stream.destroyed) throw closed()
    return new Promise((resolve, reject) => {
      waiting = { resolve, reject }
      stream.write(encodeFrame(bytes))
    })
  }

  return {
    request(bytes) {
      const answer = last.then(() => exchange(bytes))
      last = answer.catch(() => undefined)
      return answer
    },
  }
}

const closed = (): Error => new Error('The NSM device is gone')
