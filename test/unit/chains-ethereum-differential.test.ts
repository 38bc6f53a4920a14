/** Every type of transaction, random, against ethers and viem: what they serialise is read, and what is signed are the bytes that they sign. */
import { SigningKey, Transaction as EthersTransaction, type TransactionLike } from 'ethers'
import fc from 'fast-check'
import { keccak256, serializeTransaction, sha256, toHex, type Hex, type TransactionSerializable } from 'viem'
import { privateKeyToAccount } from 'viem/accounts'
import { hex, KEY, planOf, RUNS, sign } from '../support/evm.ts'
import { address, bytesHex, uint } from '../support/evm-values.ts'

const key = bytesHex(31, 31).map((raw) => hex(`01${raw.slice(2)}`))

const common = {
  chainId: fc.oneof(fc.integer({ min: 1, max: 2 ** 32 }), fc.constantFrom(1, 10, 137, 8217, 8453, 42161)),
  nonce: fc.oneof(fc.nat(300), fc.integer({ min: 0, max: Number.MAX_SAFE_INTEGER })),
  gas: uint(64n), value: uint(256n), data: fc.oneof(fc.constant<Hex>('0x'), bytesHex(1, 200)),
}
const optionalTo = fc.oneof(address, address, fc.constant(undefined))
const accessList = fc.array(fc.record({ address, storageKeys: fc.array(bytesHex(32, 32), { maxLength: 3 }) }), { maxLength: 3 })
const fees = uint(190n).chain((tip) => fc.record({ maxPriorityFeePerGas: fc.constant(tip), maxFeePerGas: fc.bigInt(tip, 2n ** 191n - 1n) }))
const authorization = fc
  .record({ chainId: fc.nat(), address, nonce: fc.nat(), yParity: fc.constantFrom(0, 1), r: fc.bigInt(1n, 2n ** 256n - 1n), s: fc.bigInt(1n, 2n ** 256n - 1n) })
  .map(({ r, s, ...rest }) => ({ ...rest, r: toHex(r, { size: 32 }), s: toHex(s, { size: 32 }) }))

const versioned = (commitment: Hex): Hex => `0x01${sha256(commitment).slice(4)}`

const TYPES = {
  'legacy before EIP-155': fc.record({ ...common, chainId: fc.constant(undefined), type: fc.constant('legacy' as const), to: optionalTo, gasPrice: uint(192n) }),
  legacy: fc.record({ type: fc.constant('legacy' as const), ...common, to: optionalTo, gasPrice: uint(192n) }),
  eip2930: fc.record({ type: fc.constant('eip2930' as const), ...common, to: optionalTo, gasPrice: uint(192n), accessList }),
  eip1559: fc.record({ type: fc.constant('eip1559' as const), ...common, to: optionalTo, accessList, fees }),
  eip4844: fc.record({
    type: fc.constant('eip4844' as const), ...common, to: address, accessList, fees, maxFeePerBlobGas: uint(190n),
    blobVersionedHashes: fc.array(bytesHex(31, 31).map((rest) => `0x01${rest.slice(2)}` as Hex), { minLength: 1, maxLength: 9 }),
  }),
  eip7702: fc.record({ type: fc.constant('eip7702' as const), ...common, to: address, accessList, fees, authorizationList: fc.array(authorization, { minLength: 1, maxLength: 3 }) }),
} satisfies Record<string, fc.Arbitrary<object>>

type Random = { readonly chainId?: number | undefined; readonly fees?: { readonly maxFeePerGas: bigint; readonly maxPriorityFeePerGas: bigint } }
const flat = ({ fees: two, ...rest }: Random): TransactionSerializable => ({ ...rest, ...two }) as unknown as TransactionSerializable

/** The same for ethers. */
function toEthers(tx: TransactionSerializable): EthersTransaction {
  const { type, gas, to, chainId, authorizationList, ...rest } = tx as Record<string, unknown> & TransactionSerializable
  const list = (authorizationList as readonly { chainId: number; address: string; nonce: number; yParity: number; r: Hex; s: Hex }[] | undefined)?.map(({ yParity, r, s, ...one }) => ({ ...one, signature: { r, s, yParity } }))
  const number = { legacy: 0, eip2930: 1, eip1559: 2, eip4844: 3, eip7702: 4 }[type as string]
  return EthersTransaction.from({ ...rest, type: number, gasLimit: gas, to: to ?? null, chainId: chainId ?? 0, ...(list === undefined ? {} : { authorizationList: list }) } as unknown as TransactionLike)
}

describe.each(Object.entries(TYPES))('%s', (_name, arbitrary) => {
  const chainOf = (chainId: number | undefined): string => `eip155:${chainId ?? 1}`

  test('as viem signs it', async () => {
    await fc.assert(
      fc.asyncProperty(arbitrary as fc.Arbitrary<Random>, key, async (random, privateKey) => {
        const tx = flat(random)
        const unsigned = hex(serializeTransaction(tx))
        const { signed, hash } = sign(planOf(chainOf(random.chainId), 'transaction', unsigned, { key: privateKey, permissions: { withoutChainId: true } }), privateKey)
        const theirs = await privateKeyToAccount(toHex(privateKey)).signTransaction(tx)
        expect(toHex(signed)).toBe(theirs)
        expect(toHex(hash)).toBe(keccak256(theirs))
      }),
      { numRuns: RUNS },
    )
  }, 600_000)

  test('as ethers signs it', () => {
    fc.assert(
      fc.property(arbitrary as fc.Arbitrary<Random>, key, (random, privateKey) => {
        const tx = flat(random)
        // ethers takes no authorization whose s is high.
        const list = (tx as { authorizationList?: readonly { s: Hex }[] }).authorizationList
        fc.pre(list === undefined || list.every(({ s }) => BigInt(s) < 2n ** 255n - 2n ** 130n))
        const theirs = toEthers(tx)
        const plan = planOf(chainOf(random.chainId), 'transaction', hex(theirs.unsignedSerialized), { key: privateKey, permissions: { withoutChainId: true } })
        const { signed, hash } = sign(plan, privateKey)
        theirs.signature = new SigningKey(privateKey).sign(theirs.unsignedHash)
        expect(toHex(signed)).toBe(theirs.serialized)
        expect(toHex(hash)).toBe(theirs.hash)
        expect(plan.tasks[0]?.publicKey).toHaveLength(33)
      }),
      { numRuns: RUNS },
    )
  }, 600_000)
})

test('eip4844 with its blob, as viem signs it', async () => {
  const point = bytesHex(48, 48)
  await fc.assert(
    fc.asyncProperty(TYPES.eip4844, point, point, fc.nat(255), async (random, commitment, proof, byte) => {
      const sidecars = [{ blob: toHex(new Uint8Array(131_072).fill(byte)), commitment, proof }]
      const tx = { ...flat(random), blobVersionedHashes: [versioned(commitment)], sidecars } as TransactionSerializable
      const { signed, hash } = sign(planOf(`eip155:${random.chainId}`, 'transaction', hex(serializeTransaction(tx))))
      const account = privateKeyToAccount(toHex(KEY))
      expect(toHex(signed)).toBe(await account.signTransaction(tx))
      expect(toHex(hash)).toBe(keccak256(await account.signTransaction({ ...tx, sidecars: false } as TransactionSerializable)))
    }),
    { numRuns: 10 },
  )
})
