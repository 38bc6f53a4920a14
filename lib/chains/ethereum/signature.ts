/** Signatures as Ethereum writes and checks them. */
import { recoverPublicKey } from '@noble/secp256k1'
import { addr } from 'micro-eth-signer'
import { concat } from '../../protocol/bytes.ts'
import type { Account } from '../../protocol/operations.ts'
import type { Plan, Signature, Signed, Summary } from '../chain.ts'
import { fixedBytes, toBigInt } from './values.ts'

export interface EcdsaValues {
  readonly r: bigint
  readonly s: bigint
  readonly yParity: 0 | 1
}

/** SEC 2, section 2.4.1. */
const ORDER = 0xfffffffffffffffffffffffffffffffebaaedce6af48a03bbfd25e8cd0364141n

/** EIP-2: of s and n - s the smaller; neither r nor s is zero. */
export function isCanonical(r: bigint, s: bigint): boolean {
  return r > 0n && r < ORDER && s > 0n && s <= ORDER / 2n
}

/** The address whose key made the signature; `undefined` when no key did. @param compact - r ‖ s, 64 bytes */
export function signerOf(digest: Uint8Array, compact: Uint8Array, recovery: number): string | undefined {
  let publicKey
  try {
    publicKey = recoverPublicKey(concat(Uint8Array.of(recovery), compact), digest, { prehash: false })
  } catch {
    return undefined
  }
  return addr.fromPublicKey(publicKey)
}

/** One signature by the account. `seal` gets it once it is known to be the account's, and canonical. */
export function planOf(account: Account, digest: Uint8Array, summary: Summary, seal: (signature: EcdsaValues) => Signed): Plan {
  return {
    summary,
    tasks: [{ path: account.path, publicKey: account.publicKey, scheme: { kind: 'ecdsa', digest } }],
    assemble: (signatures) => seal(checkedValues(signatures, digest, account.address)),
  }
}

function checkedValues(signatures: readonly Signature[], digest: Uint8Array, address: string): EcdsaValues {
  const [signature] = signatures
  if (signatures.length !== 1 || signature === undefined || signature.compact.length !== 64) throw new Error('one signature of 64 bytes is needed')
  const { compact, recovery } = signature
  if (recovery !== 0 && recovery !== 1) throw new Error('not an ECDSA signature')
  const [r, s] = [toBigInt(compact.subarray(0, 32)), toBigInt(compact.subarray(32))]
  if (!isCanonical(r, s)) throw new Error('the signature is malleable, or out of range')
  if (signerOf(digest, compact, recovery) !== address) throw new Error('the signature is not from the account')
  return { r, s, yParity: recovery }
}

/** r ‖ s ‖ v with v 27 or 28: 65 bytes, as contracts take signatures. */
export function packed({ r, s, yParity }: EcdsaValues): Uint8Array {
  return concat(fixedBytes(r, 32), fixedBytes(s, 32), Uint8Array.of(27 + yParity))
}
