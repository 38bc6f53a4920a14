/** Which key a call is about, and whether the policies let its caller. */
import { accessDenied, AwsError, type AwsCall } from '../awsjson.ts'
import type { RequestContext } from '../iam/conditions.ts'
import { decideByIdentity, decideByKeyPolicy } from '../iam/evaluate.ts'
import { ACCOUNT_ID, REGION } from '../iam/resources.ts'
import type { AuditNotes } from './audit.ts'
import type { BlobHeader, EncryptionContext } from './ciphertext.ts'
import type { KeyStore, KmsKey } from './keys.ts'
import type { Attester } from './recipient.ts'

export interface KmsScope {
  readonly keys: KeyStore
  readonly attester: Attester
  readonly nowMs: () => number
  /** Context keys of every request, lowercase. */
  readonly requestContext: readonly (readonly [string, string])[]
}

/** @throws AwsError NotFoundException, worded by what was looked for */
export function findKey({ keys }: KmsScope, idOrArn: string, notes: AuditNotes): KmsKey {
  const key = keys.find(idOrArn)
  if (key === undefined) throw new AwsError('NotFoundException', notFound(idOrArn))
  notes.keyArns = [key.arn]
  return key
}

function notFound(idOrArn: string): string {
  const ours = `arn:aws:kms:${REGION}:${ACCOUNT_ID}:`
  const name = idOrArn.startsWith(ours) ? idOrArn.slice(ours.length) : idOrArn
  if (name.startsWith('arn:')) return `Invalid arn ${name.split(':')[3] ?? ''}`
  if (name.startsWith('alias/')) return `Alias ${ours}${name} is not found.`
  const keyId = name.replace(/^key\//, '')
  return /^[0-9a-f]{8}(-[0-9a-f]{4}){3}-[0-9a-f]{12}$/.test(keyId) ? `Key '${ours}key/${keyId}' does not exist` : `Invalid keyId '${idOrArn}'`
}

/** The key that a blob names. @throws AwsError AccessDeniedException, as AWS answers here */
export function keyOfBlob({ keys }: KmsScope, header: BlobHeader, notes: AuditNotes): KmsKey {
  const key = keys.find(header.keyId)
  if (key === undefined) {
    throw new AwsError('AccessDeniedException', 'The ciphertext refers to a customer master key that does not exist, does not exist in this region, or you are not allowed to access.')
  }
  notes.keyArns = [key.arn]
  return key
}

/** Asks the key policy and the caller's own. @throws AwsError AccessDeniedException */
export function authorize(call: AwsCall, scope: KmsScope, action: string, key: KmsKey, more: readonly (readonly [string, string | string[]])[] = []): void {
  const all = contextOf(call, scope, [...keyContext, ...more])
  const decision = decideByKeyPolicy({ principal: call.identity.principal, action, resource: key.arn, context: all }, key.policy, call.identity.policies)
  if (!decision.allowed) throw accessDenied(call, action, key.arn, decision.because)
}

/** For actions on no key. @throws AwsError AccessDeniedException */
export function authorizeWithoutKey(call: AwsCall, scope: KmsScope, action: string, more: readonly (readonly [string, string])[] = []): void {
  const decision = decideByIdentity({ principal: call.identity.principal, action, resource: '*', context: contextOf(call, scope, more) }, call.identity.policies)
  if (!decision.allowed) throw accessDenied(call, action, '*', decision.because)
}

/** What policies see of every call, lowercase (IAM User Guide, "AWS global condition context keys"; KMS Developer Guide, "AWS KMS condition keys"). */
function contextOf({ identity }: AwsCall, { requestContext }: KmsScope, more: readonly (readonly [string, string | string[]])[]): RequestContext {
  const { principal, userId, context } = identity
  return new Map<string, string | readonly string[]>([
    ...context,
    ...requestContext,
    ['aws:principalarn', principal.roleArn ?? principal.arn],
    ['aws:principalaccount', principal.accountId],
    ['aws:principaltype', 'AssumedRole'],
    ['aws:userid', userId],
    ['aws:requestedregion', REGION],
    ['kms:calleraccount', principal.accountId],
    ...more,
  ])
}

/** All our keys are alike. */
const keyContext = [['kms:keyspec', 'SYMMETRIC_DEFAULT'], ['kms:keyusage', 'ENCRYPT_DECRYPT'], ['kms:keyorigin', 'AWS_KMS'], ['kms:multiregion', 'false']] as const
/** Of the calls whose policies may name an algorithm. */
export const symmetric: [string, string] = ['kms:encryptionalgorithm', 'SYMMETRIC_DEFAULT']

/** An encryption context as policies see it. */
export function contextKeys(context: EncryptionContext): [string, string | string[]][] {
  const entries = Object.entries(context).map(([key, value]): [string, string] => [`kms:encryptioncontext:${key.toLowerCase()}`, value])
  return [...entries, ['kms:encryptioncontextkeys', Object.keys(context)]]
}
