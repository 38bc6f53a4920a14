/** What one signature makes and must not leave: its nonce, which gives the private key away, and what the key becomes on the way. */
import { createHash } from 'node:crypto'
import { ed25519 } from '@noble/curves/ed25519.js'
import { schnorr, secp256k1 } from '@noble/curves/secp256k1.js'
import { taprootTweakPrivKey } from '@scure/btc-signer/utils.js'
import type { SigningTask } from '../../lib/chains/chain.ts'
import type { Secret } from './memory-search.ts'

const N = secp256k1.Point.Fn.ORDER
const L = ed25519.Point.Fn.ORDER

export function secretsOfSignature({ scheme }: SigningTask, privateKey: Uint8Array, label: string): readonly Secret[] {
  if (scheme.kind === 'ecdsa') return negatives('signature nonce', ecdsaNonce(scheme.digest, privateKey), label)
  if (scheme.kind === 'ed25519') return ofEd25519(scheme.message, privateKey, label)
  const key = scheme.merkleRoot === null ? privateKey : taprootTweakPrivKey(privateKey, scheme.merkleRoot)
  return [...negatives('tweaked private key', number(key), label), ...ofSchnorr(scheme.digest, key, label)]
}

/** s⁻¹(z + r·d) mod n, or its negative where s was lowered. RFC 6979: ours is the enclave's. */
function ecdsaNonce(digest: Uint8Array, privateKey: Uint8Array): bigint {
  const signature = secp256k1.sign(digest, privateKey, { prehash: false })
  const [r, s] = [number(signature.subarray(0, 32)), number(signature.subarray(32, 64))]
  return (secp256k1.Point.Fn.inv(s) * (number(digest) + r * number(privateKey))) % N
}

/** BIP-340, "Default Signing", with auxiliary randomness of zeros. */
function ofSchnorr(digest: Uint8Array, key: Uint8Array, label: string): readonly Secret[] {
  const even = secp256k1.getPublicKey(key, true)[0] === 2 ? number(key) : N - number(key)
  const masked = bytes(even).map((byte, i) => byte ^ (schnorr.utils.taggedHash('BIP0340/aux', new Uint8Array(32))[i] as number))
  const random = schnorr.utils.taggedHash('BIP0340/nonce', masked, schnorr.getPublicKey(key), digest)
  return [
    { kind: 'masked private key', label, bytes: masked },
    { kind: 'signature nonce', label, bytes: random },
    ...negatives('signature nonce', number(random) % N, label),
  ]
}

/** RFC 8032 §5.1.6: the two halves of the expanded key, and r, whole and reduced. Little-endian. */
function ofEd25519(message: Uint8Array, privateKey: Uint8Array, label: string): readonly Secret[] {
  const expanded = createHash('sha512').update(privateKey).digest()
  const [scalar, prefix] = [Buffer.from(expanded.subarray(0, 32)), expanded.subarray(32)]
  scalar[0] = (scalar[0] as number) & 248
  scalar[31] = ((scalar[31] as number) & 63) | 64
  const r = createHash('sha512').update(prefix).update(message).digest()
  const reduced = Buffer.from(bytes(number(Uint8Array.from(r).reverse()) % L)).reverse()
  const secrets = { 'expanded private key': [expanded, scalar, prefix], 'signature nonce': [r, reduced] }
  return Object.entries(secrets).flatMap(([kind, values]) => values.map((value) => ({ kind: `Ed25519 ${kind}`, label, bytes: Uint8Array.from(value), scalar: true })))
}

function negatives(kind: string, value: bigint, label: string): readonly Secret[] {
  return [value, N - value].map((one) => ({ kind, label, bytes: bytes(one), scalar: true }))
}

function number(value: Uint8Array): bigint {
  return BigInt(`0x${Buffer.from(value).toString('hex')}`)
}

function bytes(value: bigint): Uint8Array {
  return Buffer.from(value.toString(16).padStart(64, '0'), 'hex')
}
