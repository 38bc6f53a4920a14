/**
 * Decides requests (IAM User Guide, "Policy evaluation logic"; KMS Developer Guide, "Key policies"): an explicit deny wins over any allow,
 * and without an allow the answer is no. Not emulated, and refused where they would come in: session policies, boundaries, grants.
 */
import { holds, UndecidableError, type RequestContext } from './conditions.ts'
import type { Policy, PrincipalPatterns, Statement } from './policy.ts'
import { matchesGlob, resolveVariables } from './variables.ts'

/** Who asks. A role's session is known by its own ARN and by its role's. */
export interface Principal {
  readonly type: 'aws' | 'federated'
  readonly arn: string
  /** For a session: ARN of its role. */
  readonly roleArn?: string
  readonly accountId: string
}

export interface AccessRequest {
  readonly principal: Principal
  /** `service:Operation`. */
  readonly action: string
  /** ARN, or `*` for actions without a resource. */
  readonly resource: string
  readonly context: RequestContext
}

type PolicySource = 'identity-based' | 'resource-based'

type Decision = { readonly allowed: true } | { readonly allowed: false; readonly because: string }

/** Identity policies alone, as DynamoDB has it without a resource policy. */
export function decideByIdentity(request: AccessRequest, identity: readonly Policy[]): Decision {
  return decide(request, () => {
    const found = effects(request, identity)
    if (found.deny) return explicitDeny('identity-based')
    return found.allow ? { allowed: true } : noAllow('identity-based', request)
  })
}

/**
 * A key policy with the caller's identity policies: the key policy must allow the caller, or allow the caller's account and with that leave
 * it to the identity policies. Without the key policy nothing is allowed.
 */
export function decideByKeyPolicy(request: AccessRequest, keyPolicy: Policy, identity: readonly Policy[]): Decision {
  return decide(request, () => {
    const direct = effects(request, [keyPolicy], (patterns) => namesPrincipal(patterns, request.principal))
    const delegated = effects(request, [keyPolicy], (patterns) => patterns.aws.includes(accountRoot(request.principal)))
    const own = effects(request, identity)
    if (direct.deny || delegated.deny) return explicitDeny('resource-based')
    if (own.deny) return explicitDeny('identity-based')
    if (direct.allow || (delegated.allow && own.allow)) return { allowed: true }
    return noAllow(delegated.allow ? 'identity-based' : 'resource-based', request)
  })
}

/** A role's trust policy. */
export function decideByTrustPolicy(request: AccessRequest, trust: Policy): Decision {
  return decide(request, () => {
    const found = effects(request, [trust], (patterns) => namesPrincipal(patterns, request.principal))
    if (found.deny) return explicitDeny('resource-based')
    return found.allow ? { allowed: true } : noAllow('resource-based', request)
  })
}

function decide(request: AccessRequest, evaluate: () => Decision): Decision {
  try {
    return evaluate()
  } catch (error) {
    if (error instanceof UndecidableError) return { allowed: false, because: `because the policies on ${request.action} can not be decided` }
    throw error
  }
}

function effects(
  request: AccessRequest,
  policies: readonly Policy[],
  names: (patterns: PrincipalPatterns) => boolean = () => true,
): { allow: boolean; deny: boolean } {
  const matching = policies.flatMap(({ statements }) => statements).filter((statement) => {
    return (statement.principals === undefined || names(statement.principals)) && applies(statement, request)
  })
  return { allow: matching.some(({ effect }) => effect === 'Allow'), deny: matching.some(({ effect }) => effect === 'Deny') }
}

function applies(statement: Statement, { action, resource, context }: AccessRequest): boolean {
  const named = statement.actions.some((pattern) => matchesGlob(pattern.toLowerCase(), action.toLowerCase()))
  if (named === statement.exceptActions) return false
  const reached = statement.resources.some((pattern) => {
    const resolved = resolveVariables(pattern, context, true)
    // A deny that can't be read must not be skipped.
    if (resolved === undefined && statement.effect === 'Deny') throw new UndecidableError('unresolved variable')
    return resolved !== undefined && matchesGlob(resolved, resource)
  })
  if (reached === statement.exceptResources) return false
  return statement.conditions.every((condition) => holds(condition, context))
}

function namesPrincipal(patterns: PrincipalPatterns, principal: Principal): boolean {
  if (patterns.any) return true
  if (principal.type === 'federated') return patterns.federated.includes(principal.arn)
  return patterns.aws.includes(principal.arn) || (principal.roleArn !== undefined && patterns.aws.includes(principal.roleArn))
}

function accountRoot({ type, accountId }: Principal): string {
  return type === 'aws' ? `arn:aws:iam::${accountId}:root` : ''
}

function explicitDeny(kind: PolicySource): Decision {
  return { allowed: false, because: `with an explicit deny in ${kind === 'identity-based' ? 'an' : 'a'} ${kind} policy` }
}

function noAllow(kind: PolicySource, { action }: AccessRequest): Decision {
  return { allowed: false, because: `because no ${kind} policy allows the ${action} action` }
}
