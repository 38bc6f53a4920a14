/**
 * What an operator does, and what comes of it (docs/operate.md). From image A to image B without losing a wallet, and back: the key policy says who opens data keys, the pins say whom an app seals to, and
 * at every step each enclave meets apps that pin {A}, {A, B} and {B}.
 */
import { appendFile, mkdtemp, readFile, rm } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { connect, type Cloister } from '../../client/connect.ts'
import { buildImage } from '../../enclave-sim/image/build.ts'
import type { Measurements } from '../../lib/attestation/policy.ts'
import { loadKeyPolicy } from '../../local/iam/resources.ts'
import { configurationPcr, launchEnclave, type LaunchedEnclave } from '../../local/enclave.ts'
import { login } from '../../local/login.ts'
import { startStack, type Stack } from '../../local/stack.ts'
import { fleetRelays, type FleetRelay } from '../support/fleet-relay.ts'
import { operatorTable, type OperatorTable } from '../support/operator-table.ts'
import { CHAIN, transfer } from '../support/transactions.ts'

const ROOT = process.cwd()
const PIN = '493817'
let stack: Stack
let table: OperatorTable
let relays: ReturnType<typeof fleetRelays>
let dir: string
let a: LaunchedEnclave
let b: LaunchedEnclave
let pins: Record<'A' | 'B', Measurements>

beforeAll(async () => {
  dir = await mkdtemp(join(tmpdir(), 'cloister-test-'))
  const stateDir = join(dir, 'state')
  stack = await startStack({ root: ROOT, stateDir, chain: false })
  a = stack.services.enclaves[0] as LaunchedEnclave
  const imageB = join(dir, 'image-b')
  await buildImage({ root: ROOT, entry: 'enclave-sim/main.ts', outDir: imageB })
  await appendFile(join(imageB, 'enclave.mjs'), '\n')
  b = await launchB()
  const pcr16 = configurationPcr(stack.configuration)
  pins = { A: { ...a.image, pcr16 }, B: { ...b.image, pcr16 } }
  table = operatorTable(stack)
  relays = fleetRelays(stack)
}, 60_000)
afterAll(async () => {
  await b?.close()
  await stack?.close()
  await rm(dir, { recursive: true, force: true })
})

async function launchB(): Promise<LaunchedEnclave> {
  const enclave = await launchEnclave({ root: ROOT, image: join(dir, 'image-b'), pkiDir: join(dir, 'state', 'simulator') })
  await enclave.configure(stack.configuration)
  await enclave.giveCredentials(stack.enclaveCredentials())
  return enclave
}

type Image = 'A' | 'B'

/** What the operator deploys: `ApprovedImages` of resources/keys.yml. */
async function approve(...images: readonly Image[]): Promise<void> {
  const policyText = await loadKeyPolicy(join(ROOT, 'resources'), images.map((image) => pins[image].pcr0), [pins.A.pcr16])
  await stack.services.kms.keys.update(stack.keyArn.split('/')[1] as string, { policyText })
}

function connectTo(relay: FleetRelay, pinned: readonly Image[]): Promise<Cloister> {
  return connect({
    url: 'http://relay.example',
    trust: { root: stack.trust.root, measurements: pinned.map((image) => pins[image]) },
    login: (request) => login({ issuer: stack.issuerUrl, clientId: stack.clientId, redirectUri: 'http://127.0.0.1/callback', username: 'alice', ...request, ca: stack.caPem }),
    fetch: relay.fetch,
  })
}
const codeOf = (error: { code: string }): string => error.code

let nonce = 0

/** Signs through one enclave: `signed`, with all guesses left, or the code of the refusal; `unsealed` when the app kept its request to itself. */
async function sign(wallet: string, enclave: LaunchedEnclave, pinned: readonly Image[]): Promise<string> {
  const relay = relays([enclave])
  try {
    const found = await (await connectTo(relay, pinned)).wallets.get(wallet)
    const { guessesLeft } = await found.signTransaction({ chain: CHAIN, transaction: transfer(nonce++) }, { pin: PIN })
    return guessesLeft === 5 ? 'signed' : `signed, ${guessesLeft} guesses left`
  } catch (error) {
    return `${codeOf(error as { code: string })}${relay.sealed() === 0 ? ', unsealed' : ''}`
  }
}

