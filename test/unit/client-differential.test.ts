/** One private key, imported into the enclave, and held by viem and ethers themselves: the adapters must say what the libraries say. */
import { Transaction, Wallet as EthersWallet, type TransactionRequest } from 'ethers'
import type { Hex, TransactionSerializable, TypedDataDefinition } from 'viem'
import { privateKeyToAccount } from 'viem/accounts'
import { CloisterSigner } from '../../client/adapters/ethers.ts'
import { cloisterAccount } from '../../client/adapters/viem.ts'
import { ethereum, type EthereumAccount } from '../../client/ethereum.ts'
import { createSdkWorld, type SdkWorld } from '../support/sdk-world.ts'

const KEY = new Uint8Array(32).map((_, i) => i + 1)
const HEX: Hex = `0x${Buffer.from(KEY).toString('hex')}`
const TO = '0x000000000000000000000000000000000000dEaD' as const
const PIN = '493817'
const theirs = privateKeyToAccount(HEX)
const ethersTheirs = new EthersWallet(HEX)

let sdk: SdkWorld
let account: EthereumAccount
beforeAll(async () => {
  sdk = await createSdkWorld({ chains: [ethereum] })
  const cloister = await sdk.connect({ pin: async () => PIN })
  const wallet = await cloister.wallets.import({ kind: 'secp256k1', key: KEY }, { permissions: { rawHash: true } })
  account = wallet.account('ethereum')
}, 60_000)
afterAll(() => sdk.close())

test('the import left our bytes alone', () => {
  expect(account.address).toBe(theirs.address)
  expect(KEY[0]).toBe(1)
})

const base = { chainId: 1, nonce: 7, gas: 100_000n, to: TO, value: 1n, data: '0x0102' } as const
const fees = { maxFeePerGas: 30_000_000_000n, maxPriorityFeePerGas: 1n } as const
const accessList = [{ address: TO, storageKeys: [`0x${'11'.repeat(32)}`] }] as const
/** KZG of a blob of zeros: commitment and proof are the point at infinity. */
const POINT: Hex = `0x${'c0'.padEnd(96, '0')}`
const BLOB: Hex = `0x${'00'.repeat(131_072)}`
const blobVersionedHashes: Hex[] = ['0x010657f37554c781402a22917dee2f75def7ab966d7b770905398eba3c444014']

test.each<[string, () => Promise<TransactionSerializable>]>([
  ['legacy', async () => ({ ...base, type: 'legacy', gasPrice: 9n })],
  ['contract creation', async () => ({ ...base, to: undefined, type: 'eip1559', ...fees })],
  ['EIP-2930', async () => ({ ...base, type: 'eip2930', gasPrice: 9n, accessList })],
  ['EIP-1559', async () => ({ ...base, type: 'eip1559', ...fees, accessList })],
  ['EIP-4844', async () => ({ ...base, type: 'eip4844', ...fees, maxFeePerBlobGas: 5n, blobVersionedHashes })],
  ['EIP-4844 with its blob', async () => ({ ...base, type: 'eip4844', ...fees, maxFeePerBlobGas: 5n, blobVersionedHashes, sidecars: [{ blob: BLOB, commitment: POINT, proof: POINT }] })],
  ['EIP-7702', async () => ({ ...base, type: 'eip7702', ...fees, authorizationList: [await theirs.signAuthorization({ address: TO, chainId: 1, nonce: 8 })] })],
])('viem signTransaction: %s', async (_type, make) => {
  const transaction = await make()
  expect(await cloisterAccount(account).signTransaction(transaction)).toBe(await theirs.signTransaction(transaction))
})

