/**
 * What IAM has to know of DynamoDB's expressions: which attributes they name, and which partition a key condition reads.
 *
 * The key condition accepted is the documented grammar (`pk = :v [AND <condition on the sort key>]`, each condition at most once in
 * parentheses); a request whose key condition can't be read is refused, never guessed at.
 */
import { AwsError, type JsonObject } from '../awsjson.ts'

export interface Names {
  /** ExpressionAttributeNames. */
  readonly names: JsonObject
  /** ExpressionAttributeValues. */
  readonly values: JsonObject
}

const token = /\s*(<>|<=|>=|[=<>(),.[\]+-]|[#:]?[A-Za-z0-9_]+)/y

/** Words of the expression language that are no attribute names; matched in any case, as DynamoDB reserves them. */
const keywords = new Set([
  'and', 'or', 'not', 'between', 'in', 'set', 'remove', 'add', 'delete',
  'attribute_exists', 'attribute_not_exists', 'attribute_type', 'begins_with', 'contains', 'size', 'if_not_exists', 'list_append',
])

/** Top-level attributes that an expression names, with placeholders replaced. */
export function attributesOf(expression: string, { names }: Names): string[] {
  const found = new Set<string>()
  let previous = ''
  for (const word of tokenize(expression)) {
    const inside = previous === '.' || previous === '['
    previous = word
    if (inside || !/^[#A-Za-z0-9_]/.test(word) || keywords.has(word.toLowerCase())) continue
    found.add(attributeName(word, names))
  }
  return [...found]
}

/** The partition key's value that a key condition asks for. @throws AwsError when it does not fix one */
export function partitionOf(expression: string, partitionKey: string, { names, values }: Names): unknown {
  const conditions = splitConditions(tokenize(expression))
  const equalities = conditions.filter(([name, operator]) => {
    return operator === '=' && name !== undefined && /^[#A-Za-z]/.test(name) && attributeName(name, names) === partitionKey
  })
  const [only] = equalities
  const placeholder = only?.[2]
  if (conditions.length > 2 || equalities.length !== 1 || only?.length !== 3 || placeholder === undefined) throw unreadable()
  if (!placeholder.startsWith(':') || !Object.hasOwn(values, placeholder)) throw unreadable()
  return values[placeholder]
}

/** Splits at AND, not at the AND of BETWEEN, and takes off one pair of parentheses around a condition. */
function splitConditions(words: readonly string[]): string[][] {
  const conditions: string[][] = [[]]
  let between = false
  for (const word of words) {
    const lower = word.toLowerCase()
    if (lower === 'or' || lower === 'not') throw unreadable()
    if (lower === 'and' && !between) {
      conditions.push([])
      continue
    }
    if (lower === 'between') between = true
    if (lower === 'and') between = false
    conditions.at(-1)?.push(word)
  }
  return conditions.map((words) => (words[0] === '(' && words.at(-1) === ')' ? words.slice(1, -1) : words))
}

/** @throws AwsError for what is no word of an expression */
export function tokenize(expression: string): string[] {
  const words: string[] = []
  token.lastIndex = 0
  const end = expression.trimEnd().length
  while (token.lastIndex < end) {
    const match = token.exec(expression)
    if (match === null) throw unreadable()
    words.push(match[1] as string)
  }
  return words
}

function attributeName(word: string, names: JsonObject): string {
  if (!word.startsWith('#')) return word
  const name = Object.hasOwn(names, word) ? names[word] : undefined
  if (typeof name !== 'string') throw unreadable()
  return name
}

function unreadable(): AwsError {
  return new AwsError('ValidationException', 'An expression can not be read, or does not fix the partition key')
}
