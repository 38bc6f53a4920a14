/** Ed25519 by OpenSSL. node:crypto makes a key object of whatever key it is given, which keeps a copy until it is collected: see `Platform.collect`. */
import { createPrivateKey, createPublicKey, sign, verify } from 'node:crypto'
import { concat, fromHex, wipe } from '../../lib/protocol/bytes.ts'

/** PrivateKeyInfo (RFC 8410 §7) up to the key's 32 bytes. */
const PKCS8 = fromHex('302e020100300506032b657004220420') as Uint8Array
/** SubjectPublicKeyInfo (RFC 8410 §4) up to the key's 32 bytes. */
const SPKI = fromHex('302a300506032b6570032100') as Uint8Array

/** RFC 8032 §5.1.5: 32 bytes of a private key of 32. */
export function ed25519PublicKey(privateKey: Uint8Array): Uint8Array<ArrayBuffer> {
  return withPkcs8(privateKey, (key) => {
    const publicKey = createPublicKey(createPrivateKey({ key, format: 'der', type: 'pkcs8' }))
    return new Uint8Array(publicKey.export({ format: 'der', type: 'spki' }).subarray(-32))
  })
}

/**
 * RFC 8032 §5.1.6, pure: 64 bytes.
 * @param privateKey 32 bytes
 */
export function signEd25519(privateKey: Uint8Array, message: Uint8Array): Uint8Array<ArrayBuffer> {
  return withPkcs8(privateKey, (key) => new Uint8Array(sign(null, message, { key, format: 'der', type: 'pkcs8' })))
}

/** RFC 8032 §5.1.7. */
export function verifyEd25519(publicKey: Uint8Array, message: Uint8Array, signature: Uint8Array): boolean {
  const key = createPublicKey({ key: Buffer.from(concat(SPKI, publicKey)), format: 'der', type: 'spki' })
  return verify(null, message, key, signature)
}

function withPkcs8<T>(privateKey: Uint8Array, use: (der: Buffer) => T): T {
  if (privateKey.length !== 32) throw new Error('a private key is 32 bytes')
  const der = concat(PKCS8, privateKey)
  try {
    return use(Buffer.from(der.buffer))
  } finally {
    wipe(der)
  }
}
