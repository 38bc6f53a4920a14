/** The SDK's serialisation of Ethereum transactions, against viem's. */
import { parseTransaction, serializeTransaction, toHex, type Hex, type TransactionSerializable } from 'viem'
import { serialize, serializeAuthorization, type TransactionFields } from '../../client/ethereum-fields.ts'

const to = '0x3535353535353535353535353535353535353535' as const
const base = { chainId: 1, nonce: 7, gas: 21_000n, to, value: 10n ** 18n, data: '0x0102' } as const
const fees = { maxFeePerGas: 30_000_000_000n, maxPriorityFeePerGas: 0n } as const
const accessList = [{ address: to, storageKeys: [`0x${'11'.repeat(32)}`, `0x${'00'.repeat(32)}`] }] as const
const word: Hex = `0x${'00'.repeat(2)}${'7f'.repeat(30)}`

test.each<[string, TransactionFields]>([
  ['legacy', { ...base, gasPrice: 1n }],
  ['legacy that creates a contract', { chainId: 31337, nonce: 0, gas: 53_000, gasPrice: 0, data: `0x${'60'.repeat(300)}` }],
  ['EIP-2930', { ...base, gasPrice: 1n, accessList }],
  ['EIP-1559', { ...base, ...fees }],
  ['EIP-1559 with an access list, nonce 0', { ...base, nonce: 0, ...fees, accessList }],
  ['EIP-4844', { ...base, ...fees, maxFeePerBlobGas: 9n, blobVersionedHashes: [`0x01${'22'.repeat(31)}`] }],
  ['EIP-7702', { ...base, ...fees, authorizationList: [{ chainId: 1, address: to, nonce: 0, yParity: 0, r: word, s: word }, { chainId: 0, address: to, nonce: 300, yParity: 1, r: word, s: word }] }],
])('%s', (_type, fields) => {
  const type = { authorizationList: 'eip7702', blobVersionedHashes: 'eip4844', maxFeePerGas: 'eip1559', accessList: 'eip2930', gasPrice: 'legacy' }
  const name = Object.entries(type).find(([field]) => field in fields)?.[1]
  const authorizationList = fields.authorizationList?.map((one) => ({ ...one, yParity: Number(one.yParity) }))
  const expected = serializeTransaction({ ...fields, type: name, ...(authorizationList === undefined ? {} : { authorizationList }) } as unknown as TransactionSerializable)
  expect(toHex(serialize(fields))).toBe(expected)
  expect(parseTransaction(expected).type).toBe(name)
})

test('bytes that another library made are left as they are', () => {
  expect(serialize({ chainId: 1, serialized: '0x02c0' })).toEqual(Uint8Array.of(2, 0xc0))
  expect(() => serialize({ chainId: 1, serialized: '02c0' as Hex })).toThrow(expect.objectContaining({ code: 'tx_malformed' }))
})

test.each<[string, object]>([
  ['no fees', {}],
  ['half of the fees', { maxFeePerGas: 1n }],
  ['both kinds of fees', { ...fees, gasPrice: 1n }],
  ['blobs and authorizations', { ...fees, maxFeePerBlobGas: 1n, blobVersionedHashes: [], authorizationList: [] }],
  ['no nonce', { ...fees, nonce: undefined }],
  ['no gas', { ...fees, gas: undefined }],
  ['a negative value', { ...fees, value: -1n }],
  ['a fraction', { ...fees, value: 0.5 }],
  ['a number that is not exact', { ...fees, value: 2 ** 60 }],
  ['a short address', { ...fees, to: '0x35' }],
  ['a short storage key', { ...fees, accessList: [{ address: to, storageKeys: ['0x00'] }] }],
])('refuses %s', (_what, changes) => {
  expect(() => serialize({ ...base, ...changes })).toThrow(expect.objectContaining({ code: 'tx_field_invalid' }))
})

test('EIP-7702 authorization', () => {
  expect(toHex(serializeAuthorization({ chainId: 1, address: to, nonce: 0 }))).toBe(`0x05d70194${to.slice(2)}80`)
})
