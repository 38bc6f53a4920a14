/** personal_sign as eth-sig-util's own tests call it: signatures byte by byte, and the address that they recover to. */
import { getPublicKey } from '@noble/secp256k1'
import { keccak_256 } from '@noble/hashes/sha3.js'
import { personalDigest, readPersonalMessage } from '../../lib/chains/ethereum/personal.ts'
import { chainOf } from '../../lib/chains/registry.ts'
import type { Reading } from '../../lib/chains/chain.ts'
import { fromHex, toHex, utf8 } from '../../lib/protocol/bytes.ts'
import { addressOf, signAsEnclave } from './eth-sign.ts'
import { hex, hexField, isObject, list, object, text, type Json } from './fields.ts'
import { must, skip } from './report.ts'

/** Of 32 bytes there may be hashes. */
const PERMISSIONS = { exportable: false, rawHash: true, withoutChainId: false, anySighash: false }

/** A bare key's signature of what was read, with `0x`. */
export function signReading(reading: Reading, privateKey: Uint8Array): string {
  const publicKey = getPublicKey(privateKey, true)
  const path = 'm'
  const address = chainOf('eip155').address({ path, publicKey, chainCode: null })
  const account = { namespace: 'eip155', path, address, publicKey, chainCode: null }
  const plan = reading.plan({ account, accounts: [account], permissions: PERMISSIONS })
  const signatures = plan.tasks.map(({ scheme }) => {
    must(scheme.kind === 'ecdsa', 'not an ECDSA signature')
    return signAsEnclave(scheme.kind === 'ecdsa' ? scheme.digest : new Uint8Array(), privateKey)
  })
  return `0x${toHex(plan.assemble(signatures).signed)}`
}

/** The address, in lower case, that 65 bytes of signature come from. */
export function signerOf(signature: Uint8Array, digest: Uint8Array): string {
  return addressOf(signature.slice(0, 64), (signature[64] as number) - 27, digest).toLowerCase()
}

export function checkPersonal(vector: Json): void {
  const { privateKey, data, signature } = object(list(vector['args'], 'args')[0], 'the argument')
  if (vector['error'] !== undefined || typeof data !== 'string') skip('an argument is missing: nothing that arrives here')
  // eth-sig-util takes hex for bytes, and any other text for itself.
  const message = (data.startsWith('0x') ? fromHex(data.slice(2)) : undefined) ?? utf8(data)
  const result = text(vector, 'result')
  if (vector['fn'] === 'personalSign') {
    const key = hexField(object(privateKey, 'privateKey'), '__hex')
    const reading = readPersonalMessage({ chain: 'eip155:1', kind: 'message', data: message, context: null })
    return must(signReading(reading, key) === result, 'another signature')
  }
  const signer = signerOf(hex(signature, 'signature'), personalDigest(message))
  if (vector['fn'] === 'recoverPersonalSignature') return must(signer === result, 'another address')
  if (vector['fn'] === 'extractPublicKey') return must(signer === addressOfPoint(hex(result, 'result')), 'another key')
  skip('a function that nothing here corresponds to')
}

/** The last 20 bytes of the hash of both coordinates. */
function addressOfPoint(point: Uint8Array): string {
  return `0x${toHex(keccak_256(point).slice(-20))}`
}

/** Whether a value was marked as one that only JavaScript has (`undefined`, a bigint, a buffer). */
export function isJavaScriptOnly(value: unknown): boolean {
  if (Array.isArray(value)) return value.some(isJavaScriptOnly)
  if (!isObject(value)) return false
  return Object.keys(value).some((name) => /^__(undef|hex|big|num|fn)$/.test(name)) || Object.values(value).some(isJavaScriptOnly)
}
