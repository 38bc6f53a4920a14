/**
 * Argon2id. RFC 9106's vector has a secret and associated data, which the enclave's function does not take: so node:crypto is held to the vector, and
 * the enclave's function to node:crypto.
 */
import { argon2Sync } from 'node:crypto'
import fc from 'fast-check'
import { argon2id } from '../../enclave-sim/platform/argon2.ts'
import { ARGON2 } from '../../enclave-sim/core/state.ts'
import { describeVectors, hex, toHex, vectors } from '../support/core-vectors.ts'

interface Vector {
  readonly type: string
  readonly version: number
  readonly m: number
  readonly t: number
  readonly p: number
  readonly tagLen: number
  readonly password: string
  readonly salt: string
  readonly secret: string
  readonly ad: string
  readonly tag: string
}

const node = (message: Uint8Array, nonce: Uint8Array, m: number, t: number, p: number, length: number, extra: object = {}): string =>
  argon2Sync('argon2id', { message, nonce, memory: m, passes: t, parallelism: p, tagLength: length, ...extra }).toString('hex')

describeVectors('argon2/rfc9106-kats.json')('RFC 9106 §5.3', () => {
  test('node:crypto gives it', () => {
    const found = vectors<Vector>('argon2/rfc9106-kats.json').filter(({ type, version }) => type === 'argon2id' && version === 19)
    expect(found).toHaveLength(1)
    for (const { m, t, p, tagLen, password, salt, secret, ad, tag } of found) {
      expect(node(hex(password), hex(salt), m, t, p, tagLen, { secret: hex(secret), associatedData: hex(ad) })).toBe(tag)
      expect(node(hex(password), hex(salt), m, t, p, tagLen)).not.toBe(tag)
    }
  })
})

test('the enclave’s function gives what node:crypto gives', async () => {
  const bytes = (minLength: number, maxLength: number) => fc.uint8Array({ minLength, maxLength }).map((raw) => Uint8Array.from(raw))
  await fc.assert(
    fc.asyncProperty(bytes(4, 64), bytes(16, 16), fc.integer({ min: 8, max: 256 }), fc.integer({ min: 1, max: 3 }), fc.integer({ min: 1, max: 4 }), async (pin, salt, m, t, p) => {
      const memoryKiB = Math.max(m, 8 * p)
      const made = await argon2id(pin, salt, { memoryKiB, iterations: t, parallelism: p, length: 32 })
      expect(toHex(made)).toBe(node(pin, salt, memoryKiB, t, p, 32))
      expect(toHex(made)).not.toBe(node(pin, salt, memoryKiB, t + 1, p, 32))
    }),
    { numRuns: 40 },
  )
})

test('with the parameters that PINs are hashed with: 19 MiB, two passes, one lane', async () => {
  expect(ARGON2).toEqual({ memoryKiB: 19_456, iterations: 2, parallelism: 1 })
  const [pin, salt] = [new Uint8Array(6).fill(0x31), new Uint8Array(16).fill(2)]
  expect(toHex(await argon2id(pin, salt, { ...ARGON2, length: 32 }))).toBe(node(pin, salt, 19_456, 2, 1, 32))
})
