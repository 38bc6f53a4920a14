/** The life of a wallet: import, accounts, names, deletion, PIN, recovery, export. Each operation, its refusals, and its repeats. */
import { randomUUID } from 'node:crypto'
import type { Enclave } from '../../enclave-sim/core/enclave.ts'
import { fromHex, toHex, utf8 } from '../../lib/protocol/bytes.ts'
import { openBackup, readBackup } from '../../lib/protocol/backup.ts'
import { decodeAccounts, decodeExportResult, decodeView, encodeAccountNames } from '../../lib/protocol/lifecycle.ts'
import { splitSecret } from '../../lib/protocol/wallet-secret.ts'
import { createTestClient, PIN, signed, type TestClient } from '../support/core-client.ts'
import { ABANDON, done, importWallet, key16, makeWallet, mnemonic, viewed, withRecovery } from '../support/core-life.ts'
import { setUp } from '../support/core-setup.ts'
import { configurationBytes, type World } from '../support/core-world.ts'
import { bootEnclave } from '../../enclave-sim/core/enclave.ts'

const DAY = 86_400_000
const NEW_PIN = '8273645'
let world: World
let enclave: Enclave
let client: TestClient
setUp((setup) => ({ world, enclave, client } = setup))

describe('import', () => {
  test('shows the addresses that everybody knows of BIP-39’s sentence of zeros', async () => {
    const { view } = await importWallet(client, mnemonic())
    expect(view.kind).toBe('mnemonic')
    expect(view.accounts.find((one) => one.namespace === 'eip155')?.address).toBe('0x9858EfFD232B4033E47d90003D41EC34EcaEda94')
  })

  test('takes a passphrase: other keys', async () => {
    const [plain, salted] = [await importWallet(client, mnemonic()), await importWallet(client, mnemonic(ABANDON, 'TREZOR'))]
    expect(toHex(plain.view.fingerprint)).not.toBe(toHex(salted.view.fingerprint))
  })

  test('takes one private key, which has one account for each chain of its curve', async () => {
    const key = fromHex('4c0883a69102937d6231471b5dbb6204fe5129617082792ae468d01a3f362318') as Uint8Array
    const { view, wallet } = await importWallet(client, { kind: 'secp256k1', key })
    expect(view.accounts.find((one) => one.namespace === 'eip155')).toMatchObject({ path: 'm', address: '0x2c7536E3605D9C16a7a3D7b1898e529396a65c23' })
    expect((await client.shoot({ op: 'addAccounts', wallet, pin: PIN, parameters: encodeAccountNames([{ namespace: 'eip155', path: "m/44'/60'/0'/0/0" }]) })).code).toBe('account_path_invalid')
  })

  test.each([
    ['a word that is none', ABANDON.replace('about', 'aboutt')],
    ['a wrong checksum', ABANDON.replace('about', 'abandon')],
    ['eleven words', ABANDON.split(' ').slice(1).join(' ')],
    ['two spaces', ABANDON.replace(' ', '  ')],
    ['a trailing space', `${ABANDON} `],
    ['capitals', ABANDON.toUpperCase()],
    ['nothing', ''],
    ['25 words', `${ABANDON} ${ABANDON} abandon`],
  ])('rejects a mnemonic with %s', async (_what, sentence) => {
    await expect(importWallet(client, mnemonic(sentence))).rejects.toThrow('mnemonic_invalid')
  })

  test.each([
    ['zero', '00'.repeat(32)],
    ['the group’s order', 'fffffffffffffffffffffffffffffffebaaedce6af48a03bbfd25e8cd0364141'],
    ['31 bytes', '01'.repeat(31)],
  ])('rejects a private key that is %s', async (_what, hex) => {
    await expect(importWallet(client, { kind: 'secp256k1', key: fromHex(hex) as Uint8Array })).rejects.toThrow('private_key_invalid')
  })

  test('again with the same idempotency key finds the first wallet; with another, the id is taken', async () => {
    const [idempotency, wallet] = [key16(), randomUUID()]
    const first = await importWallet(client, mnemonic(), { idempotency, wallet, recovery: true })
    const second = await importWallet(client, mnemonic(), { idempotency, wallet, recovery: true })
    expect(toHex(second.recovery as Uint8Array)).toBe(toHex(first.recovery as Uint8Array))
    await expect(importWallet(client, mnemonic(), { wallet })).rejects.toThrow('wallet_exists')
    await expect(importWallet(client, mnemonic(ABANDON, 'x'), { wallet, idempotency })).rejects.toThrow('idempotency_mismatch')
  })
})

