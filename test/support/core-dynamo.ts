/**
 * As much of DynamoDB as enclave-sim/platform/table.ts speaks, behind the enclave's own client: its statements are taken apart and carried out. What
 * it doesn't know, it refuses.
 */
import type { HttpsPost } from '../../enclave-sim/platform/https-post.ts'

type Value = { readonly S?: string; readonly N?: string; readonly B?: string; readonly NS?: readonly string[] }
export type Item = Readonly<Record<string, Value>>

interface Statement {
  readonly Key?: Item
  readonly Item?: Item
  readonly UpdateExpression?: string
  readonly ConditionExpression?: string
  readonly ExpressionAttributeNames?: Readonly<Record<string, string>>
  readonly ExpressionAttributeValues?: Readonly<Record<string, Value>>
}

interface MemoryDynamo {
  readonly post: HttpsPost
  item(owner: string, wallet: string): Item | undefined
  /** Every item, in the order of partition and sort key. */
  items(): readonly Item[]
}

export function createMemoryDynamo(): MemoryDynamo {
  const items = new Map<string, Item>()
  const keyOf = (key: Item): string => JSON.stringify([key['owner']?.S, key['item']?.S])

  function run(target: string, statement: Statement): boolean {
    const key = keyOf((statement.Key ?? statement.Item) as Item)
    const current = items.get(key)
    if (!(statement.ConditionExpression?.split(' AND ') ?? []).every((part) => holds(part, current ?? {}, statement))) return false
    if (target.endsWith('.PutItem')) items.set(key, statement.Item as Item)
    else if (target.endsWith('.UpdateItem')) items.set(key, update({ ...statement.Key, ...current }, statement))
    else throw new Error(`no such operation: ${target}`)
    return true
  }

  const post: HttpsPost = async ({ headers, body }) => {
    const done = run(headers['x-amz-target'] ?? '', JSON.parse(new TextDecoder().decode(body)) as Statement)
    const answer = done ? '{}' : JSON.stringify({ __type: 'com.amazonaws.dynamodb.v20120810#ConditionalCheckFailedException', message: 'The conditional request failed' })
    return { status: done ? 200 : 400, headers: { 'content-type': 'application/x-amz-json-1.0' }, body: Buffer.from(answer) }
  }

  const inOrder = (): readonly Item[] => [...items].sort(([a], [b]) => (a < b ? -1 : 1)).map(([, item]) => item)
  return { post, items: inOrder, item: (owner, wallet) => items.get(keyOf({ owner: { S: owner }, item: { S: `wallet#${wallet}` } })) }
}

const nameIn = (text: string, { ExpressionAttributeNames: names }: Statement): string => known(names?.[text], text)
const valueIn = (text: string, statement: Statement): Value => known(statement.ExpressionAttributeValues?.[text], text)
const numberOf = (value: Value | undefined): number => Number(known(value?.N, 'a number'))
const canonical = (value: Value | undefined): string => JSON.stringify(value?.NS === undefined ? value : { NS: [...value.NS].sort() })

function known<T>(value: T | undefined, what: string): T {
  if (value === undefined) throw new Error(`unknown: ${what}`)
  return value
}

function holds(part: string, item: Item, statement: Statement): boolean {
  const missing = /^attribute_not_exists\((#\w+)\)$/.exec(part)
  if (missing) return item[nameIn(missing[1] as string, statement)] === undefined
  const contains = /^contains\((#\w+), (:\w+)\)$/.exec(part)
  if (contains) {
    const [, name, value] = contains as unknown as [string, string, string]
    return item[nameIn(name, statement)]?.NS?.includes(known(valueIn(value, statement).N, value)) ?? false
  }
  const compared = /^(#\w+) (=|>=) (:\w+)$/.exec(part)
  if (!compared) throw new Error(`unknown condition: ${part}`)
  const [, name, operator, value] = compared as unknown as [string, string, string, string]
  const [left, right] = [item[nameIn(name, statement)], valueIn(value, statement)]
  return operator === '=' ? canonical(left) === canonical(right) : left !== undefined && numberOf(left) >= numberOf(right)
}

function update(item: Item, statement: Statement): Item {
  const next: Record<string, Value> = { ...item }
  for (const clause of known(statement.UpdateExpression, 'an update').split(/ (?=(?:ADD|DELETE|REMOVE) )/)) {
    const [, action, rest] = known(/^(SET|ADD|DELETE|REMOVE) (.*)$/.exec(clause) ?? undefined, clause) as unknown as [string, string, string]
    for (const part of rest.split(', ')) {
      if (action === 'SET') set(next, item, part, statement)
      else if (action === 'REMOVE') delete next[nameIn(part, statement)]
      else changeSet(next, action, part, statement)
    }
  }
  return next
}

function set(next: Record<string, Value>, item: Item, part: string, statement: Statement): void {
  const plain = /^(#\w+) = (:\w+)$/.exec(part)
  const minus = /^(#\w+) = (#\w+) - (:\w+)$/.exec(part)
  const name = nameIn(known((plain ?? minus)?.[1], part), statement)
  next[name] = plain
    ? valueIn(plain[2] as string, statement)
    : { N: String(numberOf(item[nameIn(minus?.[2] as string, statement)]) - numberOf(valueIn(minus?.[3] as string, statement))) }
}

function changeSet(next: Record<string, Value>, action: string, part: string, statement: Statement): void {
  const [, text, value] = known(/^(#\w+) (:\w+)$/.exec(part) ?? undefined, part) as unknown as [string, string, string]
  const name = nameIn(text, statement)
  const given = known(valueIn(value, statement).NS, value)
  const before = next[name]?.NS ?? []
  const NS = action === 'ADD' ? [...new Set([...before, ...given])] : before.filter((one) => !given.includes(one))
  if (NS.length === 0) delete next[name] // an empty set is no attribute
  else next[name] = { NS }
}
