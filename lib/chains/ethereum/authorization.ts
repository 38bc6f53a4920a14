/**
 * EIP-7702 authorizations: an account lets another's code run as its own.
 *
 * Accepted: `0x05 ‖ rlp([chain_id, address, nonce])`. Signed, it is `rlp([chain_id, address, nonce, y_parity, r, s])`, an item of a type-4
 * transaction's list. Chain id 0 is valid on every chain, where the address may hold other code: only if the wallet permits it.
 */
import { CloisterError } from '../../protocol/errors.ts'
import { LIMITS } from '../../protocol/limits.ts'
import type { Reading } from '../chain.ts'
import { chainIdOf, checkChainId } from './chain-id.ts'
import { readRlpList, writeRlp } from './rlp.ts'
import { planOf } from './signature.ts'
import { authorizationDigest, delegation, delegationWarnings } from './summary.ts'
import { integerBytes, readAddress, readInteger, readNonce } from './values.ts'

/** @throws CloisterError `tx_*`, `chain_unknown`; its plan `payload_not_permitted` */
export function readAuthorization(chain: string, data: Uint8Array): Reading {
  if (data.length > LIMITS.maxPayloadBytes) throw new CloisterError('tx_too_large')
  if (data.length === 0) throw new CloisterError('tx_malformed')
  if (data[0] !== 5) throw new CloisterError('tx_type_unknown')
  const items = readRlpList(data.subarray(1))
  if (items.length === 6) throw new CloisterError('tx_already_signed')
  if (items.length !== 3) throw new CloisterError('tx_malformed')
  const authorization = { chainId: readInteger(items[0], 256), address: readAddress(items[1]), nonce: readNonce(items[2]) }
  const { chainId, address, nonce } = authorization
  if (chainId === 0n) chainIdOf(chain)
  else checkChainId(chain, chainId)
  const digest = authorizationDigest(authorization)
  return {
    plan({ account, permissions }) {
      if (chainId === 0n && !permissions.withoutChainId) throw new CloisterError('payload_not_permitted')
      const fields = { chainId: String(chainId), address, nonce: String(nonce) }
      const actions = [delegation(address, { authority: account.address, chainId: String(chainId), nonce: String(nonce) })]
      const summary = { chain, kind: 'authorization', actions, fields, warnings: delegationWarnings(address, chainId) }
      return planOf(account, digest, summary, ({ r, s, yParity }) => ({
        signed: writeRlp([...items, integerBytes(BigInt(yParity)), integerBytes(r), integerBytes(s)]),
        hash: digest,
      }))
    },
  }
}