const PINNED: readonly (readonly Image[])[] = [['A'], ['A', 'B'], ['B']]

/** Both enclaves against all three kinds of app. */
async function everyone(wallet: string): Promise<Record<Image, readonly string[]>> {
  const rows: Record<Image, string[]> = { A: [], B: [] }
  for (const [image, enclave] of [['A', a], ['B', b]] as const) {
    for (const pinned of PINNED) rows[image].push(await sign(wallet, enclave, pinned))
  }
  return rows
}

const UNPINNED = 'attestation_measurements, unsealed'
const SERVED = { A: ['signed', 'signed', UNPINNED], B: [UNPINNED, 'signed', 'signed'] }
const REFUSED = { A: ['unavailable', 'unavailable', UNPINNED], B: [UNPINNED, 'unavailable', 'unavailable'] }

async function record(wallet: string) {
  const items = await table.scan()
  const item = items.find((one) => one['item']?.S === `wallet#${wallet}`)
  if (item === undefined) throw new Error('no such record')
  return item
}

/** PCR0, in hex, of the enclave that the last granted call of this kind was for, by KMS's own audit. */
async function lastServed(eventName: string): Promise<string | undefined> {
  const lines = (await readFile(join(dir, 'state', 'kms-audit.jsonl'), 'utf8')).trim().split('\n')
  const events = lines.map((line) => JSON.parse(line) as { eventName: string; errorCode?: string; additionalEventData?: { recipient: Record<string, string> } })
  const digest = events.findLast((event) => event.eventName === eventName && event.errorCode === undefined)?.additionalEventData?.recipient['attestationDocumentEnclaveImageDigest']
  return digest === undefined ? undefined : Buffer.from(digest, 'base64').toString('hex')
}

describe('an upgrade', () => {
  let wallet: string
  let address: string
  /** Made by A, and untouched while B comes in: its owner is away. */
  let dormant: string

  test('before: A serves, B can be run and gets nothing', async () => {
    const cloister = await connectTo(relays([a]), ['A'])
    const made = await cloister.wallets.create({ pin: PIN })
    wallet = made.id
    address = made.last.accounts[0]?.address as string
    dormant = (await cloister.wallets.create({ pin: PIN })).id
    expect(pins.B.pcr0).not.toBe(pins.A.pcr0)
    expect(await everyone(wallet)).toEqual({ A: SERVED.A, B: REFUSED.B })
    // Not even a new wallet: its key would be B's to make.
    const eager = await connectTo(relays([b]), ['B'])
    await expect(eager.wallets.create({ pin: PIN })).rejects.toMatchObject({ code: 'unavailable' })
  })

  test('both approved: B opens what A sealed, and A what B sealed', async () => {
    await approve('A', 'B')
    const before = await record(wallet)
    expect(await sign(wallet, b, ['A', 'B'])).toBe('signed')
    const after = await record(wallet)
    expect(Number(after['version']?.N)).toBe(Number(before['version']?.N) + 1)
    for (const part of ['dataKey', 'state', 'seed']) expect(after[part]?.B).not.toEqual(before[part]?.B)
    // The rewrap's data key was made for B.
    expect(await lastServed('GenerateDataKey')).toBe(pins.B.pcr0)
    expect(await everyone(wallet)).toEqual(SERVED)
  })

  test('a fleet of both: who pins both never notices; who pins one is refused by turns, and seals nothing to the other', async () => {
    for (const pinned of PINNED) {
      const relay = relays([a, b])
      const attempts: string[] = []
      for (let i = 0; i < 4; i++) attempts.push(await connectTo(relay, pinned).then(() => 'attested', codeOf))
      const refused = attempts.filter((attempt) => attempt === 'attestation_measurements').length
      expect([pinned, refused, relay.sealed()]).toEqual([pinned, pinned.length === 2 ? 0 : 2, 0])
      expect(attempts.filter((attempt) => attempt === 'attested')).toHaveLength(4 - refused)
    }
  })

  test('backing out halfway: A alone approved again, and it opens what B sealed', async () => {
    expect(await sign(wallet, b, ['B'])).toBe('signed')
    await approve('A')
    const sealedByB = await record(wallet)
    expect(await sign(wallet, b, ['A', 'B'])).toBe('unavailable')
    expect(await record(wallet)).toEqual(sealedByB)
    expect(await everyone(wallet)).toEqual({ A: SERVED.A, B: REFUSED.B })
  })

  test('through with it: A is dropped and refused, at no one’s cost; B serves every wallet, also one that it never saw', async () => {
    await approve('A', 'B')
    const session = await (await connectTo(relays([a]), ['A'])).wallets.get(wallet)
    await approve('B')
    const before = await record(wallet)
    // In the middle of a session: the guess that it charges for is given back, and nothing else is touched.
    await expect(session.signTransaction({ chain: CHAIN, transaction: transfer() }, { pin: PIN })).rejects.toMatchObject({ code: 'unavailable' })
    expect(await record(wallet)).toEqual(before)
    expect(await everyone(wallet)).toEqual({ A: REFUSED.A, B: SERVED.B })
    expect(await sign(dormant, b, ['B'])).toBe('signed')
    expect(await lastServed('Decrypt')).toBe(pins.B.pcr0)
  })

  test('backing out after that: A is approved once more, and opens what B sealed; still the same wallet', async () => {
    await approve('A', 'B')
    expect(await everyone(wallet)).toEqual(SERVED)
    expect(await sign(dormant, a, ['A'])).toBe('signed')
    const cloister = await connectTo(relays([a]), ['A'])
    expect((await cloister.wallets.get(wallet)).last.accounts[0]?.address).toBe(address)
  })

  test('nobody approved: nobody opens, and nothing is lost by it', async () => {
    await approve()
    expect(await everyone(wallet)).toEqual(REFUSED)
    await approve('B')
    expect(await sign(wallet, b, ['B'])).toBe('signed')
  })
})

