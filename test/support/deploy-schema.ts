/**
 * Checks CloudFormation templates against AWS's own resource specification (the npm package that the CDK is generated from), offline.
 *
 * What is checked: resource types; names, presence and types of properties, at every depth; values of enumerations; that what Ref, GetAtt, Sub,
 * If, Condition and DependsOn name is there, and that an attribute is one that the resource has. What the specification does not hold, and so is not:
 * patterns, lengths, ranges, and which properties go together.
 */
import { loadAwsServiceSpecSync } from '@aws-cdk/aws-service-spec'
import type { PackagedTemplate, Resource } from './deploy-package.ts'

type Json = unknown
type Fields = Readonly<Record<string, Json>>

/** A type as the specification has it. */
interface Type {
  readonly type: 'string' | 'number' | 'integer' | 'boolean' | 'json' | 'date-time' | 'tag' | 'array' | 'map' | 'union' | 'ref' | 'null'
  readonly element?: Type
  readonly types?: readonly Type[]
  readonly reference?: { readonly $ref: string }
  readonly allowedValues?: readonly (string | number)[]
}

interface Definition {
  readonly properties: Readonly<Record<string, { readonly type: Type; readonly required?: boolean }>>
}

const spec = loadAwsServiceSpecSync()
const TAG: Definition = { properties: { Key: { type: { type: 'string' }, required: true }, Value: { type: { type: 'string' }, required: true } } }
const PSEUDO = ['AWS::AccountId', 'AWS::NoValue', 'AWS::Partition', 'AWS::Region', 'AWS::StackName', 'AWS::StackId', 'AWS::URLSuffix', 'AWS::NotificationARNs']
const ATTRIBUTES = ['Type', 'Properties', 'DependsOn', 'Condition', 'DeletionPolicy', 'UpdateReplacePolicy', 'UpdatePolicy', 'CreationPolicy', 'Metadata']
const FUNCTIONS = ['Ref', 'Fn::Sub', 'Fn::GetAtt', 'Fn::If', 'Fn::Join', 'Fn::Split', 'Fn::Select', 'Fn::GetAZs', 'Fn::Cidr', 'Fn::Base64', 'Fn::Equals', 'Fn::Not', 'Fn::And', 'Fn::Or']
/** What a function gives, where it matters: one that gives a list is no string. */
const LISTS = ['Fn::Split', 'Fn::GetAZs', 'Fn::Cidr']

function findResource(type: string): (Definition & { readonly attributes: Fields }) | undefined {
  const found = spec.lookup('resource', 'cloudFormationType', 'equals', type)
  return found.length === 1 ? found.only() : undefined
}

