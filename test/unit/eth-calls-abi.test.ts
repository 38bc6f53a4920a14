/** The ABI, decoding: what viem encodes for each function that is known, and nothing that is encoded otherwise. */
import fc from 'fast-check'
import { decodeAbiParameters, encodeAbiParameters, hexToBytes, toHex, type AbiParameter, type Hex } from 'viem'
import { decodeArguments, parseTypes, type AbiType } from '../../lib/chains/ethereum/calls/abi.ts'
import { BATCH_RULES } from '../../lib/chains/ethereum/calls/batches.ts'
import { PERMIT2_RULES } from '../../lib/chains/ethereum/calls/permit2.ts'
import { TOKEN_RULES } from '../../lib/chains/ethereum/calls/tokens.ts'
import { attempt } from '../../lib/protocol/fields.ts'
import { argumentsOf, asViem, toParameter, withBigints } from '../support/abi.ts'
import { RUNS } from '../support/messages.ts'

const SIGNATURES = [...TOKEN_RULES, ...PERMIT2_RULES, ...BATCH_RULES].map(({ signature }) => signature)
const typesOf = (signature: string): readonly AbiType[] => parseTypes(signature.slice(signature.indexOf('(') + 1, -1))
const parameters = (types: readonly AbiType[]): readonly AbiParameter[] => types.map(toParameter)
const encode = (types: readonly AbiType[], values: readonly unknown[]): Uint8Array => hexToBytes(encodeAbiParameters(parameters(types), values))
const decode = (types: readonly AbiType[], data: Uint8Array) => attempt(() => decodeArguments(types, data))
const words = (...all: readonly (bigint | Hex)[]): Uint8Array =>
  hexToBytes(`0x${all.map((word) => (typeof word === 'bigint' ? word.toString(16).padStart(64, '0') : word.slice(2).padEnd(64, '0'))).join('')}`)

test.each(SIGNATURES)('%s: what viem encodes', (signature) => {
  const types = typesOf(signature)
  fc.assert(
    fc.property(argumentsOf(types), (values) => {
      const ours = decode(types, encode(types, values))
      expect(ours?.map(asViem)).toEqual(withBigints(values))
    }),
    { numRuns: RUNS },
  )
})

test('nothing that viem would encode otherwise', () => {
  const cases = SIGNATURES.map(typesOf).filter((types) => types.length > 0)
  let read = 0
  fc.assert(
    fc.property(
      fc.constantFrom(...cases).chain((types) => fc.tuple(fc.constant(types), argumentsOf(types))),
      fc.nat(),
      fc.oneof(fc.nat(255), fc.constantFrom(0, 1, 32, 64, 96)),
      ([types, values], at, byte) => {
        const data = encode(types, values)
        data[at % data.length] = byte
        const ours = decode(types, data)
        if (ours === undefined) return
        read += 1
        expect(toHex(encode(types, ours.map(asViem)))).toBe(toHex(data))
      },
    ),
    { numRuns: 20 * RUNS },
  )
  expect(read).toBeGreaterThan(0)
})

test('a byte more, a byte less, a word more', () => {
  for (const signature of SIGNATURES) {
    const types = typesOf(signature)
    const [values] = fc.sample(argumentsOf(types), { numRuns: 1, seed: 7 })
    const data = encode(types, values as readonly unknown[])
    expect(decode(types, data)).toBeDefined()
    expect(decode(types, Uint8Array.from([...data, 0]))).toBeUndefined()
    expect(decode(types, Uint8Array.from([...data, ...new Uint8Array(32)]))).toBeUndefined()
    if (data.length > 0) expect(decode(types, data.slice(0, -1))).toBeUndefined()
  }
})

test.each<[string, string, Uint8Array]>([
  ['an address of more than 20 bytes', 'address', words(1n << 160n)],
  ['a bool that is 2', 'bool', words(2n)],
  ['a number above its bits', 'uint48', words(1n << 48n)],
  ['bytes4 with a fifth', 'bytes4', words('0x1122334455')],
  ['padding that is not zero', 'bytes', words(32n, 1n, '0x1122')],
  ['an offset into the head', 'bytes', words(0n, 0n)],
  ['an offset past a gap', 'bytes', words(64n, 0n, 0n)],
  ['an offset past the end', 'bytes', words(1n << 200n)],
  ['a length past the end', 'bytes', words(32n, 33n, 0n)],
  ['a length without end', 'bytes', words(32n, (1n << 256n) - 1n)],
  ['two tails that are one', 'bytes,bytes', words(64n, 64n, 0n)],
  ['tails the other way round', 'bytes,bytes', words(96n, 64n, 0n, 0n)],
  ['an array longer than its items', 'uint256[]', words(32n, 2n, 1n)],
  ['an array without end', 'uint256[]', words(32n, 1n << 64n)],
  ['more items than anybody reads', 'uint256[]', words(32n, 1025n, ...Array<bigint>(1025).fill(0n))],
  ['nothing', 'uint256', new Uint8Array()],
])('refuses %s', (_, types, data) => {
  expect(decode(parseTypes(types), data)).toBeUndefined()
})

test('what viem reads and we do not', () => {
  // Two tails that are one: a contract may well read it.
  expect(decodeAbiParameters(parameters(parseTypes('bytes,bytes')), toHex(words(64n, 64n, 1n, '0xff')))).toEqual(['0xff', '0xff'])
})

test('types of our own alone', () => {
  expect(() => parseTypes('string')).toThrow()
  expect(() => parseTypes('uint256[2]')).toThrow()
  expect(parseTypes('')).toEqual([])
})
