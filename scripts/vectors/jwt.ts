/**
 * Compact JWS through lib/tokens. Its verifier takes OpenID tokens alone, so two things are asked of every other
 * vector: an invalid one is refused by the verifier, and by the signature check underneath as well (jose, under the
 * same allow-list of algorithms, on the same key set, less its weak keys), for the verifier would refuse a payload like
 * "foo" whatever its signature. A valid one passes the signature check.
 */
import { compactVerify, createLocalJWKSet, errors, type JSONWebKeySet, type JWK } from 'jose'
import { decodeUnverifiedToken } from '../../lib/tokens/syntax.ts'
import { ALGORITHMS } from '../../lib/tokens/tenants.ts'
import { createTokenVerifier } from '../../lib/tokens/verify.ts'
import { isWeakKey } from '../../lib/tokens/weak-keys.ts'
import { CloisterError } from '../../lib/protocol/errors.ts'
import { isObject, list, object, text, UnknownShape, type Json } from './fields.ts'
import { checkEach, eachFile, type RunFolder } from './folder.ts'
import { must, refusalOf, skip } from './report.ts'

const PRIVATE_MEMBERS: readonly string[] = ['d', 'p', 'q', 'dp', 'dq', 'qi', 'oth']
const JWKS_URI = 'https://issuer.invalid/jwks'

export const runJwt: RunFolder = (folder, report) =>
  eachFile(folder, report, (file) => {
    const groups = list(file.meta['groups'], 'groups')
    return checkEach(report, file, (test) => check(test, object(groups[Number(test['group'])], 'the group')))
  })

async function check(test: Json, group: Json): Promise<void> {
  if (test['jwe'] !== undefined) skip('encrypted tokens are not taken')
  const jws = test['jws']
  const token = isObject(jws) ? JSON.stringify(jws) : text(test, 'jws') // JSON serialization, which must be refused
  const keySet = keySetOf(group)
  if (keySet.keys.every((key) => key.kty === 'oct')) skip('HMAC is not among the algorithms: no issuer shares a secret with us')
  const claims = claimsOf(token)
  const verified = await refusalOf(() => verifyToken(token, keySet, claims))
  const keys = createLocalJWKSet({ keys: keySet.keys.filter((key) => !isWeakKey(key)) })
  const signature = await refusalOf(() => compactVerify(token, keys, { algorithms: [...ALGORITHMS] }))
  if (test['result'] === 'valid') {
    const unregistered = keySet.keys.find((key) => key.alg !== undefined && !ALGORITHMS.some((name) => name === key.alg))
    if (unregistered !== undefined && signature instanceof errors.JWKSNoMatchingKey) skip(`a key for ${unregistered.alg}, which is no algorithm`)
    must(signature === undefined, 'a valid signature is refused')
    return must(claims === undefined || verified === undefined, 'a valid token is refused')
  }
  if (test['result'] !== 'invalid') throw new UnknownShape('another result')
  must(verified instanceof CloisterError && verified.code !== 'unavailable', 'an invalid token is accepted, or refused by accident')
  must(signature !== undefined, 'an invalid signature is accepted')
}

/** The verifier as relay and enclave have it, for a tenant to whom the token's own claims would lead. */
async function verifyToken(token: string, keySet: JSONWebKeySet, claims: Json | undefined): Promise<void> {
  const [issuer, audience, issuedAtSec] = [claims?.['iss'], claims?.['aud'], claims?.['iat']]
  const tenant = {
    id: 'vectors',
    issuer: typeof issuer === 'string' ? issuer : 'https://issuer.invalid',
    audiences: [typeof audience === 'string' ? audience : 'vectors'],
    algorithms: ALGORITHMS,
    proofs: ['none'] as const,
  }
  const verifier = createTokenVerifier({
    tenancy: { issuers: [{ issuer: tenant.issuer, jwksUri: JWKS_URI }], tenants: [tenant] },
    fetchJwks: () => Promise.resolve(Response.json(keySet)),
    nowMs: () => 1000 * (typeof issuedAtSec === 'number' ? issuedAtSec : 0),
  })
  await verifier.verify(token)
}

/** The payload, if it is that of an OpenID token. */
function claimsOf(token: string): Json | undefined {
  try {
    const { payload } = decodeUnverifiedToken(token)
    return ['iss', 'sub', 'aud', 'exp', 'iat'].every((name) => name in payload) ? payload : undefined
  } catch {
    return undefined
  }
}

/** What the issuer would publish: public keys. */
function keySetOf(group: Json): JSONWebKeySet {
  const given = object(group['public'] ?? group['private'], 'the key')
  const keys = given['keys'] === undefined ? [given] : list(given['keys'], 'keys').map((key) => object(key, 'the key'))
  return {
    keys: keys.map((key): JWK => {
      if (typeof key['kty'] !== 'string') throw new UnknownShape('a key without kty')
      const isSecret = (name: string): boolean => key['kty'] !== 'oct' && PRIVATE_MEMBERS.includes(name)
      return { kty: key['kty'], ...Object.fromEntries(Object.entries(key).filter(([name]) => !isSecret(name))) }
    }),
  }
}
