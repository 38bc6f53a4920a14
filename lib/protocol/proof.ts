/**
 * The client key: a P-256 key that the app holds and never exports. HPKE base mode says nothing of the sender, and the
 * relay sees every token; the proof is what a relay can't make.
 */
import { concat, toBase64url, utf8 } from './bytes.ts'
import { framed, LABELS } from './labels.ts'
import { encodeUnprovenBody, type Proof, type UnprovenBody } from './request.ts'

const ALGORITHM = { name: 'ECDSA', namedCurve: 'P-256' } as const
const SIGNATURE = { name: 'ECDSA', hash: 'SHA-256' } as const

async function sha256(data: Uint8Array): Promise<Uint8Array<ArrayBuffer>> {
  return new Uint8Array(await crypto.subtle.digest('SHA-256', new Uint8Array(data)))
}

/** JWK thumbprint of a P-256 public key, SHA-256 (RFC 7638). */
export function jwkThumbprint(key: { readonly x: Uint8Array; readonly y: Uint8Array }): Promise<Uint8Array<ArrayBuffer>> {
  return sha256(utf8(`{"crv":"P-256","kty":"EC","x":"${toBase64url(key.x)}","y":"${toBase64url(key.y)}"}`))
}

/**
 * The OpenID Connect `nonce` that commits a token to a client key (as OpenPubkey does): base64url of
 * SHA-256(label ‖ JWK thumbprint ‖ random), each part with its length in front.
 */
export async function tokenNonce(key: { readonly x: Uint8Array; readonly y: Uint8Array }, random: Uint8Array): Promise<string> {
  return toBase64url(await sha256(framed(LABELS.tokenNonce, await jwkThumbprint(key), random)))
}

function signedBytes(header: Uint8Array, enc: Uint8Array, body: UnprovenBody): Uint8Array<ArrayBuffer> {
  const encoded = encodeUnprovenBody(body)
  try {
    return framed(LABELS.proof, header, enc, encoded)
  } finally {
    encoded.fill(0) // the PIN is in it
  }
}

/** Signs a request. `header` and `enc` are the bytes that travel beside the ciphertext. */
export async function signProof(
  key: { readonly privateKey: CryptoKey; readonly x: Uint8Array; readonly y: Uint8Array; readonly random: Uint8Array },
  header: Uint8Array,
  enc: Uint8Array,
  body: UnprovenBody,
): Promise<Proof> {
  const data = signedBytes(header, enc, body)
  try {
    const signature = new Uint8Array(await crypto.subtle.sign(SIGNATURE, key.privateKey, data))
    return { x: key.x, y: key.y, random: key.random, signature }
  } finally {
    data.fill(0)
  }
}

/** Whether the proof's own key signed exactly this request. That the token commits to that key is checked apart. */
export async function verifyProof(proof: Proof, header: Uint8Array, enc: Uint8Array, body: UnprovenBody): Promise<boolean> {
  const data = signedBytes(header, enc, body)
  try {
    const point = concat(new Uint8Array([4]), proof.x, proof.y)
    const key = await crypto.subtle.importKey('raw', point, ALGORITHM, false, ['verify'])
    return await crypto.subtle.verify(SIGNATURE, key, new Uint8Array(proof.signature), data)
  } catch {
    return false // a point that is not on the curve
  } finally {
    data.fill(0)
  }
}
