/** Looks for secrets in a process, and says what it found. */
import { createReadStream } from 'node:fs'
import { readImage } from './memory-image.ts'
import { createSearch, tally, type Hit, type Secret } from './memory-search.ts'

export type Findings = Readonly<Record<string, number>>

/** @returns how often each kind of secret lies there in each form */
export async function lookInto(pid: number, secrets: readonly Secret[]): Promise<Findings> {
  const search = createSearch(secrets)
  const hits: Hit[] = []
  const total = await readImage(pid, (region) => void hits.push(...search(region)))
  if (total < 10_000_000) throw new Error('hardly any memory was read')
  return tally(hits)
}

export async function lookIntoFile(file: string, secrets: readonly Secret[]): Promise<Findings> {
  const search = createSearch(secrets)
  const hits: Hit[] = []
  const overlap = 1024
  let [tail, start] = [Buffer.alloc(0), 0]
  for await (const chunk of createReadStream(file, { highWaterMark: 8 * 1024 * 1024 })) {
    const bytes = Buffer.concat([tail, chunk as Buffer])
    hits.push(...search({ name: file, start, bytes }))
    tail = bytes.subarray(-overlap)
    start += bytes.length - tail.length
  }
  return tally(hits)
}

export function print(title: string, findings: Findings): void {
  const lines = Object.entries(findings).map(([what, count]) => `  ${String(count).padStart(5)}  ${what}`)
  process.stdout.write(`${title}\n${lines.length === 0 ? '   none' : lines.sort().reverse().join('\n')}\n`)
}