describe('accounts', () => {
  const second = { namespace: 'eip155', path: "m/44'/60'/0'/0/1" }

  test('are shown, then added, then sign', async () => {
    const { wallet } = await importWallet(client, mnemonic())
    const shown = await done(client, decodeAccounts, { op: 'discover', wallet, parameters: encodeAccountNames([second]) })
    expect(shown).toMatchObject([{ ...second, address: '0x6Fac4D18c912343BF86fa7049364Dd4E424Ab9C0' }])
    expect((await client.view(wallet)).accounts.some((one) => one.path === second.path)).toBe(false)
    const view = await viewed(client, 'addAccounts', wallet, encodeAccountNames([second]))
    expect(view.accounts.at(-1)).toEqual(shown[0])
    expect((await client.view(wallet)).accounts).toEqual(view.accounts)
  })

  test('a repeat adds nothing twice; another request finds it there', async () => {
    const { wallet } = await makeWallet(client)
    const idempotency = key16()
    const parameters = encodeAccountNames([second])
    const first = await viewed(client, 'addAccounts', wallet, parameters, { idempotency })
    expect((await viewed(client, 'addAccounts', wallet, parameters, { idempotency })).accounts).toEqual(first.accounts)
    await expect(viewed(client, 'addAccounts', wallet, parameters)).rejects.toThrow('account_exists')
    await expect(viewed(client, 'addAccounts', wallet, encodeAccountNames([second, second]))).rejects.toThrow('account_exists')
  })

  test.each([
    ['a chain that is none', { namespace: 'cosmos', path: second.path }, 'chain_unknown'],
    ['the master key', { namespace: 'eip155', path: 'm' }, 'account_path_invalid'],
    ['another chain’s path', { namespace: 'eip155', path: "m/44'/0'/0'/0/0" }, 'account_path_invalid'],
  ])('rejects %s', async (_what, name, code) => {
    const { wallet } = await makeWallet(client)
    const before = client.record(wallet)
    await expect(viewed(client, 'addAccounts', wallet, encodeAccountNames([name]))).rejects.toThrow(code)
    expect(client.record(wallet)).toEqual(before)
  })

  test('has a limit', async () => {
    const { wallet } = await makeWallet(client)
    const names = (from: number) => encodeAccountNames(Array.from({ length: 50 }, (_, i) => ({ namespace: 'eip155', path: `m/44'/60'/0'/0/${from + i}` })))
    for (const from of [100, 200, 300]) await viewed(client, 'addAccounts', wallet, names(from))
    await expect(viewed(client, 'addAccounts', wallet, names(400))).rejects.toThrow('account_limit')
  }, 60_000)
})

describe('rename', () => {
  test('changes the label, which is sealed like the rest', async () => {
    const { wallet, view } = await makeWallet(client, { label: 'Savings' })
    expect(view.label).toBe('Savings')
    expect((await viewed(client, 'rename', wallet, { label: 'Rent, água ¥' })).label).toBe('Rent, água ¥')
    expect(Buffer.from(client.record(wallet).state).includes('Rent')).toBe(false)
  })

  test.each(['a\u202Eb', 'a\nb', '\u200B', 'x'.repeat(65)])('rejects the label %j', async (label) => {
    const { wallet } = await makeWallet(client)
    await expect(viewed(client, 'rename', wallet, { label })).rejects.toThrow('parameters_malformed')
  })
})

