/** Wallet Standard for Solana, with web3.js and Solana's own runtime, and an enclave in this process. */
import { verify } from 'node:crypto'
import { Keypair, LAMPORTS_PER_SOL, PublicKey, SystemProgram, Transaction, TransactionMessage, VersionedTransaction } from '@solana/web3.js'
import type * as Kit from '@solana/kit'
import type * as Lite from 'litesvm'
import { registerWallet, solanaWallet, type SolanaWalletOptions } from '../../client/adapters/solana.ts'
import { solana, type SolanaAccount } from '../../client/solana.ts'
import { createSdkWorld, type SdkWorld } from '../support/sdk-world.ts'

const PIN = '493817'
const ICON = 'data:image/svg+xml;base64,PHN2Zy8+' as const
const TO = Keypair.generate().publicKey

let sdk: SdkWorld
let account: SolanaAccount
let key: PublicKey
const pin = jest.fn(async () => PIN)
beforeAll(async () => {
  sdk = await createSdkWorld({ chains: [solana] })
  account = (await (await sdk.connect({ pin })).wallets.create()).account('solana')
  key = new PublicKey(account.address)
}, 60_000)
afterAll(() => sdk.close())

async function runtime(): Promise<{ svm: Lite.LiteSVM | undefined; kit: typeof Kit }> {
  const lite: typeof Lite | undefined = await import('litesvm').catch(() => undefined)
  if (lite === undefined) process.stdout.write('LiteSVM is installed for Linux on x64 with glibc alone: the runtime is not asked\n')
  return { svm: lite === undefined ? undefined : new lite.LiteSVM(), kit: await import('@solana/kit') }
}

const make = (options: Partial<SolanaWalletOptions> = {}) => solanaWallet({ name: 'App', icon: ICON, accounts: async () => [account], ...options })

async function connected(options?: Partial<SolanaWalletOptions>) {
  const wallet = make(options)
  const { accounts } = await wallet.features['standard:connect'].connect()
  const [first] = accounts
  if (first === undefined) throw new Error('no account')
  return { wallet, first, ...wallet.features }
}

function transfer(recentBlockhash: string): Transaction {
  const transaction = new Transaction({ feePayer: key, recentBlockhash })
  return transaction.add(SystemProgram.transfer({ fromPubkey: key, toPubkey: TO, lamports: LAMPORTS_PER_SOL }))
}
const bytesOf = (transaction: Transaction): Uint8Array => new Uint8Array(transaction.serialize({ requireAllSignatures: false }))
const BLOCKHASH = Keypair.generate().publicKey.toBase58()

test('connects, says what it does, and forgets', async () => {
  const wallet = make()
  const changes: number[] = []
  const off = wallet.features['standard:events'].on('change', ({ accounts }) => void changes.push(accounts?.length ?? -1))
  expect((await wallet.features['standard:connect'].connect({ silent: true })).accounts).toEqual([])
  const { accounts } = await wallet.features['standard:connect'].connect()
  expect(accounts[0]).toMatchObject({ address: account.address, chains: ['solana:mainnet', 'solana:devnet', 'solana:testnet'] })
  expect(new Uint8Array(accounts[0]?.publicKey ?? [])).toEqual(account.publicKey)
  expect(wallet.accounts).toHaveLength(1)
  await wallet.features['standard:disconnect'].disconnect()
  off()
  await wallet.features['standard:connect'].connect()
  expect(changes).toEqual([1, 0])
})

test('signs a legacy transaction that Solana’s runtime executes', async () => {
  const { svm, kit } = await runtime()
  svm?.airdrop(kit.address(account.address), kit.lamports(BigInt(10 * LAMPORTS_PER_SOL)))
  const { first, 'solana:signTransaction': feature } = await connected()
  const [output] = await feature.signTransaction({ account: first, transaction: bytesOf(transfer(svm?.latestBlockhash() ?? BLOCKHASH)), chain: 'solana:devnet' })
  const signed = Transaction.from(output?.signedTransaction ?? new Uint8Array())
  expect(signed.verifySignatures()).toBe(true)
  if (svm === undefined) return
  svm.sendTransaction(kit.getTransactionDecoder().decode(output?.signedTransaction ?? new Uint8Array()))
  expect(svm.getBalance(kit.address(TO.toBase58()))).toBe(BigInt(LAMPORTS_PER_SOL))
})

