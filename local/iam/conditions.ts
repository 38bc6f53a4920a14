/**
 * Condition operators (IAM User Guide, "IAM JSON policy elements: Condition operators" and "Multivalued context keys").
 *
 * Known: StringEquals, StringNotEquals, their IgnoreCase forms, StringLike, StringNotLike, ArnEquals, ArnLike, their Not forms, the six of
 * Numeric, Bool, Null; the suffix IfExists (not on Null); the prefixes ForAllValues: and ForAnyValue: (not on Null). Any other operator is
 * refused where it is parsed.
 */
import { matchesGlob, resolveVariables } from './variables.ts'

/** Context of a request: keys in lowercase (their names are not case-sensitive), values as text; a list for multivalued keys. */
export type RequestContext = ReadonlyMap<string, string | readonly string[]>

const comparisons = {
  StringEquals: { negated: false, matches: (pattern: string, value: string) => pattern === value, globs: false },
  StringNotEquals: { negated: true, matches: (pattern: string, value: string) => pattern === value, globs: false },
  StringEqualsIgnoreCase: { negated: false, matches: sameIgnoringCase, globs: false },
  StringNotEqualsIgnoreCase: { negated: true, matches: sameIgnoringCase, globs: false },
  StringLike: { negated: false, matches: matchesGlob, globs: true },
  StringNotLike: { negated: true, matches: matchesGlob, globs: true },
  ArnEquals: { negated: false, matches: matchesArn, globs: true },
  ArnLike: { negated: false, matches: matchesArn, globs: true },
  ArnNotEquals: { negated: true, matches: matchesArn, globs: true },
  ArnNotLike: { negated: true, matches: matchesArn, globs: true },
  NumericEquals: numeric((value, pattern) => value === pattern),
  NumericNotEquals: { ...numeric((value, pattern) => value === pattern), negated: true },
  NumericLessThan: numeric((value, pattern) => value < pattern),
  NumericLessThanEquals: numeric((value, pattern) => value <= pattern),
  NumericGreaterThan: numeric((value, pattern) => value > pattern),
  NumericGreaterThanEquals: numeric((value, pattern) => value >= pattern),
  Bool: { negated: false, matches: sameIgnoringCase, globs: false },
} as const

type Comparison = keyof typeof comparisons | 'Null'
type Quantifier = 'one' | 'all' | 'any'

interface Operator {
  readonly comparison: Comparison
  readonly quantifier: Quantifier
  readonly ifExists: boolean
}

export interface Condition extends Operator {
  /** Context key, lowercase. */
  readonly key: string
  readonly values: readonly string[]
}

/** Thrown where no decision is safe: a policy that the caller must treat as "denied". */
export class UndecidableError extends Error {
  override readonly name = 'UndecidableError'
}

/** Reads an operator's name. Returns `undefined` for one that is not known. */
export function parseOperator(name: string): Operator | undefined {
  const match = /^(?:(ForAllValues|ForAnyValue):)?([A-Za-z]+?)(IfExists)?$/.exec(name)
  if (match === null) return undefined
  const comparison = match[2] as Comparison
  const quantifier: Quantifier = match[1] === undefined ? 'one' : match[1] === 'ForAllValues' ? 'all' : 'any'
  const ifExists = match[3] !== undefined
  if (comparison === 'Null') return quantifier === 'one' && !ifExists ? { comparison, quantifier, ifExists } : undefined
  return Object.hasOwn(comparisons, comparison) ? { comparison, quantifier, ifExists } : undefined
}

/**
 * Whether a request meets a condition.
 *
 * @throws UndecidableError when a multivalued key meets an operator without ForAllValues or ForAnyValue, whose outcome AWS leaves open, or
 * a negated operator an unresolved variable
 */
export function holds(condition: Condition, context: RequestContext): boolean {
  const found = context.get(condition.key)
  const present = found !== undefined && found.length > 0
  if (condition.comparison === 'Null') return condition.values.includes(String(!present))
  if (!present && condition.ifExists) return true
  const { negated, matches, globs } = comparisons[condition.comparison]
  const patterns = condition.values.flatMap((value) => resolveVariables(value, context, globs) ?? [])
  // An unresolved variable matches nothing; "does not match" must not come true by that.
  if (negated && patterns.length < condition.values.length) throw new UndecidableError('unresolved variable')
  const passes = (value: string): boolean => patterns.some((pattern) => matches(pattern, value)) !== negated
  const actual = found === undefined ? [] : typeof found === 'string' ? [found] : found
  // Vacuously true of an absent key: pair it with Null false.
  if (condition.quantifier === 'all') return actual.every(passes)
  if (condition.quantifier === 'any') return actual.some(passes)
  if (typeof found === 'object') throw new UndecidableError(`${condition.key} has several values`)
  return found === undefined ? negated : passes(found)
}

/** A value that is no number meets nothing; a pattern that is none was refused where it was parsed. */
function numeric(compare: (value: number, pattern: number) => boolean): { negated: boolean; matches: (pattern: string, value: string) => boolean; globs: boolean } {
  return { negated: false, matches: (pattern, value) => isNumber(value) && compare(Number(value), Number(pattern)), globs: false }
}

/** Integers and decimals, as policies write them. */
export function isNumber(text: string): boolean {
  return /^-?\d{1,15}(\.\d{1,15})?$/.test(text)
}

function sameIgnoringCase(pattern: string, value: string): boolean {
  return pattern.toLowerCase() === value.toLowerCase()
}

/** Each of an ARN's six parts is matched by itself: a wildcard does not reach over a colon before the last. */
function matchesArn(pattern: string, value: string): boolean {
  const parts = arnParts(value)
  return pattern.split(':').length >= 6 && arnParts(pattern).every((part, index) => matchesGlob(part, parts[index] as string))
}

function arnParts(arn: string): string[] {
  return [...arn.split(':', 5), arn.split(':').slice(5).join(':')]
}
