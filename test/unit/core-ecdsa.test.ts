/** ECDSA over bytes: the signatures that noble makes, for any key and digest and at the ends of both ranges. */
import { secp256k1 } from '@noble/curves/secp256k1.js'
import fc from 'fast-check'
import { signEcdsa } from '../../enclave-sim/core/ecdsa.ts'
import { hex, toHex } from '../support/core-vectors.ts'

const N = BigInt('0xfffffffffffffffffffffffffffffffebaaedce6af48a03bbfd25e8cd0364141')
const MAX = 2n ** 256n - 1n
const asBytes = (scalar: bigint): Uint8Array => hex(scalar.toString(16).padStart(64, '0'))

function nobles(key: Uint8Array, digest: Uint8Array): { compact: string; recovery: number } {
  const bytes = secp256k1.sign(digest, key, { prehash: false, format: 'recovered' })
  return { compact: toHex(bytes.subarray(1)), recovery: bytes[0] as number }
}

function ours(key: Uint8Array, digest: Uint8Array): { compact: string; recovery: number } {
  const { compact, recovery } = signEcdsa(key, digest)
  return { compact: toHex(compact), recovery }
}

test('any key and digest: what noble signs', () => {
  const key = fc.bigInt({ min: 1n, max: N - 1n }).map(asBytes)
  const digest = fc.bigInt({ min: 0n, max: MAX }).map(asBytes)
  fc.assert(fc.property(key, digest, (k, d) => expect(ours(k, d)).toEqual(nobles(k, d))), { numRuns: process.env['SLOW'] === '1' ? 5000 : 150 })
})

test('at the ends of the ranges', () => {
  const keys = [1n, 2n, 0xffffn, 0x10000n, 2n ** 128n, N / 2n, N / 2n + 1n, N - 2n, N - 1n]
  const digests = [0n, 1n, N / 2n, N - 1n, N, N + 1n, 2n ** 255n, MAX - 1n, MAX]
  for (const key of keys.map(asBytes)) for (const digest of digests.map(asBytes)) expect(ours(key, digest)).toEqual(nobles(key, digest))
})

test('leaves key and digest as they were', () => {
  const [key, digest] = [asBytes(5n), asBytes(MAX)]
  signEcdsa(key, digest)
  expect([key, digest]).toEqual([asBytes(5n), asBytes(MAX)])
})

test('rejects what is no key, and digests of another length', () => {
  for (const key of [0n, N, N + 1n, MAX]) expect(() => signEcdsa(asBytes(key), asBytes(1n))).toThrow('32 bytes')
  for (const length of [0, 31, 33, 64]) {
    expect(() => signEcdsa(asBytes(1n), new Uint8Array(length))).toThrow('32 bytes')
    expect(() => signEcdsa(new Uint8Array(length).fill(1), asBytes(1n))).toThrow('32 bytes')
  }
})
