/** The key by which the enclave knows the app from the relay: P-256, made here, not extractable. */
import { tokenNonce } from '../lib/protocol/proof.ts'

export interface ClientKey {
  readonly privateKey: CryptoKey
  /** Affine coordinates of the public key, 32 bytes each. */
  readonly x: Uint8Array
  readonly y: Uint8Array
  /** 32 random bytes that hide the key in the token's nonce. */
  readonly random: Uint8Array
}

/** Makes a key for one login. A `CryptoKey` can be kept in IndexedDB without ever leaving the browser's key store. */
export async function createClientKey(): Promise<ClientKey> {
  const pair = await crypto.subtle.generateKey({ name: 'ECDSA', namedCurve: 'P-256' }, false, ['sign', 'verify'])
  const point = new Uint8Array(await crypto.subtle.exportKey('raw', pair.publicKey))
  return { privateKey: pair.privateKey, x: point.slice(1, 33), y: point.slice(33), random: crypto.getRandomValues(new Uint8Array(32)) }
}

/** The `nonce` to log in with: it binds the ID token to this key. */
export function loginNonce(key: ClientKey): Promise<string> {
  return tokenNonce(key, key.random)
}
