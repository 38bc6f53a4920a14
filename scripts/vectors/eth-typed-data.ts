/** EIP-712 of ethers and of eth-sig-util (versions 1, 3 and 4), through lib/chains/ethereum/typed-data. */
import { keccak_256 } from '@noble/hashes/sha3.js'
import { createEncoder } from '../../lib/chains/ethereum/typed-data/encode.ts'
import { jsonObject, parseStrictJson } from '../../lib/chains/ethereum/strict-json.ts'
import { readTypedData } from '../../lib/chains/ethereum/typed-data.ts'
import { encodeType, readTypes } from '../../lib/chains/ethereum/typed-data/types.ts'
import type { Reading } from '../../lib/chains/chain.ts'
import { equal, toHex, utf8 } from '../../lib/protocol/bytes.ts'
import { CloisterError } from '../../lib/protocol/errors.ts'
import { Malformed } from '../../lib/protocol/fields.ts'
import { isLaxCall } from './eth-typed-lax.ts'
import { isJavaScriptOnly, signerOf, signReading } from './eth-personal.ts'
import { hex, hexField, isObject, list, object, text, type Json } from './fields.ts'
import { Failure, must, refusalOf, skip } from './report.ts'

/** {types, primaryType, domain, data, encoded, digest}, and for one of them a signature. */
export function checkEthersTyped(vector: Json): void {
  const { types, primaryType, domain, data: message } = vector
  const data = { types, primaryType, domain, message }
  const reading = readingOf(data, 'V4')
  must(`0x${toHex(digestOf(reading))}` === text(vector, 'digest'), 'another digest')
  const encoder = createEncoder(readTypes(strict(types)), 'V4')
  must(equal(encoder.encodeData(text(vector, 'primaryType'), strict(message), 'message'), hexField(vector, 'encoded')), 'encoded otherwise')
  if (typeof vector['privateKey'] !== 'string') return
  must(signReading(reading, hexField(vector, 'privateKey')) === text(vector, 'signature'), 'another signature')
}

/** A call of eth-sig-util's, as its own tests make it: {fn, args, result} or {fn, args, error}. */
export async function checkSigUtil(vector: Json): Promise<void> {
  const args = list(vector['args'], 'args')
  const name = text(vector, 'fn').replace(/^TypedDataUtils\./, '')
  const run = FUNCTIONS[name]
  if (run === undefined) skip('a function that nothing here corresponds to')
  // Its key alone is a buffer for a good reason.
  const inputs = args.map((arg) => (isObject(arg) && 'privateKey' in arg ? { ...arg, privateKey: null } : arg))
  if (isJavaScriptOnly(inputs)) skip('values that JSON does not have')
  let result: string | undefined
  const refusal = await refusalOf(() => (result = run(args)))
  must(refusal === undefined || refusal instanceof Malformed || refusal instanceof CloisterError, 'refused by accident')
  if (vector['error'] !== undefined) return must(refusal !== undefined, 'accepted')
  if (refusal !== undefined && isLaxCall(name, args)) skip('laxer than EIP-712: a value that is not of its type, a field that is not of its struct, no domain')
  if (refusal !== undefined) throw new Failure('refused')
  must(result === resultOf(vector['result']), 'something else comes out')
}

const FUNCTIONS: Readonly<Record<string, (args: readonly unknown[]) => string>> = {
  encodeType: ([primary, types]) => encodeType(readTypes(strict(types)), primary as string),
  hashType: ([primary, types]) => toHex(keccak_256(utf8(encodeType(readTypes(strict(types)), primary as string)))),
  encodeData: ([primary, data, types, version]) => toHex(encoderOf(types, version).encodeData(primary as string, strict(data), 'message')),
  hashStruct: ([primary, data, types, version]) => toHex(encoderOf(types, version).hashStruct(primary as string, strict(data), 'message')),
  eip712Hash: ([data, version]) => toHex(digestOf(readingOf(data, version))),
  typedSignatureHash: ([data]) => `0x${toHex(digestOf(readingOf(data, 'V1')))}`,
  signTypedData: ([arg]) => {
    const { privateKey, data, version } = object(arg, 'the argument')
    if (!isObject(privateKey) || data === undefined || data === null) skip('an argument is missing: nothing that arrives here')
    return signReading(readingOf(data, version), hexField(privateKey, '__hex'))
  },
  recoverTypedSignature: ([arg]) => {
    const { signature, data, version } = object(arg, 'the argument')
    if (typeof signature !== 'string' || data === undefined || data === null) skip('an argument is missing: nothing that arrives here')
    return signerOf(hex(signature, 'signature'), digestOf(readingOf(data, version)))
  },
}

function readingOf(data: unknown, version: unknown): Reading {
  const domain = isObject(data) && isObject(data['domain']) ? data['domain'] : {}
  const chainId = typeof domain['chainId'] === 'number' || typeof domain['chainId'] === 'string' ? BigInt(domain['chainId']) : 1n
  const bytes = utf8(JSON.stringify(data ?? null))
  return readTypedData({ chain: `eip155:${chainId}`, kind: 'typedData', data: bytes, context: { version: typeof version === 'string' ? version : 'none' } })
}

function digestOf(reading: Reading): Uint8Array {
  const account = { namespace: 'eip155', path: 'm', address: '', publicKey: new Uint8Array(33), chainCode: null }
  const permissions = { exportable: false, rawHash: false, withoutChainId: false, anySighash: false }
  const scheme = reading.plan({ account, accounts: [account], permissions }).tasks[0]?.scheme
  if (scheme?.kind !== 'ecdsa') throw new Failure('nothing to sign')
  return scheme.digest
}

function encoderOf(types: unknown, version: unknown): ReturnType<typeof createEncoder> {
  if (version !== 'V3' && version !== 'V4') throw new Malformed()
  return createEncoder(readTypes(strict(types)), version)
}

function strict(value: unknown): ReturnType<typeof jsonObject> {
  return jsonObject(parseStrictJson(JSON.stringify(value ?? null)))
}

function resultOf(value: unknown): string {
  if (isObject(value) && typeof value['__hex'] === 'string') return value['__hex']
  return typeof value === 'string' ? value : skip('a result that is not text or bytes')
}