test.each<[string, () => Promise<TransactionRequest>]>([
  ['legacy', async () => ({ type: 0, chainId: 1, nonce: 7, gasLimit: 100_000, to: TO, value: 1, gasPrice: 9 })],
  ['EIP-1559', async () => ({ type: 2, chainId: 1, nonce: 7, gasLimit: 100_000, to: TO, value: 1, ...fees, from: theirs.address })],
  ['a Transaction', async () => Transaction.from({ type: 2, chainId: 1, nonce: 7, gasLimit: 100_000, to: TO, value: 1, ...fees })],
  ['EIP-4844 with its blob', async () => ({
    type: 3, chainId: 1, nonce: 7, gasLimit: 100_000, to: TO, ...fees, maxFeePerBlobGas: 5, blobs: [{ data: BLOB, commitment: POINT, proof: POINT }],
  })],
  ['EIP-7702', async () => ({ type: 4, chainId: 1, nonce: 7, gasLimit: 100_000, to: TO, ...fees, authorizationList: [await ethersTheirs.authorize({ address: TO, chainId: 1, nonce: 8 })] })],
])('ethers signTransaction: %s', async (_type, make) => {
  const transaction = await make()
  expect(await new CloisterSigner(account).signTransaction(transaction)).toBe(await ethersTheirs.signTransaction(transaction))
})

test.each([['text', 'Hello, wörld'], ['nothing', ''], ['bytes', Uint8Array.of(0, 255, 7)]])('messages: %s', async (_what, message) => {
  const expected = await ethersTheirs.signMessage(message)
  expect(await cloisterAccount(account).signMessage({ message: typeof message === 'string' ? message : { raw: message } })).toBe(expected)
  expect(await new CloisterSigner(account).signMessage(message)).toBe(expected)
})

test('a sign-in for another chain is signed as of that chain', async () => {
  const message = [
    'app.example wants you to sign in with your Ethereum account:', theirs.address, '', 'Hello', '', 'URI: https://app.example', 'Version: 1', 'Chain ID: 137', 'Nonce: 12345678',
    'Issued At: 2026-06-01T12:00:00Z',
  ].join('\n')
  expect(await cloisterAccount(account).signMessage({ message })).toBe(await theirs.signMessage({ message }))
  expect((await account.summary({ message })).chain).toBe('eip155:137')
  await expect(account.signMessage(message, { chainId: 1 })).rejects.toMatchObject({ code: 'tx_chain_id_mismatch' })
})

const TYPED = {
  domain: { name: 'Ether Mail', version: '1', chainId: 10, verifyingContract: TO, salt: `0x${'22'.repeat(32)}` },
  types: {
    Person: [{ name: 'name', type: 'string' }, { name: 'wallets', type: 'address[]' }],
    Mail: [
      { name: 'from', type: 'Person' }, { name: 'to', type: 'Person[2]' }, { name: 'amount', type: 'uint256' }, { name: 'delta', type: 'int64' },
      { name: 'flag', type: 'bool' }, { name: 'tag', type: 'bytes4' }, { name: 'data', type: 'bytes' },
    ],
  },
  primaryType: 'Mail',
  message: {
    from: { name: 'A', wallets: [TO, TO] }, to: [{ name: 'B', wallets: [] }, { name: '', wallets: [TO] }], amount: 2n ** 255n, delta: -5n, flag: true, tag: '0xdeadbeef', data: '0x0102',
  },
} as const

test('typed data: nested, with arrays, large and negative numbers, and every field of a domain', async () => {
  const expected = await theirs.signTypedData(TYPED)
  expect(await cloisterAccount(account).signTypedData(TYPED as unknown as TypedDataDefinition)).toBe(expected)
  const types = { Person: [...TYPED.types.Person], Mail: [...TYPED.types.Mail] }
  expect(await new CloisterSigner(account).signTypedData(TYPED.domain, types, TYPED.message)).toBe(expected)
})

test('hashes and authorizations', async () => {
  const hash: Hex = `0x${'5a'.repeat(32)}`
  expect(await cloisterAccount(account).sign?.({ hash })).toBe(await theirs.sign({ hash }))
  const request = { address: TO, chainId: 1, nonce: 8 }
  const { r, s, yParity, address, chainId, nonce } = await theirs.signAuthorization(request)
  expect(await cloisterAccount(account).signAuthorization?.(request)).toEqual({ address, chainId, nonce, r, s, yParity })
  expect(await new CloisterSigner(account).authorize(request)).toEqual(await ethersTheirs.authorize(request))
})

test('an authorization for every chain needs a wallet that permits it', async () => {
  await expect(account.signAuthorization({ address: TO, chainId: 0, nonce: 8 })).rejects.toMatchObject({ code: 'payload_not_permitted' })
})
