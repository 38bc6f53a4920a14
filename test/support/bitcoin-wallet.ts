/** A wallet with its private keys, for tests: accounts as the enclave has them, and signatures for the tasks of a plan. */
import { schnorr, secp256k1 } from '@noble/curves/secp256k1.js'
import { HDKey } from '@scure/bip32'
import { taprootTweakPrivKey } from '@scure/btc-signer/utils.js'
import { bitcoin } from '../../lib/chains/bitcoin/bitcoin.ts'
import { impossible } from '../../lib/chains/bitcoin/scripts.ts'
import type { Signature, SigningContext, SigningTask } from '../../lib/chains/chain.ts'
import { equal } from '../../lib/protocol/bytes.ts'
import type { Account, Permissions } from '../../lib/protocol/operations.ts'

export interface TestWallet {
  /** Of the master key. */
  readonly fingerprint: number
  publicKey(path: string): Uint8Array
  account(path: string): Account
  privateKey(path: string): Uint8Array
  /** As the core would: the key at the task's path, which must be the task's. */
  sign(tasks: readonly SigningTask[]): readonly Signature[]
}

const NOTHING_PERMITTED: Permissions = { exportable: false, rawHash: false, withoutChainId: false, anySighash: false }

export function walletFrom(seed: Uint8Array): TestWallet {
  const root = HDKey.fromMasterSeed(seed)
  // Tests ask for the same keys again and again, and each step is a multiplication.
  const known = new Map<string, HDKey>([['m', root]])
  const at = (path: string): HDKey => {
    const end = path.lastIndexOf('/')
    const node = known.get(path) ?? at(path.slice(0, end)).derive(`m${path.slice(end)}`)
    known.set(path, node)
    return node
  }
  const privateKey = (path: string): Uint8Array => at(path).privateKey as Uint8Array
  return {
    fingerprint: root.fingerprint,
    publicKey: (path) => at(path).publicKey as Uint8Array,
    privateKey,
    account(path) {
      const node = at(path)
      const isWhole = path.split('/').length === 4
      const key = { path, publicKey: node.publicKey as Uint8Array, chainCode: isWhole ? (node.chainCode as Uint8Array) : null }
      return { namespace: 'bip122', ...key, address: bitcoin.address(key) }
    },
    sign: (tasks) =>
      tasks.map((task) => {
        const key = privateKey(task.path)
        if (!equal(secp256k1.getPublicKey(key, true), task.publicKey)) throw new Error('the path leads to another key')
        return signTask(task, key)
      }),
  }
}

function signTask({ scheme }: SigningTask, key: Uint8Array): Signature {
  switch (scheme.kind) {
    case 'ecdsa': {
      const signature = secp256k1.Signature.fromBytes(secp256k1.sign(scheme.digest, key, { prehash: false, lowS: true, format: 'recovered' }), 'recovered')
      return { compact: signature.toBytes('compact'), recovery: signature.recovery as 0 | 1 }
    }
    case 'schnorr': {
      const tweaked = scheme.merkleRoot === null ? key : taprootTweakPrivKey(key, scheme.merkleRoot)
      return { compact: schnorr.sign(scheme.digest, tweaked, new Uint8Array(32)), recovery: null }
    }
    case 'ed25519':
      throw new Error('no such key')
    default:
      return impossible(scheme)
  }
}

export function contextOf(account: Account, more: { accounts?: readonly Account[]; permissions?: Partial<Permissions> } = {}): SigningContext {
  return { account, accounts: more.accounts ?? [account], permissions: { ...NOTHING_PERMITTED, ...more.permissions } }
}
