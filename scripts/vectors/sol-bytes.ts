/** Bytes in the encodings that Solana's tools write: hex, base64, base58, or a list of numbers. */
import { base58, base64 } from '@scure/base'
import { fromHex } from '../../lib/protocol/bytes.ts'
import { isObject, type Json } from './fields.ts'

/** What a value may stand for, most likely first; none where it stands for no bytes. */
export function readings(value: unknown): readonly Uint8Array[] {
  if (Array.isArray(value) && value.every((item) => Number.isInteger(item) && item >= 0 && item <= 255)) return [Uint8Array.from(value as number[])]
  if (isObject(value) && value['type'] === 'Buffer') return readings(value['data'])
  if (typeof value !== 'string') return []
  return [fromHex(value.replace(/^0x/i, '')), attempt(() => base64.decode(value)), attempt(() => base58.decode(value))].filter((bytes) => bytes !== undefined)
}

/** The first of some fields that stands for bytes of a length. */
export function sized(from: Json, names: readonly string[], ...lengths: readonly number[]): Uint8Array | undefined {
  return names.flatMap((name) => readings(from[name])).find(({ length }) => lengths.includes(length))
}

/** The first of some fields that stands for bytes that please. */
export function pleasing(from: Json, names: readonly string[], pleases: (bytes: Uint8Array) => boolean): Uint8Array | undefined {
  return names.flatMap((name) => readings(from[name])).find(pleases)
}

const KEY_NAMES = ['seed', 'secretKey', 'secret', 'privateKey', 'private', 'keypair', 'sk', 'd']

/** Ed25519 seeds, 32 bytes each: of the vector itself, or of a list of keys in it. A key of 64 bytes begins with one. */
export function seedsOf(vector: Json): readonly Uint8Array[] {
  const lists = ['signers', 'keys', 'seeds', 'secretKeys', 'privateKeys', 'keypairs'].map((name) => vector[name]).filter(Array.isArray) as unknown[][]
  const inLists = lists.flat().map((item) => (isObject(item) ? item : { seed: item }))
  return [vector, ...inLists].map((from) => sized(from, KEY_NAMES, 32, 64)?.slice(0, 32)).filter((seed) => seed !== undefined)
}

/** Whether a vector is of something that must be refused. */
export function mustFail(vector: Json): boolean {
  const { valid, result, error, expected } = vector
  return valid === false || [result, expected].some((said) => said === 'invalid' || said === 'error' || said === false) || (error !== undefined && error !== null && error !== false)
}

function attempt<T>(read: () => T): T | undefined {
  try {
    return read()
  } catch {
    return undefined
  }
}