test('signs several, a versioned one among them, each with a PIN', async () => {
  const { first, 'solana:signTransaction': feature } = await connected()
  const message = new TransactionMessage({ payerKey: key, recentBlockhash: BLOCKHASH, instructions: transfer(BLOCKHASH).instructions }).compileToV0Message()
  pin.mockClear()
  const outputs = await feature.signTransaction(
    { account: first, transaction: bytesOf(transfer(BLOCKHASH)) },
    { account: first, transaction: new VersionedTransaction(message).serialize() },
  )
  expect(pin).toHaveBeenCalledTimes(2)
  for (const { signedTransaction } of outputs) {
    const { message: said, signatures } = VersionedTransaction.deserialize(signedTransaction)
    expect(isSigned(said.serialize(), signatures[0] as Uint8Array)).toBe(true)
  }
})

test('signs a message', async () => {
  const { first, 'solana:signMessage': feature } = await connected()
  const message = new TextEncoder().encode('hello')
  const [output] = await feature.signMessage({ account: first, message })
  expect(output).toMatchObject({ signedMessage: message, signatureType: 'ed25519' })
  expect(isSigned(message, output?.signature as Uint8Array)).toBe(true)
})

test('signs and sends, with the options that it was given', async () => {
  const bodies: { method: string; params: [string, Record<string, unknown>] }[] = []
  const fetch = (async (_url, init) => (bodies.push(JSON.parse(init?.body as string) as never), Response.json({ result: 'id' }))) as typeof globalThis.fetch
  const { first, 'solana:signAndSendTransaction': feature } = await connected({ rpc: { 'solana:devnet': 'https://rpc.test' }, fetch })
  const input = { account: first, transaction: bytesOf(transfer(BLOCKHASH)), chain: 'solana:devnet' } as const
  const [output] = await feature.signAndSendTransaction({ ...input, options: { skipPreflight: true } })
  const sent = Transaction.from(Buffer.from(bodies[0]?.params[0] ?? '', 'base64'))
  expect(new Uint8Array(sent.signature ?? [])).toEqual(output?.signature)
  expect(bodies[0]).toMatchObject({ method: 'sendTransaction', params: [expect.any(String), { encoding: 'base64', skipPreflight: true }] })
  const refusing = await connected({ rpc: { 'solana:devnet': 'https://rpc.test' }, fetch: async () => Response.json({ error: { code: -32002, message: 'no funds' } }) })
  await expect(refusing['solana:signAndSendTransaction'].signAndSendTransaction({ ...input, account: refusing.first })).rejects.toThrow(/no funds/)
  await expect(feature.signAndSendTransaction({ ...input, chain: 'solana:testnet' })).rejects.toMatchObject({ code: 'chain_unknown' })
})

test('refuses accounts that are not connected, chains that it does not know, and transactions of others', async () => {
  const { wallet, first, 'solana:signTransaction': feature } = await connected()
  const transaction = bytesOf(transfer(BLOCKHASH))
  await expect(feature.signTransaction({ account: { ...first, address: TO.toBase58() }, transaction })).rejects.toMatchObject({ code: 'account_unknown' })
  await expect(feature.signTransaction({ account: first, transaction, chain: 'solana:localnet' })).rejects.toMatchObject({ code: 'chain_unknown' })
  const other = new Transaction({ feePayer: TO, recentBlockhash: BLOCKHASH }).add(SystemProgram.transfer({ fromPubkey: TO, toPubkey: key, lamports: 1 }))
  await expect(feature.signTransaction({ account: first, transaction: bytesOf(other) })).rejects.toMatchObject({ code: 'tx_signer_mismatch' })
  await wallet.features['standard:disconnect'].disconnect()
  await expect(feature.signTransaction({ account: first, transaction })).rejects.toMatchObject({ code: 'account_unknown' })
})

test('is found by pages that look before and after', () => {
  const page = new EventTarget()
  const found: unknown[] = []
  const api = { register: (...wallets: unknown[]) => void found.push(...wallets) }
  page.addEventListener('wallet-standard:register-wallet', (event) => (event as CustomEvent<(api: unknown) => void>).detail(api))
  const wallet = make()
  registerWallet(wallet, page)
  page.dispatchEvent(new CustomEvent('wallet-standard:app-ready', { detail: api }))
  expect(found).toEqual([wallet, wallet])
})

/** By Node's own Ed25519. */
function isSigned(message: Uint8Array, signature: Uint8Array): boolean {
  const spki = Buffer.concat([Buffer.from('302a300506032b6570032100', 'hex'), account.publicKey])
  return verify(null, message, { key: spki, format: 'der', type: 'spki' }, signature)
}
