/** Receipts: what an owner can prove was done, and that nothing is missing. */
import { verifyHistory } from '../../client/history.ts'
import { setUp } from '../support/core-setup.ts'
import { sha256, type World } from '../support/core-world.ts'
import { toHex, utf8 } from '../../lib/protocol/bytes.ts'
import { decodeHistoryKey, type HistoryKey } from '../../lib/protocol/lifecycle.ts'
import { openStoredReceipt } from '../../lib/protocol/receipt.ts'
import { createTestClient, PIN, signed, type TestClient } from '../support/core-client.ts'
import { flipped } from '../support/core-codes.ts'
import { done, makeWallet, viewed } from '../support/core-life.ts'
import type { Fate, TableOp } from '../support/core-table.ts'

let world: World
let client: TestClient
setUp((setup) => ({ world, client } = setup))

const keysOf = (wallet: string, who = client): Promise<HistoryKey> => done(who, decodeHistoryKey, { op: 'history', wallet, pin: null })

/** Everything there is: the table's receipts, opened, then the tail. */
async function receiptsOf(wallet: string): Promise<{ receipts: Uint8Array[]; keys: HistoryKey }> {
  const keys = await keysOf(wallet)
  const stored = world.table.receipts(wallet).slice(0, keys.view.receipts.count - keys.tail.length)
  const opened = await Promise.all(stored.map((sealed, i) => openStoredReceipt(keys.key, wallet, i + 1, sealed)))
  return { receipts: [...opened.map((one) => one as Uint8Array), ...keys.tail], keys }
}

async function busyWallet(): Promise<{ wallet: string; receipts: Uint8Array[]; keys: HistoryKey; hash: Uint8Array }> {
  const { wallet } = await makeWallet(client)
  await client.sign(wallet, '000000')
  const { hash } = signed(await client.sign(wallet))
  await viewed(client, 'rename', wallet, { label: 'b' })
  await viewed(client, 'changePin', wallet, { pin: utf8('222222') })
  return { wallet, hash, ...(await receiptsOf(wallet)) }
}

test('every operation leaves one: what, when, which enclave, how many failed before; no content', async () => {
  const { wallet, receipts, keys, hash } = await busyWallet()
  const history = await verifyHistory(receipts, wallet, keys.view.receipts)
  expect(history.map(({ op, sequence, version, failed }) => ({ op, sequence, version, failed }))).toEqual([
    { op: 'create', sequence: 1, version: 1, failed: 0 },
    { op: 'sign', sequence: 2, version: 2, failed: 1 },
    { op: 'rename', sequence: 3, version: 3, failed: 0 },
    { op: 'changePin', sequence: 4, version: 4, failed: 0 },
  ])
  expect(history[1]?.signatures.map((one) => toHex(one.hash))).toEqual([toHex(hash)])
  expect(history[1]?.atMs).toBe(world.nowMs())
  expect(toHex(history[0]?.measurements.pcr0 as Uint8Array)).toBe('01'.repeat(48))
  expect(toHex(history[0]?.measurements.pcr16 as Uint8Array)).not.toBe('00'.repeat(48))
})

test('a history with one dropped, altered, repeated, swapped or added is found out', async () => {
  const { wallet, receipts, keys } = await busyWallet()
  const head = keys.view.receipts
  const bad = (list: readonly (Uint8Array | undefined)[], of = wallet, at = head) => expect(verifyHistory(list as Uint8Array[], of, at)).rejects.toThrow('A receipt is missing')
  for (let i = 0; i < receipts.length; i++) {
    await bad(receipts.filter((_, j) => j !== i))
    await bad(receipts.map((one, j) => (j === i ? flipped(one, one.length - 1) : one)))
    await bad(receipts.map((one, j) => (j === i ? flipped(one, 40) : one)))
    await bad([...receipts.slice(0, i), receipts[i], ...receipts.slice(i)])
  }
  await bad([receipts[1], receipts[0], ...receipts.slice(2)])
  await bad([...receipts, receipts[3]])
  await bad(receipts, '11111111-2222-4333-8444-555555555555')
  await bad(receipts, wallet, { ...head, key: flipped(head.key, 0) })
  await bad(receipts, wallet, { ...head, head: flipped(head.head, 0) })
  await bad(receipts.slice(0, -1), wallet, { ...head, count: head.count - 1 })
  await bad([], wallet, head)
  expect(await verifyHistory(receipts, wallet, head)).toHaveLength(4)
})

test('of an export, it says whether it was announced or what left', async () => {
  const { wallet } = await makeWallet(client, { permissions: { exportable: true } })
  await client.shoot({ op: 'export', wallet, pin: PIN, parameters: { what: 'mnemonic', path: null } })
  const { receipts, keys } = await receiptsOf(wallet)
  expect((await verifyHistory(receipts, wallet, keys.view.receipts)).map(({ op, outcome }) => [op, outcome])).toEqual([['create', 'done'], ['export', 'mnemonic']])
})

test('another wallet’s receipts do not fit, nor another place of the same', async () => {
  const [one, other] = [await busyWallet(), await busyWallet()]
  await expect(verifyHistory(other.receipts, one.wallet, one.keys.view.receipts)).rejects.toThrow('A receipt is missing')
  const [sealed] = world.table.receipts(one.wallet)
  expect(await openStoredReceipt(one.keys.key, one.wallet, 1, sealed as Uint8Array)).toBeDefined()
  expect(await openStoredReceipt(one.keys.key, one.wallet, 2, sealed as Uint8Array)).toBeUndefined()
  expect(await openStoredReceipt(one.keys.key, other.wallet, 1, sealed as Uint8Array)).toBeUndefined()
  expect(await openStoredReceipt(other.keys.key, one.wallet, 1, sealed as Uint8Array)).toBeUndefined()
})

test('what the table stores tells nothing of what was signed', async () => {
  const { wallet, hash } = await busyWallet()
  for (const sealed of world.table.receipts(wallet)) {
    for (const secret of [hash, utf8('sign'), utf8(wallet)]) expect(Buffer.from(sealed).includes(Buffer.from(secret))).toBe(false)
  }
})

test('a table that takes no receipts loses none, until too many wait; then nothing more is done', async () => {
  let taken = false
  const fate = (op: TableOp): Fate => (op === 'receipt' && !taken ? 'unreached' : 'answered')
  const other = createTestClient(world, await world.enclave({ table: world.table.port(fate) }), client.user)
  const { wallet } = await makeWallet(other)
  for (let i = 2; i <= 32; i++) expect((await other.shoot({ op: 'verifyPin', wallet, pin: PIN })).code).toBe('ok')
  expect((await other.shoot({ op: 'verifyPin', wallet, pin: PIN })).code).toBe('clear:unavailable')
  expect(other.record(wallet)).toMatchObject({ version: 32, spent: 0 })
  expect((await keysOf(wallet, other)).tail).toHaveLength(32)
  taken = true
  expect((await other.shoot({ op: 'verifyPin', wallet, pin: PIN })).code).toBe('ok')
  expect((await keysOf(wallet, other)).tail).toHaveLength(1)
  const { receipts, keys } = await receiptsOf(wallet)
  expect(await verifyHistory(receipts, wallet, keys.view.receipts)).toHaveLength(33)
}, 60_000)

test('the hash chain is over the very bytes', async () => {
  const { receipts, keys, wallet } = await busyWallet()
  const history = await verifyHistory(receipts, wallet, keys.view.receipts)
  expect(history.map(({ previous }) => toHex(previous))).toEqual([toHex(new Uint8Array(32)), ...receipts.slice(0, -1).map((one) => toHex(sha256(one)))])
})
