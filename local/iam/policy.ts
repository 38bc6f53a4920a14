/**
 * IAM policy documents (IAM User Guide, "Grammar of the IAM JSON policy language").
 *
 * Accepted: Version 2012-10-17, Id, Statement; in a statement Sid, Effect, Principal, Action or NotAction, Resource or NotResource, Condition.
 * Refused, with {@link PolicyError}: everything else (NotPrincipal, unknown elements, operators or condition values): what this evaluator
 * does not know might have changed the decision.
 */
import { isNumber, parseOperator, type Condition } from './conditions.ts'

export class PolicyError extends Error {
  override readonly name = 'PolicyError'
}

/** `identity` policies name no principal, `trust` policies no resource, `resource` policies both. */
type PolicyKind = 'identity' | 'resource' | 'trust'

export interface PrincipalPatterns {
  readonly any: boolean
  /** ARNs, and account roots as `arn:<partition>:iam::<account>:root`. */
  readonly aws: readonly string[]
  readonly federated: readonly string[]
  readonly service: readonly string[]
}

export interface Statement {
  readonly effect: 'Allow' | 'Deny'
  readonly principals: PrincipalPatterns | undefined
  readonly actions: readonly string[]
  /** True for NotAction. */
  readonly exceptActions: boolean
  readonly resources: readonly string[]
  /** True for NotResource. */
  readonly exceptResources: boolean
  readonly conditions: readonly Condition[]
}

export interface Policy {
  readonly statements: readonly Statement[]
}

type Json = Readonly<Record<string, unknown>>

/** Parses a policy document, given as an object or as JSON text. */
export function parsePolicy(document: unknown, kind: PolicyKind): Policy {
  const root = object(typeof document === 'string' ? parseJson(document) : document, ['Version', 'Id', 'Statement'])
  if (root['Version'] !== '2012-10-17') throw new PolicyError('Version must be 2012-10-17')
  const { Statement: statement } = root
  const statements = Array.isArray(statement) ? (statement as unknown[]) : [statement]
  if (statements.length === 0) throw new PolicyError('a policy needs a statement')
  return { statements: statements.map((entry) => parseStatement(entry, kind)) }
}

function parseStatement(entry: unknown, kind: PolicyKind): Statement {
  const json = object(entry, ['Sid', 'Effect', 'Principal', 'Action', 'NotAction', 'Resource', 'NotResource', 'Condition'])
  const { Effect: effect } = json
  if (effect !== 'Allow' && effect !== 'Deny') throw new PolicyError('Effect must be Allow or Deny')
  if ((json['Principal'] === undefined) !== (kind === 'identity')) throw new PolicyError(`Principal in a policy of kind ${kind}`)
  const actions = oneOfTwo(json, 'Action', 'NotAction')
  const resources = kind === 'trust' ? trustResources(json) : oneOfTwo(json, 'Resource', 'NotResource')
  return {
    effect,
    principals: kind === 'identity' ? undefined : parsePrincipal(json['Principal']),
    actions: actions.values,
    exceptActions: actions.except,
    resources: resources.values,
    exceptResources: resources.except,
    conditions: parseConditions(json['Condition']),
  }
}

function trustResources(json: Json): { values: readonly string[]; except: boolean } {
  if (json['Resource'] !== undefined || json['NotResource'] !== undefined) throw new PolicyError('a trust policy names no resource')
  return { values: ['*'], except: false }
}

function oneOfTwo(json: Json, positive: string, negative: string): { values: readonly string[]; except: boolean } {
  const except = json[negative] !== undefined
  if (except === (json[positive] !== undefined)) throw new PolicyError(`exactly one of ${positive} and ${negative}`)
  return { values: strings(json[except ? negative : positive]), except }
}

function parsePrincipal(value: unknown): PrincipalPatterns {
  if (value === '*') return { any: true, aws: [], federated: [], service: [] }
  const json = object(value, ['AWS', 'Federated', 'Service'])
  const aws = json['AWS'] === undefined ? [] : strings(json['AWS'])
  const named = aws.filter((name) => name !== '*').map((name) => (/^\d{12}$/.test(name) ? `arn:aws:iam::${name}:root` : name))
  const federated = json['Federated'] === undefined ? [] : strings(json['Federated'])
  const service = json['Service'] === undefined ? [] : strings(json['Service'])
  for (const name of [...named, ...federated, ...service]) {
    if (/[*?]/.test(name)) throw new PolicyError('a principal is "*" or has no wildcard')
  }
  return { any: named.length < aws.length, aws: named, federated, service }
}

function parseConditions(value: unknown): readonly Condition[] {
  if (value === undefined) return []
  return Object.entries(object(value)).flatMap(([operator, keys]) => {
    const parsed = parseOperator(operator)
    if (parsed === undefined) throw new PolicyError('unknown condition operator')
    return Object.entries(object(keys)).map(([key, value]) => {
      const values = strings(value)
      const logical = parsed.comparison === 'Null' || parsed.comparison === 'Bool'
      if (logical && values.some((text) => text !== 'true' && text !== 'false')) throw new PolicyError('expected true or false')
      if (parsed.comparison.startsWith('Numeric') && !values.every(isNumber)) throw new PolicyError('expected a number')
      return { ...parsed, key: key.toLowerCase(), values }
    })
  })
}

/** A string or a list of them. Booleans and numbers stand for their text, as IAM takes them. */
function strings(value: unknown): readonly string[] {
  const list = Array.isArray(value) ? (value as unknown[]) : [value]
  return list.map((item) => {
    if (typeof item === 'boolean' || typeof item === 'number') return String(item)
    if (typeof item !== 'string') throw new PolicyError('expected a string')
    return item
  })
}

function object(value: unknown, allowed?: readonly string[]): Json {
  if (typeof value !== 'object' || value === null || Array.isArray(value)) throw new PolicyError('expected an object')
  for (const key of Object.keys(value)) {
    if (allowed !== undefined && !allowed.includes(key)) throw new PolicyError('unknown policy element')
  }
  return value as Json
}

function parseJson(text: string): unknown {
  try {
    return JSON.parse(text) as unknown
  } catch {
    throw new PolicyError('not JSON')
  }
}
