/**
 * Measurements, computed as for an enclave image file (EIF): ext(d) = SHA-384(48 zero bytes ‖ d), and
 * PCR0 = ext(SHA-384(kernel ‖ command line ‖ all ramdisks)), PCR1 = ext(SHA-384(kernel ‖ command line ‖ first ramdisk)),
 * PCR2 = ext(SHA-384(other ramdisks)).
 *
 * A laptop's enclave is a process, so the kernel is the Node.js executable that runs it, the command line is Node's, and the only ramdisk is the
 * canonical archive of the image's files. Hence PCR1 = PCR0, and PCR2 is the constant for "no other ramdisk", as in images that AWS's tool builds.
 */
import { createHash, type Hash } from 'node:crypto'
import { createReadStream } from 'node:fs'
import { toHex } from '../../lib/protocol/bytes.ts'
import { ENCLAVE_PROGRAM } from './args.ts'
import { archiveImage, readImageFiles, type ImageFile } from './files.ts'

/** Lowercase hex of 48 bytes each. */
export interface ImageMeasurements {
  readonly pcr0: string
  readonly pcr1: string
  readonly pcr2: string
}

const ZERO_PCR = new Uint8Array(48)

/**
 * Measures an image.
 * @param dir the image's folder.
 * @param nodePath the Node.js executable that will run it.
 * @param args Node's options, none with white space in it.
 */
export async function measureImage(dir: string, nodePath: string, args: readonly string[]): Promise<ImageMeasurements> {
  return measureImageFiles(await readImageFiles(dir), nodePath, args)
}

/** The same for files in memory: whoever starts an enclave measures the very bytes that it starts. */
export async function measureImageFiles(files: readonly ImageFile[], nodePath: string, args: readonly string[]): Promise<ImageMeasurements> {
  const commandLine = [...args, ENCLAVE_PROGRAM]
  if (commandLine.some((arg) => arg === '' || /\s/.test(arg))) throw new Error('An argument with white space can not be measured')
  const kernel = createHash('sha384')
  for await (const chunk of createReadStream(nodePath) as AsyncIterable<Buffer>) kernel.update(chunk)
  return measureEif({ kernel, commandLine: commandLine.join(' '), ramdisks: [archiveImage(files)] })
}

/**
 * PCR0, 1 and 2 of an EIF's sections. There are no separators between them: that is how it is defined.
 * @param sections.kernel SHA-384 that has taken in the kernel, and nothing else; left as it is.
 */
export function measureEif(sections: { readonly kernel: Hash; readonly commandLine: string; readonly ramdisks: readonly Uint8Array[] }): ImageMeasurements {
  const [first, ...others] = sections.ramdisks
  const boot = sections.kernel.copy().update(sections.commandLine)
  if (first !== undefined) boot.update(first)
  const all = boot.copy()
  const application = createHash('sha384')
  for (const ramdisk of others) {
    all.update(ramdisk)
    application.update(ramdisk)
  }
  return { pcr0: toHex(extendZero(all.digest())), pcr1: toHex(extendZero(boot.digest())), pcr2: toHex(extendZero(application.digest())) }
}

/**
 * PCR16 after the enclave has extended it with SHA-384 of its configuration, once, as it does before it locks it. Lowercase hex.
 * @param bytes the configuration, exactly as handed to the enclave.
 */
export function measureConfiguration(bytes: Uint8Array): string {
  return toHex(extendZero(createHash('sha384').update(bytes).digest()))
}

/** PCR3 (from the parent's role ARN) or PCR4 (from its instance id): the text itself is extended, not its hash. 48 bytes. */
export function measureParent(text: string): Uint8Array {
  return extendZero(new TextEncoder().encode(text))
}

function extendZero(data: Uint8Array): Uint8Array {
  return new Uint8Array(createHash('sha384').update(ZERO_PCR).update(data).digest())
}
