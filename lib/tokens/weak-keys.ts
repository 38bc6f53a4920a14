/**
 * RSA keys of an issuer under which others than the issuer can sign. `jose` wants 2,048 bits of them, and looks at
 * nothing else. Two kinds are refused: a public exponent that is even or below 3 (under 1, a message is its own
 * signature), and moduli of the generator that ROCA broke (CVE-2017-15361).
 */
import { fromBase64url, toHex } from '../protocol/bytes.ts'
import type { FetchJwks } from './verify.ts'

type Json = Readonly<Record<string, unknown>>

/**
 * Broken moduli lie, modulo each of these, in the group that 65537 generates; others do in all of them once in 2^28.
 */
const ROCA_PRIMES = [11n, 13n, 17n, 19n, 37n, 53n, 61n, 71n, 73n, 79n, 97n, 103n, 107n, 109n, 127n, 151n, 157n]

/**
 * Leaves weak keys out of the key sets that `fetchJwks` brings: a token signed with one then has no key that matches.
 */
export function withoutWeakKeys(fetchJwks: FetchJwks): FetchJwks {
  return async (url, options) => {
    const response = await fetchJwks(url, options)
    if (response.status !== 200) return response
    const set: unknown = await response.json()
    if (!isObject(set) || !Array.isArray(set['keys'])) return Response.json(set)
    return Response.json({ ...set, keys: set['keys'].filter((key: unknown) => !isWeakKey(key)) })
  }
}

/**
 * Whether it is an RSA key under which others can sign. What isn't an RSA key isn't weak: its fitness is for its
 * importer to say.
 */
export function isWeakKey(jwk: unknown): boolean {
  if (!isObject(jwk) || jwk['kty'] !== 'RSA') return false
  const [modulus, exponent] = [numberOf(jwk['n']), numberOf(jwk['e'])]
  if (modulus === undefined || exponent === undefined) return true
  return exponent < 3n || exponent % 2n === 0n || ROCA_PRIMES.every((prime) => isPowerOf65537(modulus % prime, prime))
}

function isPowerOf65537(residue: bigint, prime: bigint): boolean {
  let power = 1n
  do {
    if (power === residue) return true
    power = (power * 65537n) % prime
  } while (power !== 1n)
  return false
}

function numberOf(text: unknown): bigint | undefined {
  const bytes = typeof text === 'string' ? fromBase64url(text) : undefined
  return bytes === undefined || bytes.length === 0 ? undefined : BigInt(`0x${toHex(bytes)}`)
}

function isObject(value: unknown): value is Json {
  return typeof value === 'object' && value !== null && !Array.isArray(value)
}