/** Each problem as `path: what`, sorted; none is good news. */
export function problemsOf(template: PackagedTemplate): string[] {
  const problems: string[] = []
  const report = (path: string, what: string): void => void problems.push(`${path}: ${what}`)
  const { Resources, Parameters, Conditions, Outputs } = template

  for (const [id, resource] of Object.entries(Resources)) checkResource(id, resource)
  for (const [id, condition] of Object.entries(Conditions)) checkReferences(`Conditions.${id}`, condition)
  for (const [id, output] of Object.entries(Outputs)) checkReferences(`Outputs.${id}`, output)
  return problems.sort()

  function checkResource(id: string, resource: Resource): void {
    const definition = findResource(resource.Type)
    if (definition === undefined) return report(id, `unknown type ${resource.Type}`)
    for (const name of Object.keys(resource)) if (!ATTRIBUTES.includes(name)) report(id, `unknown attribute ${name}`)
    const dependsOn = resource['DependsOn'] ?? []
    for (const other of Array.isArray(dependsOn) ? dependsOn : [dependsOn]) if (!Object.hasOwn(Resources, other as string)) report(id, `depends on ${other}`)
    const condition = resource['Condition']
    if (condition !== undefined && !Object.hasOwn(Conditions, condition as string)) report(id, `unknown condition ${condition as string}`)
    checkObject(id, resource.Properties, definition)
    checkReferences(id, resource.Properties)
  }

  function checkObject(path: string, value: Json, { properties }: Definition): void {
    if (!isFields(value)) return report(path, 'expected an object')
    for (const [name, item] of Object.entries(value)) {
      const property = properties[name]
      if (property === undefined) report(path, `unknown property ${name}`)
      else checkValue(`${path}.${name}`, item, property.type)
    }
    for (const [name, { required }] of Object.entries(properties)) if (required === true && !Object.hasOwn(value, name)) report(path, `${name} is missing`)
  }

  function checkValue(path: string, value: Json, type: Type): void {
    const call = functionOf(value)
    if (call !== undefined) {
      checkCall(path, call, type)
      return
    }
    switch (type.type) {
      case 'json': return
      case 'union': {
        const before = problems.length
        const fits = (type.types ?? []).some((one) => {
          checkValue(path, value, one)
          return problems.splice(before).length === 0
        })
        return fits ? undefined : report(path, 'fits no type of its union')
      }
      case 'array':
        if (!Array.isArray(value)) return report(path, 'expected a list')
        return value.forEach((item, index) => checkValue(`${path}[${index}]`, item, type.element as Type))
      case 'map':
        if (!isFields(value)) return report(path, 'expected a map')
        return Object.entries(value).forEach(([name, item]) => checkValue(`${path}.${name}`, item, type.element as Type))
      case 'ref': return checkObject(path, value, spec.get('typeDefinition', type.reference?.$ref as string))
      case 'tag': return checkObject(path, value, TAG)
      case 'string':
      case 'number':
      case 'integer':
      case 'boolean':
      case 'date-time':
      case 'null':
        if (!isPrimitive(value, type.type)) return report(path, `expected ${type.type}`)
        if (type.allowedValues !== undefined && !type.allowedValues.map(String).includes(String(value))) report(path, `${String(value)} is not allowed`)
    }
  }

  function checkCall(path: string, [name, argument]: readonly [string, Json], type: Type): void {
    if (!FUNCTIONS.includes(name)) return report(path, `unknown function ${name}`)
    if (name === 'Fn::If') return (argument as Json[]).slice(1).forEach((branch) => checkValue(path, branch, type))
    const takes = type.type === 'union' ? (type.types ?? []).map((one) => one.type) : [type.type]
    const gives = LISTS.includes(name) || isListParameter(name, argument) ? 'array' : 'text'
    const fits = name === 'Ref' && argument === 'AWS::NoValue' ? true : takes.some((kind) => kind === 'json' || (gives === 'array') === (kind === 'array'))
    if (!fits || takes.every((kind) => kind === 'ref' || kind === 'map')) report(path, `${name} gives no ${takes.join(' or ')}`)
  }

  function isListParameter(name: string, argument: Json): boolean {
    const parameter = name === 'Ref' ? Parameters[argument as string] : undefined
    return isFields(parameter) && parameter['Type'] === 'CommaDelimitedList'
  }

  function checkReferences(path: string, value: Json): void {
    if (Array.isArray(value)) return value.forEach((item) => checkReferences(path, item))
    if (!isFields(value)) return
    for (const [name, argument] of Object.entries(value)) {
      if (name === 'Ref') checkRef(path, argument as string)
      if (name === 'Fn::GetAtt') checkAttribute(path, (Array.isArray(argument) ? (argument as string[]).join('.') : argument) as string)
      if (name === 'Fn::If' && !Object.hasOwn(Conditions, (argument as string[])[0] as string)) report(path, `unknown condition ${(argument as string[])[0]}`)
      if (name === 'Fn::Sub') checkSub(path, argument)
      checkReferences(path, argument)
    }
  }

  function checkSub(path: string, argument: Json): void {
    const [text, given] = (Array.isArray(argument) ? argument : [argument, {}]) as [string, Fields]
    for (const [, name] of text.matchAll(/\$\{([^!}][^}]*)\}/g)) {
      if (Object.hasOwn(given, name as string)) continue
      if ((name as string).includes('.')) checkAttribute(path, name as string)
      else checkRef(path, name as string)
    }
  }

  function checkRef(path: string, name: string): void {
    if (!PSEUDO.includes(name) && !Object.hasOwn(Resources, name) && !Object.hasOwn(Parameters, name)) report(path, `nothing is called ${name}`)
  }

  function checkAttribute(path: string, text: string): void {
    const [id = '', ...rest] = text.split('.')
    const definition = findResource(Resources[id]?.Type ?? '')
    if (definition === undefined) return report(path, `nothing is called ${id}`)
    if (!Object.hasOwn(definition.attributes, rest.join('.'))) report(path, `${id} has no attribute ${rest.join('.')}`)
  }
}

function isFields(value: Json): value is Fields {
  return typeof value === 'object' && value !== null && !Array.isArray(value)
}

function functionOf(value: Json): readonly [string, Json] | undefined {
  const [only, ...others] = isFields(value) ? Object.entries(value) : []
  return only !== undefined && others.length === 0 && (only[0] === 'Ref' || only[0].startsWith('Fn::')) ? only : undefined
}

/** CloudFormation takes numbers and truth values as text too. */
function isPrimitive(value: Json, type: Type['type']): boolean {
  if (type === 'string' || type === 'date-time') return typeof value === 'string'
  if (type === 'boolean') return typeof value === 'boolean' || value === 'true' || value === 'false'
  if (type === 'integer') return Number.isInteger(typeof value === 'string' ? Number(value) : value)
  return type === 'number' && (typeof value === 'number' || (typeof value === 'string' && Number.isFinite(Number(value))))
}
