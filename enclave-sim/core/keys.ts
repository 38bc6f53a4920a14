/** Keys out of a seed, and what is done with them. A private key lives for one call. */
import { createHmac } from 'node:crypto'
import { hashes, recoverPublicKey, sign, verify } from '@noble/secp256k1'
import { sha256 } from '@noble/hashes/sha2.js'
import { HDKey } from '@scure/bip32'
import type { Signature } from '../../lib/chains/chain.ts'
import { chainOf } from '../../lib/chains/registry.ts'
import { concat, equal, utf8, wipe } from '../../lib/protocol/bytes.ts'
import { framed, LABELS } from '../../lib/protocol/labels.ts'
import type { Account } from '../../lib/protocol/operations.ts'

hashes.sha256 = (message) => sha256(message)
// RFC 6979 runs HMAC four times a signature; node's is native, and its buffers are outside the JavaScript heap.
hashes.hmacSha256 = (key, message) => new Uint8Array(createHmac('sha256', key).update(message).digest())

/** Derives along a BIP-32 path, hands the node over for one call, and wipes each private key on the way. */
function withNode<T>(seed: Uint8Array, path: string, use: (node: HDKey) => T): T {
  let node = HDKey.fromMasterSeed(seed)
  try {
    for (const step of path.split('/').slice(1)) {
      const parent = node
      try {
        node = parent.derive(`m/${step}`)
      } finally {
        parent.wipePrivateData()
      }
    }
    return use(node)
  } finally {
    node.wipePrivateData()
  }
}

/** SHA-256(label ‖ BIP-32 master public key, compressed). */
export function rootFingerprint(seed: Uint8Array): Uint8Array {
  return withNode(seed, 'm', (node) => sha256(framed(LABELS.fingerprint, node.publicKey as Uint8Array)))
}

/** r ‖ s and the parity of R's y coordinate. */
export type EcdsaSignature = Signature & { readonly recovery: 0 | 1 }

/** The account of a CAIP-2 namespace at a path. */
export function deriveAccount(seed: Uint8Array, namespace: string, path: string): Account {
  return withNode(seed, path, (node) => {
    const publicKey = node.publicKey as Uint8Array
    const chainCode = null
    return { namespace, path, address: chainOf(namespace).address({ path, publicKey, chainCode }), publicKey, chainCode }
  })
}

/** What a new wallet begins with. */
export function firstAccounts(seed: Uint8Array): readonly Account[] {
  return ['eip155'].map((namespace) => deriveAccount(seed, namespace, chainOf(namespace).path(0)))
}

/** Signs a 32-byte digest with the account's key. @throws Error when the account's public key is not the one at its path */
export function signDigest(seed: Uint8Array, account: Account, digest: Uint8Array): EcdsaSignature {
  return withNode(seed, account.path, (node) => {
    const privateKey = node.privateKey as Uint8Array // a copy
    try {
      if (!equal(node.publicKey as Uint8Array, account.publicKey)) throw new Error('the path leads to another key')
      return signWithKey(privateKey, account.publicKey, digest)
    } finally {
      wipe(privateKey)
    }
  })
}

/**
 * ECDSA over secp256k1, RFC 6979, low s (EIP-2). The signature is verified, and the public key recovered from it compared,
 * before it is returned: a fault while signing could give the key away.
 * @param publicKey compressed, 33 bytes
 * @param digest 32 bytes
 */
export function signWithKey(privateKey: Uint8Array, publicKey: Uint8Array, digest: Uint8Array): EcdsaSignature {
  if (digest.length !== 32) throw new Error('a digest is 32 bytes') // noble would take what there is
  const recovered = sign(digest, privateKey, { prehash: false, lowS: true, format: 'recovered' })
  const recovery = recovered[0]
  const compact = recovered.slice(1)
  if (recovery !== 0 && recovery !== 1) throw new Error('unusable recovery id')
  const valid = verify(compact, digest, publicKey, { prehash: false, lowS: true })
  if (!valid || !equal(recoverPublicKey(concat(new Uint8Array([recovery]), compact), digest, { prehash: false }), publicKey)) {
    throw new Error('the signature does not verify')
  }
  return { compact, recovery }
}

/** noble builds its tables at the first public key, which takes a while: do it before somebody waits. */
export function warmKeys(): void {
  firstAccounts(sha256(utf8('warm')))
}
