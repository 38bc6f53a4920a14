import { open } from 'node:fs/promises'
import type { SeedKernel } from '../core/ports.ts'

/** Mixes bytes into the kernel's pool: whoever writes there adds to it, and takes nothing away. */
export const seedKernel: SeedKernel = async (bytes) => {
  const device = await open('/dev/random', 'w').catch((error: NodeJS.ErrnoException) => {
    // Systems without that device (Windows) have no pool to seed; anything else is a fault.
    if (error.code === 'ENOENT') return undefined
    throw error
  })
  try {
    await device?.write(bytes)
  } finally {
    await device?.close()
  }
}
