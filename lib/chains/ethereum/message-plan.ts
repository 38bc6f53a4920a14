/** What personal messages, typed data and bare hashes have in common: a digest, and 65 bytes of signature. */
import { recoverPublicKey } from '@noble/secp256k1'
import { concat, equal } from '../../protocol/bytes.ts'
import { CloisterError } from '../../protocol/errors.ts'
import type { Account, Payload } from '../../protocol/operations.ts'
import type { Plan, Summary } from '../chain.ts'

export type MessagePayload = Pick<Payload, 'chain' | 'kind' | 'data' | 'context'>

/** Half the group's order (EIP-2: a high s is invalid). */
const HALF_ORDER = 0x7fffffffffffffffffffffffffffffff5d576e7357a4501ddfe92f46681b20a0n

/** The chain id of a CAIP-2 `eip155:…`. @throws CloisterError `chain_unknown` */
export function chainIdOf(chain: string): bigint {
  const digits = /^eip155:(0|[1-9][0-9]{0,30})$/.exec(chain)?.[1]
  if (digits === undefined) throw new CloisterError('chain_unknown')
  return BigInt(digits)
}

/** `signed` is r ‖ s ‖ v, v being 27 or 28 (as `personal_sign` and `eth_signTypedData` answer); `hash` is the digest. */
export function messagePlan(summary: Summary, digest: Uint8Array, account: Account): Plan {
  return {
    summary,
    tasks: [{ path: account.path, publicKey: account.publicKey, scheme: { kind: 'ecdsa', digest } }],
    assemble(signatures) {
      const [signature] = signatures
      if (signatures.length !== 1 || signature === undefined) throw new Error('one signature is needed')
      const { compact, recovery } = signature
      if (compact.length !== 64 || recovery === null) throw new Error('not an ECDSA signature')
      if (toBigInt(compact.subarray(32)) > HALF_ORDER) throw new Error('the signature is malleable')
      const signer = recoverPublicKey(concat(Uint8Array.of(recovery), compact), digest, { prehash: false })
      if (!equal(signer, account.publicKey)) throw new Error('the signature is not from the account')
      return { signed: concat(compact, Uint8Array.of(27 + recovery)), hash: digest }
    },
  }
}

/** Big-endian. */
export function toBigInt(bytes: Uint8Array): bigint {
  let out = 0n
  for (const byte of bytes) out = (out << 8n) | BigInt(byte)
  return out
}