describe('delete', () => {
  test('stops everything but a restore, for seven days; then the wallet is no more', async () => {
    const { wallet } = await makeWallet(client)
    const view = await viewed(client, 'delete', wallet)
    expect(view.goneAtMs).toBe(world.nowMs() + 7 * DAY)
    expect(client.record(wallet).expiresAtSec * 1000).toBeGreaterThanOrEqual(view.goneAtMs as number)
    expect((await client.sign(wallet)).code).toBe('wallet_deleted')
    await expect(viewed(client, 'delete', wallet)).rejects.toThrow('wallet_deleted')
    expect((await client.view(wallet)).goneAtMs).toBe(view.goneAtMs)
    world.advance(7 * DAY)
    client = createTestClient(world, enclave, { ...client.user, token: (await sameUser()).token, clientKey: renewed.clientKey })
    expect((await client.shoot({ op: 'view', wallet })).code).toBe('clear:wallet_not_found')
    expect((await client.shoot({ op: 'restore', wallet, pin: PIN })).code).toBe('clear:wallet_not_found')
  })

  test('restored, it signs again, and nothing will expire', async () => {
    const { wallet } = await makeWallet(client)
    await expect(viewed(client, 'restore', wallet)).rejects.toThrow('wallet_not_deleted')
    await viewed(client, 'delete', wallet)
    const idempotency = key16()
    expect((await viewed(client, 'restore', wallet, {}, { idempotency })).goneAtMs).toBeNull()
    expect((await viewed(client, 'restore', wallet, {}, { idempotency })).goneAtMs).toBeNull()
    expect(client.record(wallet).expiresAtSec).toBe(0)
    expect((await client.sign(wallet)).code).toBe('ok')
  })

  test('needs the PIN', async () => {
    const { wallet } = await makeWallet(client)
    await expect(viewed(client, 'delete', wallet, {}, { pin: '000000' })).rejects.toThrow('pin_wrong')
    expect((await client.view(wallet)).goneAtMs).toBeNull()
  })
})

let renewed: Awaited<ReturnType<World['login']>>
/** A fresh token for the same user: the old one has expired on the way. */
async function sameUser(): Promise<typeof renewed> {
  renewed = await world.login(client.user.owner.split('#').at(-1))
  return renewed
}

describe('the PIN', () => {
  test('changes: the old one stops, the new one works, the keys are the same', async () => {
    const { wallet } = await makeWallet(client)
    const before = signed(await client.sign(wallet))
    await viewed(client, 'changePin', wallet, { pin: utf8(NEW_PIN) })
    expect((await client.sign(wallet)).code).toBe('pin_wrong')
    expect(toHex(signed(await client.sign(wallet, NEW_PIN)).signed)).toBe(toHex(before.signed))
  })

  test('a repeat of the change says that it is done, and costs nothing', async () => {
    const { wallet } = await makeWallet(client)
    const again = { idempotency: key16() }
    await viewed(client, 'changePin', wallet, { pin: utf8(NEW_PIN) }, again)
    expect((await viewed(client, 'changePin', wallet, { pin: utf8(NEW_PIN) }, again)).guessesLeft).toBe(5)
    // The same key with another new PIN was never asked for: it is a guess.
    await expect(viewed(client, 'changePin', wallet, { pin: utf8('111111') }, again)).rejects.toThrow('pin_wrong')
  })

  test('a malformed new PIN is no guess, a wrong old one is', async () => {
    const { wallet } = await makeWallet(client)
    for (const pin of ['', '123', 'x'.repeat(65)]) await expect(viewed(client, 'changePin', wallet, { pin: utf8(pin) })).rejects.toThrow('new_pin_malformed')
    expect(client.record(wallet).spent).toBe(0)
    await expect(viewed(client, 'changePin', wallet, { pin: utf8(NEW_PIN) }, { pin: '000000' })).rejects.toThrow('pin_wrong')
    expect(client.record(wallet).spent).toBe(1)
    expect((await client.sign(wallet)).code).toBe('ok')
  })

  test('can be verified: a wrong one counts, a right one clears, and reports the rolling total', async () => {
    const { wallet } = await makeWallet(client)
    await expect(viewed(client, 'verifyPin', wallet, {}, { pin: '000000' })).rejects.toThrow('pin_wrong')
    expect(await viewed(client, 'verifyPin', wallet)).toMatchObject({ guessesLeft: 5, wrongTotal: 1 })
  })
})

