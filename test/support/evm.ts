/** Plans EVM payloads for a bare key, and signs them as the enclave does. */
import { getPublicKey } from '@noble/secp256k1'
import { signEcdsa } from '../../enclave-sim/core/signing.ts'
import type { Plan, Signed } from '../../lib/chains/chain.ts'
import { ethereum } from '../../lib/chains/ethereum/ethereum.ts'
import type { CborValue } from '../../lib/protocol/cbor.ts'
import type { Account, PayloadKind, Permissions } from '../../lib/protocol/operations.ts'

export const hex = (text: string): Uint8Array<ArrayBuffer> => new Uint8Array(Buffer.from(text.replace(/^0x/, ''), 'hex'))
export const KEY = hex('46'.repeat(32))
const NOTHING_PERMITTED: Permissions = { exportable: false, rawHash: false, withoutChainId: false, anySighash: false }
/** Random cases a property and library; every type has two. */
export const RUNS = process.env['SLOW'] === '1' ? 1000 : 25

export function accountOf(privateKey: Uint8Array = KEY): Account {
  const publicKey = getPublicKey(privateKey, true)
  return { namespace: 'eip155', path: "m/44'/60'/0'/0/0", address: ethereum.address({ path: 'm', publicKey, chainCode: null }), publicKey, chainCode: null }
}

export interface EvmOptions {
  readonly key?: Uint8Array
  readonly permissions?: Partial<Permissions>
  readonly context?: CborValue
}

/** Reads and plans. @throws CloisterError */
export function planOf(chain: string, kind: PayloadKind, data: Uint8Array, { key, permissions, context = null }: EvmOptions = {}): Plan {
  const account = accountOf(key)
  return ethereum.read({ chain, kind, data, context }).plan({ account, accounts: [account], permissions: { ...NOTHING_PERMITTED, ...permissions } })
}

export function digestOf(plan: Plan): Uint8Array {
  const scheme = plan.tasks[0]?.scheme
  if (plan.tasks.length !== 1 || scheme?.kind !== 'ecdsa') throw new Error('not one ECDSA signature')
  return scheme.digest
}

export function sign(plan: Plan, key: Uint8Array = KEY): Signed {
  return plan.assemble([signEcdsa(key, getPublicKey(key, true), digestOf(plan))])
}
