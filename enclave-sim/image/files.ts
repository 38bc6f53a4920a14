/** The files of an enclave image, and the one sequence of bytes that stands for them all. */
import { lstat, readdir, readFile } from 'node:fs/promises'
import { join } from 'node:path'
import { concat, utf8 } from '../../lib/protocol/bytes.ts'

export interface ImageFile {
  readonly name: string
  readonly bytes: Uint8Array
}

/**
 * Reads an image: regular files of plain lowercase names in one folder, sorted by name. Anything else in it, links and subfolders
 * included, is refused: it would run unmeasured.
 */
export async function readImageFiles(dir: string): Promise<ImageFile[]> {
  const names = (await readdir(dir)).sort()
  if (names.length === 0) throw new Error('The image folder is empty')
  const files: ImageFile[] = []
  for (const name of names) {
    const path = join(dir, name)
    if (!/^[a-z0-9][a-z0-9._-]*$/.test(name) || !(await lstat(path)).isFile()) throw new Error('The image folder holds something else than image files')
    files.push({ name, bytes: new Uint8Array(await readFile(path)) })
  }
  return files
}

/**
 * The canonical archive, in place of an EIF's ramdisk: the line `cloister image 1`, then for each file in the order of
 * {@link readImageFiles}: length of the name (4 bytes, big-endian), name, length of the contents (8 bytes, big-endian), contents. No times, owners or
 * modes. Different images never give the same bytes.
 */
export function archiveImage(files: readonly ImageFile[]): Uint8Array {
  const parts = files.flatMap(({ name, bytes }) => {
    const [nameBytes, nameLength, length] = [utf8(name), new Uint8Array(4), new Uint8Array(8)]
    new DataView(nameLength.buffer).setUint32(0, nameBytes.length)
    new DataView(length.buffer).setBigUint64(0, BigInt(bytes.length))
    return [nameLength, nameBytes, length, bytes]
  })
  return concat(utf8('cloister image 1\n'), ...parts)
}
