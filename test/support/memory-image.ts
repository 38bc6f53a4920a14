/** The memory of another process of ours, as a core dump would hold it: read from /proc, which needs no package. Linux only. */
import { open, readdir, readFile, type FileHandle } from 'node:fs/promises'

/** One mapping, or a part of it. */
export interface Region {
  /** What it is mapped from: `[heap]`, `[stack]`, a file, or `anonymous`. */
  readonly name: string
  readonly start: number
  readonly bytes: Buffer
}

const PAGE_BYTES = 4096
const PART_BYTES = 16 * 1024 * 1024
/** Parts overlap, so that nothing is missed at their seam. */
const OVERLAP_BYTES = 4096

/** Why memory can't be read here; `undefined` where it can. */
export async function whyNoMemory(pid: number): Promise<string | undefined> {
  if (process.platform !== 'linux') return 'memory is read from /proc, which only Linux has'
  return open(`/proc/${pid}/mem`, 'r').then(
    async (file) => {
      await file.close()
      return undefined
    },
    () => 'the kernel does not let us read the memory of our own child (kernel.yama.ptrace_scope, or no ptrace in this container)',
  )
}

/** Stops the process, hands over everything it can write or has written, lets it go on. What it only maps from files is left out. */
export async function readImage(pid: number, visit: (region: Region) => void): Promise<number> {
  process.kill(pid, 'SIGSTOP')
  const [memory, pagemap] = await Promise.all(['mem', 'pagemap'].map((name) => open(`/proc/${pid}/${name}`, 'r')))
  if (memory === undefined || pagemap === undefined) throw new Error('unreachable')
  let total = 0
  try {
    const buffer = Buffer.allocUnsafeSlow(PART_BYTES)
    for (const line of (await readFile(`/proc/${pid}/maps`, 'utf8')).split('\n')) {
      const [, from, to, mode, path] = /^([0-9a-f]+)-([0-9a-f]+) (\S{4}) \S+ \S+ \S+\s*(.*)$/.exec(line) ?? []
      if (from === undefined || to === undefined || mode?.[0] !== 'r' || path === '[vvar]' || path === '[vsyscall]') continue
      if (path?.startsWith('/') === true && mode[1] !== 'w') continue
      const name = path === '' || path === undefined ? 'anonymous' : path
      for (const [first, last] of await touched(pagemap, Number.parseInt(from, 16), Number.parseInt(to, 16))) {
        for (let start = first; start < last; start += PART_BYTES - OVERLAP_BYTES) {
          const { bytesRead } = await memory.read(buffer, 0, Math.min(PART_BYTES, last - start), start).catch(() => ({ bytesRead: 0 }))
          if (bytesRead > 0) visit({ name, start, bytes: buffer.subarray(0, bytesRead) })
          total += bytesRead
          if (start + PART_BYTES >= last) break
        }
      }
    }
  } finally {
    await Promise.all([memory.close(), pagemap.close()])
    process.kill(pid, 'SIGCONT')
  }
  return total
}

/** The parts of a mapping that hold anything, from and to: what was never written to would be read as zeros, gigabytes of them. */
async function touched(pagemap: FileHandle, from: number, to: number): Promise<readonly (readonly [number, number])[]> {
  const entries = Buffer.alloc(((to - from) / PAGE_BYTES) * 8)
  const { bytesRead } = await pagemap.read(entries, 0, entries.length, (from / PAGE_BYTES) * 8).catch(() => ({ bytesRead: 0 }))
  if (bytesRead < entries.length) return [[from, to]]
  const found: [number, number][] = []
  for (let i = 0; i * 8 < entries.length; i++) {
    // Bits 63 and 62: in memory, or swapped out.
    if ((entries[i * 8 + 7] as number) >> 6 === 0) continue
    const start = from + i * PAGE_BYTES
    const last = found.at(-1)
    // One read takes longer than a few pages of zeros.
    if (last !== undefined && start - last[1] <= 64 * PAGE_BYTES) last[1] = start + PAGE_BYTES
    else found.push([start, start + PAGE_BYTES])
  }
  return found
}

/** The processes below one, by their command lines. */
export async function childrenOf(pid: number): Promise<readonly { readonly pid: number; readonly command: string }[]> {
  const found: { pid: number; command: string }[] = []
  for (const entry of await readdir('/proc')) {
    if (!/^\d+$/.test(entry)) continue
    const [stat, command] = await Promise.all([`/proc/${entry}/stat`, `/proc/${entry}/cmdline`].map((path) => readFile(path, 'utf8').catch(() => '')))
    const parent = Number(stat?.slice(stat.lastIndexOf(')') + 2).split(' ')[1])
    if (parent === pid) found.push({ pid: Number(entry), command: (command ?? '').replaceAll('\0', ' ') })
  }
  return found
}
