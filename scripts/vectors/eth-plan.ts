/** What the project makes of a payload, for an address that is known only once the signature is. */
import { chainOf } from '../../lib/chains/registry.ts'
import type { Signature, Signed, Summary } from '../../lib/chains/chain.ts'
import type { CborValue } from '../../lib/protocol/cbor.ts'
import { CloisterError } from '../../lib/protocol/errors.ts'
import type { PayloadKind } from '../../lib/protocol/operations.ts'
import { Failure } from './report.ts'

export interface Planned {
  readonly summary: Summary
  /** What is signed, for an account whose address is not part of it. */
  readonly digest: Uint8Array
  assemble(signature: Signature, address: string): Signed
}

/** A wallet that permits all. @throws CloisterError */
export function planPayload(chain: string, kind: PayloadKind, data: Uint8Array, context: CborValue = null): Planned {
  const reading = chainOf(chain).read({ chain, kind, data, context })
  const permissions = { exportable: true, rawHash: true, withoutChainId: true, anySighash: true }
  const planFor = (address: string) => {
    const account = { namespace: 'eip155', path: 'm', address, publicKey: new Uint8Array(33), chainCode: null }
    return reading.plan({ account, accounts: [account], permissions })
  }
  const plan = planFor(`0x${'00'.repeat(20)}`)
  const scheme = plan.tasks[0]?.scheme
  if (plan.tasks.length !== 1 || scheme?.kind !== 'ecdsa') throw new Failure('not one ECDSA signature')
  return { summary: plan.summary, digest: scheme.digest, assemble: (signature, address) => planFor(address).assemble([signature]) }
}

/** The code with which `run` is refused; `undefined` when it isn't. */
export function codeOfRefusal(run: () => unknown): string | undefined {
  try {
    run()
    return undefined
  } catch (error) {
    if (error instanceof CloisterError) return error.code
    throw error
  }
}
