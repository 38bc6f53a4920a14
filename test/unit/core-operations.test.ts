/** Create, view and sign, through the whole enclave: attested channel, sealed requests, a KMS that verifies, a table that refuses. */
import { randomBytes, randomUUID } from 'node:crypto'
import { parseTransaction, recoverTransactionAddress, serializeTransaction, keccak256, toHex as viemHex } from 'viem'
import { toHex } from '../../lib/protocol/bytes.ts'
import type { CborValue } from '../../lib/protocol/cbor.ts'
import { decodeWithRecovery } from '../../lib/protocol/lifecycle.ts'
import { encodeSignParameters, NO_PERMISSIONS } from '../../lib/protocol/operations.ts'
import { CHAIN, createParameters, createTestClient, PATH, payload, PIN, signed, TRANSACTION, type Shot, type TestClient } from '../support/core-client.ts'
import { setUp } from '../support/core-setup.ts'
import type { World } from '../support/core-world.ts'

const MINUTE = 60_000
let world: World
let client: TestClient
setUp((setup) => ({ world, client } = setup))

const unsigned = (changes: Readonly<Record<string, unknown>> = {}): Uint8Array =>
  Buffer.from(serializeTransaction({ ...parseTransaction(viemHex(TRANSACTION)), ...changes } as never).slice(2), 'hex')
const signOf = (transaction: Uint8Array, chain = CHAIN, path = PATH) => encodeSignParameters({ payloads: [payload({ chain, path, data: transaction })] })

describe('create', () => {
  test('makes a wallet with one account on each chain; version 1, nothing spent', async () => {
    const wallet = randomUUID()
    const made = await client.shoot({ op: 'create', wallet, pin: PIN, parameters: createParameters({ words: 24 }) })
    const view = decodeWithRecovery(made.result ?? null)?.view
    expect(made.service.outcome).toBe('done')
    expect(view).toMatchObject({ wallet, version: 1, createdAtMs: world.nowMs(), guessesLeft: 5, lockedUntilMs: 0, wrongTotal: 0 })
    expect(view?.accounts.map(({ namespace, path }) => [namespace, path])).toEqual([['eip155', PATH], ['bip122', "m/84'/0'/0'"], ['solana', "m/44'/501'/0'/0'"]])
    expect(view?.accounts[0]).toMatchObject({ namespace: 'eip155', path: PATH, address: expect.stringMatching(/^0x[0-9a-fA-F]{40}$/) })
    expect(client.record(wallet)).toMatchObject({ version: 1, spent: 0, lockedUntilMs: 0, wrongMs: [] })
  })

  test('never makes the same keys twice', async () => {
    const views = await Promise.all([1, 2, 3].map(async () => client.view(await client.create())))
    expect(new Set(views.map((view) => view.accounts[0]?.address)).size).toBe(3)
    expect(new Set(views.map((view) => toHex(view.fingerprint))).size).toBe(3)
  })

  test('again with the same idempotency key finds the first wallet, and makes no second', async () => {
    const shot: Shot = { op: 'create', wallet: randomUUID(), pin: PIN, parameters: createParameters(), idempotency: randomBytes(16) }
    const first = decodeWithRecovery((await client.shoot(shot)).result ?? null)
    const second = decodeWithRecovery((await client.shoot(shot)).result ?? null)
    const receipts = { ...first?.view.receipts, count: 2, head: second?.view.receipts.head }
    expect(second).toEqual({ recovery: null, view: { ...first?.view, version: 2, receipts } })
    expect(client.record(shot.wallet)).toMatchObject({ spent: 0, wrongMs: [] })
  })

  test('again, when the relay did not see the first one: the enclave remembers, or the table refuses', async () => {
    const shot: Shot = { op: 'create', wallet: randomUUID(), pin: PIN, parameters: createParameters(), idempotency: randomBytes(16), record: null }
    const [a, b] = await Promise.all([client.shoot(shot), client.shoot(shot)])
    expect([a.code, b.code]).toEqual(['ok', 'ok'])
    expect(decodeWithRecovery(b.result ?? null)?.view.fingerprint).toEqual(decodeWithRecovery(a.result ?? null)?.view.fingerprint)
    expect((await client.shoot(shot)).code).toBe('clear:stale')
  })

  test('rejects an id that is taken: by another intention', async () => {
    const wallet = await client.create()
    const before = client.record(wallet)
    expect((await client.shoot({ op: 'create', wallet, pin: PIN, parameters: createParameters() })).code).toBe('wallet_exists')
    expect(client.record(wallet)).toEqual(before)
  })

  test('rejects the same idempotency key with other content', async () => {
    const shot: Shot = { op: 'create', wallet: randomUUID(), pin: PIN, parameters: createParameters(), idempotency: randomBytes(16) }
    expect((await client.shoot(shot)).code).toBe('ok')
    const before = client.record(shot.wallet)
    expect((await client.shoot({ ...shot, parameters: createParameters({ words: 24 }) })).code).toBe('idempotency_mismatch')
    expect(client.record(shot.wallet)).toEqual(before)
  })

  test('a repeat with another PIN is a wrong guess', async () => {
    const shot: Shot = { op: 'create', wallet: randomUUID(), pin: PIN, parameters: createParameters(), idempotency: randomBytes(16) }
    await client.shoot(shot)
    expect((await client.shoot({ ...shot, pin: '0000' })).code).toBe('pin_wrong')
    expect(client.record(shot.wallet).spent).toBe(1)
  })

  const good = { words: 12, label: '', permissions: NO_PERMISSIONS, recovery: false }
  test.each([[{ ...good, words: 13 }], [{ ...good, words: '12' }], [{}], [{ words: 12 }], [{ ...good, more: 1 }], [[12]]])('rejects parameters %j', async (parameters) => {
    expect((await client.shoot({ op: 'create', wallet: randomUUID(), pin: PIN, parameters: parameters as CborValue })).code).toBe('parameters_malformed')
  })
})

