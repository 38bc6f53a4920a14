/** The second factor: RFC 6238's own codes, and what a wrong, late or used one costs. */
import { randomUUID } from 'node:crypto'
import { codeAt } from '../../enclave-sim/core/factor.ts'
import { utf8 } from '../../lib/protocol/bytes.ts'
import { decodeFactorSecret, decodeWithRecovery } from '../../lib/protocol/lifecycle.ts'
import { createTestClient, PIN, SIGN, signed, type TestClient } from '../support/core-client.ts'
import { done, key16, makeWallet, viewed, withRecovery } from '../support/core-life.ts'
import { setUp } from '../support/core-setup.ts'
import type { World } from '../support/core-world.ts'

const STEP = 30_000
let world: World
let client: TestClient
setUp((setup) => ({ world, client } = setup), 10 * STEP)

test.each([
  [59, '287082'],
  [1_111_111_109, '081804'],
  [1_111_111_111, '050471'],
  [1_234_567_890, '005924'],
  [2_000_000_000, '279037'],
  [20_000_000_000, '353130'],
])('RFC 6238, appendix B: at %d seconds', (sec, code) => {
  expect(Buffer.from(codeAt(utf8('12345678901234567890'), Math.floor(sec / 30))).toString()).toBe(code)
})

async function bound(operations: readonly string[] = ['sign']): Promise<{ wallet: string; recovery: Uint8Array; code: (steps?: number) => string }> {
  const { wallet, recovery } = await makeWallet(client)
  const { secret } = await done(client, decodeFactorSecret, { op: 'enrolFactor', wallet, parameters: { operations } })
  const code = (steps = 0): string => Buffer.from(codeAt(secret, Math.floor(world.nowMs() / STEP) + steps)).toString()
  await viewed(client, 'confirmFactor', wallet, {}, { otp: code() })
  world.advance(STEP)
  return { wallet, recovery: recovery as Uint8Array, code }
}

test('counts from its confirmation on, for the operations that its owner chose', async () => {
  const { wallet } = await makeWallet(client)
  const { secret, view } = await done(client, decodeFactorSecret, { op: 'enrolFactor', wallet, parameters: { operations: ['sign', 'export'] } })
  expect(view.factor).toEqual({ confirmed: false, operations: ['sign', 'export'] })
  expect((await client.sign(wallet)).code).toBe('ok')
  const otp = Buffer.from(codeAt(secret, Math.floor(world.nowMs() / STEP))).toString()
  expect((await viewed(client, 'confirmFactor', wallet, {}, { otp })).factor).toEqual({ confirmed: true, operations: ['sign', 'export'] })
  expect((await client.sign(wallet)).code).toBe('code_required')
  expect((await viewed(client, 'rename', wallet, { label: 'x' })).label).toBe('x')
})

test('a code signs, one step early and late as well, and once', async () => {
  const { wallet, code } = await bound()
  expect((await client.sign(wallet, PIN, { otp: code() })).code).toBe('ok')
  expect((await client.sign(wallet, PIN, { otp: code() })).code).toBe('pin_wrong')
  expect((await client.sign(wallet, PIN, { otp: code(1) })).code).toBe('ok')
  expect((await client.sign(wallet, PIN, { otp: code() })).code).toBe('pin_wrong')
})

test.each([-2, 2])('a code of %d steps away is wrong', async (steps) => {
  const { wallet, code } = await bound()
  expect((await client.sign(wallet, PIN, { otp: code(steps) })).code).toBe('pin_wrong')
})

test('a wrong code and a wrong PIN are the same answer and the same charge', async () => {
  const { wallet, code } = await bound()
  const wrongCode = await client.sign(wallet, PIN, { otp: code() === '000000' ? '000001' : '000000' })
  const afterCode = client.record(wallet).spent
  const wrongPin = await client.sign(wallet, '000000', { otp: code() })
  expect([wrongCode.code, wrongPin.code]).toEqual(['pin_wrong', 'pin_wrong'])
  expect([afterCode, client.record(wallet).spent]).toEqual([1, 2])
  expect([wrongCode.guesses?.guessesLeft, wrongPin.guesses?.guessesLeft]).toEqual([4, 3])
})

test('a missing code is no guess', async () => {
  const { wallet } = await bound()
  expect((await client.sign(wallet)).code).toBe('code_required')
  expect(client.record(wallet)).toMatchObject({ spent: 0, wrongMs: [] })
})

test('a repeat of the same request may bring the same code; another request may not', async () => {
  const { wallet, code } = await bound()
  const again = { idempotency: key16(), otp: code() }
  const first = signed(await client.sign(wallet, PIN, again))
  expect(signed(await client.sign(wallet, PIN, again)).signed).toEqual(first.signed)
  expect((await client.sign(wallet, PIN, { otp: again.otp })).code).toBe('pin_wrong')
})

