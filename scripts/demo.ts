/** `npm run demo`: the main job once, from nothing to a mined transaction, on this machine alone. */
import { mkdtemp, readFile, rm } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { parseEther, parseGwei, serializeTransaction, toBytes } from 'viem'
import { connect, CloisterError, type Cloister, type Wallet } from '../client/connect.ts'
import { login } from '../local/login.ts'
import { createRpc, ether, sendAndWait, type Rpc } from './ethereum.ts'
import { startLocalApi, type LocalApi } from './local-api.ts'
import { createNarrator } from './narrator.ts'

const root = join(import.meta.dirname, '..')
const PIN = '493817'
const WRONG_PIN = '111111'
const RECIPIENT = '0x000000000000000000000000000000000000dEaD'

const say = createNarrator()
const stateDir = await mkdtemp(join(tmpdir(), 'cloister-demo-'))
let api: LocalApi | undefined
let stopping = false

async function stop(): Promise<void> {
  stopping = true
  await api?.close()
  await rm(stateDir, { recursive: true, force: true })
}

for (const signal of ['SIGINT', 'SIGTERM'] as const) {
  process.on(signal, () => {
    if (!stopping) void stop().then(() => process.exit(130))
  })
}

try {
  await demo()
  say.last()
} catch (error) {
  say.failed(error)
  if (api !== undefined) console.error(`\nThe cloud's last words:\n${(await readFile(api.logFile, 'utf8')).split('\n').slice(-15).join('\n')}`)
  process.exitCode = 1
} finally {
  if (!stopping) await stop()
}

async function demo(): Promise<void> {
  say.title('Cloister: one signature, end to end, on this machine')

  api = await say.step('Start the cloud: API, DynamoDB, KMS, STS, OpenID provider, enclave, Ethereum chain', () =>
    startLocalApi({ root, stateDir, port: 0 }),
  )
  const { url, stack } = api
  const rpc = createRpc(stack.chainUrl as string)
  say.note(`API ${url} · issuer ${stack.issuerUrl} · chain ${stack.chainUrl}`)

  let subject = ''
  const cloister = await say.step('Log in (authorization code + PKCE) and verify the enclave', () =>
    connect({
      url,
      trust: { root: new Uint8Array(Buffer.from(stack.rootBase64, 'base64')), measurements: stack.measurements },
      login: async ({ nonce }) => {
        subject = 'alice'
        return login({ issuer: stack.issuerUrl, clientId: stack.clientId, redirectUri: 'http://127.0.0.1/callback', username: subject, nonce, ca: stack.caPem })
      },
    }),
  )
  await showAttestation(cloister, subject)

  const wallet = await say.step('Create a wallet', () => cloister.wallets.create({ pin: PIN }))
  const address = addressOf(wallet)
  say.saw({ app: 'the PIN, the address', relay: 'ciphertext', enclave: 'PIN, mnemonic, key – for this one request', kms: 'a data key' })
  say.note(`address ${address}`)

  await say.step('Fund it from the local chain', () => fund(rpc, address))
  say.note(`balance ${ether(BigInt((await rpc('eth_getBalance', address, 'latest')) as string))}`)

  const unsigned = serializeTransaction({
    type: 'eip1559',
    chainId: 31337,
    nonce: 0,
    to: RECIPIENT,
    value: parseEther('0.25'),
    gas: 21_000n,
    maxFeePerGas: parseGwei('20'),
    maxPriorityFeePerGas: parseGwei('1'),
  })
  const signed = await say.step('Sign a transfer of 0.25 ETH (EIP-1559)', () =>
    wallet.signTransaction({ chain: 'eip155:31337', transaction: toBytes(unsigned) }, { pin: PIN }),
  )
  say.saw({ app: 'PIN, transaction, signature', relay: 'ciphertext', enclave: 'PIN, transaction, key – for this one request', kms: 'two data keys' })

  const receipt = await say.step('Send it', () => sendAndWait(rpc, signed.signed))
  if (receipt.status !== '0x1') throw new Error('the chain refused the transaction')
  if (receipt.from.toLowerCase() !== address.toLowerCase()) throw new Error('the chain says that somebody else sent it')
  say.note(`mined in block ${Number(receipt.blockNumber)}: ${receipt.hash}`)
  say.note(`sender, as the chain recovers it: ${receipt.from} – the wallet's`)

  const refusal = await say.step('Try a wrong PIN', () => expectWrongPin(wallet, unsigned))
  say.note(`refused, inside the sealed answer: ${refusal.code}, ${refusal.guesses?.guessesLeft} guesses left`)
  say.note('the relay saw that it was refused, not why')
  const right = await say.step('The right PIN again gives the spent guess back', () =>
    wallet.signTransaction({ chain: 'eip155:31337', transaction: toBytes(unsigned) }, { pin: PIN }),
  )
  say.note(`${right.guessesLeft} guesses left; ${right.wrongTotal} wrong in the last 30 days, which success does not clear`)

  await say.step('Stop everything', async () => {
    await stop()
    await expectGone(url)
  })
}

async function showAttestation(cloister: Cloister, subject: string): Promise<void> {
  const channel = await cloister.attest()
  say.note(`logged in as ${subject}; the token is bound to a key that only this app holds`)
  say.note(`enclave ${channel.moduleId}, attested under the pinned (simulator's) root:`)
  say.note(`  PCR0  ${channel.measurements.pcr0.slice(0, 32)}… image, as npm run measure prints it`)
  say.note(`  PCR16 ${channel.measurements.pcr16.slice(0, 32)}… configuration`)
}

function addressOf(wallet: Wallet): string {
  const account = wallet.last.accounts.find((one) => one.namespace === 'eip155')
  if (account === undefined) throw new Error('the wallet has no Ethereum account')
  return account.address
}

async function fund(rpc: Rpc, address: string): Promise<void> {
  const [rich] = (await rpc('eth_accounts')) as string[]
  await rpc('eth_sendTransaction', { from: rich, to: address, value: `0x${parseEther('1').toString(16)}` })
}

async function expectWrongPin(wallet: Wallet, unsigned: `0x${string}`): Promise<CloisterError> {
  try {
    await wallet.signTransaction({ chain: 'eip155:31337', transaction: toBytes(unsigned) }, { pin: WRONG_PIN })
  } catch (error) {
    if (error instanceof CloisterError && error.code === 'pin_wrong' && error.guesses?.guessesLeft === 4) return error
    throw error
  }
  throw new Error('a wrong PIN signed')
}

async function expectGone(url: string): Promise<void> {
  const answer = await fetch(new URL('/v1/health', url)).catch(() => undefined)
  if (answer !== undefined) throw new Error('the API still answers')
}
