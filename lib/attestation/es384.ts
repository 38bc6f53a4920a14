/** ECDSA with P-384 and SHA-384, by WebCrypto alone: browsers, Node and Lambda all have it. */

/** Imports an uncompressed point of 97 bytes. Rejects if it isn't on the curve. */
export function importP384(point: Uint8Array): Promise<CryptoKey> {
  return globalThis.crypto.subtle.importKey('raw', new Uint8Array(point), { name: 'ECDSA', namedCurve: 'P-384' }, false, ['verify'])
}

/** Whether `signature` (r ‖ s, 96 bytes) is one over `data`. Malleable: (r, n − s) verifies too, so never use it as an id. */
export function verifyEs384(key: CryptoKey, signature: Uint8Array, data: Uint8Array): Promise<boolean> {
  return globalThis.crypto.subtle.verify({ name: 'ECDSA', hash: 'SHA-384' }, key, new Uint8Array(signature), new Uint8Array(data))
}
