import { decideByIdentity, decideByKeyPolicy, decideByTrustPolicy, type AccessRequest } from '../../local/iam/evaluate.ts'
import { parsePolicy, PolicyError } from '../../local/iam/policy.ts'
import { matchesGlob, resolveVariables } from '../../local/iam/variables.ts'

const principal = {
  type: 'aws', arn: 'arn:aws:sts::000000000000:assumed-role/reader/s', roleArn: 'arn:aws:iam::000000000000:role/reader', accountId: '000000000000',
} as const
const tableArn = 'arn:aws:dynamodb:us-east-1:000000000000:table/wallets'

const document = (...statements: object[]) => ({ Version: '2012-10-17', Statement: statements })
const allow = (more: object = {}) => ({ Effect: 'Allow', Action: 'dynamodb:GetItem', Resource: tableArn, ...more })
const request = (context: Record<string, string | string[]> = {}, action = 'dynamodb:GetItem', resource = tableArn): AccessRequest =>
  ({ principal, action, resource, context: new Map(Object.entries(context)) })
const allows = (statements: object[], asked: AccessRequest): boolean => decideByIdentity(asked, [parsePolicy(document(...statements), 'identity')]).allowed

describe('a policy document is refused when it has', () => {
  test.each<[string, unknown, 'identity' | 'resource' | 'trust']>([
    ['another version', { ...document(allow()), Version: '2008-10-17' }, 'identity'],
    ['no version', { Statement: [allow()] }, 'identity'],
    ['an unknown element', { ...document(allow()), Extra: 1 }, 'identity'],
    ['no statement', document(), 'identity'],
    ['an unknown statement element', document(allow({ Extra: 1 })), 'identity'],
    ['an unknown effect', document(allow({ Effect: 'allow' })), 'identity'],
    ['NotPrincipal', document(allow({ NotPrincipal: '*' })), 'resource'],
    ['a principal in an identity policy', document(allow({ Principal: '*' })), 'identity'],
    ['no principal in a resource policy', document(allow()), 'resource'],
    ['a wildcard inside a principal', document(allow({ Principal: { AWS: 'arn:aws:iam::000000000000:role/*' } })), 'resource'],
    ['an unknown kind of principal', document(allow({ Principal: { CanonicalUser: 'x' } })), 'resource'],
    ['Action and NotAction', document(allow({ NotAction: 'x:Y' })), 'identity'],
    ['no action', document({ Effect: 'Allow', Resource: '*' }), 'identity'],
    ['no resource', document({ Effect: 'Allow', Action: '*' }), 'identity'],
    ['a resource in a trust policy', document(allow({ Principal: '*' })), 'trust'],
    ['an unknown operator', document(allow({ Condition: { StringSounds: { a: 'b' } } })), 'identity'],
    ['an operator that is not emulated', document(allow({ Condition: { DateLessThan: { a: '2030-01-01' } } })), 'identity'],
    ['a number that is none', document(allow({ Condition: { NumericLessThan: { a: ['1', 'b'] } } })), 'identity'],
    ['a number in hex', document(allow({ Condition: { NumericEquals: { a: '0x10' } } })), 'identity'],
    ['NullIfExists', document(allow({ Condition: { NullIfExists: { a: 'true' } } })), 'identity'],
    ['ForAllValues:Null', document(allow({ Condition: { 'ForAllValues:Null': { a: 'true' } } })), 'identity'],
    ['an unknown quantifier', document(allow({ Condition: { 'ForSomeValues:StringEquals': { a: 'b' } } })), 'identity'],
    ['Null of neither true nor false', document(allow({ Condition: { Null: { a: 'yes' } } })), 'identity'],
    ['a condition value that is an object', document(allow({ Condition: { StringEquals: { a: {} } } })), 'identity'],
    ['a text that is no JSON', '{', 'identity'],
  ])('%s', (_name, policy, kind) => {
    expect(() => parsePolicy(policy, kind)).toThrow(PolicyError)
  })
})

