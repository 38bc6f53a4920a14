/** What lengths tell the relay and the table, measured: what passes and what is stored, of wallets that differ in their secrets alone. */
import type { Enclave } from '../../enclave-sim/core/enclave.ts'
import { utf8 } from '../../lib/protocol/bytes.ts'
import { decodeExportResult, encodeAccountNames } from '../../lib/protocol/lifecycle.ts'
import type { CborValue } from '../../lib/protocol/cbor.ts'
import type { Operation } from '../../lib/protocol/header.ts'
import type { ImportedSecret } from '../../lib/protocol/lifecycle.ts'
import { createTestClient, SIGN, type Outcome, type TestClient } from '../support/core-client.ts'
import { ABANDON, importWallet, mnemonic } from '../support/core-life.ts'
import { createWorld, type World } from '../support/core-world.ts'

const SHORT = '0042'
const LONG = '漢'.repeat(21) + 'x' // 64 bytes
const ZOO = `${'zoo '.repeat(11)}wrong`
const LETTERS = `${'abandon '.repeat(23)}art`
let world: World
let enclave: Enclave
let client: TestClient

beforeAll(async () => {
  world = await createWorld()
  enclave = await world.enclave()
  client = createTestClient(world, enclave, await world.login())
})
afterAll(() => world.close())

/** What the relay sees of a call, but for when. */
function seen({ message, service }: Outcome) {
  return { header: message.header.length, enc: message.enc.length, ciphertext: message.ciphertext.length, outcome: service.outcome, answer: 'answer' in service ? service.answer.length : service.code }
}

const stored = (wallet: string) => {
  const { dataKey, state, seed } = client.record(wallet)
  return { dataKey: dataKey.length, state: state.length, seed: seed.length }
}

const make = async (secret: ImportedSecret, pin: string): Promise<string> =>
  (await importWallet(client, secret, { pin, recovery: true, permissions: { exportable: true } })).wallet

/** Each operation that takes a PIN, in an order in which each is done. */
const LIFE: readonly (readonly [Operation, CborValue])[] = [
  ['sign', SIGN], ['verifyPin', {}], ['rename', { label: 'x' }], ['discover', encodeAccountNames([{ namespace: 'eip155', path: "m/44'/60'/0'/0/7" }])],
  ['addAccounts', encodeAccountNames([{ namespace: 'eip155', path: "m/44'/60'/0'/0/7" }])], ['delete', {}], ['restore', {}], ['renewRecovery', {}], ['export', { what: 'mnemonic', path: null }],
  ['export', { what: 'backup', path: null }], ['export', { what: 'privateKey', path: "m/44'/60'/0'/0/0" }], ['cancelExport', {}], ['enrolFactor', { operations: ['sign'] }],
]

async function live(pin: string, wrong: string, next: string): Promise<unknown[]> {
  const wallet = await make(mnemonic(), pin)
  const trail: unknown[] = [stored(wallet)]
  for (const [op, parameters] of LIFE) {
    const done = await client.shoot({ op, wallet, pin, parameters })
    expect([op, done.code]).toEqual([op, 'ok'])
    trail.push([op, seen(done), stored(wallet)])
  }
  const refused = await client.shoot({ op: 'verifyPin', wallet, pin: wrong })
  expect(refused.code).toBe('pin_wrong')
  trail.push(seen(refused))
  const changed = await client.shoot({ op: 'changePin', wallet, pin, parameters: { pin: utf8(next) } })
  expect(changed.code).toBe('ok')
  trail.push(seen(changed), stored(wallet))
  return trail
}

test('a wallet’s whole life is as long with a PIN of 4 bytes and with one of 64, wrong ones and new ones included', async () => {
  const [short, long] = [await live(SHORT, '0043', '9999'), await live(LONG, `${LONG.slice(0, -1)}y`, `${LONG.slice(0, -1)}z`)]
  expect(utf8(LONG)).toHaveLength(64)
  expect(short).toEqual(long)
  expect(await live(SHORT, `${LONG.slice(0, -1)}y`, LONG)).toEqual(short)
})

test('an import, what is stored of it, and its exports are as long with any words and passphrase', async () => {
  const secrets = [mnemonic(ZOO), mnemonic(ABANDON), mnemonic(LETTERS), mnemonic(ABANDON, 'p'.repeat(255))]
  const rows = []
  for (const secret of secrets) {
    const wallet = await make(secret, SHORT)
    const { seed } = stored(wallet)
    const row: unknown[] = [seed]
    for (const what of ['mnemonic', 'backup'] as const) {
      const done = await client.shoot({ op: 'export', wallet, pin: SHORT, parameters: { what, path: null } })
      const result = done.result === undefined ? undefined : decodeExportResult(done.result)
      // Addresses differ by a character, so that the file may.
      row.push(seen(done), result?.kind)
    }
    rows.push(row)
  }
  for (const row of rows) expect(row).toEqual(rows[0])
})

test('a mnemonic and a key are stored as as many bytes', async () => {
  const lengths = []
  for (const secret of [mnemonic(), { kind: 'secp256k1', key: new Uint8Array(32).fill(5) }, { kind: 'ed25519', key: new Uint8Array(32).fill(5) }] as const) lengths.push(stored(await make(secret, SHORT)).seed)
  expect(lengths).toEqual([382, 382, 382]) // nonce, 354, tag
})
