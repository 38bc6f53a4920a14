/** DynamoDB's time to live: items whose attribute names a time in the past are deleted some time later, by nobody's credentials. */
import type { TableDefinition } from '../iam/resources.ts'
import type { Engine } from './engine.ts'

/** What is longer ago was never meant as a time, or was another unit: DynamoDB leaves such items alone. */
const MAX_AGE_SEC = 5 * 365 * 86_400

interface Page {
  readonly Items?: readonly Readonly<Record<string, unknown>>[]
  readonly LastEvaluatedKey?: unknown
}

/** Deletes what has expired; each item on the condition that it still has. @returns how many */
export async function deleteExpired(engine: Engine, table: TableDefinition, nowMs: number): Promise<number> {
  const { name: TableName, keys, timeToLive } = table
  if (timeToLive === null) return 0
  const nowSec = Math.floor(nowMs / 1000)
  // A value of another type compares as false. What is due at this very second is not over yet.
  const expired = {
    TableName,
    ExpressionAttributeNames: { '#expires': timeToLive } as Record<string, string>,
    ExpressionAttributeValues: { ':now': { N: String(nowSec) }, ':oldest': { N: String(nowSec - MAX_AGE_SEC) } },
  }
  const condition = '#expires < :now AND #expires > :oldest'
  let deleted = 0
  let ExclusiveStartKey: unknown
  do {
    const page = await scan(engine, { ...expired, FilterExpression: condition, ...(ExclusiveStartKey === undefined ? {} : { ExclusiveStartKey }) })
    for (const item of page.Items ?? []) {
      const Key = Object.fromEntries(keys.map((key) => [key, item[key]]))
      const { status } = await engine.call('DeleteItem', JSON.stringify({ ...expired, Key, ConditionExpression: condition }))
      if (status === 200) deleted += 1
    }
    ExclusiveStartKey = page.LastEvaluatedKey
  } while (ExclusiveStartKey !== undefined)
  return deleted
}

async function scan(engine: Engine, input: object): Promise<Page> {
  const { status, body } = await engine.call('Scan', JSON.stringify(input))
  if (status !== 200) throw new Error('the table can not be scanned')
  return JSON.parse(body) as Page
}
