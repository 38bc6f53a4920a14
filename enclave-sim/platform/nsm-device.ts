/** The way to a real NSM device: the Linux driver's one ioctl, called through koffi. */
import { openSync } from 'node:fs'
import { NSM_REQUEST_MAX_BYTES, NSM_RESPONSE_MAX_BYTES } from './nsm-codec.ts'
import { NsmError, type NsmTransport } from './nsm.ts'

/** _IOWR(0x0A, 0, 32 bytes): the argument is {request pointer, length, response pointer, length}, four u64 in the machine's order. */
const NSM_IOCTL = 0xc0200a00
const ARGUMENT_BYTES = 32

/** What of koffi is used. */
export interface Koffi {
  load(path: null): { func(prototype: string): (...args: readonly unknown[]) => number }
  address(buffer: Uint8Array): bigint
  errno(): number
  readonly os: { readonly errno: Readonly<Record<string, number>> }
}

/**
 * Opens the device. Calls block the thread for as long as the hypervisor takes: milliseconds.
 * @param options.koffi koffi's namespace; by default the package, which only images for real hardware carry.
 */
export async function openNsmDevice(options: { readonly path?: string; readonly koffi?: Koffi } = {}): Promise<NsmTransport> {
  const koffi = options.koffi ?? (await importKoffi())
  // The process's own symbols: libc is among them, glibc or musl.
  const ioctl = koffi.load(null).func('int ioctl(int fd, unsigned long request, ...)')
  const fd = openSync(options.path ?? '/dev/nsm', 'r+')
  // Outside of Node's shared pool, and of V8's moving heap: their addresses stay.
  const request = Buffer.allocUnsafeSlow(NSM_REQUEST_MAX_BYTES)
  const response = Buffer.allocUnsafeSlow(NSM_RESPONSE_MAX_BYTES)
  const argument = Buffer.allocUnsafeSlow(ARGUMENT_BYTES)
  const words = new BigUint64Array(argument.buffer, argument.byteOffset, ARGUMENT_BYTES / 8)

  return {
    async request(bytes) {
      if (bytes.length > request.length) throw new NsmError('InputTooLarge')
      request.set(bytes)
      words.set([koffi.address(request), BigInt(bytes.length), koffi.address(response), BigInt(response.length)])
      try {
        if (ioctl(fd, NSM_IOCTL, 'void *', argument) !== 0) {
          throw new NsmError(koffi.errno() === koffi.os.errno['EMSGSIZE'] ? 'InputTooLarge' : 'InternalError')
        }
        const length = Number(words[3])
        if (length === 0 || length > response.length) throw new NsmError('InvalidResponse')
        return Uint8Array.from(response.subarray(0, length))
      } finally {
        // Random bytes of the device pass through here.
        request.fill(0)
        response.fill(0)
      }
    },
  }
}

async function importKoffi(): Promise<Koffi> {
  // By a variable, so that neither the compiler nor the bundler of an image without it looks for the package.
  const name = 'koffi'
  return ((await import(name)) as { default: Koffi }).default
}
