/** The main job over HTTP, on a real chain; and what refuses it. */
import { parseTransaction, recoverTransactionAddress, toHex } from 'viem'
import type { CloisterError, Wallet } from '../../client/connect.ts'
import { createRpc, sendAndWait, type Rpc } from '../../scripts/ethereum.ts'
import { startCloud, type Cloud } from '../support/cloud.ts'
import { CHAIN, legacyTransfer, transfer } from '../support/transactions.ts'

const PIN = '493817'
let cloud: Cloud
let rpc: Rpc

beforeAll(async () => {
  cloud = await startCloud({ chain: true })
  rpc = createRpc(cloud.stack.chainUrl as string)
}, 60_000)
afterAll(() => cloud?.close())

const addressOf = (wallet: Wallet): string => wallet.last.accounts[0]?.address as string

async function fund(address: string): Promise<void> {
  const [rich] = (await rpc('eth_accounts')) as string[]
  await rpc('eth_sendTransaction', { from: rich, to: address, value: '0xde0b6b3a7640000' })
}

test('a real chain mines what the wallet signs, of both types, and says the wallet sent it', async () => {
  const wallet = await (await cloud.connect('alice')).wallets.create({ pin: PIN })
  await fund(addressOf(wallet))
  for (const [nonce, transaction, type] of [[0, transfer(0), '0x2'], [1, legacyTransfer(1), '0x0']] as const) {
    const { signed, hash, address } = await wallet.signTransaction({ chain: CHAIN, transaction }, { pin: PIN })
    expect(address).toBe(addressOf(wallet))
    const serialized = toHex(signed) as `0x02${string}`
    expect(await recoverTransactionAddress({ serializedTransaction: serialized })).toBe(address)
    expect(parseTransaction(serialized)).toMatchObject({ nonce, value: 1n, chainId: 31337 })
    const receipt = await sendAndWait(rpc, signed)
    expect(receipt).toMatchObject({ status: '0x1', type, from: address.toLowerCase(), hash: toHex(hash) })
  }
})

test('lists and gets what was made; another user sees none of it, and no difference to what never was', async () => {
  const alice = await cloud.connect('carol')
  const wallet = await alice.wallets.create({ pin: PIN, words: 12 })
  expect((await alice.wallets.list()).map(({ id }) => id)).toEqual([wallet.id])
  expect((await alice.wallets.get(wallet.id)).last.accounts).toEqual(wallet.last.accounts)

  const mallory = await cloud.connect('mallory')
  expect(await mallory.wallets.list()).toEqual([])
  const theirs = await mallory.wallets.get(wallet.id).catch((error: unknown) => error)
  const nobodys = await mallory.wallets.get(crypto.randomUUID()).catch((error: unknown) => error)
  expect(theirs).toMatchObject({ code: 'wallet_not_found' })
  expect(theirs).toEqual(nobodys)
})

test('counts wrong PINs, locks after five, gives spent guesses back, and remembers', async () => {
  const wallet = await (await cloud.connect('dave')).wallets.create({ pin: PIN })
  const sign = (pin: string): Promise<unknown> => wallet.signTransaction({ chain: CHAIN, transaction: transfer() }, { pin })

  await expect(sign('0000')).rejects.toMatchObject({ code: 'pin_wrong', guesses: { guessesLeft: 4, wrongTotal: 1 } })
  await expect(sign(PIN)).resolves.toMatchObject({ guessesLeft: 5, wrongTotal: 1 })
  for (const left of [4, 3, 2, 1]) await expect(sign('0000')).rejects.toMatchObject({ code: 'pin_wrong', guesses: { guessesLeft: left } })
  await expect(sign('0000')).rejects.toMatchObject({ code: 'pin_wrong', guesses: { guessesLeft: 0 } })
  const locked = await sign(PIN).catch((error: unknown) => error)
  expect(locked).toMatchObject({ code: 'wallet_locked', guesses: { guessesLeft: 0, wrongTotal: 6 } })
  const { lockedUntilMs } = (locked as { guesses: { lockedUntilMs: number } }).guesses
  expect(lockedUntilMs - Date.now()).toBeGreaterThan(50_000)
  expect(lockedUntilMs - Date.now()).toBeLessThanOrEqual(60_000)
  await expect(wallet.view()).resolves.toMatchObject({ guessesLeft: 0, lockedUntilMs })
})

test('a repeat with the same idempotency key gets the same bytes; other content under it is refused', async () => {
  const cloister = await cloud.connect('erin')
  const idempotencyKey = crypto.getRandomValues(new Uint8Array(16))
  const id = crypto.randomUUID()
  const first = await cloister.wallets.create({ pin: PIN, id, idempotencyKey })
  const again = await cloister.wallets.create({ pin: PIN, id, idempotencyKey })
  expect(again.last.accounts).toEqual(first.last.accounts)
  expect(again.last.guessesLeft).toBe(5)
  await expect(cloister.wallets.create({ pin: PIN, id })).rejects.toMatchObject({ code: 'wallet_exists' })
  await expect(cloister.wallets.create({ pin: '9999', id, idempotencyKey })).rejects.toMatchObject({ code: 'pin_wrong' })

  const key = crypto.getRandomValues(new Uint8Array(16))
  const sign = (transaction: Uint8Array) => first.signTransaction({ chain: CHAIN, transaction }, { pin: PIN, idempotencyKey: key })
  const one = await sign(transfer(0))
  const two = await sign(transfer(0))
  expect(two.signed).toEqual(one.signed)
  await expect(sign(transfer(1))).rejects.toMatchObject({ code: 'idempotency_mismatch' })
  expect((await first.view()).guessesLeft).toBe(5)
})

test('a rotated channel key: the client attests again and goes on', async () => {
  const wallet = await (await cloud.connect('frank')).wallets.create({ pin: PIN })
  await cloud.stack.services.enclaves[0]?.kill('SIGKILL')
  await cloud.stack.replaceEnclave(0)
  await expect(wallet.signTransaction({ chain: CHAIN, transaction: transfer() }, { pin: PIN })).resolves.toMatchObject({ guessesLeft: 5 })
})

test('keys of the issuer may change: tokens under the new key are accepted, by relay and enclave', async () => {
  await cloud.stack.services.issuer.rotateKeys()
  // Key sets are fetched anew for an unknown key id, once a second at most.
  for (let tries = 0; ; tries++) {
    try {
      expect((await (await cloud.connect('grace')).wallets.create({ pin: PIN })).last.accounts.map(({ namespace }) => namespace)).toEqual(['eip155', 'bip122', 'solana'])
      break
    } catch (error) {
      if ((error as CloisterError).code !== 'token_signature' || tries > 50) throw error
      await new Promise((resolve) => setTimeout(resolve, 100))
    }
  }
})