describe('view', () => {
  test('needs no PIN and changes nothing', async () => {
    const wallet = await client.create()
    const before = client.record(wallet)
    const view = await client.view(wallet)
    expect(view.accounts[0]?.path).toBe(PATH)
    expect(client.record(wallet)).toEqual(before)
  })

  test('rejects a PIN, parameters, and a wallet that is not there', async () => {
    const wallet = await client.create()
    expect((await client.shoot({ op: 'view', wallet, pin: PIN })).code).toBe('parameters_malformed')
    expect((await client.shoot({ op: 'view', wallet, parameters: { all: true } })).code).toBe('parameters_malformed')
    expect((await client.shoot({ op: 'view', wallet: randomUUID() })).code).toBe('clear:wallet_not_found')
  })
})

describe('sign', () => {
  test('EIP-1559: signed by the account, for this transaction and no other', async () => {
    const wallet = await client.create()
    const result = signed(await client.sign(wallet))
    const raw = viemHex(result.signed)
    expect(await recoverTransactionAddress({ serializedTransaction: raw as never })).toBe(result.address)
    expect(keccak256(raw)).toBe(viemHex(result.hash))
    const { r: _r, s: _s, yParity: _y, v: _v, ...transaction } = parseTransaction(raw as never)
    expect(transaction).toEqual(parseTransaction(viemHex(TRANSACTION)))
    const view = await client.view(wallet)
    expect([view.accounts[0]?.address, view.fingerprint, view.version]).toEqual([result.address, result.fingerprint, 2])
  })

  test('legacy with EIP-155', async () => {
    const wallet = await client.create()
    const transaction = Buffer.from(
      serializeTransaction({ type: 'legacy', chainId: 11155111, nonce: 0, gasPrice: 5n, gas: 21_000n, to: '0x3535353535353535353535353535353535353535', value: 1n }).slice(2),
      'hex',
    )
    const result = signed(await client.sign(wallet, PIN, { parameters: signOf(transaction, 'eip155:11155111') }))
    expect(await recoverTransactionAddress({ serializedTransaction: viemHex(result.signed) as never })).toBe(result.address)
  })

  test('renews everything that is stored, each time: version, data key, ciphertexts', async () => {
    const wallet = await client.create()
    const before = client.record(wallet)
    await client.sign(wallet)
    const after = client.record(wallet)
    expect(after.version).toBe(before.version + 1)
    for (const name of ['dataKey', 'state', 'seed'] as const) expect(toHex(after[name])).not.toBe(toHex(before[name]))
    expect(after).toMatchObject({ spent: 0, lockedUntilMs: 0, wrongMs: [], createdAtMs: before.createdAtMs })
  })

  test('a repeat with the same idempotency key gets the same bytes and burns nothing', async () => {
    const wallet = await client.create()
    const idempotency = randomBytes(16)
    const first = signed(await client.sign(wallet, PIN, { idempotency }))
    const second = signed(await client.sign(wallet, PIN, { idempotency }))
    expect(second.signed).toEqual(first.signed)
    expect(client.record(wallet)).toMatchObject({ spent: 0, wrongMs: [] })
  })

  test('rejects the same idempotency key for another transaction, and spends nothing', async () => {
    const wallet = await client.create()
    const idempotency = randomBytes(16)
    await client.sign(wallet, PIN, { idempotency })
    const before = client.record(wallet)
    expect((await client.sign(wallet, PIN, { idempotency, parameters: signOf(unsigned({ nonce: 8 })) })).code).toBe('idempotency_mismatch')
    expect((await client.sign(wallet, '0000', { idempotency, parameters: signOf(unsigned({ nonce: 8 })) })).code).toBe('idempotency_mismatch')
    expect(client.record(wallet)).toEqual(before)
    expect((await client.sign(wallet, PIN, { idempotency })).code).toBe('ok')
  })

  test.each<[string, Uint8Array, string, string]>([
    ['tx_type_unknown', Uint8Array.of(0x7f, ...TRANSACTION.slice(1)), CHAIN, PATH],
    ['tx_malformed', new Uint8Array(), CHAIN, PATH],
    ['tx_trailing_bytes', Uint8Array.of(...TRANSACTION, 0), CHAIN, PATH],
    ['tx_chain_id_mismatch', TRANSACTION, 'eip155:2', PATH],
    ['chain_unknown', TRANSACTION, 'solana:mainnet', PATH],
    ['account_unknown', TRANSACTION, CHAIN, "m/44'/60'/0'/0/1"],
    ['parameters_malformed', TRANSACTION, CHAIN, "44'/60'"],
    ['parameters_malformed', TRANSACTION, 'eip155', PATH],
    ['tx_too_large', new Uint8Array(128 * 1024 + 1), CHAIN, PATH],
  ])('rejects with %s, spending nothing and changing nothing', async (code, transaction, chain, path) => {
    const wallet = await client.create()
    const before = client.record(wallet)
    expect((await client.sign(wallet, PIN, { parameters: signOf(transaction, chain, path) })).code).toBe(code)
    expect(client.record(wallet)).toEqual(before)
  })

  test('rejects a wallet that is not there', async () => {
    expect((await client.sign(randomUUID())).code).toBe('clear:wallet_not_found')
  })
})

