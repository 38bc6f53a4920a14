/**
 * Reads a user operation from JSON, as bundlers take it (ERC-7769): integers are `0x` and hex, bytes `0x` and pairs of hex digits, addresses
 * 20 bytes whose checksum, if there is one, is right. No field may be unknown, missing, twice there, or half there. `signature` may hold a
 * placeholder, as it does while gas is estimated; it is not part of the hash.
 */
import { concat } from '../../protocol/bytes.ts'
import { CloisterError } from '../../protocol/errors.ts'
import { LIMITS } from '../../protocol/limits.ts'
import { address, authorization, bytes, bytesOr, gas, integer, isObject, jsonObject, parseJson, type DelegateAuthorization } from './json.ts'
import type { Json, JsonObject } from './strict-json.ts'
import { addressBytes, fixedBytes, toBigInt } from './values.ts'

export interface UserOperation {
  readonly sender: string
  readonly nonce: bigint
  readonly initCode: Uint8Array
  readonly callData: Uint8Array
  readonly verificationGasLimit: bigint
  readonly callGasLimit: bigint
  readonly preVerificationGas: bigint
  readonly maxPriorityFeePerGas: bigint
  readonly maxFeePerGas: bigint
  readonly paymasterVerificationGasLimit: bigint
  readonly paymasterPostOpGasLimit: bigint
  readonly paymasterAndData: Uint8Array
  /** EIP-7702: sent along with the operation, and in v0.8 part of its hash. */
  readonly authorization: DelegateAuthorization | null
}

const ENTRY_POINTS: ReadonlyMap<string, '0.7' | '0.8'> = new Map([
  ['0x0000000071727De22E5E9d8BAf0edAc6f37da032', '0.7'],
  ['0x4337084D9E255Ff0702461CF8895CE9E3b5Ff108', '0.8'],
])

/** @throws CloisterError `tx_type_unknown` for any other */
export function entryPointVersion(entryPoint: string): '0.7' | '0.8' {
  const version = ENTRY_POINTS.get(entryPoint)
  if (version === undefined) throw new CloisterError('tx_type_unknown')
  return version
}

const COMMON = ['sender', 'nonce', 'callData', 'preVerificationGas']
const PACKED = [...COMMON, 'initCode', 'accountGasLimits', 'gasFees', 'paymasterAndData']
const UNPACKED = [...COMMON, 'callGasLimit', 'verificationGasLimit', 'maxFeePerGas', 'maxPriorityFeePerGas']
const PAYMASTER = ['paymaster', 'paymasterVerificationGasLimit', 'paymasterPostOpGasLimit']
const OPTIONAL = ['signature', 'eip7702Auth']

/** @throws CloisterError `tx_malformed`, `tx_field_invalid`, `tx_overflow`, `tx_type_unknown`, `tx_too_large` */
export function readUserOperationJson(data: Uint8Array): { readonly entryPoint: string; readonly operation: UserOperation } {
  if (data.length > LIMITS.maxPayloadBytes) throw new CloisterError('tx_too_large')
  const outer = jsonObject(parseJson(data), ['entryPoint', 'userOperation'])
  const entryPoint = address(outer.get('entryPoint'))
  entryPointVersion(entryPoint)
  const given = outer.get('userOperation')
  const isPacked = isObject(given) && given.has('accountGasLimits')
  return { entryPoint, operation: isPacked ? readPacked(jsonObject(given, PACKED, OPTIONAL)) : readUnpacked(given) }
}

function readCommon(from: JsonObject) {
  bytesOr(from.get('signature'))
  return {
    sender: address(from.get('sender')), nonce: integer(from.get('nonce'), 256), callData: bytes(from.get('callData')), preVerificationGas: gas(from.get('preVerificationGas')),
    authorization: from.get('eip7702Auth') === undefined ? null : authorization(from.get('eip7702Auth')),
  }
}

function readPacked(from: JsonObject): UserOperation {
  const [verificationGasLimit, callGasLimit] = halves(bytes(from.get('accountGasLimits'), 32))
  const [maxPriorityFeePerGas, maxFeePerGas] = halves(bytes(from.get('gasFees'), 32))
  const paymasterAndData = bytes(from.get('paymasterAndData'))
  const initCode = bytes(from.get('initCode'))
  // A factory's address, a paymaster's with its two gas limits: whole, or not at all. (0x7702 may stand alone.)
  if ((initCode.length > 0 && initCode.length < 20 && !isShortMarker(initCode)) || (paymasterAndData.length > 0 && paymasterAndData.length < 52)) {
    throw new CloisterError('tx_field_invalid')
  }
  const [paymasterVerificationGasLimit, paymasterPostOpGasLimit] = paymasterAndData.length === 0 ? ([0n, 0n] as const) : halves(paymasterAndData.subarray(20, 52))
  return {
    ...readCommon(from), initCode, verificationGasLimit, callGasLimit, maxPriorityFeePerGas, maxFeePerGas,
    paymasterVerificationGasLimit, paymasterPostOpGasLimit, paymasterAndData,
  }
}

function readUnpacked(given: Json | undefined): UserOperation {
  const has = (name: string): boolean => isObject(given) && given.has(name)
  const needed = [...UNPACKED, ...(has('factory') ? ['factory'] : []), ...(has('paymaster') ? PAYMASTER : [])]
  const optional = [...OPTIONAL, ...(has('factory') ? ['factoryData'] : []), ...(has('paymaster') ? ['paymasterData'] : [])]
  const from = jsonObject(given, needed, optional)
  const [verification, postOp] = has('paymaster') ? [gas(from.get('paymasterVerificationGasLimit')), gas(from.get('paymasterPostOpGasLimit'))] : [0n, 0n]
  return {
    ...readCommon(from),
    initCode: has('factory') ? concat(factory(from.get('factory')), bytesOr(from.get('factoryData'))) : new Uint8Array(),
    verificationGasLimit: gas(from.get('verificationGasLimit')), callGasLimit: gas(from.get('callGasLimit')),
    maxPriorityFeePerGas: gas(from.get('maxPriorityFeePerGas')), maxFeePerGas: gas(from.get('maxFeePerGas')),
    paymasterVerificationGasLimit: verification, paymasterPostOpGasLimit: postOp,
    paymasterAndData: has('paymaster')
      ? concat(addressBytes(address(from.get('paymaster'))), fixedBytes(verification, 16), fixedBytes(postOp, 16), bytesOr(from.get('paymasterData')))
      : new Uint8Array(),
  }
}

const isShortMarker = (initCode: Uint8Array): boolean => initCode.length === 2 && initCode[0] === 0x77 && initCode[1] === 0x02

/** EIP-7702's marker may be given as `0x7702`. */
function factory(value: Json | undefined): Uint8Array {
  if (value !== '0x7702') return addressBytes(address(value))
  const marker = new Uint8Array(20)
  marker.set([0x77, 0x02])
  return marker
}

function halves(word: Uint8Array): readonly [bigint, bigint] {
  return [toBigInt(word.subarray(0, 16)), toBigInt(word.subarray(16))].map(checked) as [bigint, bigint]
}

const checked = (value: bigint): bigint => gas(`0x${value.toString(16)}`)
