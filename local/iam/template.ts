/**
 * Reads the CloudFormation fragments in resources/ and resolves them with parameters: so that the local services evaluate exactly the
 * statements that are deployed.
 *
 * Known: Parameters (String, Number, CommaDelimitedList; Default, AllowedPattern, AllowedValues), Conditions, Resources, Outputs; the functions
 * of ./intrinsics.ts, in long form or as short tags. Everything else is refused.
 */
import { readFile } from 'node:fs/promises'
import { isDeepStrictEqual } from 'node:util'
import { CORE_SCHEMA, load, Type } from 'js-yaml'
import { createResolver, type Attributes, type Json, type Scope } from './intrinsics.ts'

const sections = ['Parameters', 'Conditions', 'Resources', 'Outputs'] as const

export interface Template {
  /** A resource's properties, resolved; resources whose condition is false are absent. */
  properties(logicalId: string): Json
  /** Logical ids of the resources of a type that exist, sorted. */
  ofType(type: string): string[]
}

interface TemplateOptions {
  /** Paths of the fragments; together they are one template. A section's entry may be repeated only word for word. */
  readonly files: readonly string[]
  /** One without a Default must be given; one that no fragment declares is refused. Lists are comma-separated. */
  readonly parameters: Readonly<Record<string, string>>
  readonly region: string
  readonly accountId: string
  readonly stackName: string
  /** Ref and GetAtt of resources whose names are given at creation, by logical id. */
  readonly attributes?: Readonly<Record<string, Attributes>>
}

const shortTags = ['Ref', 'Condition', 'Fn::Sub', 'Fn::GetAtt', 'Fn::If', 'Fn::Join', 'Fn::Equals', 'Fn::Not', 'Fn::And', 'Fn::Or']

const schema = CORE_SCHEMA.extend(
  shortTags.flatMap((name) =>
    (['scalar', 'sequence', 'mapping'] as const).map((kind) => {
      return new Type(`!${name.replace('Fn::', '')}`, { kind, construct: (data) => ({ [name]: data }) })
    }),
  ),
)

/** @throws Error when a fragment is no template of the accepted kind, or a parameter is missing or not allowed */
export async function loadTemplate(options: TemplateOptions): Promise<Template> {
  const merged: Record<(typeof sections)[number], Record<string, Json>> = { Parameters: {}, Conditions: {}, Resources: {}, Outputs: {} }
  for (const file of options.files) {
    const fragment = record(load(await readFile(file, 'utf8'), { schema }))
    for (const [name, entries] of Object.entries(fragment)) {
      const section = sections.find((known) => known === name)
      if (section === undefined) {
        if (name === 'AWSTemplateFormatVersion' || name === 'Description') continue
        throw new Error(`unknown section ${name}`)
      }
      for (const [id, entry] of Object.entries(record(entries))) {
        const known = merged[section][id]
        if (known !== undefined && !isDeepStrictEqual(known, entry)) throw new Error(`${section} ${id} is declared twice`)
        merged[section][id] = entry
      }
    }
  }
  const scope: Scope = {
    parameters: resolveParameters(merged.Parameters, options.parameters),
    conditions: merged.Conditions,
    resources: Object.fromEntries(Object.entries(merged.Resources).map(([id, resource]) => [id, record(resource)])),
    attributes: options.attributes ?? {},
    pseudo: {
      'AWS::Region': options.region,
      'AWS::AccountId': options.accountId,
      'AWS::StackName': options.stackName,
      'AWS::Partition': 'aws',
      'AWS::URLSuffix': 'amazonaws.com',
    },
  }
  const { resolve, holds } = createResolver(scope)
  const exists = (id: string): boolean => {
    const condition = scope.resources[id]?.['Condition']
    return condition === undefined || holds(condition as string)
  }
  return {
    properties: (id) => {
      const resource = scope.resources[id]
      if (resource === undefined || !exists(id)) throw new Error(`no resource ${id}`)
      return resolve(resource['Properties'] as Json)
    },
    ofType: (type) => Object.keys(scope.resources).filter((id) => scope.resources[id]?.['Type'] === type && exists(id)).sort(),
  }
}

function resolveParameters(declared: Record<string, Json>, given: Readonly<Record<string, string>>): Record<string, Json> {
  for (const name of Object.keys(given)) if (declared[name] === undefined) throw new Error(`no parameter ${name}`)
  return Object.fromEntries(Object.entries(declared).map(([name, entry]) => {
    const { Type: type, Default: fallback, AllowedPattern: pattern, AllowedValues: values } = record(entry)
    const text = given[name] ?? (typeof fallback === 'number' ? String(fallback) : fallback)
    if (typeof text !== 'string') throw new Error(`parameter ${name} is missing`)
    if (type !== 'String' && type !== 'Number' && type !== 'CommaDelimitedList') throw new Error(`parameter ${name} is of an unknown type`)
    // CloudFormation checks a list item by item, and takes an empty text for a list of one empty item.
    const items = type === 'CommaDelimitedList' ? text.split(',').map((item) => item.trim()) : [text]
    const allowed = items.every((item) => {
      return (pattern === undefined || new RegExp(`^(?:${pattern as string})$`).test(item)) &&
        (values === undefined || (values as string[]).map(String).includes(item)) && (type !== 'Number' || /^-?\d+$/.test(item))
    })
    if (!allowed) throw new Error(`parameter ${name} is not allowed`)
    return [name, type === 'CommaDelimitedList' ? items : text]
  }))
}

function record(value: unknown): Record<string, Json> {
  if (typeof value !== 'object' || value === null || Array.isArray(value)) throw new Error('expected a mapping')
  return value as Record<string, Json>
}
