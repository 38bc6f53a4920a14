/**
 * ERC-4337 user operations, for the entry points of v0.7 and v0.8: what a smart account of which this key is the owner will do.
 *
 * Accepted: JSON `{entryPoint, userOperation}` with the operation packed or unpacked (user-operation-fields.ts). `context` is `null` or
 * `{scheme}`: `eip191` signs the operation's hash as a personal message (what v0.7's accounts check, and the default there), `raw` signs the
 * hash itself (v0.8's, and the default there). Signed, it is r ‖ s ‖ v, 65 bytes, the operation's `signature` for accounts like SimpleAccount.
 */
import type { CborValue } from '../../protocol/cbor.ts'
import { CloisterError } from '../../protocol/errors.ts'
import { attempt, object, oneOf } from '../../protocol/fields.ts'
import type { Action, Reading, Summary } from '../chain.ts'
import { describeCall } from './calls/describe.ts'
import { chainIdOf } from './chain-id.ts'
import { personalDigest } from './personal.ts'
import { packed, planOf } from './signature.ts'
import { delegation, delegationWarnings } from './summary.ts'
import { entryPointVersion, readUserOperationJson, type UserOperation } from './user-operation-fields.ts'
import { isMarked, userOperationHash } from './user-operation-hash.ts'
import { hex, toAddress } from './values.ts'

type Scheme = 'eip191' | 'raw'

/** @throws CloisterError `tx_*`, `chain_unknown`, `parameters_malformed` */
export function readUserOperation(chain: string, data: Uint8Array, context: CborValue): Reading {
  const chainId = chainIdOf(chain)
  const { entryPoint, operation } = readUserOperationJson(data)
  const version = entryPointVersion(entryPoint)
  const scheme = readScheme(context) ?? (version === '0.7' ? 'eip191' : 'raw')
  if (operation.authorization !== null && operation.authorization.chainId !== 0n && operation.authorization.chainId !== chainId) {
    throw new CloisterError('tx_chain_id_mismatch')
  }
  const hash = userOperationHash(operation, entryPoint, chainId)
  const digest = scheme === 'raw' ? hash : personalDigest(hash)
  const summary = summarize(chain, operation, { entryPoint, scheme, userOpHash: hex(hash) })
  return { plan: ({ account }) => planOf(account, digest, summary, (signature) => ({ signed: packed(signature), hash })) }
}

function readScheme(context: CborValue): Scheme | undefined {
  if (context === null) return undefined
  const scheme = attempt(() => oneOf(object(context, ['scheme'])['scheme'], ['eip191', 'raw']))
  if (scheme === undefined) throw new CloisterError('parameters_malformed')
  return scheme
}

function summarize(chain: string, operation: UserOperation, more: Readonly<Record<string, string>>): Summary {
  const { sender, nonce, initCode, callData, paymasterAndData, authorization, ...gas } = operation
  // The entry point calls the account with it; with nothing, if there is nothing to do but to deploy or delegate.
  const called = callData.length === 0 ? { actions: [], warnings: [] } : describeCall({ chain, from: more['entryPoint'] ?? null, to: sender, value: 0n, data: callData })
  const before: Action[] = []
  if (authorization !== null) before.push(delegation(authorization.address, { authority: sender, chainId: String(authorization.chainId) }))
  if (initCode.length > 0 && !isMarked(initCode)) before.push({ action: 'deploy_account', fields: { account: sender, factory: toAddress(initCode.subarray(0, 20)) } })
  const total = gas.verificationGasLimit + gas.callGasLimit + gas.preVerificationGas + gas.paymasterVerificationGasLimit + gas.paymasterPostOpGasLimit
  const numbers = { nonce, ...gas, maximumFee: total * gas.maxFeePerGas }
  const texts = Object.fromEntries(Object.entries(numbers).map(([name, number]) => [name, String(number)]))
  const bytes = { initCode: hex(initCode), callData: hex(callData), paymasterAndData: hex(paymasterAndData) }
  const warnings = [...called.warnings, ...(authorization === null ? [] : delegationWarnings(authorization.address, authorization.chainId))]
  return { chain, kind: 'user_operation', actions: [...before, ...called.actions], fields: { ...texts, ...bytes, sender, ...more }, warnings: [...new Set(warnings)] }
}
