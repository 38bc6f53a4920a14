/** As much of JSON Schema (2020-12) as openapi.yaml uses. A keyword that it does not know is an error: nothing is left unchecked in silence. */
import { resolve, type ApiDocument, type Schema } from '../../scripts/api-docs/document.ts'

const KNOWN = new Set([
  'type', 'description', 'default', 'properties', 'required', 'additionalProperties', 'items', 'maxItems', 'enum', 'const', 'pattern', 'minimum', 'maximum', 'minLength', 'maxLength',
])

/** What is wrong with a value, one line each; none is good. @param at where it is, for those lines */
export function problemsWith(api: ApiDocument, given: Schema, value: unknown, at = '$'): string[] {
  const schema = resolve(api, given)
  const unknown = Object.keys(schema).filter((keyword) => !KNOWN.has(keyword))
  if (unknown.length > 0) throw new Error(`${at}: the check does not know ${unknown.join(', ')}`)
  const problems: string[] = []
  const must = (isSo: boolean, what: string): void => void (isSo || problems.push(`${at}: ${what}`))
  if (schema.const !== undefined) must(value === schema.const, `not ${JSON.stringify(schema.const)}`)
  if (schema.enum !== undefined) must(schema.enum.includes(value), 'not on the list')
  if (schema.type !== undefined && typeOf(value) !== schema.type) return [...problems, `${at}: not of type ${schema.type}`]
  if (typeof value === 'string') {
    if (schema.pattern !== undefined) must(new RegExp(schema.pattern, 'u').test(value), 'not of the pattern')
    must(value.length >= (schema.minLength ?? 0) && value.length <= (schema.maxLength ?? Infinity), 'too short or too long')
  }
  if (typeof value === 'number') must(value >= (schema.minimum ?? -Infinity) && value <= (schema.maximum ?? Infinity), 'too small or too large')
  if (Array.isArray(value)) {
    must(value.length <= (schema.maxItems ?? Infinity), 'too many')
    const { items } = schema
    if (items !== undefined) problems.push(...value.flatMap((one, index) => problemsWith(api, items, one, `${at}[${index}]`)))
  } else if (typeof value === 'object' && value !== null) {
    const { properties = {}, required = [] } = schema
    const fields = value as Readonly<Record<string, unknown>>
    for (const name of required) must(Object.hasOwn(fields, name), `${name} is missing`)
    for (const [name, field] of Object.entries(fields)) {
      const property = properties[name]
      if (property !== undefined) problems.push(...problemsWith(api, property, field, `${at}.${name}`))
      else must(schema.additionalProperties !== false, `${name} is not one of its fields`)
    }
  }
  return problems
}

function typeOf(value: unknown): string {
  if (value === null) return 'null'
  if (Array.isArray(value)) return 'array'
  return Number.isSafeInteger(value) ? 'integer' : typeof value
}