describe('PIN', () => {
  test.each<[string, string | Uint8Array | null]>([['none', null], ['empty', ''], ['3 bytes', '123'], ['65 bytes', '1'.repeat(65)]])('rejects %s, unspent', async (_what, pin) => {
    const wallet = await client.create()
    const before = client.record(wallet)
    expect((await client.sign(wallet, pin as string, { pin })).code).toBe('pin_malformed')
    expect((await client.shoot({ op: 'create', wallet: randomUUID(), pin, parameters: createParameters() })).code).toBe('pin_malformed')
    expect(client.record(wallet)).toEqual(before)
  })

  test.each([['4 bytes', '1234'], ['64 bytes', '1'.repeat(64)], ['other than digits', 'päß wort']])('takes %s', async (_what, pin) => {
    const wallet = await client.create(pin)
    expect((await client.sign(wallet, pin)).code).toBe('ok')
  })

  test('a wrong one says how many are left, and stays spent', async () => {
    const wallet = await client.create()
    const { version, state, seed } = client.record(wallet)
    for (let left = 4; left >= 1; left--) {
      const outcome = await client.sign(wallet, '0000')
      expect([outcome.code, outcome.service.outcome]).toEqual(['pin_wrong', 'refused'])
      expect(outcome.guesses).toEqual({ guessesLeft: left, lockedUntilMs: 0, wrongTotal: 5 - left })
    }
    expect(client.record(wallet)).toMatchObject({ version, state, seed, spent: 4, wrongMs: { length: 4 } })
  })

  test('the right one clears what is spent; the rolling total stays, and is told', async () => {
    const wallet = await client.create()
    await client.sign(wallet, '0000')
    await client.sign(wallet, '0001')
    const result = signed(await client.sign(wallet))
    expect(result).toMatchObject({ guessesLeft: 5, lockedUntilMs: 0, wrongTotal: 2 })
    expect(client.record(wallet)).toMatchObject({ spent: 0, wrongMs: { length: 2 } })
    expect((await client.view(wallet)).wrongTotal).toBe(2)
  })

  test('after five it is locked, for the right one too; time opens it; then five minutes', async () => {
    const wallet = await client.create()
    for (let i = 0; i < 4; i++) await client.sign(wallet, '0000')
    const fifth = await client.sign(wallet, '0000')
    expect(fifth.guesses).toEqual({ guessesLeft: 0, lockedUntilMs: world.nowMs() + MINUTE, wrongTotal: 5 })
    const before = client.record(wallet)
    const locked = await client.sign(wallet)
    expect([locked.code, locked.guesses]).toEqual(['wallet_locked', { guessesLeft: 0, lockedUntilMs: world.nowMs() + MINUTE, wrongTotal: 5 }])
    expect(client.record(wallet)).toEqual(before)

    world.advance(MINUTE - 1)
    expect((await client.sign(wallet)).code).toBe('wallet_locked')
    world.advance(1)
    const sixth = await client.sign(wallet, '0000')
    expect([sixth.code, sixth.guesses?.lockedUntilMs]).toEqual(['pin_wrong', world.nowMs() + 5 * MINUTE])
    world.advance(5 * MINUTE)
    expect((await client.view(wallet)).guessesLeft).toBe(1)
    expect(signed(await client.sign(wallet))).toMatchObject({ guessesLeft: 5, lockedUntilMs: 0, wrongTotal: 6 })
  })

  test('a guess is in the table before the PIN is looked at', async () => {
    let seen: number | undefined
    const wallet = await client.create()
    const platform = world.platform()
    const other = await world.enclave({
      argon2id: async (...of) => {
        seen ??= world.table.read(client.user.owner, wallet)?.spent
        return platform.argon2id(...of)
      },
    })
    seen = undefined
    expect((await createTestClient(world, other, client.user).sign(wallet)).code).toBe('ok')
    expect(seen).toBe(1)
  })
})

