/** Discovery: numberings in their order, a gap that ends each, one PIN; accounts of each chain. */
import { bitcoin } from '../../client/bitcoin.ts'
import { discoverAccounts } from '../../client/discover.ts'
import { ethereum } from '../../client/ethereum.ts'
import { solana } from '../../client/solana.ts'
import { utf8 } from '../../lib/protocol/bytes.ts'
import type { Account } from '../../lib/protocol/operations.ts'
import type { Wallet } from '../../client/wallet.ts'
import { createSdkWorld, type SdkWorld } from '../support/sdk-world.ts'

const PIN = '493817'
const MNEMONIC = 'test test test test test test test test test test test junk'

let sdk: SdkWorld
let wallet: Wallet
beforeAll(async () => {
  sdk = await createSdkWorld({ chains: [ethereum, bitcoin, solana] })
  const cloister = await sdk.connect()
  wallet = await cloister.wallets.import({ kind: 'mnemonic', mnemonic: utf8(MNEMONIC), passphrase: new Uint8Array() }, { pin: PIN })
}, 60_000)
afterAll(() => sdk.close())

test('finds what is used, each numbering up to its gap, and asks for one PIN', async () => {
  const used = ["m/44'/60'/0'/0/0", "m/44'/60'/0'/0/3", "m/44'/60'/2'/0/0"]
  const asked: Account[] = []
  const given = utf8(PIN)
  const pin = jest.fn(async () => given)
  const isUsed = async (account: Account): Promise<boolean> => (asked.push(account), used.includes(account.path))
  const found = await discoverAccounts(wallet, ethereum, { pin, isUsed, gapLimit: 3, variants: ['bip44', 'ledger-live'] })
  expect(found.map(({ account, variant, index }) => [account.path, variant, index])).toEqual([
    [used[0], 'bip44', 0], [used[1], 'bip44', 3], [used[2], 'ledger-live', 2],
  ])
  // 0 to 6 of the one; of the other all but the first, which is the same account, to 5.
  expect(asked.map(({ path }) => path)).toEqual([...[0, 1, 2, 3, 4, 5, 6].map((i) => `m/44'/60'/0'/0/${i}`), ...[1, 2, 3, 4, 5].map((i) => `m/44'/60'/${i}'/0/0`)])
  // The accounts of everybody's test mnemonic.
  expect([asked[0]?.address, asked[1]?.address]).toEqual(['0xf39Fd6e51aad88F6F4ce6aB8827279cffFb92266', '0x70997970C51812dc3A010C7d01b50e0d17dc79C8'])
  expect(pin).toHaveBeenCalledTimes(1)
  expect(given).toEqual(new Uint8Array(6))
  const view = await wallet.addAccounts([{ namespace: 'eip155', path: used[1] as string }], { pin: PIN })
  expect(view.accounts.map(({ path }) => path)).toContain(used[1])
  expect(wallet.account(ethereum, { path: used[1] as string }).address).toBe(asked[3]?.address)
}, 60_000)

test('the gap is 20 unless said otherwise', async () => {
  let asked = 0
  expect(await discoverAccounts(wallet, ethereum, { pin: PIN, isUsed: async () => ((asked += 1), false), variants: ['bip44'] })).toEqual([])
  expect(asked).toBe(20)
  await expect(discoverAccounts(wallet, ethereum, { pin: PIN, isUsed: async () => false, gapLimit: 0 })).rejects.toThrow(RangeError)
})

test('a wrong PIN, and an app that stops', async () => {
  const isUsed = jest.fn(async () => false)
  await expect(discoverAccounts(wallet, ethereum, { pin: '000000', isUsed })).rejects.toMatchObject({ code: 'pin_wrong', guesses: { guessesLeft: 4 } })
  expect(isUsed).not.toHaveBeenCalled()
  const stop = new Error('enough')
  const controller = new AbortController()
  await expect(discoverAccounts(wallet, ethereum, { pin: PIN, signal: controller.signal, isUsed: async () => (controller.abort(stop), false) })).rejects.toBe(stop)
})

test('Bitcoin and Solana accounts sign messages, with the summary that is shown', async () => {
  for (const chain of ['bitcoin', 'solana'] as const) {
    const account = wallet.account(chain)
    const summaries: unknown[] = []
    const result = await account.signMessage({ message: 'hello' }, { pin: async (request) => (summaries.push(...request.summaries), PIN) })
    expect(result.signed.length).toBeGreaterThanOrEqual(64)
    expect(summaries).toEqual([await account.summary({ message: 'hello' })])
  }
})
