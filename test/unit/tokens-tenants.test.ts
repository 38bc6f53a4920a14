/** Issuers and tenants: who may log in, and which tenant a token's audience leads to. */
import { issuerHash, ownerOf } from '../../lib/tokens/owner.ts'
import { ALGORITHMS, readTenancy } from '../../lib/tokens/tenants.ts'
import { Malformed } from '../../lib/protocol/fields.ts'

const issuer = { issuer: 'https://a.test/', jwksUri: 'https://a.test/jwks' }
const other = { issuer: 'https://b.test/', jwksUri: 'https://b.test/jwks' }
const tenant = { id: 'one', issuer: issuer.issuer, audiences: ['app'], algorithms: ['ES256'], proofs: ['nonce'] }

test('reads issuers and tenants; two issuers may have the same audience, one tenant several', () => {
  const tenants = [{ ...tenant, audiences: ['app', 'web'] }, { ...tenant, id: 'two', issuer: other.issuer, algorithms: [...ALGORITHMS], proofs: ['none'] }]
  expect(readTenancy([issuer, other], tenants)).toEqual({ issuers: [issuer, other], tenants })
})

test.each<[string, unknown, unknown]>([
  ['no issuers', [], [tenant]],
  ['no tenants', [issuer], []],
  ['nothing', undefined, undefined],
  ['objects for arrays', { 0: issuer }, { 0: tenant }],
  ['an issuer twice', [issuer, issuer], [tenant]],
  ['an issuer twice with other keys', [issuer, { ...issuer, jwksUri: other.jwksUri }], [tenant]],
  ['an unlisted issuer', [other], [tenant]],
  ['an audience that leads to two tenants', [issuer], [tenant, { ...tenant, id: 'two' }]],
  ['an audience twice in one tenant', [issuer], [{ ...tenant, audiences: ['app', 'app'] }]],
  ['an issuer over http', [{ ...issuer, issuer: 'http://a.test/' }], [{ ...tenant, issuer: 'http://a.test/' }]],
  ['keys over http', [{ ...issuer, jwksUri: 'http://a.test/jwks' }], [tenant]],
  ['a space in a URL', [{ ...issuer, jwksUri: 'https://a.test/ jwks' }], [tenant]],
  ['an id with other characters', [issuer], [{ ...tenant, id: 'one#two' }]],
  ['an empty id', [issuer], [{ ...tenant, id: '' }]],
  ['no audiences', [issuer], [{ ...tenant, audiences: [] }]],
  ['an empty audience', [issuer], [{ ...tenant, audiences: [''] }]],
  ['no algorithms', [issuer], [{ ...tenant, algorithms: [] }]],
  ['proof none beside another', [issuer], [{ ...tenant, proofs: ['nonce', 'none'] }]],
  ['one id twice', [issuer], [tenant, { ...tenant, audiences: ['other'] }]],
  ['algorithm none', [issuer], [{ ...tenant, algorithms: ['none'] }]],
  ['a symmetric algorithm', [issuer], [{ ...tenant, algorithms: ['HS256'] }]],
  ['no proofs: which is not the same as none', [issuer], [{ ...tenant, proofs: [] }]],
  ['an unknown proof', [issuer], [{ ...tenant, proofs: ['dpop'] }]],
  ['too many tenants', [issuer], Array.from({ length: 65 }, (_, i) => ({ ...tenant, id: `t${i}`, audiences: [`a${i}`] }))],
])('rejects %s', (_what, issuers, tenants) => {
  expect(() => readTenancy(issuers, tenants)).toThrow(Malformed)
})

describe('the owner of a token', () => {
  const { tenants } = readTenancy([issuer, other], [tenant, { ...tenant, id: 'two', audiences: ['web'] }, { ...tenant, id: 'far', issuer: other.issuer }])
  const [one, two, far] = tenants as [(typeof tenants)[number], (typeof tenants)[number], (typeof tenants)[number]]

  test('is tenant, issuer and subject, and nothing else', () => {
    expect(ownerOf({ tenant: one, subject: 'alice' })).toMatch(/^user#one#[0-9a-f]{32}#alice$/)
    expect(ownerOf({ tenant: one, subject: 'alice' })).toBe(ownerOf({ tenant: { ...one, proofs: ['none'] }, subject: 'alice' }))
  })

  test('differs when any of them does, whatever characters a subject has', () => {
    const owners = [
      ownerOf({ tenant: one, subject: 'alice' }), ownerOf({ tenant: two, subject: 'alice' }), ownerOf({ tenant: far, subject: 'alice' }),
      ownerOf({ tenant: one, subject: 'alice#x' }), ownerOf({ tenant: one, subject: `x#${issuerHash(issuer.issuer)}#alice` }), ownerOf({ tenant: one, subject: '#alice' }),
    ]
    expect(new Set(owners).size).toBe(owners.length)
  })

  test('an issuer is its text: a slash more is another', () => {
    expect(issuerHash('https://a.test/')).not.toBe(issuerHash('https://a.test'))
    expect(issuerHash('https://a.test/')).toHaveLength(32)
  })
})
