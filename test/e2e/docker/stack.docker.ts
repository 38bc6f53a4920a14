/** The main job with every part in a container, and the enclave in one that has no network. */
import { mkdtemp, readFile, rm } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { recoverTransactionAddress, toHex } from 'viem'
import { connect, type Cloister, type Wallet } from '../../../client/connect.ts'
import { ENCLAVE_NODE_ARGS } from '../../../enclave-sim/image/args.ts'
import { measureImage } from '../../../enclave-sim/image/measure.ts'
import { launchEnclave } from '../../../local/enclave.ts'
import { login } from '../../../local/login.ts'
import type { StackReady } from '../../../local/main.ts'
import { createRpc, sendAndWait } from '../../../scripts/ethereum.ts'
import { CHAIN, transfer } from '../../support/transactions.ts'
import { apiUrl, container, docker, evaluate, IMAGE_DIR, inspect, readReady, ROOT } from './docker.ts'

const PIN = '493817'
const PATIENCE_MS = 30_000
let ready: StackReady
let measured: { pcr0: string; pcr1: string; pcr2: string }

beforeAll(async () => {
  ready = await readReady()
  measured = await measureImage(IMAGE_DIR, process.execPath, ENCLAVE_NODE_ARGS)
  await eventually(async () => expect((await fetch(`${apiUrl()}/v1/health`)).status).toBe(200))
}, 60_000)

/** Pins what was measured outside of Docker; of the stack's own word it takes the simulator's root and the configuration. */
function connectAs(username: string, pcr0 = measured.pcr0): Promise<Cloister> {
  const pcr16 = ready.measurements[0]?.pcr16 as string
  return connect({
    url: apiUrl(),
    trust: { root: new Uint8Array(Buffer.from(ready.rootBase64, 'base64')), measurements: [{ ...measured, pcr0, pcr16 }] },
    login: ({ nonce }) => login({ issuer: ready.issuerUrl, clientId: ready.clientId, redirectUri: 'http://127.0.0.1/callback', username, nonce, ca: ready.caPem }),
  })
}

const sign = (wallet: Wallet, pin = PIN, nonce = 0) => wallet.signTransaction({ chain: CHAIN, transaction: transfer(nonce) }, { pin })
const addressOf = (wallet: Wallet): string => wallet.last.accounts[0]?.address as string

async function eventually<T>(action: () => Promise<T>): Promise<T> {
  for (const deadline = performance.now() + PATIENCE_MS; ; ) {
    try {
      return await action()
    } catch (error) {
      if (performance.now() > deadline) throw error
      await new Promise((resolve) => setTimeout(resolve, 200))
    }
  }
}

test('PCR0 in Docker is PCR0 as a process, and what npm run measure printed', async () => {
  const dir = await mkdtemp(join(tmpdir(), 'cloister-docker-'))
  const process = await launchEnclave({ root: ROOT, image: IMAGE_DIR, pkiDir: dir })
  try {
    const [line] = (await docker('logs', await container('enclave'))).split('\n')
    const told = JSON.parse(line as string) as { measurements: typeof measured }
    const manifest = JSON.parse(await readFile(join(IMAGE_DIR, '..', 'measurements.json'), 'utf8')) as { measurements: [typeof measured] }
    expect(told.measurements).toEqual(measured)
    expect(process.image).toEqual(measured)
    expect(manifest.measurements).toEqual([measured])
    // And it is what the documents say: the client pins it. Its twin: pinned to something else, the client seals nothing.
    await expect((await connectAs('alice')).attest()).resolves.toMatchObject({ measurements: { pcr0: measured.pcr0 } })
    await expect(connectAs('alice', 'ab'.repeat(48))).rejects.toMatchObject({ code: 'attestation_measurements' })
  } finally {
    await process.close()
    await rm(dir, { recursive: true, force: true })
  }
})

test('creates a wallet, signs, and a real chain mines it', async () => {
  const wallet = await (await connectAs('alice')).wallets.create({ pin: PIN })
  const rpc = createRpc(ready.chainUrl as string)
  const [rich] = (await rpc('eth_accounts')) as string[]
  await rpc('eth_sendTransaction', { from: rich, to: addressOf(wallet), value: '0xde0b6b3a7640000' })
  const { signed, hash } = await sign(wallet)
  expect(await recoverTransactionAddress({ serializedTransaction: toHex(signed) as `0x02${string}` })).toBe(addressOf(wallet))
  expect(await sendAndWait(rpc, signed)).toMatchObject({ status: '0x1', from: addressOf(wallet).toLowerCase(), hash: toHex(hash) })
})

test('counts a wrong PIN; the right one gives the guess back', async () => {
  const wallet = await (await connectAs('bob')).wallets.create({ pin: PIN })
  await expect(sign(wallet, '000000')).rejects.toMatchObject({ code: 'pin_wrong', guesses: { guessesLeft: 4, wrongTotal: 1 } })
  await expect(sign(wallet)).resolves.toMatchObject({ guessesLeft: 5, wrongTotal: 1 })
})

test('another user sees nothing of it', async () => {
  const wallet = await (await connectAs('carol')).wallets.create({ pin: PIN })
  const mallory = await connectAs('mallory')
  expect(await mallory.wallets.list()).toEqual([])
  await expect(mallory.wallets.get(wallet.id)).rejects.toMatchObject({ code: 'wallet_not_found' })
})

test('the enclave is killed: it starts anew, is configured anew, and the wallet is as it was', async () => {
  const wallet = await (await connectAs('dave')).wallets.create({ pin: PIN })
  const before = await inspect('enclave')
  await evaluate('enclave', KILL_ENCLAVE)
  const { guessesLeft, address } = await eventually(() => sign(wallet))
  expect({ guessesLeft, address }).toEqual({ guessesLeft: 5, address: addressOf(wallet) })
  const after = await inspect('enclave')
  expect(after.RestartCount).toBe(before.RestartCount + 1)
  expect(after.State.StartedAt).not.toBe(before.State.StartedAt)
}, 60_000)

/** The enclave is the one that runs under the permission model; its launcher, process 1, isn't. */
const KILL_ENCLAVE = `
import { readdirSync, readFileSync } from 'node:fs'
const enclave = readdirSync('/proc').find((pid) => /^[0-9]+$/.test(pid) && readFileSync('/proc/' + pid + '/cmdline', 'utf8').split('\\0').includes('--permission'))
process.kill(Number(enclave), 'SIGKILL')`

test('the forwarder is gone: 503, and no guess is spent; it comes back, and all goes on', async () => {
  const wallet = await (await connectAs('erin')).wallets.create({ pin: PIN })
  const id = await container('forwarder')
  await docker('stop', '--time', '5', id)
  await expect(sign(wallet)).rejects.toMatchObject({ code: 'unavailable' })
  await docker('start', id)
  await expect(eventually(() => sign(wallet))).resolves.toMatchObject({ guessesLeft: 5, wrongTotal: 0 })
}, 60_000)

test('everything is stopped and started again: keys and wallets are still there', async () => {
  const wallet = await (await connectAs('frank')).wallets.create({ pin: PIN })
  // Sessions of the local cloud end with it, and the enclave's with them: so both.
  for (const service of ['cloud', 'enclave'] as const) await docker('restart', '--time', '10', await container(service))
  const again = await eventually(async () => (await connectAs('frank')).wallets.get(wallet.id))
  expect(addressOf(again)).toBe(addressOf(wallet))
  await expect(eventually(() => sign(again))).resolves.toMatchObject({ guessesLeft: 5 })
}, 90_000)
