/** Solana accounts, and signatures by node:crypto, as the enclave makes them. */
import { createPrivateKey, createPublicKey, sign } from 'node:crypto'
import { Keypair, PublicKey } from '@solana/web3.js'
import { sha256 } from '@noble/hashes/sha2.js'
import type { Plan, Reading, Signed, SigningContext } from '../../lib/chains/chain.ts'
import { solana } from '../../lib/chains/solana/solana.ts'
import type { CborValue } from '../../lib/protocol/cbor.ts'
import type { PayloadKind } from '../../lib/protocol/operations.ts'

export const CHAIN = 'solana:5eykt4UsFv8P8NJdTREpY1vzqKqZKvdp'
const PATH = "m/44'/501'/0'/0'"

/** Keys that a number tells, for tests that repeat. */
export const keypair = (number: number): Keypair => Keypair.fromSeed(new Uint8Array(32).fill(number))
/** Addresses whose keys nobody has. */
export const address = (number: number): PublicKey => new PublicKey(sha256(Uint8Array.of(number >> 16, number >> 8, number)))

export function contextOf(publicKey: Uint8Array): SigningContext {
  const account = { namespace: 'solana', path: PATH, address: solana.address({ path: PATH, publicKey, chainCode: null }), publicKey, chainCode: null }
  return { account, accounts: [account], permissions: { exportable: false, rawHash: false, withoutChainId: false, anySighash: false } }
}

export const read = (data: Uint8Array, context: CborValue = null, kind: PayloadKind = 'transaction', chain = CHAIN): Reading =>
  solana.read({ chain, kind, data, context })

export const planFor = (signer: Keypair, data: Uint8Array, context: CborValue = null, kind: PayloadKind = 'transaction'): Plan =>
  read(data, context, kind).plan(contextOf(signer.publicKey.toBytes()))

/** What the plan asks for, signed with the key of a seed. */
export function signPlan(plan: Plan, seed: Uint8Array): Signed {
  const key = ed25519Key(seed)
  return plan.assemble(
    plan.tasks.map(({ scheme }) => {
      if (scheme.kind !== 'ed25519') throw new Error('another scheme')
      return { compact: new Uint8Array(sign(null, scheme.message, key)), recovery: null }
    }),
  )
}

export const signFor = (signer: Keypair, data: Uint8Array, context: CborValue = null, kind: PayloadKind = 'transaction'): Signed =>
  signPlan(planFor(signer, data, context, kind), signer.secretKey.slice(0, 32))

function ed25519Key(seed: Uint8Array): ReturnType<typeof createPrivateKey> {
  const der = Buffer.concat([Buffer.from('302e020100300506032b657004220420', 'hex'), seed])
  return createPrivateKey({ key: der, format: 'der', type: 'pkcs8' })
}

export function ed25519PublicKey(seed: Uint8Array): Uint8Array {
  return new Uint8Array(createPublicKey(ed25519Key(seed)).export({ format: 'der', type: 'spki' }).subarray(-32))
}
