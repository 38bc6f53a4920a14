/**
 * From a DynamoDB request to what IAM is asked: one question for each table that the request touches, with the context keys of the "Service
 * Authorization Reference" (dynamodb:LeadingKeys, Attributes, ReturnValues, Select, EnclosingOperation). Operations not listed here are
 * refused, and so are the pre-expression parameters, indexes and PartiQL: what is not read is not let through.
 */
import { AwsError, type JsonObject } from '../awsjson.ts'
import { attributesOf, partitionOf, type Names } from './expressions.ts'

interface AccessQuestion {
  readonly action: string
  readonly table: string | undefined
  /** Context keys, lowercase. */
  readonly context: readonly (readonly [string, string | readonly string[]])[]
}

const legacy = ['AttributesToGet', 'AttributeUpdates', 'ConditionalOperator', 'Expected', 'KeyConditions', 'QueryFilter', 'ScanFilter']
const expressions = ['ProjectionExpression', 'ConditionExpression', 'UpdateExpression', 'KeyConditionExpression']

/** On tables, for whoever runs them; none reads or writes an item. */
const control = new Set([
  'CreateTable', 'DeleteTable', 'DescribeTable', 'DescribeTimeToLive', 'ListTables', 'ListTagsOfResource', 'TagResource', 'UntagResource', 'UpdateTable',
])

/** @throws AwsError for what can't be read */
export function questionsOf(operation: string, input: JsonObject, partitionKey: string): AccessQuestion[] {
  const single = (key: unknown): AccessQuestion => ask(operation, input, [text(object(key)[partitionKey])], keyNames(key), partitionKey)
  switch (operation) {
    case 'GetItem':
    case 'UpdateItem':
    case 'DeleteItem': return [single(input['Key'])]
    case 'PutItem': return [single(input['Item'])]
    case 'Query': {
      const expression = input['KeyConditionExpression']
      if (typeof expression !== 'string') throw malformed('KeyConditionExpression')
      return [ask('Query', input, [text(partitionOf(expression, partitionKey, namesOf(input)))], [], partitionKey)]
    }
    case 'Scan': return [ask('Scan', input, [], [], partitionKey)]
    case 'BatchGetItem': return perTable(input, (table, request) => {
      const keys = list(object(request)['Keys'])
      return ask(operation, { ...object(request), TableName: table }, leading(keys, partitionKey), keys.flatMap(keyNames), partitionKey)
    })
    case 'BatchWriteItem': return perTable(input, (table, request) => {
      const items = list(request).map((entry) => {
        const [[kind, change] = [], ...others] = Object.entries(object(entry))
        if (others.length > 0 || (kind !== 'PutRequest' && kind !== 'DeleteRequest')) throw malformed('RequestItems')
        return object(change)[kind === 'PutRequest' ? 'Item' : 'Key']
      })
      return ask(operation, { TableName: table }, leading(items, partitionKey), items.flatMap(keyNames), partitionKey)
    })
    case 'TransactGetItems':
    case 'TransactWriteItems': return list(input['TransactItems']).map((entry) => transacted(operation, object(entry), partitionKey))
    default:
      if (!control.has(operation)) throw new AwsError('UnknownOperationException')
      return [{ action: `dynamodb:${operation}`, table: operation === 'ListTables' ? undefined : tableName(input), context: [] }]
  }
}

/** In a transaction, each part is asked for as the operation that it would be alone. */
function transacted(operation: string, entry: JsonObject, partitionKey: string): AccessQuestion {
  const [[kind, part] = [], ...others] = Object.entries(entry)
  const allowed = operation === 'TransactGetItems' ? { Get: 'GetItem' } : { Put: 'PutItem', Update: 'UpdateItem', Delete: 'DeleteItem', ConditionCheck: 'ConditionCheckItem' }
  if (others.length > 0 || kind === undefined || !Object.hasOwn(allowed, kind)) throw malformed('TransactItems')
  const fields = object(part)
  const key = fields[kind === 'Put' ? 'Item' : 'Key']
  const question = ask((allowed as Record<string, string>)[kind] as string, fields, [text(object(key)[partitionKey])], keyNames(key), partitionKey)
  return { ...question, context: [...question.context, ['dynamodb:enclosingoperation', operation]] }
}