describe('conditions', () => {
  test.each<[string, object, Record<string, string | string[]>, boolean]>([
    ['StringEquals', { StringEquals: { k: ['a', 'b'] } }, { k: 'b' }, true],
    ['StringEquals, other case', { StringEquals: { k: 'a' } }, { k: 'A' }, false],
    ['StringEquals, absent', { StringEquals: { k: 'a' } }, {}, false],
    ['StringEquals takes * literally', { StringEquals: { k: 'a*' } }, { k: 'ab' }, false],
    ['StringEqualsIfExists, absent', { StringEqualsIfExists: { k: 'a' } }, {}, true],
    ['StringEqualsIfExists, other', { StringEqualsIfExists: { k: 'a' } }, { k: 'b' }, false],
    ['StringNotEquals', { StringNotEquals: { k: ['a', 'b'] } }, { k: 'c' }, true],
    ['StringNotEquals, one of them', { StringNotEquals: { k: ['a', 'b'] } }, { k: 'b' }, false],
    ['StringNotEquals, absent', { StringNotEquals: { k: 'a' } }, {}, true],
    ['StringEqualsIgnoreCase', { StringEqualsIgnoreCase: { k: 'aB' } }, { k: 'Ab' }, true],
    ['StringEqualsIgnoreCase, other', { StringEqualsIgnoreCase: { k: 'a' } }, { k: 'b' }, false],
    ['StringLike', { StringLike: { k: 'a*c?' } }, { k: 'abbcd' }, true],
    ['StringLike, other', { StringLike: { k: 'a*c?' } }, { k: 'abbc' }, false],
    ['StringNotLike, matching', { StringNotLike: { k: 'a*' } }, { k: 'ab' }, false],
    ['ArnLike', { ArnLike: { k: 'arn:aws:iam::*:role/a*' } }, { k: 'arn:aws:iam::1:role/ab' }, true],
    ['ArnLike, wildcard over a colon', { ArnLike: { k: 'arn:aws:*:role/a' } }, { k: 'arn:aws:iam::1:role/a' }, false],
    ['ArnNotEquals, another', { ArnNotEquals: { k: 'arn:aws:iam::*:role/a*' } }, { k: 'arn:aws:iam::1:role/b' }, true],
    ['ArnNotEquals, the same', { ArnNotEquals: { k: 'arn:aws:iam::*:role/a*' } }, { k: 'arn:aws:iam::1:role/ab' }, false],
    ['ArnNotLike, absent', { ArnNotLike: { k: 'arn:aws:iam::*:role/a' } }, {}, true],
    ['NumericEquals, spelt otherwise', { NumericEquals: { k: 7 } }, { k: '7.0' }, true],
    ['NumericEquals, other', { NumericEquals: { k: 7 } }, { k: '8' }, false],
    ['NumericNotEquals', { NumericNotEquals: { k: 7 } }, { k: '8' }, true],
    ['NumericNotEquals, the same', { NumericNotEquals: { k: 7 } }, { k: '7' }, false],
    ['NumericLessThan', { NumericLessThan: { k: 10 } }, { k: '9' }, true],
    ['NumericLessThan, the same', { NumericLessThan: { k: 10 } }, { k: '10' }, false],
    ['NumericLessThanEquals, the same', { NumericLessThanEquals: { k: 10 } }, { k: '10' }, true],
    ['NumericLessThanEquals, more', { NumericLessThanEquals: { k: 10 } }, { k: '11' }, false],
    ['NumericGreaterThan', { NumericGreaterThan: { k: 9 } }, { k: '10' }, true],
    ['NumericGreaterThan, the same', { NumericGreaterThan: { k: 9 } }, { k: '9' }, false],
    ['NumericGreaterThanEquals, the same', { NumericGreaterThanEquals: { k: 9 } }, { k: '9' }, true],
    ['NumericGreaterThanEquals, less', { NumericGreaterThanEquals: { k: 9 } }, { k: '8' }, false],
    ['a number met by no number', { NumericGreaterThan: { k: -1 } }, { k: 'x' }, false],
    ['Bool', { Bool: { k: true } }, { k: 'true' }, true],
    ['Bool, other', { Bool: { k: 'true' } }, { k: 'false' }, false],
    ['Null true, absent', { Null: { k: 'true' } }, {}, true],
    ['Null true, present', { Null: { k: 'true' } }, { k: 'a' }, false],
    ['Null false, present', { Null: { k: 'false' } }, { k: 'a' }, true],
    ['Null false, empty list', { Null: { k: 'false' } }, { k: [] }, false],
    ['ForAllValues', { 'ForAllValues:StringEquals': { k: ['a', 'b'] } }, { k: ['a', 'a'] }, true],
    ['ForAllValues, one other', { 'ForAllValues:StringEquals': { k: ['a', 'b'] } }, { k: ['a', 'c'] }, false],
    ['ForAllValues, absent (why Null is needed)', { 'ForAllValues:StringEquals': { k: 'a' } }, {}, true],
    ['ForAnyValue', { 'ForAnyValue:StringEquals': { k: 'a' } }, { k: ['b', 'a'] }, true],
    ['ForAnyValue, none', { 'ForAnyValue:StringEquals': { k: 'a' } }, { k: ['b'] }, false],
    ['ForAnyValue, absent', { 'ForAnyValue:StringEquals': { k: 'a' } }, {}, false],
    ['a list without quantifier', { StringEquals: { k: 'a' } }, { k: ['a'] }, false],
    ['all operators and keys must hold', { StringEquals: { k: 'a', l: 'b' } }, { k: 'a' }, false],
    ['key names in any case', { StringEquals: { 'KMS:Key': 'a' } }, { 'kms:key': 'a' }, true],
    ['a variable', { StringEquals: { k: 'user#${localhost:3443/p:sub}' } }, { k: 'user#ann', 'localhost:3443/p:sub': 'ann' }, true],
    ['a variable, another value', { StringEquals: { k: 'user#${localhost:3443/p:sub}' } }, { k: 'user#bob', 'localhost:3443/p:sub': 'ann' }, false],
    ['a variable that is absent', { StringEquals: { k: 'user#${x:sub}' } }, { k: 'user#' }, false],
    ['a negated variable that is absent', { StringNotEquals: { k: '${x:sub}' } }, { k: 'a' }, false],
    ['a wildcard out of a variable is literal', { StringLike: { k: 'user#${x:sub}' } }, { k: 'user#bob', 'x:sub': '*' }, false],
  ])('%s', (_name, condition, context, expected) => {
    expect(allows([allow({ Condition: condition })], request(context))).toBe(expected)
  })
})