describe('the recovery code', () => {
  const recover = (wallet: string, code: Uint8Array, extra: object = {}) =>
    client.shoot({ op: 'recover', wallet, pin: NEW_PIN, parameters: { code, removeFactor: false }, ...extra })

  test('sets a new PIN and changes; the used one is worth nothing', async () => {
    const { wallet, recovery } = await makeWallet(client)
    const first = recovery as Uint8Array
    const { recovery: second, view } = withRecovery(await recover(wallet, first))
    expect(toHex(second as Uint8Array)).not.toBe(toHex(first))
    expect(view.recoveryMadeAtMs).toBe(world.nowMs())
    expect((await client.sign(wallet)).code).toBe('pin_wrong')
    expect((await client.sign(wallet, NEW_PIN)).code).toBe('ok')
    expect((await recover(wallet, first)).code).toBe('recovery_invalid')
    expect((await recover(wallet, second as Uint8Array)).code).toBe('ok')
  })

  test('unlocks a locked wallet, and is not locked out itself', async () => {
    const { wallet, recovery } = await makeWallet(client)
    for (let i = 0; i < 5; i++) await client.sign(wallet, '000000')
    expect((await client.sign(wallet)).code).toBe('wallet_locked')
    for (let i = 0; i < 20; i++) expect((await recover(wallet, key16())).code).toBe('recovery_invalid')
    const { view } = withRecovery(await recover(wallet, recovery as Uint8Array))
    expect(view).toMatchObject({ guessesLeft: 5, lockedUntilMs: 0, wrongTotal: 0 })
    expect((await client.sign(wallet, NEW_PIN)).code).toBe('ok')
  }, 60_000)

  test('a wrong one is no guess at the PIN', async () => {
    const { wallet } = await makeWallet(client)
    await recover(wallet, key16())
    expect(client.record(wallet)).toMatchObject({ spent: 0, wrongMs: [], lockedUntilMs: 0 })
  })

  test('a repeat gets the same next code; later, when that was used, none', async () => {
    const { wallet, recovery } = await makeWallet(client)
    const again = { idempotency: key16() }
    const first = withRecovery(await recover(wallet, recovery as Uint8Array, again)).recovery as Uint8Array
    expect(toHex(withRecovery(await recover(wallet, recovery as Uint8Array, again)).recovery as Uint8Array)).toBe(toHex(first))
    await recover(wallet, first)
    expect(withRecovery(await recover(wallet, recovery as Uint8Array, again)).recovery).toBeNull()
  })

  test('a repeat with another PIN is a guess like any other', async () => {
    const { wallet, recovery } = await makeWallet(client)
    const again = { idempotency: key16() }
    await recover(wallet, recovery as Uint8Array, again)
    for (let i = 1; i <= 5; i++) {
      expect((await recover(wallet, recovery as Uint8Array, { ...again, pin: '000000' })).code).toBe('pin_wrong')
      expect(client.record(wallet).spent).toBe(i)
    }
    expect((await recover(wallet, recovery as Uint8Array, again)).code).toBe('wallet_locked')
  })

  test('opens today’s record, not yesterday’s copy of another version', async () => {
    const { wallet, recovery } = await makeWallet(client)
    const old = client.record(wallet)
    await client.sign(wallet)
    expect((await recover(wallet, recovery as Uint8Array, { record: old })).code).toBe('clear:stale')
    expect((await recover(wallet, recovery as Uint8Array)).code).toBe('ok')
  })

  test('works on a deleted wallet, which is restored with the new PIN', async () => {
    const { wallet, recovery } = await makeWallet(client)
    await viewed(client, 'changePin', wallet, { pin: utf8('000111') })
    await viewed(client, 'delete', wallet, {}, { pin: '000111' })
    const { view } = withRecovery(await recover(wallet, recovery as Uint8Array))
    expect(view.goneAtMs).not.toBeNull()
    expect((await client.sign(wallet, NEW_PIN)).code).toBe('wallet_deleted')
    await viewed(client, 'restore', wallet, {}, { pin: NEW_PIN })
    expect((await client.sign(wallet, NEW_PIN)).code).toBe('ok')
  })

  test('changes even when an idempotency key is used again after it was forgotten', async () => {
    const { wallet } = await makeWallet(client)
    const idempotency = key16()
    const code = withRecovery(await client.shoot({ op: 'renewRecovery', wallet, pin: PIN, idempotency })).recovery as Uint8Array
    world.advance(DAY)
    client = createTestClient(world, enclave, await sameUser())
    expect((await recover(wallet, code, { idempotency })).code).toBe('idempotency_mismatch')
    expect((await recover(wallet, code)).code).toBe('ok')
  })

  test('can be declined, and made later; or made anew with the PIN', async () => {
    const { wallet, recovery, view } = await makeWallet(client, { recovery: false })
    expect([recovery, view.recoveryMadeAtMs]).toEqual([null, null])
    expect((await recover(wallet, key16())).code).toBe('recovery_off')
    const made = withRecovery(await client.shoot({ op: 'renewRecovery', wallet, pin: PIN })).recovery as Uint8Array
    expect((await recover(wallet, made)).code).toBe('ok')
  })

  test('a malformed new PIN is refused before anything', async () => {
    const { wallet, recovery } = await makeWallet(client)
    const before = client.record(wallet)
    expect((await recover(wallet, recovery as Uint8Array, { pin: '123' })).code).toBe('new_pin_malformed')
    expect(client.record(wallet)).toEqual(before)
  })
})

