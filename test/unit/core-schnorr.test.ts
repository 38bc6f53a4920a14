/** BIP-340 and BIP-341's tweak over bytes: what noble and @scure/btc-signer make, for any key and message and at the ends of the ranges. */
import { schnorr } from '@noble/curves/secp256k1.js'
import { taprootTweakPrivKey } from '@scure/btc-signer/utils.js'
import fc from 'fast-check'
import { signSchnorr, tweakPrivateKey } from '../../enclave-sim/core/schnorr.ts'
import { hex, toHex } from '../support/core-vectors.ts'

const N = BigInt('0xfffffffffffffffffffffffffffffffebaaedce6af48a03bbfd25e8cd0364141')
const MAX = 2n ** 256n - 1n
const RUNS = { numRuns: process.env['SLOW'] === '1' ? 5000 : 100 }
const asBytes = (scalar: bigint): Uint8Array => hex(scalar.toString(16).padStart(64, '0'))
const anyKey = fc.bigInt({ min: 1n, max: N - 1n }).map(asBytes)
const any32 = fc.uint8Array({ minLength: 32, maxLength: 32 })
const ENDS = [1n, 2n, 0xffffn, 0x10000n, 2n ** 128n, N / 2n, N / 2n + 1n, N - 2n, N - 1n].map(asBytes)

test('any key, message and randomness: what noble signs', () => {
  fc.assert(
    fc.property(anyKey, fc.uint8Array({ maxLength: 100 }), any32, (key, message, aux) =>
      expect(toHex(signSchnorr(key, message, aux))).toBe(toHex(schnorr.sign(message, key, aux))),
    ),
    RUNS,
  )
})

test('keys at the ends of the range', () => {
  for (const key of ENDS) for (const aux of [0n, MAX].map(asBytes)) expect(toHex(signSchnorr(key, key, aux))).toBe(toHex(schnorr.sign(key, key, aux)))
})

test('any key and Merkle root: the key that @scure/btc-signer tweaks', () => {
  fc.assert(fc.property(anyKey, fc.oneof(any32, fc.constant(new Uint8Array())), (key, root) => expect(toHex(tweakPrivateKey(key, root))).toBe(toHex(taprootTweakPrivKey(key, root)))), RUNS)
  for (const key of ENDS) expect(toHex(tweakPrivateKey(key, new Uint8Array()))).toBe(toHex(taprootTweakPrivKey(key)))
})

test('leaves key, message and randomness as they were', () => {
  const all = [asBytes(N - 5n), asBytes(MAX), asBytes(7n)] as const
  signSchnorr(...all)
  tweakPrivateKey(all[0], all[1])
  expect(all).toEqual([asBytes(N - 5n), asBytes(MAX), asBytes(7n)])
})

test('rejects what is no key, and randomness of another length', () => {
  for (const key of [0n, N, N + 1n, MAX].map(asBytes)) {
    expect(() => signSchnorr(key, asBytes(1n), asBytes(0n))).toThrow('32 bytes')
    expect(() => tweakPrivateKey(key, asBytes(1n))).toThrow('not a private key')
  }
  for (const length of [0, 31, 33, 64]) {
    expect(() => signSchnorr(asBytes(1n), asBytes(1n), new Uint8Array(length))).toThrow('32 bytes')
    expect(() => signSchnorr(new Uint8Array(length).fill(1), asBytes(1n), asBytes(0n))).toThrow('32 bytes')
  }
})