describe('an old record', () => {
  test('is refused unread: its version, its count', async () => {
    const wallet = await client.create()
    const first = client.record(wallet)
    const other = createTestClient(world, await world.enclave(), client.user) // which remembers nothing
    await client.sign(wallet, '0000')
    const second = client.record(wallet)
    expect((await other.sign(wallet, PIN, { record: first })).code).toBe('clear:stale')
    await client.sign(wallet)
    const before = client.record(wallet)
    for (const record of [first, second]) expect((await other.sign(wallet, PIN, { record })).code).toBe('clear:stale')
    expect(client.record(wallet)).toEqual(before)
    expect((await other.sign(wallet)).code).toBe('ok')
  })

  test('is not used when the enclave itself wrote a newer one: those who wait in line all succeed', async () => {
    const wallet = await client.create()
    const record = client.record(wallet)
    const outcomes = await Promise.all(Array.from({ length: 8 }, () => client.sign(wallet, PIN, { record })))
    expect(outcomes.map((outcome) => outcome.code)).toEqual(Array.from({ length: 8 }, () => 'ok'))
    expect(client.record(wallet)).toMatchObject({ version: 9, spent: 0, wrongMs: [] })
  })

  test('two enclaves at once: the loser is stale, tries again, and nothing is spent', async () => {
    const wallet = await client.create()
    const other = createTestClient(world, await world.enclave(), client.user)
    const codes = await Promise.all([client, other, client, other].map(async (one) => {
      for (let i = 0; i < 10; i++) {
        const { code } = await one.sign(wallet)
        if (code !== 'clear:stale') return code
      }
      return 'gave up'
    }))
    expect(codes).toEqual(['ok', 'ok', 'ok', 'ok'])
    expect(client.record(wallet)).toMatchObject({ version: 5, spent: 0, wrongMs: [] })
  })
})
