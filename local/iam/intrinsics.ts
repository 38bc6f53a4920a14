/**
 * CloudFormation's intrinsic functions: Ref, Fn::Sub, Fn::GetAtt, Fn::If, Fn::Join, Fn::Equals, Fn::Not, Fn::And, Fn::Or, Condition, and
 * AWS::NoValue. Any other function is refused.
 */
export type Json = string | number | boolean | null | readonly Json[] | { readonly [key: string]: Json }

/** What Ref and GetAtt give for a resource. */
export interface Attributes {
  readonly ref: string
  readonly arn: string
}

export interface Scope {
  readonly parameters: Readonly<Record<string, Json>>
  readonly conditions: Readonly<Record<string, Json>>
  readonly resources: Readonly<Record<string, Readonly<Record<string, Json>>>>
  readonly attributes: Readonly<Record<string, Attributes>>
  readonly pseudo: Readonly<Record<string, string>>
}

interface Resolver {
  readonly resolve: (value: Json) => Json
  readonly holds: (condition: string) => boolean
}

/** Marks what Ref AWS::NoValue leaves: the property or list item vanishes. */
const noValue = Object.freeze({ '\0': 'no value' })

export function createResolver(scope: Scope): Resolver {
  const resolve = (value: Json): Json => {
    if (Array.isArray(value)) return (value as readonly Json[]).map(resolve).filter((item) => item !== noValue)
    if (typeof value !== 'object' || value === null) return value
    const entries = Object.entries(value as Readonly<Record<string, Json>>)
    const [only] = entries
    if (entries.length === 1 && only !== undefined && isFunction(only[0], only[1])) return call(only[0], only[1])
    return Object.fromEntries(entries.map(([key, item]) => [key, resolve(item)] as const).filter(([, item]) => item !== noValue))
  }

  const holds = (name: string): boolean => {
    const condition = scope.conditions[name]
    if (condition === undefined) throw new Error(`no condition ${name}`)
    return truth(resolve(condition))
  }

  const call = (name: string, argument: Json): Json => {
    switch (name) {
      case 'Ref': return ref(text(argument))
      case 'Condition': return holds(text(argument))
      case 'Fn::GetAtt': return attribute(typeof argument === 'string' ? argument : list(argument).map(text).join('.'))
      case 'Fn::Sub': return substitute(argument)
      case 'Fn::Join': {
        const [separator, items] = list(argument)
        return list(resolve(items as Json)).map(text).join(text(separator as Json))
      }
      case 'Fn::If': {
        const [condition, yes, no] = list(argument)
        return resolve((holds(text(condition as Json)) ? yes : no) as Json)
      }
      case 'Fn::Equals': {
        const [left, right] = list(argument)
        return text(resolve(left as Json)) === text(resolve(right as Json))
      }
      case 'Fn::Not': return !truth(resolve(list(argument)[0] as Json))
      case 'Fn::And': return list(argument).every((item) => truth(resolve(item)))
      case 'Fn::Or': return list(argument).some((item) => truth(resolve(item)))
      default: throw new Error(`unknown function ${name}`)
    }
  }

  const ref = (name: string): Json => {
    if (name === 'AWS::NoValue') return noValue
    const value = scope.pseudo[name] ?? scope.parameters[name]
    return value ?? identify(name).ref
  }

  const attribute = (path: string): string => {
    const [name, property] = path.split('.')
    if (property !== 'Arn') throw new Error(`unknown attribute ${path}`)
    return identify(name as string).arn
  }

  const identify = (name: string): Attributes => {
    const known = scope.attributes[name]
    if (known !== undefined) return known
    const { Type: type, Properties: properties } = scope.resources[name] ?? {}
    const field = (key: string): string => text(resolve((properties as Record<string, Json>)[key] as Json))
    const account = scope.pseudo['AWS::AccountId'] as string
    switch (typeof type === 'string' ? type : '') {
      case 'AWS::IAM::Role': return { ref: field('RoleName'), arn: `arn:aws:iam::${account}:role/${field('RoleName')}` }
      case 'AWS::IAM::OIDCProvider': {
        const arn = `arn:aws:iam::${account}:oidc-provider/${field('Url').replace('https://', '')}`
        return { ref: arn, arn }
      }
      case 'AWS::DynamoDB::Table': {
        const arn = `arn:aws:dynamodb:${scope.pseudo['AWS::Region'] as string}:${account}:table/${field('TableName')}`
        return { ref: field('TableName'), arn }
      }
      default: throw new Error(`nothing known of ${name}`)
    }
  }

  const substitute = (argument: Json): string => {
    const [template, extra] = typeof argument === 'string' ? [argument, {}] : (list(argument) as [string, Record<string, Json>])
    return template.replace(/\$\{([^}]*)\}/g, (_whole, name: string) => {
      if (name.startsWith('!')) return `\${${name.slice(1)}}`
      if (Object.hasOwn(extra, name)) return text(resolve(extra[name] as Json))
      return name.includes('.') ? attribute(name) : text(ref(name))
    })
  }

  return { resolve, holds }
}

/** `Condition` is a function where a name follows, and an element of IAM's where a map does. */
function isFunction(name: string, argument: Json): boolean {
  return name.startsWith('Fn::') || name === 'Ref' || (name === 'Condition' && typeof argument === 'string')
}

function list(value: Json): readonly Json[] {
  if (!Array.isArray(value)) throw new Error('expected a list')
  return value as readonly Json[]
}

function text(value: Json): string {
  if (typeof value === 'number' || typeof value === 'boolean') return String(value)
  if (typeof value !== 'string') throw new Error('expected a text')
  return value
}

function truth(value: Json): boolean {
  if (typeof value !== 'boolean') throw new Error('expected a condition')
  return value
}
