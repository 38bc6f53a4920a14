/**
 * What DynamoDB refuses in a request and dynalite would carry out, or die of: measured side by side with AWS's DynamoDB Local
 * (test/dynamodb). Everything else is left to the engine.
 */
import { AwsError, type JsonObject } from '../awsjson.ts'
import { tokenize } from './expressions.ts'

/** Bytes of one expression ("Quotas in Amazon DynamoDB", expression parameters). */
const MAX_EXPRESSION_BYTES = 4096
/** Levels of an attribute, its own and those of what is inside (same place). */
const MAX_DEPTH = 32
const EXPRESSIONS = ['ProjectionExpression', 'ConditionExpression', 'UpdateExpression', 'KeyConditionExpression']
/** What has an order: strings, numbers, bytes. */
const ORDERED = ['S', 'N', 'B']

/** @throws AwsError ValidationException */
export function checkRequest(input: JsonObject): void {
  checkReturn(input)
  checkSelect(input)
  for (const part of partsOf(input)) checkPart(part)
}

/** A request's own fields, and those of what it holds for several tables, items or steps. */
function partsOf(input: JsonObject): JsonObject[] {
  const tables = Object.values(fields(input['RequestItems'])).flatMap((request) => (Array.isArray(request) ? (request as unknown[]) : [request]))
  const nested = [...tables, ...list(input['TransactItems'])].flatMap((entry) => [fields(entry), ...Object.values(fields(entry)).map(fields)])
  return [input, ...nested]
}

function checkPart(part: JsonObject): void {
  const values = fields(part['ExpressionAttributeValues'])
  for (const map of [part['Key'], part['Item'], part['ExclusiveStartKey'], values, ...list(part['Keys'])]) checkValues(fields(map), 0)
  for (const field of EXPRESSIONS) {
    const expression = part[field]
    if (typeof expression !== 'string') continue
    if (Buffer.byteLength(expression) > MAX_EXPRESSION_BYTES) throw invalid(`Invalid ${field}: Expression size has exceeded the maximum allowed size;`)
    if (field === 'ConditionExpression' || field === 'KeyConditionExpression') checkOrder(expression, values, field)
    if (field === 'KeyConditionExpression') checkKeyValues(tokenize(expression), values)
  }
}

/** Values by name. dynalite takes `null` for an object, outside of any handler: the process ends. */
function checkValues(values: JsonObject, depth: number): void {
  for (const [name, value] of Object.entries(values)) {
    if (name === '') throw invalid('Empty attribute name')
    checkValue(value, depth)
  }
}

function checkValue(value: unknown, depth: number): void {
  if (value === null) throw invalid('The supplied Item contains a null AttributeValue')
  if (depth >= MAX_DEPTH) throw invalid('Nesting Levels have exceeded supported limits: Attributes in the item have nested levels beyond supported limit')
  const { L, M } = fields(value)
  for (const element of list(L)) checkValue(element, depth + 1)
  checkValues(fields(M), depth + 1)
}

/** `<`, `<=`, `>`, `>=` and BETWEEN: a value given in the request has to be one that has an order. */
function checkOrder(expression: string, values: JsonObject, field: string): void {
  const words = tokenize(expression)
  for (const [i, word] of words.entries()) {
    const between = word.toLowerCase() === 'between'
    if (!between && !['<', '<=', '>', '>='].includes(word)) continue
    for (const operand of between ? [words[i - 1], words[i + 1], words[i + 3]] : [words[i - 1], words[i + 1]]) {
      const [type] = operand?.startsWith(':') ? Object.keys(fields(values[operand])) : []
      if (type === undefined || ORDERED.includes(type)) continue
      throw invalid(`Invalid ${field}: Incorrect operand type for operator or function; operator or function: ${between ? 'BETWEEN' : word}, operand type: ${type}`)
    }
  }
}

function checkKeyValues(words: readonly string[], values: JsonObject): void {
  if (!words.some((word) => word.startsWith(':') && fields(values[word])['S'] === '')) return
  throw invalid('One or more parameter values are not valid. The AttributeValue for a key attribute cannot contain an empty string value.')
}

/** dynalite knows no ReturnValuesOnConditionCheckFailure, and would leave out the item without a word. */
function checkReturn(input: JsonObject): void {
  for (const part of partsOf(input)) {
    const asked = part['ReturnValuesOnConditionCheckFailure']
    if (asked === undefined || asked === null || asked === 'NONE') continue
    throw invalid(asked === 'ALL_OLD' ? 'ReturnValuesOnConditionCheckFailure is not emulated' : 'Return values set to invalid value')
  }
}

function checkSelect({ Select: select, ProjectionExpression: projection }: JsonObject): void {
  const projected = typeof projection === 'string'
  if (select === 'SPECIFIC_ATTRIBUTES' && !projected) throw invalid('Must specify the AttributesToGet or ProjectionExpression when choosing to get SPECIFIC_ATTRIBUTES')
  if (select === 'COUNT' && projected) throw invalid('Cannot specify the ProjectionExpression when choosing to get only the Count')
  if (select === 'ALL_ATTRIBUTES' && projected) throw invalid('Cannot specify the ProjectionExpression when choosing to get ALL_ATTRIBUTES')
  if (select === 'ALL_PROJECTED_ATTRIBUTES') throw invalid('ALL_PROJECTED_ATTRIBUTES can be used only when Querying using an IndexName')
}

/** Of anything else than an object, no fields: whether it had to be one, the engine says. */
function fields(value: unknown): JsonObject {
  return typeof value === 'object' && value !== null && !Array.isArray(value) ? (value as JsonObject) : {}
}

function list(value: unknown): readonly unknown[] {
  return Array.isArray(value) ? (value as readonly unknown[]) : []
}

function invalid(text: string): AwsError {
  return new AwsError('ValidationException', text)
}
