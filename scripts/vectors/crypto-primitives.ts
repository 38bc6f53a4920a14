/** AES-256-GCM, HKDF, HMAC, PBKDF2, RSA-OAEP and X25519. */
import { constants, createDecipheriv, createHmac, createPrivateKey, hkdfSync, pbkdf2, privateDecrypt } from 'node:crypto'
import { promisify } from 'node:util'
import { concat, equal } from '../../lib/protocol/bytes.ts'
import { suite } from '../../lib/protocol/channel.ts'
import type { Wycheproof } from './crypto.ts'
import { hexField, integer } from './fields.ts'
import { must, skip } from './report.ts'

/** `compute` must give `field`, or refuse where the vector is invalid; `acceptable` leaves it both ways. */
async function compare(vector: Wycheproof, field: string, compute: () => Uint8Array | Promise<Uint8Array>): Promise<void> {
  const { test, expected } = vector
  const answer = hexField(test, field)
  let result: Uint8Array
  try {
    result = await compute()
  } catch {
    return must(expected !== 'valid', 'a valid vector is refused')
  }
  must(expected !== 'invalid' || !equal(result, answer), 'an invalid vector is accepted')
  must(expected === 'invalid' || equal(result, answer), 'another result')
}

/** enclave-sim/core/sealing.ts: AES-256-GCM with nonces of 12 bytes and tags of 16. */
export async function checkAesGcm(vector: Wycheproof): Promise<void> {
  const { group, test, expected } = vector
  const sizes = [integer(group, 'keySize'), integer(group, 'ivSize'), integer(group, 'tagSize')]
  if (sizes.join() !== '256,96,128') skip('only AES-256-GCM with 12-byte nonces and 16-byte tags is used')
  const [key, iv, aad] = [hexField(test, 'key'), hexField(test, 'iv'), hexField(test, 'aad')]
  const [ct, tag] = [hexField(test, 'ct'), hexField(test, 'tag')]
  let opened: Uint8Array | undefined
  try {
    const decipher = createDecipheriv('aes-256-gcm', key, iv, { authTagLength: 16 })
    decipher.setAAD(aad)
    decipher.setAuthTag(tag)
    opened = concat(decipher.update(ct), decipher.final())
  } catch {
    opened = undefined
  }
  if (expected === 'invalid') return must(opened === undefined, 'an invalid vector is accepted')
  must(opened !== undefined && equal(opened, hexField(test, 'msg')), 'a valid vector does not open')
}

/** enclave-sim/core/sealing.ts: HKDF-SHA256. */
export async function checkHkdf(vector: Wycheproof): Promise<void> {
  if (vector.algorithm !== 'hkdf_sha256') skip('only HKDF-SHA256 is used')
  const { test } = vector
  const [ikm, salt, info] = [hexField(test, 'ikm'), hexField(test, 'salt'), hexField(test, 'info')]
  const size = integer(test, 'size')
  // RFC 5869 §2.3: at most 255 blocks.
  await compare(vector, 'okm', () => new Uint8Array(hkdfSync('sha256', ikm, salt, info, size)))
  if (vector.expected === 'invalid') must(size > 255 * 32, 'invalid for an unknown reason')
}

/** enclave-sim/core/keys.ts, unlock.ts: HMAC-SHA256. */
export async function checkHmac(vector: Wycheproof): Promise<void> {
  if (vector.algorithm !== 'hmac_sha256') skip('only HMAC-SHA256 is used on its own')
  const tagBytes = integer(vector.group, 'tagSize') / 8
  const [key, message] = [hexField(vector.test, 'key'), hexField(vector.test, 'msg')]
  await compare(vector, 'tag', () => createHmac('sha256', key).update(message).digest().subarray(0, tagBytes))
}

/** enclave-sim/core/mnemonic.ts: PBKDF2-HMAC-SHA512. */
export async function checkPbkdf2(vector: Wycheproof): Promise<void> {
  if (vector.algorithm !== 'pbkdf2_hmacsha512') skip('only PBKDF2-HMAC-SHA512 is used')
  const { test } = vector
  const iterations = integer(test, 'iterationCount')
  if (iterations > 1_000_000) skip('more iterations than a million')
  const [password, salt, length] = [hexField(test, 'password'), hexField(test, 'salt'), integer(test, 'dkLen')]
  await compare(vector, 'dk', () => promisify(pbkdf2)(password, salt, iterations, length, 'sha512'))
}

/** enclave-sim/core/cms.ts: RSA-2048 with OAEP, SHA-256 and MGF1 of the same, no label. */
export async function checkRsaOaep(vector: Wycheproof): Promise<void> {
  const { group, test } = vector
  const scheme = [integer(group, 'keySize'), group['sha'], group['mgf'], group['mgfSha']].join()
  if (scheme !== '2048,SHA-256,MGF1,SHA-256') skip('only RSA-2048 with OAEP, SHA-256 and MGF1-SHA-256 is used')
  if (hexField(test, 'label').length > 0) skip('no label is used')
  const key = createPrivateKey({ key: Buffer.from(hexField(group, 'privateKeyPkcs8')), format: 'der', type: 'pkcs8' })
  const ciphertext = hexField(test, 'ct')
  await compare(vector, 'msg', () => privateDecrypt({ key, padding: constants.RSA_PKCS1_OAEP_PADDING, oaepHash: 'sha256' }, ciphertext))
}

/** X25519 on keys as lib/protocol/channel.ts reads them. A shared secret of zeros must be refused (RFC 9180 §7.1.4). */
export async function checkX25519(vector: Wycheproof): Promise<void> {
  const shared = hexField(vector.test, 'shared')
  const isZero = shared.every((byte) => byte === 0)
  const [publicBytes, privateBytes] = [hexField(vector.test, 'public'), hexField(vector.test, 'private')]
  await compare({ ...vector, expected: isZero ? 'invalid' : vector.expected }, 'shared', async () => {
    const publicKey = await suite.DeserializePublicKey(publicBytes)
    const privateKey = await suite.DeserializePrivateKey(privateBytes)
    return new Uint8Array(await crypto.subtle.deriveBits({ name: 'X25519', public: publicKey }, privateKey, 256))
  })
}
