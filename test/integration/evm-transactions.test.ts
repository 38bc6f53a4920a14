/** Each type of Ethereum transaction, signed by a plan, is mined by a real chain (anvil); EIP-4844 with its blob, EIP-7702 with an authorization. */
import { existsSync } from 'node:fs'
import { join } from 'node:path'
import { serializeTransaction, sha256, toHex, type Hex } from 'viem'
import { readRlpList, writeRlp, type RlpItem } from '../../lib/chains/ethereum/rlp.ts'
import { integerBytes } from '../../lib/chains/ethereum/values.ts'
import { concat } from '../../lib/protocol/bytes.ts'
import { LOCAL_CHAIN_ID, startChain, type LocalChain } from '../../local/chain.ts'
import { anyFreePort } from '../../local/ports.ts'
import { createRpc, sendAndWait, type Rpc } from '../../scripts/ethereum.ts'
import { accountOf, hex, planOf, sign } from '../support/evm.ts'

const root = join(__dirname, '../..')
const CHAIN = `eip155:${LOCAL_CHAIN_ID}`
const TO = '0x000000000000000000000000000000000000dEaD' as const
const { address } = accountOf()

const isHere = existsSync(join(root, 'node_modules/@foundry-rs'))
if (!isHere) process.stdout.write('anvil is not here: mining each type is skipped\n')
const describeChain = isHere ? describe : describe.skip

/** KZG of a blob of zeros: commitment and proofs are the point at infinity. */
const INFINITY: Hex = `0x${'c0'.padEnd(96, '0')}`
const BLOB: Hex = `0x${'00'.repeat(131_072)}`

describeChain('anvil', () => {
  let chain: LocalChain
  let rpc: Rpc
  let nonce = 0
  beforeAll(async () => {
    chain = await startChain({ root, port: await anyFreePort(), stateFile: null })
    rpc = createRpc(chain.url)
    await rpc('anvil_setBalance', address, toHex(10n ** 20n))
  }, 60_000)
  afterAll(() => chain?.close())

  const fees = { maxFeePerGas: 20_000_000_000n, maxPriorityFeePerGas: 1n }
  const gasPrice = 20_000_000_000n

  /** Signs, sends, and expects it to be mined from the account. */
  async function mine(unsigned: Uint8Array, type: string) {
    const { signed, hash } = sign(planOf(CHAIN, 'transaction', unsigned, { permissions: { withoutChainId: true } }))
    const receipt = await sendAndWait(rpc, signed)
    expect(receipt).toMatchObject({ hash: toHex(hash), from: address.toLowerCase(), status: '0x1', type })
    nonce += 1
    return receipt
  }

  const unsignedOf = (fields: object): Uint8Array => hex(serializeTransaction({ chainId: LOCAL_CHAIN_ID, nonce, to: TO, value: 1n, gas: 100_000n, ...fields }))

  test.each<[string, string, object]>([
    ['legacy', '0x0', { type: 'legacy', gasPrice }],
    ['legacy before EIP-155', '0x0', { type: 'legacy', gasPrice, chainId: undefined }],
    ['legacy that creates a contract', '0x0', { type: 'legacy', gasPrice, to: undefined, data: '0x00' }],
    ['EIP-2930', '0x1', { type: 'eip2930', gasPrice, accessList: [{ address: TO, storageKeys: [`0x${'11'.repeat(32)}`] }] }],
    ['EIP-1559', '0x2', { type: 'eip1559', ...fees, data: '0x010203' }],
  ])('%s', async (_what, type, fields) => {
    await mine(unsignedOf(fields), type)
  })

  const blobTransaction = (blob: Hex) => {
    const blobVersionedHashes = [`0x01${sha256(INFINITY).slice(4)}` as Hex]
    return unsignedOf({ type: 'eip4844', ...fees, maxFeePerBlobGas: 10n ** 9n, blobVersionedHashes, sidecars: [{ blob, commitment: INFINITY, proof: INFINITY }] })
  }

  test('EIP-4844 with its blob', async () => {
    await mine(blobTransaction(BLOB), '0x3')
  }, 120_000) // anvil reads the trusted setup first

  test('EIP-4844 with a blob that is not the commitment’s: signed, and refused by the chain', async () => {
    const { signed } = sign(planOf(CHAIN, 'transaction', blobTransaction(`0x0001${BLOB.slice(6)}`)))
    await expect(rpc('eth_sendRawTransaction', toHex(signed))).rejects.toThrow()
  }, 120_000)

  test('EIP-4844 with cell proofs', async () => {
    const [body, blobs, commitments] = readRlpList(blobTransaction(BLOB).subarray(1)) as [RlpItem, RlpItem, RlpItem]
    const cells = Array.from({ length: 128 }, () => hex(INFINITY))
    await mine(concat(Uint8Array.of(3), writeRlp([body, Uint8Array.of(1), blobs, commitments, cells])), '0x3')
  }, 120_000)

  test('EIP-7702 with an authorization signed the same way', async () => {
    // The account's own nonce is one higher by the time that the list is processed.
    const data = Uint8Array.of(5, ...writeRlp([integerBytes(BigInt(LOCAL_CHAIN_ID)), hex(TO), integerBytes(BigInt(nonce + 1))]))
    const tuple = readRlpList(sign(planOf(CHAIN, 'authorization', data)).signed)
    const items = readRlpList(unsignedOf({ type: 'eip7702', ...fees, authorizationList: [] }).subarray(1))
    await mine(Uint8Array.of(4, ...writeRlp([...items.slice(0, 9), [tuple]])), '0x4')
    expect(await rpc('eth_getCode', address, 'latest')).toBe(`0xef0100${TO.slice(2).toLowerCase()}`)
    expect(await rpc('eth_getTransactionCount', address, 'latest')).toBe(toHex(nonce + 1))
  })
})
