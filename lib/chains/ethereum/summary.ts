/** What a person reads of a transaction. */
import { keccak_256 } from '@noble/hashes/sha3.js'
import { concat } from '../../protocol/bytes.ts'
import type { Action, Summary } from '../chain.ts'
import { describeCall } from './calls/describe.ts'
import { maximumFee } from './checks.ts'
import type { Fields, SignedAuthorization } from './fields.ts'
import { intrinsicGas } from './gas.ts'
import { writeRlp } from './rlp.ts'
import { isCanonical, signerOf } from './signature.ts'
import type { Transaction } from './transaction.ts'
import { addressBytes, fixedBytes, hex, integerBytes } from './values.ts'

const ZERO_ADDRESS = `0x${'00'.repeat(20)}`
/** Recovering a signer takes milliseconds: of a longer list only the first are named. */
const MAX_RECOVERED = 4

/** @param from - the account that signs */
export function summarize(chain: string, { kind, fields }: Transaction, from: string): Summary {
  const { to, value, data, authorizationList = [] } = fields
  const called = describeCall({ chain, from, to, value, data })
  const delegated = authorizationList.map((authorization, i) => delegation(authorization.address, {
    authority: i < MAX_RECOVERED ? authorityOf(authorization) : 'not recovered', chainId: String(authorization.chainId), nonce: String(authorization.nonce),
  }))
  const warnings = [
    ...called.warnings,
    ...authorizationList.flatMap(({ address, chainId }) => delegationWarnings(address, chainId)),
    ...(fields.chainId === undefined ? ['any_chain'] : []),
    ...(fields.gasLimit < intrinsicGas(fields) ? ['gas_below_intrinsic'] : []),
  ]
  return { chain, kind, actions: [...called.actions, ...delegated], fields: texts(fields), warnings: [...new Set(warnings)] }
}

/** EIP-7702: the authority's account runs the code at `address` from then on; the zero address ends that. */
export function delegation(address: string, fields: Readonly<Record<string, string>>): Action {
  return address === ZERO_ADDRESS ? { action: 'revoke_delegation', fields } : { action: 'delegate', fields: { ...fields, delegate: address } }
}

export function delegationWarnings(address: string, chainId: bigint): readonly string[] {
  return [...(address === ZERO_ADDRESS ? [] : ['delegates_account']), ...(chainId === 0n ? ['any_chain'] : [])]
}

/** keccak256(0x05 ‖ rlp([chain_id, address, nonce])), EIP-7702. */
export function authorizationDigest({ chainId, address, nonce }: Pick<SignedAuthorization, 'chainId' | 'address' | 'nonce'>): Uint8Array {
  return keccak_256(concat(Uint8Array.of(5), writeRlp([integerBytes(chainId), addressBytes(address), integerBytes(nonce)])))
}

function authorityOf(authorization: SignedAuthorization): string {
  const { yParity, r, s } = authorization
  if (yParity > 1n || !isCanonical(r, s)) return 'nobody'
  return signerOf(authorizationDigest(authorization), concat(fixedBytes(r, 32), fixedBytes(s, 32)), Number(yParity)) ?? 'nobody'
}

/** Every field that is signed, and the fee that they come to. */
function texts(fields: Fields): Record<string, string> {
  const { to, data, accessList, blobVersionedHashes, authorizationList, ...numbers } = fields
  const out: Record<string, string> = { to: to ?? 'contract creation', data: hex(data), maximumFee: String(maximumFee(fields)) }
  for (const [name, number] of Object.entries(numbers)) out[name] = String(number)
  if (accessList !== undefined) out['accessList'] = json(accessList)
  if (blobVersionedHashes !== undefined) out['blobVersionedHashes'] = json(blobVersionedHashes)
  if (authorizationList !== undefined) out['authorizationList'] = json(authorizationList)
  return out
}

/** JSON with bytes as hex and integers in decimal. */
function json(value: unknown): string {
  return JSON.stringify(value, (_name, part: unknown) => (part instanceof Uint8Array ? hex(part) : typeof part === 'bigint' ? String(part) : part))
}