describe('export', () => {
  const ask = (what: string, path: string | null = null) => ({ op: 'export', parameters: { what, path } }) as const

  test('of the mnemonic and of one key, when the wallet was made for it', async () => {
    const { wallet, view } = await importWallet(client, mnemonic(ABANDON, 'TREZOR'), { permissions: { exportable: true } })
    const sentence = await done(client, decodeExportResult, { wallet, ...ask('mnemonic') })
    expect(sentence).toMatchObject({ kind: 'mnemonic' })
    if (sentence.kind !== 'mnemonic') throw new Error(sentence.kind)
    expect([Buffer.from(sentence.mnemonic).toString(), Buffer.from(sentence.passphrase).toString()]).toEqual([ABANDON, 'TREZOR'])
    const path = view.accounts[0]?.path as string
    const key = await done(client, decodeExportResult, { wallet, ...ask('privateKey', path) })
    expect(key).toMatchObject({ kind: 'privateKey', account: { path } })
  })

  test('as a file that only the recovery code opens', async () => {
    const { wallet, recovery } = await importWallet(client, mnemonic(), { permissions: { exportable: true }, recovery: true })
    const exported = await done(client, decodeExportResult, { wallet, ...ask('backup') })
    if (exported.kind !== 'backup') throw new Error(exported.kind)
    const file = readBackup(exported.file)
    if (file === undefined) throw new Error('no backup')
    const secret = splitSecret((await openBackup(file, recovery as Uint8Array)) as Uint8Array)
    expect(secret?.kind === 'mnemonic' && toHex(secret.entropy)).toBe('00'.repeat(16))
    expect(await openBackup(file, key16())).toBeUndefined()
    expect(await openBackup({ ...file, createdAtMs: file.createdAtMs + 1 }, recovery as Uint8Array)).toBeUndefined()
  })

  test.each([
    ['a wallet that was made to keep its keys', {}, ask('mnemonic'), 'not_exportable'],
    ['an account that is not there', { exportable: true }, ask('privateKey', "m/44'/60'/0'/0/9"), 'account_unknown'],
    ['a backup without a recovery code', { exportable: true }, ask('backup'), 'recovery_off'],
    ['a key without a path', { exportable: true }, ask('privateKey'), 'parameters_malformed'],
    ['a mnemonic with a path', { exportable: true }, ask('mnemonic', 'm'), 'parameters_malformed'],
  ])('rejects %s', async (_what, permissions, shot, code) => {
    const { wallet } = await makeWallet(client, { permissions, recovery: false })
    await expect(done(client, decodeExportResult, { wallet, ...shot })).rejects.toThrow(code)
  })

  test('is announced first where the configuration says so, can be taken back, and is made after the delay', async () => {
    const slow = await bootEnclave(world.platform())
    await slow.configure(configurationBytes({ exportDelaySec: 3600 }))
    client = createTestClient(world, slow, client.user)
    const { wallet } = await makeWallet(client, { permissions: { exportable: true } })
    const shot = { wallet, ...ask('mnemonic') }
    const first = { ...shot, idempotency: key16() }
    const announced = await done(client, decodeExportResult, first)
    expect(announced).toMatchObject({ kind: 'pending', export: { what: 'mnemonic', readyAtMs: world.nowMs() + 3_600_000 } })
    expect((await client.view(wallet)).export).toMatchObject({ what: 'mnemonic' })
    world.advance(1_800_000)
    expect(await done(client, decodeExportResult, shot)).toMatchObject({ kind: 'pending', export: { readyAtMs: world.nowMs() + 1_800_000 } })
    expect((await viewed(client, 'cancelExport', wallet)).export).toBeNull()
    // Whoever sends the first request again announces nothing.
    await expect(done(client, decodeExportResult, first)).rejects.toThrow('idempotency_mismatch')
    expect((await client.view(wallet)).export).toBeNull()
    expect(await done(client, decodeExportResult, shot)).toMatchObject({ kind: 'pending', export: { readyAtMs: world.nowMs() + 3_600_000 } })
    await sameUser()
    world.advance(3_600_000)
    const later = createTestClient(world, slow, await sameUser())
    expect(await done(later, decodeExportResult, shot)).toMatchObject({ kind: 'mnemonic' })
    expect(await done(later, decodeExportResult, shot)).toMatchObject({ kind: 'mnemonic' })
    world.advance(DAY)
    const muchLater = createTestClient(world, slow, await sameUser())
    expect(await done(muchLater, decodeExportResult, shot)).toMatchObject({ kind: 'pending' })
    slow.halt('test ends')
  })
})