function ask(operation: string, input: JsonObject, leadingKeys: readonly string[], itemNames: readonly string[], partitionKey: string): AccessQuestion {
  for (const name of legacy) if (input[name] !== undefined) throw new AwsError('ValidationException', `${name} is not emulated`)
  if (input['IndexName'] !== undefined) throw new AwsError('ValidationException', 'The table does not have the specified index')
  // dynalite crashes on some of them (docs/decisions.md), and nothing here needs one.
  if (input['FilterExpression'] !== undefined) throw new AwsError('ValidationException', 'FilterExpression is not emulated')
  const names = namesOf(input)
  const named = expressions.flatMap((field) => {
    const expression = input[field]
    if (expression === undefined) return []
    if (typeof expression !== 'string') throw malformed(field)
    return attributesOf(expression, names)
  })
  const context: [string, string | string[]][] = [['dynamodb:attributes', [...new Set([...itemNames, ...named])]]]
  if (operation !== 'Scan') context.push(['dynamodb:leadingkeys', [...new Set(leadingKeys)]])
  if (operation === 'Query' && !named.includes(partitionKey)) throw malformed('KeyConditionExpression')
  const returned = returnValues(input)
  if (returned !== undefined) context.push(['dynamodb:returnvalues', returned])
  const select = selected(operation, input)
  if (select !== undefined) context.push(['dynamodb:select', select])
  return { action: `dynamodb:${operation}`, table: tableName(input), context }
}

/**
 * Unverified on AWS: whether ReturnValuesOnConditionCheckFailure counts as dynamodb:ReturnValues. Here it does, when it asks for more: the
 * stricter reading.
 */
function returnValues(input: JsonObject): string | undefined {
  const given = ['ReturnValues', 'ReturnValuesOnConditionCheckFailure'].map((name) => input[name]).filter((value) => value !== undefined)
  if (given.some((value) => typeof value !== 'string')) throw malformed('ReturnValues')
  return (given as string[]).find((value) => value !== 'NONE') ?? (given[0] as string | undefined)
}

function selected(operation: string, input: JsonObject): string | undefined {
  if (!['GetItem', 'BatchGetItem', 'Query', 'Scan'].includes(operation)) return undefined
  const { Select: select, ProjectionExpression: projection } = input
  if (select !== undefined && typeof select !== 'string') throw malformed('Select')
  return select ?? (projection === undefined ? 'ALL_ATTRIBUTES' : 'SPECIFIC_ATTRIBUTES')
}

function perTable(input: JsonObject, question: (table: string, request: unknown) => AccessQuestion): AccessQuestion[] {
  const questions = Object.entries(object(input['RequestItems'])).map(([table, request]) => question(table, request))
  if (questions.length === 0) throw malformed('RequestItems')
  return questions
}

function tableName(input: JsonObject): string {
  const { TableName: name, ResourceArn: arn } = input
  const given = typeof name === 'string' ? name : typeof arn === 'string' ? arn.split('/').at(-1) : undefined
  if (given === undefined || !/^[A-Za-z0-9_.-]{3,255}$/.test(given)) throw malformed('TableName')
  return given
}

function leading(items: readonly unknown[], partitionKey: string): string[] {
  return items.map((item) => text(object(item)[partitionKey]))
}

/** A partition key's value, a string attribute. */
function text(attribute: unknown): string {
  const entries = Object.entries(object(attribute))
  const [type, value] = entries[0] ?? []
  if (entries.length !== 1 || type !== 'S' || typeof value !== 'string') throw malformed('partition key')
  return value
}

function keyNames(item: unknown): string[] {
  return Object.keys(object(item))
}

function namesOf(input: JsonObject): Names {
  return { names: object(input['ExpressionAttributeNames'] ?? {}), values: object(input['ExpressionAttributeValues'] ?? {}) }
}

function object(value: unknown): JsonObject {
  if (typeof value !== 'object' || value === null || Array.isArray(value)) throw malformed('request')
  return value as JsonObject
}

function list(value: unknown): readonly unknown[] {
  if (!Array.isArray(value) || value.length === 0) throw malformed('request')
  return value as readonly unknown[]
}

function malformed(field: string): AwsError {
  return new AwsError('ValidationException', `${field} can not be read`)
}
