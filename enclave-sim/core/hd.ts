/**
 * Private keys out of a seed: BIP-32 on secp256k1, SLIP-10 on ed25519. Everything is bytes in buffers of their own, wiped on the way:
 * no BigInt, no string and no object of a library ever holds a private key, for none of these can be overwritten.
 *
 * Paths accepted: `m`, or `m/` and up to 255 indices below 2^31 in plain decimal, each hardened by `'` or not; on ed25519 all of them hardened.
 */
import { createECDH, createHmac } from 'node:crypto'
import { fromHex, secretBytes, utf8, wipe } from '../../lib/protocol/bytes.ts'
import { ed25519PublicKey } from './ed25519.ts'
import { add, fromLimbs, toLimbs } from './scalars.ts'

export type Curve = 'secp256k1' | 'ed25519'

/** One node of the tree, for one call: both are wiped when it returns. 32 bytes each. */
export interface PrivateNode {
  readonly privateKey: Uint8Array
  readonly chainCode: Uint8Array
}

const MASTER: Readonly<Record<Curve, Uint8Array>> = { secp256k1: utf8('Bitcoin seed'), ed25519: utf8('ed25519 seed') }
/** Order of secp256k1's group, big-endian. */
const N = fromHex('fffffffffffffffffffffffffffffffebaaedce6af48a03bbfd25e8cd0364141') as Uint8Array
const INDEX = /^(0|[1-9][0-9]{0,9})('?)$/
const HARDENED = 0x80000000
const MAX_DEPTH = 255
const ONE = secretBytes(32).fill(1, 31)
/** One for all calls: OpenSSL clears the scalar that a new one replaces, where an object per key would wait for the collector. */
const ecdh = createECDH('secp256k1')

/**
 * Derives the node at a path and hands it over for one call.
 * @param seed 16 to 64 bytes, as BIP-32 and SLIP-10 have it; left as it is
 * @throws Error when the seed or path can't be used, or, in one of 2^127 cases, there is no key at it
 */
export function withPrivateKey<T>(seed: Uint8Array, curve: Curve, path: string, use: (key: PrivateNode) => T): T {
  if (seed.length < 16 || seed.length > 64) throw new Error('a seed is 16 to 64 bytes')
  const indices = readPath(path)
  if (curve === 'ed25519' && indices.some((index) => index < HARDENED)) throw new Error('ed25519 has hardened keys only')
  // privateKey ‖ chainCode, derived in place.
  const node = secretBytes(64)
  const [privateKey, chainCode] = [node.subarray(0, 32), node.subarray(32)]
  try {
    hmacSha512(MASTER[curve], seed, node)
    if (curve === 'secp256k1' && !isScalar(privateKey)) throw new Error('no key at this path')
    for (const index of indices) step(curve, node, index)
    return use({ privateKey, chainCode })
  } finally {
    wipe(node)
  }
}

/** Public key: compressed SEC 1 §2.3.3 (33 bytes), or RFC 8032 §5.1.5 (32 bytes). @throws Error when the private key is none */
export function publicKeyOf(curve: Curve, privateKey: Uint8Array): Uint8Array<ArrayBuffer> {
  if (privateKey.length !== 32) throw new Error('a private key is 32 bytes')
  return curve === 'secp256k1' ? pointOf(privateKey, 'compressed') : ed25519PublicKey(privateKey)
}

/** scalar · G, as SEC 1 §2.3.3 has it. @throws Error unless 0 < scalar < n */
export function pointOf(scalar: Uint8Array, form: 'compressed' | 'uncompressed'): Uint8Array<ArrayBuffer> {
  if (!isScalar(scalar)) throw new Error('not a private key')
  try {
    ecdh.setPrivateKey(scalar)
    return new Uint8Array(ecdh.getPublicKey(null, form))
  } finally {
    ecdh.setPrivateKey(ONE)
  }
}

function readPath(path: string): readonly number[] {
  const [root, ...parts] = path.split('/')
  if (root !== 'm' || parts.length > MAX_DEPTH) throw new Error('not a derivation path')
  return parts.map((part) => {
    const [, digits, mark] = INDEX.exec(part) ?? []
    const index = Number(digits)
    if (digits === undefined || index >= HARDENED) throw new Error('not a derivation path')
    return mark === '' ? index : index + HARDENED
  })
}

/** CKDpriv: the node becomes its child. Data: 0x00 ‖ private key where hardened, else the public key; then the index, big-endian. */
function step(curve: Curve, node: Uint8Array, index: number): void {
  const [parent, chainCode] = [node.subarray(0, 32), node.subarray(32)]
  const data = secretBytes(37)
  const child = secretBytes(64)
  try {
    if (index >= HARDENED) data.set(parent, 1)
    else data.set(publicKeyOf(curve, parent))
    new DataView(data.buffer).setUint32(33, index)
    hmacSha512(chainCode, data, child)
    if (curve === 'secp256k1') addModN(child.subarray(0, 32), parent)
    node.set(child)
  } finally {
    wipe(data, child)
  }
}

function hmacSha512(key: Uint8Array, data: Uint8Array, out: Uint8Array): void {
  const digest = createHmac('sha512', key).update(data).digest()
  out.set(digest)
  wipe(digest)
}

/** Whether 0 < scalar < n. What it finds is public: an exception in the one case, nothing in the other. */
export function isScalar(scalar: Uint8Array): boolean {
  let any = 0
  for (const byte of scalar) any |= byte
  return any !== 0 && isBelowN(scalar)
}

function isBelowN(number: Uint8Array): boolean {
  let borrow = 0
  for (let i = 31; i >= 0; i--) borrow = ((at(number, i) - at(N, i) - borrow) >> 8) & 1
  return borrow === 1
}

/** a := a + b mod n, for b < n. @throws Error unless a < n (it may be 0: BIP-32 asks no more), and when the sum is 0 */
function addModN(a: Uint8Array, b: Uint8Array): void {
  if (!isBelowN(a)) throw new Error('no key at this path')
  const [sum, other] = [toLimbs(a), toLimbs(b)]
  add(sum, other)
  const bytes = fromLimbs(sum)
  a.set(bytes)
  wipe(bytes)
  for (const number of [sum, other]) number.fill(0)
  if (!isScalar(a)) throw new Error('no key at this path')
}

function at(bytes: Uint8Array, index: number): number {
  return bytes[index] as number
}