test('two enclaves take one code once', async () => {
  const { wallet, code } = await bound()
  const other = createTestClient(world, await world.enclave(), client.user)
  const shot = { op: 'sign', wallet, pin: PIN, parameters: SIGN, otp: code(), record: client.record(wallet) } as const
  const codes = (await Promise.all([client.shoot(shot), other.shoot(shot)])).map((outcome) => outcome.code)
  expect(codes.filter((one) => one === 'ok')).toHaveLength(1)
  expect(codes.filter((one) => one === 'clear:stale')).toHaveLength(1)
  expect((await other.sign(wallet, PIN, { otp: code() })).code).toBe('pin_wrong')
})

test('enrolling again before the confirmation replaces the secret; after it, it is refused; a repeat gets the same', async () => {
  const { wallet } = await makeWallet(client)
  const shot = { op: 'enrolFactor', wallet, parameters: { operations: ['sign'] } } as const
  const idempotency = key16()
  const first = await done(client, decodeFactorSecret, { ...shot, idempotency })
  expect((await done(client, decodeFactorSecret, { ...shot, idempotency })).secret).toEqual(first.secret)
  expect((await done(client, decodeFactorSecret, shot)).secret).not.toEqual(first.secret)
  const { wallet: taken } = await bound()
  await expect(done(client, decodeFactorSecret, { ...shot, wallet: taken })).rejects.toThrow('factor_exists')
})

test('nothing that goes round it is done without a code, whatever its owner chose', async () => {
  const { wallet } = await bound(['sign'])
  for (const op of ['renewRecovery', 'removeFactor'] as const) expect((await client.shoot({ op, wallet, pin: PIN })).code).toBe('code_required')
  expect((await client.shoot({ op: 'changePin', wallet, pin: PIN, parameters: { pin: utf8('222222') } })).code).toBe('code_required')
  const { wallet: open } = await makeWallet(client, { permissions: { exportable: true } })
  const { secret } = await done(client, decodeFactorSecret, { op: 'enrolFactor', wallet: open, parameters: { operations: ['rename'] } })
  const otp = Buffer.from(codeAt(secret, Math.floor(world.nowMs() / STEP))).toString()
  await viewed(client, 'confirmFactor', open, {}, { otp })
  expect((await client.shoot({ op: 'export', wallet: open, pin: PIN, parameters: { what: 'mnemonic', path: null } })).code).toBe('code_required')
})

test('a repeat of its enrolment, or of the creation, gives nothing away once it is confirmed', async () => {
  const [enrolment, creation] = [key16(), key16()]
  const wallet = randomUUID()
  await makeWallet(client, { wallet, idempotency: creation })
  const shot = { op: 'enrolFactor', wallet, parameters: { operations: ['sign'] }, idempotency: enrolment } as const
  const { secret } = await done(client, decodeFactorSecret, shot)
  await viewed(client, 'confirmFactor', wallet, {}, { otp: Buffer.from(codeAt(secret, Math.floor(world.nowMs() / STEP))).toString() })
  await expect(done(client, decodeFactorSecret, shot)).rejects.toThrow('factor_exists')
  expect((await makeWallet(client, { wallet, idempotency: creation })).recovery).toBeNull()
})

test('a code that another request took is no good for a repeat of an earlier one', async () => {
  const { wallet, code } = await bound(['sign', 'verifyPin'])
  const idempotency = key16()
  expect((await client.sign(wallet, PIN, { idempotency, otp: code() })).code).toBe('ok')
  world.advance(STEP)
  const otp = code()
  await viewed(client, 'verifyPin', wallet, {}, { otp })
  expect((await client.sign(wallet, PIN, { idempotency, otp })).code).toBe('pin_wrong')
})

test('is removed with a code of its own, or by the recovery code when the telephone is gone', async () => {
  const { wallet, code } = await bound()
  await expect(viewed(client, 'removeFactor', wallet)).rejects.toThrow('code_required')
  expect((await viewed(client, 'removeFactor', wallet, {}, { otp: code() })).factor).toBeNull()
  expect((await client.sign(wallet)).code).toBe('ok')
  await expect(viewed(client, 'removeFactor', wallet)).rejects.toThrow('factor_unknown')

  const lost = await bound()
  const kept = await client.shoot({ op: 'recover', wallet: lost.wallet, pin: '777777', parameters: { code: lost.recovery, removeFactor: false } })
  expect(withRecovery(kept).view.factor?.confirmed).toBe(true)
  const next = withRecovery(kept).recovery as Uint8Array
  const removed = await client.shoot({ op: 'recover', wallet: lost.wallet, pin: '777777', parameters: { code: next, removeFactor: true } })
  expect(decodeWithRecovery(removed.result ?? null)?.view.factor).toBeNull()
})

test.each([[[]], [['sign', 'sign']], [['fly']], [['recover']], [['view']], [['create']]])('rejects the operations %j', async (operations) => {
  const { wallet } = await makeWallet(client, { wallet: randomUUID() })
  await expect(done(client, decodeFactorSecret, { op: 'enrolFactor', wallet, parameters: { operations } })).rejects.toThrow('parameters_malformed')
})

test('rejects a confirmation without an enrolment', async () => {
  const { wallet } = await makeWallet(client)
  await expect(viewed(client, 'confirmFactor', wallet, {}, { otp: '000000' })).rejects.toThrow('factor_unknown')
})
