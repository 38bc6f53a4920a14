/** What a table answers, as far as clients see it. */
import { AwsError } from '../../enclave-sim/platform/aws-json.ts'
import type { Case } from './table-cases.ts'
import type { TablePeer } from './table-peer.ts'

/** The error's name and HTTP status, or the output. */
export async function answer({ raw, tableName }: TablePeer, { operation, input }: Case): Promise<unknown> {
  try {
    const { ConsumedCapacity: _unasked, ...output } = await raw(operation, { TableName: tableName, ...input })
    return unordered(output)
  } catch (error) {
    if (error instanceof AwsError) return `${error.status} ${error.code}`
    throw error
  }
}

/** Sets have no order. */
function unordered(value: unknown): unknown {
  if (Array.isArray(value)) return value.map(unordered)
  if (typeof value !== 'object' || value === null) return value
  return Object.fromEntries(Object.entries(value).map(([name, inner]) => [name, /^[NSB]S$/.test(name) ? (inner as string[]).toSorted(compare) : unordered(inner)]))
}

const compare = (a: string, b: string): number => Number(a > b) - Number(a < b)