describe('the operator', () => {
  let cloister: Cloister
  const pinWrong = { pin: '000000' }
  const request = () => ({ chain: CHAIN, transaction: transfer(nonce++) })
  beforeAll(async () => {
    await approve('B')
    cloister = await connectTo(relays([b]), ['B'])
  })

  test('rotates the KMS key: what the last material sealed opens, and the next data key is under the new one', async () => {
    const wallet = await cloister.wallets.create({ pin: PIN })
    const before = await record(wallet.id)
    await stack.services.kms.keys.rotate(stack.keyArn.split('/')[1] as string)
    expect(await sign(wallet.id, b, ['B'])).toBe('signed')
    expect((await record(wallet.id))['dataKey']?.B).not.toEqual(before['dataKey']?.B)
    expect(await sign(wallet.id, b, ['B'])).toBe('signed')
  })

  test('restores an old record: running enclaves refuse it, and remember the guesses; started anew, they take it, and the guesses are won back', async () => {
    const wallet = await cloister.wallets.create({ pin: PIN })
    const backup = await record(wallet.id)
    for (let guess = 1; guess <= 5; guess++) await expect(wallet.signTransaction(request(), pinWrong)).rejects.toMatchObject({ code: 'pin_wrong' })
    await expect(wallet.signTransaction(request(), { pin: PIN })).rejects.toMatchObject({ code: 'wallet_locked' })
    await table.put(backup)
    await expect(wallet.signTransaction(request(), { pin: PIN })).rejects.toMatchObject({ code: 'wallet_locked', guesses: { guessesLeft: 0, wrongTotal: 5 } })

    const restarted = async () => {
      await b.close()
      b = await launchB()
      return (await connectTo(relays([b]), ['B'])).wallets.get(wallet.id)
    }
    const again = await restarted()
    await expect(again.signTransaction(request(), pinWrong)).rejects.toMatchObject({ code: 'pin_wrong', guesses: { guessesLeft: 4, wrongTotal: 1 } })
    await expect(again.signTransaction(request(), { pin: PIN })).resolves.toMatchObject({ guessesLeft: 5 })
    // An older version than this enclave has seen.
    await table.put(backup)
    await expect(again.signTransaction(request(), { pin: PIN })).rejects.toMatchObject({ code: 'record_invalid' })
    await expect((await restarted()).signTransaction(request(), { pin: PIN })).resolves.toMatchObject({ guessesLeft: 5 })
  })
})
