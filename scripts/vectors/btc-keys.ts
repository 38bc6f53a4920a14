/** Vectors come with bare private keys: one-key accounts of them, and signatures for their plans. */
import { secp256k1 } from '@noble/curves/secp256k1.js'
import { sha256 } from '@noble/hashes/sha2.js'
import { createBase58check } from '@scure/base'
import { signEcdsa, signSchnorr } from '../../enclave-sim/core/signing.ts'
import { bitcoin } from '../../lib/chains/bitcoin/bitcoin.ts'
import { MAINNET } from '../../lib/chains/bitcoin/networks.ts'
import type { Plan, Signature, SigningContext, SigningTask } from '../../lib/chains/chain.ts'
import type { Payload } from '../../lib/protocol/operations.ts'
import { UnknownShape } from './fields.ts'

export const PATHS: Readonly<Record<string, string>> = {
  p2pkh: "m/44'/0'/0'/0/0",
  'p2sh-p2wpkh': "m/49'/0'/0'/0/0",
  p2wpkh: "m/84'/0'/0'/0/0",
  p2tr: "m/86'/0'/0'/0/0",
}

export const publicKeyOf = (key: Uint8Array): Uint8Array => secp256k1.getPublicKey(key, true)

/** A private key in wallet import format, its public key compressed. */
export function fromWif(text: string): Uint8Array {
  try {
    const bytes = createBase58check(sha256).decode(text)
    if (bytes.length === 34 && bytes[33] === 1) return bytes.slice(1, 33)
  } catch {
    // refused below
  }
  throw new UnknownShape('a private key is not in wallet import format')
}

/** Reads and plans a payload on mainnet for the account of one key at a path. */
export function planWith(key: Uint8Array, path: string, kind: Payload['kind'], data: Uint8Array): { readonly plan: Plan; readonly context: SigningContext } {
  const parts = { path, publicKey: publicKeyOf(key), chainCode: null }
  const account = { namespace: bitcoin.namespace, ...parts, address: bitcoin.address(parts) }
  const permissions = { exportable: false, rawHash: false, withoutChainId: false, anySighash: true }
  const context = { account, accounts: [account], permissions }
  return { plan: bitcoin.read({ chain: MAINNET.id, kind, data, context: null }).plan(context), context }
}

export function signWith(key: Uint8Array, tasks: readonly SigningTask[]): readonly Signature[] {
  return tasks.map(({ scheme }) => {
    if (scheme.kind === 'ed25519') throw new UnknownShape('another curve')
    return scheme.kind === 'schnorr' ? signSchnorr(key, scheme.digest, scheme.merkleRoot) : signEcdsa(key, publicKeyOf(key), scheme.digest)
  })
}