const keyPolicy = (AWS: string, Effect = 'Allow') => document({ Effect, Principal: { AWS }, Action: 'kms:*', Resource: '*' })
const askedBy = (federated: string, aud: string): AccessRequest => ({
  principal: { type: 'federated', arn: federated, accountId: '000000000000' }, action: 'sts:AssumeRoleWithWebIdentity', resource: 'role',
  context: new Map([['issuer:aud', aud]]),
})

describe('evaluation', () => {
  test('nothing is allowed by default, and only what is named', () => {
    expect(decideByIdentity(request(), []).allowed).toBe(false)
    expect(allows([allow()], request())).toBe(true)
    expect(allows([allow({ Action: 'DynamoDB:get*' })], request())).toBe(true)
    expect(allows([allow()], request({}, 'dynamodb:PutItem'))).toBe(false)
    expect(allows([allow()], request({}, 'dynamodb:GetItem', `${tableArn}2`))).toBe(false)
    expect(allows([allow({ Resource: tableArn.toUpperCase() })], request())).toBe(false)
  })

  test('an explicit deny wins, wherever it stands', () => {
    const deny = { Effect: 'Deny', Action: 'dynamodb:*', Resource: '*' }
    expect(allows([deny, allow()], request())).toBe(false)
    expect(allows([allow(), deny], request())).toBe(false)
    expect(allows([allow(), { ...deny, Condition: { StringEquals: { k: 'a' } } }], request({ k: 'a' }))).toBe(false)
    expect(allows([allow(), { ...deny, Condition: { StringEquals: { k: 'a' } } }], request({ k: 'b' }))).toBe(true)
  })

  test('a deny that can not be decided denies', () => {
    const deny = { Effect: 'Deny', Action: 'dynamodb:*', Resource: 'arn:aws:dynamodb:*:*:table/${x:sub}' }
    expect(allows([allow(), deny], request())).toBe(false)
    expect(allows([allow(), deny], request({ 'x:sub': 'other' }))).toBe(true)
  })

  test('NotAction and NotResource', () => {
    const rest = { Effect: 'Allow', NotAction: 'dynamodb:Put*', Resource: '*' }
    expect(allows([rest], request())).toBe(true)
    expect(allows([rest], request({}, 'dynamodb:PutItem'))).toBe(false)
    expect(allows([{ Effect: 'Allow', Action: '*', NotResource: tableArn }], request())).toBe(false)
    expect(allows([{ Effect: 'Allow', Action: '*', NotResource: tableArn }], request({}, 'a:B', 'x'))).toBe(true)
  })

  test('a key policy allows directly, or leaves it to the account', () => {
    const keyArn = 'arn:aws:kms:us-east-1:000000000000:key/k'
    const asked = request({}, 'kms:Decrypt', keyArn)
    const decide = (key: object, own: object[]) =>
      decideByKeyPolicy(asked, parsePolicy(key, 'resource'), own.map((one) => parsePolicy(document(one), 'identity'))).allowed
    const own = { Effect: 'Allow', Action: 'kms:*', Resource: '*' }
    expect(decide(keyPolicy(principal.roleArn), [])).toBe(true)
    expect(decide(keyPolicy(principal.arn), [])).toBe(true)
    expect(decide(keyPolicy('*'), [])).toBe(true)
    expect(decide(keyPolicy('arn:aws:iam::000000000000:role/other'), [own])).toBe(false)
    expect(decide(keyPolicy('000000000000'), [])).toBe(false)
    expect(decide(keyPolicy('000000000000'), [own])).toBe(true)
    expect(decide(keyPolicy('111111111111'), [own])).toBe(false)
    expect(decide(keyPolicy('000000000000', 'Deny'), [own])).toBe(false)
    expect(decide(keyPolicy(principal.roleArn), [{ ...own, Effect: 'Deny' }])).toBe(false)
  })

  test('a trust policy knows its provider', () => {
    const arn = 'arn:aws:iam::000000000000:oidc-provider/issuer'
    const trust = parsePolicy(document({
      Effect: 'Allow', Principal: { Federated: arn }, Action: 'sts:AssumeRoleWithWebIdentity', Condition: { StringEquals: { 'issuer:aud': 'app' } },
    }), 'trust')
    expect(decideByTrustPolicy(askedBy(arn, 'app'), trust).allowed).toBe(true)
    expect(decideByTrustPolicy(askedBy(arn, 'other'), trust).allowed).toBe(false)
    expect(decideByTrustPolicy(askedBy(`${arn}2`, 'app'), trust).allowed).toBe(false)
    expect(decideByTrustPolicy({ ...askedBy(arn, 'app'), action: 'sts:AssumeRole' }, trust).allowed).toBe(false)
    expect(decideByTrustPolicy({ ...askedBy(arn, 'app'), principal: { type: 'aws', arn, accountId: '0' } }, trust).allowed).toBe(false)
  })
})

test('variables and wildcards', () => {
  const context = new Map<string, string | string[]>([['a:b', 'x*y'], ['list', ['x']]])
  expect(resolveVariables('${A:b}-${*}${?}${$}', context, false)).toBe('x*y-*?$')
  expect(resolveVariables('${list}', context, false)).toBeUndefined()
  expect(resolveVariables("${a:b, 'default'}", context, false)).toBeUndefined()
  const pattern = resolveVariables('${a:b}*', context, true) as string
  expect(matchesGlob(pattern, 'x*yz')).toBe(true)
  expect(matchesGlob(pattern, 'xAyz')).toBe(false)
  expect(matchesGlob('a.c', 'abc')).toBe(false)
  expect(matchesGlob('a*c', 'a\nc')).toBe(true)
})
