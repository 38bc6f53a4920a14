/** The hash of an ERC-4337 user operation, as its entry point computes it. */
import { keccak_256 } from '@noble/hashes/sha3.js'
import { concat, utf8 } from '../../protocol/bytes.ts'
import { CloisterError } from '../../protocol/errors.ts'
import { entryPointVersion, type UserOperation } from './user-operation-fields.ts'
import { addressBytes, fixedBytes, toBigInt } from './values.ts'

const hashOf = (text: string): Uint8Array => keccak_256(utf8(text))
const word = (value: bigint): Uint8Array => fixedBytes(value, 32)
const address = (text: string): Uint8Array => word(toBigInt(addressBytes(text)))
/** Two numbers of 128 bits in a word. */
const pair = (high: bigint, low: bigint): Uint8Array => word((high << 128n) | low)

const DOMAIN_TYPE = hashOf('EIP712Domain(string name,string version,uint256 chainId,address verifyingContract)')
const OPERATION_TYPE = hashOf(
  'PackedUserOperation(address sender,uint256 nonce,bytes initCode,bytes callData,bytes32 accountGasLimits,uint256 preVerificationGas,bytes32 gasFees,bytes paymasterAndData)',
)

/**
 * v0.7: keccak256(abi.encode(hash of the packed operation, entryPoint, chainId)); v0.8: EIP-712 in the domain "ERC4337", "1".
 * @param entryPoint - address, with its checksum
 * @throws CloisterError `tx_type_unknown`; `tx_field_invalid` for a delegate that is not part of the hash, or is missing from it
 */
export function userOperationHash(operation: UserOperation, entryPoint: string, chainId: bigint): Uint8Array {
  if (entryPointVersion(entryPoint) === '0.7') {
    // v0.7 would call the marker, and knows nothing of delegates.
    if (isMarked(operation.initCode) || operation.authorization !== null) throw new CloisterError('tx_field_invalid')
    return keccak_256(concat(keccak_256(encode(operation, operation.initCode)), address(entryPoint), word(chainId)))
  }
  const domain = keccak_256(concat(DOMAIN_TYPE, hashOf('ERC4337'), hashOf('1'), word(chainId), address(entryPoint)))
  const struct = keccak_256(concat(OPERATION_TYPE, encode(operation, delegatedInitCode(operation))))
  return keccak_256(concat(Uint8Array.of(0x19, 0x01), domain, struct))
}

function encode(operation: UserOperation, initCode: Uint8Array): Uint8Array {
  const { sender, nonce, callData, verificationGasLimit, callGasLimit, preVerificationGas, maxPriorityFeePerGas, maxFeePerGas, paymasterAndData } = operation
  return concat(
    address(sender), word(nonce), keccak_256(initCode), keccak_256(callData), pair(verificationGasLimit, callGasLimit), word(preVerificationGas),
    pair(maxPriorityFeePerGas, maxFeePerGas), keccak_256(paymasterAndData),
  )
}

/** EIP-7702's factory in v0.8: 0x7702, padded with zeros to 20 bytes. */
export function isMarked(initCode: Uint8Array): boolean {
  return initCode[0] === 0x77 && initCode[1] === 0x02 && initCode.subarray(2, 20).every((byte) => byte === 0)
}

/** For that factory the entry point hashes the delegate of the sender in its place, so the delegate must be known. */
function delegatedInitCode({ initCode, authorization }: UserOperation): Uint8Array {
  // A delegate that isn't hashed isn't signed: nobody should read of it as if it were.
  if (isMarked(initCode) !== (authorization !== null)) throw new CloisterError('tx_field_invalid')
  return authorization === null ? initCode : concat(addressBytes(authorization.address), initCode.subarray(20))
}
