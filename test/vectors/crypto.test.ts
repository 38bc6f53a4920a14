/** ECDSA over secp256k1 with RFC 6979, through the function that signs transactions. */
import { createHash } from 'node:crypto'
import { getPublicKey, Point } from '@noble/secp256k1'
import { signEcdsa } from '../../enclave-sim/core/signing.ts'
import { describeVectors, hex, toHex, vectors } from '../support/core-vectors.ts'

interface Ecdsa {
  readonly kind: string
  readonly d: string
  readonly m: string
  readonly signature: string
}

describeVectors('crypto/secp256k1-ecdsa-rfc6979.json')('signatures', () => {
  const all = vectors<Ecdsa>('crypto/secp256k1-ecdsa-rfc6979.json')
  const valid = all.filter(({ kind }) => kind === 'valid')

  test('are these very bytes', () => {
    expect(valid.length).toBeGreaterThan(1000)
    for (const [i, { d, m, signature }] of valid.entries()) {
      if (process.env['SLOW'] !== '1' && i % 8 !== 0) continue // 10 ms each, for each is verified and recovered from
      const key = hex(d)
      expect(toHex(signEcdsa(key, getPublicKey(key, true), hex(m)).compact)).toBe(signature)
    }
  })

  test('a digest with one bit changed gives another, and so does another key', () => {
    const [{ d, m, signature }] = valid as [Ecdsa]
    const [key, digest] = [hex(d), hex(m)]
    digest[31] = (digest[31] as number) ^ 1
    expect(toHex(signEcdsa(key, getPublicKey(key, true), digest).compact)).not.toBe(signature)
    key[31] = (key[31] as number) ^ 6
    expect(toHex(signEcdsa(key, getPublicKey(key, true), hex(m)).compact)).not.toBe(signature)
  })

  test('keys that are none are refused', () => {
    const bad = all.filter(({ kind }) => kind === 'invalid_sign')
    expect(bad.length).toBeGreaterThan(0)
    for (const { d, m } of bad) expect(() => signEcdsa(hex(d), getPublicKey(new Uint8Array(32).fill(1), true), hex(m))).toThrow()
  })
})

describeVectors('crypto/rfc6979-secp256k1-k.json')('nonces', () => {
  const all = vectors<{ readonly message: string; readonly d: string; readonly k0: string; readonly k1: string }>('crypto/rfc6979-secp256k1-k.json')

  test.each(all.map(({ message, d, k0, k1 }) => [message.slice(0, 40), message, d, k0, k1] as const))('%s', (_short, message, d, k0, k1) => {
    const key = hex(d)
    const digest = new Uint8Array(createHash('sha256').update(message).digest())
    const { compact } = signEcdsa(key, getPublicKey(key, true), digest)
    const xOf = (k: string): string => Point.BASE.multiply(BigInt(`0x${k}`)).toAffine().x.toString(16).padStart(64, '0')
    expect(toHex(compact.subarray(0, 32))).toBe(xOf(k0))
    expect(toHex(compact.subarray(0, 32))).not.toBe(xOf(k1))
  })
})
