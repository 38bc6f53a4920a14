/** Program: `npm run check:size`. How much of the SDK an app's users download. Exits with 1 when the core is over its limit. */
import { join } from 'node:path'
import { measure } from './sdk/bundle.ts'
import { ENTRIES } from './sdk/entries.ts'
import { CORE_LIMIT_BYTES } from './sdk/limit.ts'

const root = join(import.meta.dirname, '..')
const kilobytes = (bytes: number): string => `${(bytes / 1000).toFixed(1)} kB`

for (const [name, entry] of Object.entries(ENTRIES)) {
  const { first, later } = await measure({ root, entry })
  const isCore = entry === 'client/connect.ts'
  console.log(`${name.padEnd(28)}${kilobytes(first).padStart(10)}${later === 0 ? '' : `, and ${kilobytes(later)} when needed`}${isCore ? ` (core; limit ${kilobytes(CORE_LIMIT_BYTES)})` : ''}`)
  if (isCore && first > CORE_LIMIT_BYTES) process.exitCode = 1
}
