/** Typed data of any shape, for comparison with other libraries. */
import fc from 'fast-check'
import { getAddress, toHex } from 'viem'

interface Field {
  readonly name: string
  readonly type: string
}

export interface TypedDataJson {
  readonly types: Readonly<Record<string, readonly Field[]>>
  readonly primaryType: string
  readonly domain: Readonly<Record<string, unknown>>
  readonly message: Record<string, unknown>
}

const hexOf = (minLength: number, maxLength = minLength): fc.Arbitrary<string> => fc.uint8Array({ minLength, maxLength }).map((bytes) => toHex(Uint8Array.from(bytes)))
const address = hexOf(20).map((raw) => getAddress(raw))
const text = fc.string({ unit: fc.constantFrom('a', 'Z', ' ', '"', '\\', '\n', 'é', '漢', '🚀', '\u202e', '\u0000'), maxLength: 20 })
const bits = fc.integer({ min: 1, max: 32 }).map((count) => count * 8)

type Typed = fc.Arbitrary<{ readonly type: string; readonly value: unknown }>

const elementary: Typed = fc.oneof(
  address.map((value) => ({ type: 'address', value })),
  text.map((value) => ({ type: 'string', value })),
  fc.boolean().map((value) => ({ type: 'bool', value })),
  hexOf(0, 70).map((value) => ({ type: 'bytes', value })),
  fc.integer({ min: 1, max: 32 }).chain((length) => hexOf(length).map((value) => ({ type: `bytes${length}`, value }))),
  bits.chain((size) => fc.bigInt(0n, 2n ** BigInt(size) - 1n).map((value) => ({ type: `uint${size}`, value: String(value) }))),
  bits.chain((size) => fc.bigInt(-(2n ** BigInt(size - 1)), 2n ** BigInt(size - 1) - 1n).map((value) => ({ type: `int${size}`, value: String(value) }))),
)

interface Part {
  readonly type: string
  readonly value: unknown
  readonly types: TypedDataJson['types']
}

/** Each struct gets a name of its own, by a number that nobody else has. */
const part = (depth: number): fc.Arbitrary<Part> => {
  const plain = elementary.map((one) => ({ ...one, types: {} }))
  if (depth === 0) return plain
  return fc.oneof({ weight: 3, arbitrary: plain }, { weight: 2, arbitrary: struct(depth - 1) }, { weight: 2, arbitrary: arrayOf(depth - 1) })
}

const struct = (depth: number): fc.Arbitrary<Part> =>
  fc.tuple(fc.array(part(depth), { minLength: 1, maxLength: 4 }), fc.uuid()).map(([parts, id]) => {
    const name = `S${id.replaceAll('-', '')}`
    return {
      type: name,
      value: Object.fromEntries(parts.map(({ value }, index) => [`f${index}`, value])),
      types: Object.assign({}, ...parts.map(({ types }) => types), { [name]: parts.map(({ type }, index) => ({ name: `f${index}`, type })) }) as Part['types'],
    }
  })

/** All items alike, but for how often. */
const arrayOf = (depth: number): fc.Arbitrary<Part> =>
  fc.tuple(part(depth), fc.integer({ min: 0, max: 3 }), fc.boolean()).map(([{ type, value, types }, count, isFixed]) => ({
    type: isFixed && count > 0 ? `${type}[${count}]` : `${type}[]`, value: Array(count).fill(value) as unknown[], types,
  }))

const DOMAIN = { name: 'string', version: 'string', chainId: 'uint256', verifyingContract: 'address', salt: 'bytes32' }
const domain = fc.record(
  { name: text, version: text, chainId: fc.integer({ min: 1, max: 2 ** 48 }), verifyingContract: address, salt: hexOf(32) },
  { requiredKeys: [] },
)

export const typedData: fc.Arbitrary<TypedDataJson> = fc.tuple(domain, struct(3)).map(([its, { type, value, types }]) => ({
  types: { EIP712Domain: Object.entries(DOMAIN).filter(([name]) => name in its).map(([name, kind]) => ({ name, type: kind })), ...types },
  primaryType: type,
  domain: its,
  message: value as Record<string, unknown>,
}))
