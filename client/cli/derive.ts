/** Keys out of a restored secret, for a machine of the owner's own: BIP-32 by @scure/bip32, SLIP-10 for ed25519. */
import { ed25519 } from '@noble/curves/ed25519.js'
import { hmac } from '@noble/hashes/hmac.js'
import { sha512 } from '@noble/hashes/sha2.js'
import { getPublicKey } from '@noble/secp256k1'
import { HDKey } from '@scure/bip32'
import { chainOf } from '../../lib/chains/registry.ts'
import { concat, utf8 } from '../../lib/protocol/bytes.ts'
import type { WalletSecret } from '../../lib/protocol/wallet-secret.ts'

interface DerivedKey {
  readonly privateKey: Uint8Array
  readonly publicKey: Uint8Array
  readonly chainCode: Uint8Array | null
}

/** The key of a namespace's account. @throws Error when the secret has none at that path */
export function deriveKey(secret: WalletSecret, namespace: string, path: string): DerivedKey {
  const { curve } = chainOf(namespace)
  if (secret.kind !== 'mnemonic') {
    if (secret.kind !== curve || path !== 'm') throw new Error('the wallet is one key, at the path m')
    const publicKey = curve === 'ed25519' ? ed25519.getPublicKey(secret.key) : getPublicKey(secret.key, true)
    return { privateKey: secret.key, publicKey, chainCode: null }
  }
  if (curve === 'ed25519') return slip10(secret.seed, path)
  const node = HDKey.fromMasterSeed(secret.seed).derive(path)
  if (node.privateKey === null || node.publicKey === null) throw new Error('no key at this path')
  return { privateKey: node.privateKey, publicKey: node.publicKey, chainCode: node.chainCode }
}

/** The account's address, as its chain writes it. */
export function deriveAddress(secret: WalletSecret, namespace: string, path: string): string {
  const chain = chainOf(namespace)
  const { publicKey, chainCode } = deriveKey(secret, namespace, path)
  return chain.address({ path, publicKey, chainCode: chain.derivesBelow(path) ? chainCode : null })
}

/** SLIP-10, ed25519: hardened only. */
function slip10(seed: Uint8Array, path: string): DerivedKey {
  let node = hmac(sha512, utf8('ed25519 seed'), seed)
  for (const part of path.split('/').slice(1)) {
    if (!/^[0-9]{1,10}'$/.test(part)) throw new Error('ed25519 has hardened keys only')
    const index = new Uint8Array(4)
    new DataView(index.buffer).setUint32(0, Number(part.slice(0, -1)) + 0x80000000)
    node = hmac(sha512, node.subarray(32), concat(Uint8Array.of(0), node.subarray(0, 32), index))
  }
  const privateKey = node.slice(0, 32)
  return { privateKey, publicKey: ed25519.getPublicKey(privateKey), chainCode: node.slice(32) }
}