test('a wrong path is refused before the PIN is tried: it tells nothing of the PIN', async () => {
  const { wallet } = await makeWallet(client)
  const parameters = encodeAccountNames([{ namespace: 'eip155', path: "m/44'/0'/0'/0/0" }])
  for (const op of ['discover', 'addAccounts'] as const) {
    for (const pin of [PIN, '000000']) expect((await client.shoot({ op, wallet, pin, parameters })).code).toBe('account_path_invalid')
  }
})

test('a repeat of what was done before a deletion does nothing after it', async () => {
  const { wallet } = await makeWallet(client, { permissions: { exportable: true } })
  const [signing, leaving] = [{ idempotency: key16() }, { op: 'export', wallet, parameters: { what: 'mnemonic', path: null }, idempotency: key16() } as const]
  expect((await client.sign(wallet, PIN, signing)).code).toBe('ok')
  await done(client, decodeExportResult, leaving)
  await viewed(client, 'delete', wallet)
  expect((await client.sign(wallet, PIN, signing)).code).toBe('wallet_deleted')
  await expect(done(client, decodeExportResult, leaving)).rejects.toThrow('wallet_deleted')
})

test('a view names what the wallet is', async () => {
  const permissions = { exportable: true, rawHash: true, withoutChainId: false, anySighash: false }
  const { wallet } = await makeWallet(client, { permissions, label: 'One' })
  const view = await done(client, decodeView, { op: 'view', wallet, pin: null })
  expect(view).toMatchObject({ wallet, label: 'One', kind: 'mnemonic', permissions, recoveryMadeAtMs: world.nowMs(), factor: null, export: null, goneAtMs: null })
})
