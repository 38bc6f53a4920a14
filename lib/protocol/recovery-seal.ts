/** A wallet's secret sealed to its recovery code: HPKE (RFC 9180) base mode to the X25519 key that the code derives. */
import { suite } from './channel.ts'
import { concat, utf8, wipe } from './bytes.ts'
import { framed, LABELS } from './labels.ts'

/** Where a seal is used: one can't stand for the other. */
type SealUse = 'record' | 'backup'

const INFO: Readonly<Record<SealUse, Uint8Array>> = { record: utf8(LABELS.recoverySeal), backup: utf8(LABELS.backupSeal) }
const ENC_BYTES = 32

async function keyPairOf(code: Uint8Array): Promise<CryptoKeyPair> {
  const material = framed(LABELS.recoveryKey, code)
  try {
    return await suite.DeriveKeyPair(material)
  } finally {
    wipe(material)
  }
}

/** X25519 public key of a code, 32 bytes. @param code 16 bytes */
export async function recoveryPublicKey(code: Uint8Array): Promise<Uint8Array> {
  return suite.SerializePublicKey((await keyPairOf(code)).publicKey)
}

/** `enc` (32 bytes) ‖ ciphertext. */
export async function sealToCode(publicKey: Uint8Array, secret: Uint8Array, use: SealUse, aad: Uint8Array): Promise<Uint8Array<ArrayBuffer>> {
  const { encapsulatedSecret, ciphertext } = await suite.Seal(await suite.DeserializePublicKey(publicKey), secret, { info: INFO[use], aad })
  return concat(encapsulatedSecret, ciphertext)
}

/** Returns `undefined` when it does not open with this code. */
export async function openWithCode(code: Uint8Array, sealed: Uint8Array, use: SealUse, aad: Uint8Array): Promise<Uint8Array | undefined> {
  if (sealed.length < ENC_BYTES + 16) return undefined
  try {
    return await suite.Open(await keyPairOf(code), sealed.subarray(0, ENC_BYTES), sealed.subarray(ENC_BYTES), { info: INFO[use], aad })
  } catch {
    return undefined
  }
}
