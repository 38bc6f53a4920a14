/** A wallet's keys, and what is done with them. A private key lives for one call. */
import { createHash } from 'node:crypto'
import type { Account } from '../../lib/protocol/operations.ts'
import { allChains, chainOf } from '../../lib/chains/registry.ts'
import type { Chain, Signature, SigningTask } from '../../lib/chains/chain.ts'
import { concat, equal, utf8 } from '../../lib/protocol/bytes.ts'
import { CloisterError } from '../../lib/protocol/errors.ts'
import { framed, LABELS } from '../../lib/protocol/labels.ts'
import type { WalletSecret } from '../../lib/protocol/wallet-secret.ts'
import type { WalletKind } from '../../lib/protocol/wallet-view.ts'
import { publicKeyOf, withPrivateKey, type Curve } from './hd.ts'
import { signEcdsa, signEd25519, signSchnorr } from './signing.ts'

/** The path of a wallet that is one key. */
const ONLY_KEY = 'm'

interface Key {
  readonly privateKey: Uint8Array
  /** `null` for a key that was imported alone. */
  readonly chainCode: Uint8Array | null
}

/** Hands a private key over for one call, and wipes it. @throws CloisterError `account_path_invalid` */
function withKey<T>(secret: WalletSecret, curve: Curve, path: string, use: (key: Key) => T): T {
  if (secret.kind === 'mnemonic') return withPrivateKey(secret.seed, curve, path, use)
  if (secret.kind !== curve || path !== ONLY_KEY) throw new CloisterError('account_path_invalid')
  return use({ privateKey: secret.key, chainCode: null })
}

/** SHA-256(label ‖ root public key): BIP-32's master key, or the only one. */
export function rootFingerprint(secret: WalletSecret): Uint8Array {
  const curve = secret.kind === 'ed25519' ? 'ed25519' : 'secp256k1'
  return withKey(secret, curve, ONLY_KEY, ({ privateKey }) => hash(framed(LABELS.fingerprint, publicKeyOf(curve, privateKey))))
}

/** The chain, if a wallet of this kind can have an account there. @throws CloisterError `chain_unknown`, `account_path_invalid` */
export function requirePath(kind: WalletKind, namespace: string, path: string): Chain {
  const chain = chainOf(namespace)
  if (namespace !== chain.namespace) throw new CloisterError('chain_unknown')
  // `m` is the whole wallet: for a mnemonic it would be the master key, which no chain's account is.
  const isThere = kind === 'mnemonic' ? path !== ONLY_KEY && chain.accepts(path) : path === ONLY_KEY && kind === chain.curve
  if (!isThere) throw new CloisterError('account_path_invalid')
  return chain
}

/** The account of a CAIP-2 namespace at a path. @throws CloisterError `chain_unknown`, `account_path_invalid` */
export function deriveAccount(secret: WalletSecret, namespace: string, path: string): Account {
  const chain = requirePath(secret.kind, namespace, path)
  return withKey(secret, chain.curve, path, (key) => {
    const publicKey = publicKeyOf(chain.curve, key.privateKey)
    const chainCode = chain.derivesBelow(path) && key.chainCode !== null ? key.chainCode.slice() : null
    return { namespace, path, address: chain.address({ path, publicKey, chainCode }), publicKey, chainCode }
  })
}

/** The first account on each chain that the wallet's keys can sign for. */
export function firstAccounts(secret: WalletSecret): readonly Account[] {
  const usable = allChains().filter((chain) => secret.kind === 'mnemonic' || secret.kind === chain.curve)
  return usable.map((chain) => deriveAccount(secret, chain.namespace, secret.kind === 'mnemonic' ? chain.path(0) : ONLY_KEY))
}

/** Makes one signature, and verifies it. @throws Error when the key at the path is not the one that the task names */
export function signTask(secret: WalletSecret, task: SigningTask): Signature {
  const { path, publicKey, scheme } = task
  const curve = scheme.kind === 'ed25519' ? 'ed25519' : 'secp256k1'
  return withKey(secret, curve, path, ({ privateKey }) => {
    if (scheme.kind === 'ed25519') return signEd25519(privateKey, publicKey, scheme.message)
    if (!equal(publicKeyOf(curve, privateKey), publicKey)) throw new Error('the path leads to another key')
    if (scheme.kind === 'ecdsa') return signEcdsa(privateKey, publicKey, scheme.digest)
    return signSchnorr(privateKey, scheme.digest, scheme.merkleRoot)
  })
}

/** The private key of an account, for `export`. A copy: wipe it. */
export function exportKey(secret: WalletSecret, account: Account): Uint8Array {
  return withKey(secret, chainOf(account.namespace).curve, account.path, ({ privateKey }) => concat(privateKey))
}

/** noble builds its tables at the first public key, which takes a while: do it before somebody waits. */
export function warmKeys(): void {
  const privateKey = hash(utf8('warm'))
  signEcdsa(privateKey, publicKeyOf('secp256k1', privateKey), hash(privateKey))
}

function hash(data: Uint8Array): Uint8Array {
  return new Uint8Array(createHash('sha256').update(data).digest())
}
