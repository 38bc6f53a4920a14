/** Off-chain messages and texts through lib/chains/solana. */
import { publicKeyOf } from '../../enclave-sim/core/hd.ts'
import { readMessage } from '../../lib/chains/solana/offchain-message.ts'
import { CloisterError } from '../../lib/protocol/errors.ts'
import type { Json } from './fields.ts'
import { must } from './report.ts'
import { mustFail, pleasing, seedsOf, sized } from './sol-bytes.ts'
import { isValidEd25519, signs } from './sol-ed25519.ts'

const NAMES = ['serialized', 'encoded', 'bytes', 'preamble', 'offchain', 'offchainMessage', 'signed', 'data', 'message', 'messageBytes', 'hex', 'base64', 'base58', 'raw']
const DOMAIN = '\xffsolana offchain'

/** The off-chain message in a vector, if there is one. */
export function findOffchain(vector: Json): Uint8Array | undefined {
  return pleasing(vector, NAMES, (bytes) => String.fromCharCode(...bytes.subarray(0, DOMAIN.length)) === DOMAIN)
}

export function checkOffchain(vector: Json, data: Uint8Array): void {
  let fields: Readonly<Record<string, string>> | undefined
  try {
    fields = readMessage(data).fields
  } catch (error) {
    if (!(error instanceof CloisterError)) throw error
  }
  if (mustFail(vector)) return must(fields === undefined, 'accepted')
  if (fields === undefined) return must(false, 'refused')
  const texts = ['text', 'content', 'body'].map((name) => vector[name]).filter((value) => typeof value === 'string')
  if (texts.length > 0) must(texts.some((text) => text === fields['message']), 'another text')
  const signature = sized(vector, ['signature', 'sig'], 64)
  const publicKey = sized(vector, ['publicKey', 'pub', 'signer', 'address'], 32)
  for (const seed of seedsOf(vector)) if (signature !== undefined) must(signs(seed, publicKeyOf('ed25519', seed), data, signature), 'another signature')
  if (signature !== undefined && publicKey !== undefined) must(isValidEd25519(publicKey, data, signature), 'a signature that does not verify')
}
