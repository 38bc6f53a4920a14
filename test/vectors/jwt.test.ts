/**
 * Wycheproof's signed tokens. Few of theirs carry claims, and none of them ours: so each invalid one has to be refused by our verifier under its own key, and
 * beside it a token of ours, signed with that same key, has to be accepted.
 */
import { importJWK, type JWK } from 'jose'
import { ALGORITHMS } from '../../lib/tokens/tenants.ts'
import { createTokenVerifier, type TokenVerifier } from '../../lib/tokens/verify.ts'
import { codeFrom } from '../support/core-codes.ts'
import { joseToken } from '../support/core-tokens.ts'
import { describeVectors, vectorFile } from '../support/core-vectors.ts'

interface Group {
  readonly comment: string
  readonly private?: JWK & { readonly keys?: readonly JWK[] }
  readonly public?: JWK & { readonly keys?: readonly JWK[] }
}
interface Vector {
  readonly group: number
  readonly tcId: number
  readonly comment: string
  readonly jws?: string | object
  readonly result: 'valid' | 'invalid'
}

const NOW_MS = Date.UTC(2026, 5, 1)
const ISSUER = 'https://issuer.test'
const PRIVATE = ['d', 'p', 'q', 'dp', 'dq', 'qi', 'oth', 'k']

function verifierFor(group: Group): TokenVerifier {
  const given = group.public ?? group.private
  const keys = given?.keys ?? (given === undefined ? [] : [given])
  const publicKeys = keys.map((key) => Object.fromEntries(Object.entries(key).filter(([name]) => key.kty === 'oct' || !PRIVATE.includes(name))))
  const tenant = { id: 'vectors', issuer: ISSUER, audiences: ['vectors'], algorithms: ALGORITHMS, proofs: ['none'] as const }
  return createTokenVerifier({
    tenancy: { issuers: [{ issuer: ISSUER, jwksUri: `${ISSUER}/jwks` }], tenants: [tenant] },
    fetchJwks: async () => Response.json({ keys: publicKeys }),
    nowMs: () => NOW_MS,
  })
}

/** A token of ours under the group's own private key; `undefined` where there is none that an issuer could sign with. */
async function tokenOf(group: Group): Promise<string | undefined> {
  const key = group.private
  if (key?.kty !== 'RSA' && key?.kty !== 'EC') return undefined
  const alg = ALGORITHMS.find((name) => name === key.alg)
  if (key.d === undefined || alg === undefined || (key.use !== undefined && key.use !== 'sig')) return undefined
  const claims = { iss: ISSUER, aud: 'vectors', sub: 'alice', iat: NOW_MS / 1000, exp: NOW_MS / 1000 + 60 }
  return joseToken(claims, alg, await importJWK({ ...key, key_ops: ['sign'] }, alg), key.kid)
}

/** Each file, and how many of its groups have a key that an issuer could sign with. */
const files = [['json_web_signature', 13], ['json_web_key', 0], ['json_web_crypto', 2]] as const

describe.each(files.map(([name, twins]) => [`jwt/wycheproof-${name}.json`, twins] as const))('%s', (name, twins) => {
  describeVectors(name)('tokens', () => {
    const { meta, vectors } = vectorFile<Vector>(name)
    const groups = (meta.groups ?? []) as readonly Group[]
    const signed = vectors.filter((vector): vector is Vector & { jws: string } => typeof vector.jws === 'string')

    test('each is refused by a code of ours', async () => {
      const accepted: string[] = []
      for (const { group, tcId, jws } of signed) {
        // What is valid of them is signed well, and is no ID token.
        const code = await codeFrom(verifierFor(groups[group] as Group).verify(jws))
        if (!code.startsWith('token_')) accepted.push(`${tcId} ${code}`)
      }
      expect(accepted).toEqual([])
    })

    test('a token of ours under the same keys is accepted, and with its signature exchanged refused', async () => {
      let accepted = 0
      for (const group of groups) {
        const token = await tokenOf(group).catch(() => undefined) // a key that jose will not even sign with
        if (token === undefined) continue
        const verifier = verifierFor(group)
        const code = await codeFrom(verifier.verify(token))
        if (code !== 'ok') {
          // Keys that nobody should publish.
          expect([group.comment, code]).toEqual([expect.stringMatching(/roca|small|exponent|wrong|invalid|duplicate|encryption/i), expect.stringMatching(/^(token_|unavailable)/)])
          continue
        }
        accepted += 1
        const foreign = signed.find(({ group: of, result }) => result === 'valid' && groups[of] === group)?.jws.split('.')[2] ?? 'AAAA'
        expect(await codeFrom(verifier.verify([...token.split('.').slice(0, 2), foreign].join('.')))).toBe('token_signature')
      }
      expect(accepted).toBe(twins)
    })
  })
})
