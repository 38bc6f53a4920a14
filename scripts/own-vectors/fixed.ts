/** What is random elsewhere, fixed: bytes, keys, and the sources that our own code draws from. */
import crypto, { createECDH, createPrivateKey, hkdfSync } from 'node:crypto'
import { syncBuiltinESMExports } from 'node:module'
import { concat, toBase64url, utf8 } from '../../lib/protocol/bytes.ts'
import type { ChannelKeyPair } from '../../lib/protocol/channel.ts'

/** Bytes that look random and never change. */
export function fixed(name: string, length = 32): Uint8Array<ArrayBuffer> {
  return new Uint8Array(hkdfSync('sha256', utf8(name), new Uint8Array(), utf8('cloister test vectors'), length))
}

export interface FixedX25519 {
  /** Public key, 32 bytes. */
  readonly raw: Uint8Array<ArrayBuffer>
  readonly jwk: crypto.JsonWebKey
  readonly pair: ChannelKeyPair
}

export async function importX25519(d: Uint8Array<ArrayBuffer>): Promise<FixedX25519> {
  const pkcs8 = concat(Buffer.from('302e020100300506032b656e04220420', 'hex'), d)
  const jwk = createPrivateKey({ key: Buffer.from(pkcs8), format: 'der', type: 'pkcs8' }).export({ format: 'jwk' }) as JsonWebKey
  const raw = new Uint8Array(Buffer.from(jwk.x as string, 'base64url'))
  const pair: ChannelKeyPair = {
    privateKey: await globalThis.crypto.subtle.importKey('jwk', jwk, { name: 'X25519' }, false, ['deriveBits']),
    publicKey: await globalThis.crypto.subtle.importKey('raw', raw, { name: 'X25519' }, true, []),
  }
  return { raw, jwk: jwk as crypto.JsonWebKey, pair }
}

export async function importP256(d: Uint8Array<ArrayBuffer>) {
  const ecdh = createECDH('prime256v1')
  ecdh.setPrivateKey(d)
  const point = new Uint8Array(ecdh.getPublicKey())
  const [x, y] = [point.slice(1, 33), point.slice(33)]
  const jwk = { kty: 'EC', crv: 'P-256', d: toBase64url(d), x: toBase64url(x), y: toBase64url(y) }
  return { d, x, y, privateKey: await globalThis.crypto.subtle.importKey('jwk', jwk, { name: 'ECDSA', namedCurve: 'P-256' }, false, ['sign']) }
}

/** The next key pair that WebCrypto makes is this one. */
export async function withKeyPair<T>(pair: ChannelKeyPair, run: () => Promise<T>): Promise<T> {
  const { subtle } = globalThis.crypto
  Object.defineProperty(subtle, 'generateKey', { configurable: true, value: async () => pair })
  try {
    return await run()
  } finally {
    Reflect.deleteProperty(subtle, 'generateKey')
  }
}

/** `crypto.getRandomValues` gives these bytes. */
export async function withRandom<T>(bytes: Uint8Array, run: () => Promise<T>): Promise<T> {
  Object.defineProperty(globalThis.crypto, 'getRandomValues', { configurable: true, value: (out: Uint8Array) => (out.set(bytes), out) })
  try {
    return await run()
  } finally {
    Reflect.deleteProperty(globalThis.crypto, 'getRandomValues')
  }
}

/** `randomBytes` of node:crypto gives these, one a call. */
export async function withNodeRandom<T>(values: readonly Uint8Array[], run: () => Promise<T>): Promise<T> {
  const { randomBytes } = crypto
  const left = [...values]
  Object.assign(crypto, { randomBytes: () => Buffer.from(left.shift() as Uint8Array) })
  syncBuiltinESMExports()
  try {
    return await run()
  } finally {
    Object.assign(crypto, { randomBytes })
    syncBuiltinESMExports()
  }
}
