/** RFC 9180, base mode, DHKEM(X25519, HKDF-SHA256), HKDF-SHA256, AES-256-GCM: the suite that lib/protocol/channel.ts runs on. */
import { AEAD_AES_256_GCM, CipherSuite, KDF_HKDF_SHA256, KEM_DHKEM_X25519_HKDF_SHA256 } from 'hpke'
import { openRequest, serializeChannelKey } from '../../lib/protocol/channel.ts'
import { utf8 } from '../../lib/protocol/bytes.ts'
import { flipped } from '../support/core-codes.ts'
import { describeVectors, hex, toHex, vectors } from '../support/core-vectors.ts'

interface Vector {
  readonly mode: number
  readonly kem_id: number
  readonly kdf_id: number
  readonly aead_id: number
  readonly info: string
  readonly skRm: string
  readonly pkRm: string
  readonly enc: string
  readonly encryptions: readonly { readonly aad: string; readonly ct: string; readonly nonce: string; readonly pt: string }[]
  readonly exports: readonly { readonly exporter_context: string; readonly L: number; readonly exported_value: string }[]
}

const suite = new CipherSuite(KEM_DHKEM_X25519_HKDF_SHA256, KDF_HKDF_SHA256, AEAD_AES_256_GCM)

describeVectors('hpke/rfc9180-all.json')('RFC 9180', () => {
  const found = vectors<Vector>('hpke/rfc9180-all.json').filter(({ mode, kem_id, kdf_id, aead_id }) => mode === 0 && kem_id === 32 && kdf_id === 1 && aead_id === 2)
  const [vector] = found as [Vector]
  const pairOf = async ({ skRm, pkRm }: Vector) => ({
    privateKey: await suite.DeserializePrivateKey(hex(skRm), false),
    publicKey: await suite.DeserializePublicKey(hex(pkRm)),
  })

  test('one vector for the suite', () => {
    expect(found).toHaveLength(1)
  })

  test('opens every message in its order', async () => {
    const ctx = await suite.SetupRecipient(await pairOf(vector), hex(vector.enc), { info: hex(vector.info) })
    expect(vector.encryptions.length).toBeGreaterThan(100)
    for (const { aad, ct, pt } of vector.encryptions) expect(toHex(await ctx.Open(hex(ct), hex(aad)))).toBe(pt)
  })

  test('exports', async () => {
    const ctx = await suite.SetupRecipient(await pairOf(vector), hex(vector.enc), { info: hex(vector.info) })
    expect(vector.exports.length).toBeGreaterThan(2)
    for (const { exporter_context: context, L, exported_value: value } of vector.exports) expect(toHex(await ctx.Export(hex(context), L))).toBe(value)
  })

  test('rejects the first message under other info, AAD or enc', async () => {
    const [{ aad, ct }] = vector.encryptions as [Vector['encryptions'][number]]
    const opens = async (enc: Uint8Array, info: Uint8Array, under: Uint8Array): Promise<boolean> => {
      try {
        const ctx = await suite.SetupRecipient(await pairOf(vector), enc, { info })
        await ctx.Open(hex(ct), under)
        return true
      } catch {
        return false
      }
    }
    expect(await opens(hex(vector.enc), hex(vector.info), hex(aad))).toBe(true)
    expect(await opens(flipped(hex(vector.enc)), hex(vector.info), hex(aad))).toBe(false)
    expect(await opens(hex(vector.enc), flipped(hex(vector.info)), hex(aad))).toBe(false)
    expect(await opens(hex(vector.enc), hex(vector.info), flipped(hex(aad)))).toBe(false)
  })

  test('our channel on the vector’s key: opens what is sealed for us, and not what is sealed for others', async () => {
    const pair = await pairOf(vector)
    expect(toHex(await serializeChannelKey(pair.publicKey))).toBe(vector.pkRm)
    const header = utf8('header')
    const { encapsulatedSecret, ciphertext } = await suite.Seal(pair.publicKey, utf8('body'), { info: utf8('cloister/v1 request'), aad: header })
    expect((await openRequest(pair, header, encapsulatedSecret, ciphertext))?.body).toEqual(utf8('body'))
    const [{ aad, ct }] = vector.encryptions as [Vector['encryptions'][number]]
    expect(await openRequest(pair, hex(aad), hex(vector.enc), hex(ct))).toBeUndefined()
  })
})
