/** One account, and what a plan for it comes to. */
import { getPublicKey } from '@noble/secp256k1'
import { signEcdsa } from '../../enclave-sim/core/signing.ts'
import type { Plan, Reading, Signed } from '../../lib/chains/chain.ts'
import { ethereum } from '../../lib/chains/ethereum/ethereum.ts'
import type { CborValue } from '../../lib/protocol/cbor.ts'
import type { Permissions } from '../../lib/protocol/operations.ts'

export const RUNS = process.env['SLOW'] === '1' ? 1000 : 50
const KEY = new Uint8Array(32).fill(0x42)
const publicKey = getPublicKey(KEY, true)
const PATH = "m/44'/60'/0'/0/0"
export const ACCOUNT = { namespace: 'eip155', path: PATH, address: ethereum.address({ path: PATH, publicKey, chainCode: null }), publicKey, chainCode: null }
const NONE: Permissions = { exportable: false, rawHash: false, withoutChainId: false, anySighash: false }

export function planOf(reading: Reading, permissions: Partial<Permissions> = {}): Plan {
  return reading.plan({ account: ACCOUNT, accounts: [ACCOUNT], permissions: { ...NONE, ...permissions } })
}

export function digestOf(plan: Plan): Uint8Array {
  const scheme = plan.tasks[0]?.scheme
  if (scheme?.kind !== 'ecdsa') throw new Error('nothing to sign')
  return scheme.digest
}

export function signPlan(plan: Plan, key: Uint8Array = KEY): Signed {
  return plan.assemble(plan.tasks.map((task) => signEcdsa(key, key === KEY ? task.publicKey : getPublicKey(key, true), digestOf({ ...plan, tasks: [task] }))))
}

export function payload(kind: 'message' | 'typedData' | 'hash', data: Uint8Array | string, context: CborValue = null, chain = 'eip155:1') {
  return { chain, kind, data: typeof data === 'string' ? new TextEncoder().encode(data) : data, context }
}
