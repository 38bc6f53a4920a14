/**
 * Random lives of a wallet, against a model of what its owner must be able to do afterwards: operations, two enclaves, one of which dies at any
 * of its awaits, retries. The wallet is never lost, never opens with a PIN that is not current, and shows no signature that nobody asked for.
 */
import { randomUUID } from 'node:crypto'
import fc from 'fast-check'
import { serializeTransaction } from 'viem'
import { verifyHistory } from '../../client/history.ts'
import { toHex, utf8 } from '../../lib/protocol/bytes.ts'
import type { CborValue } from '../../lib/protocol/cbor.ts'
import type { Operation } from '../../lib/protocol/header.ts'
import { decodeHistoryKey, decodeView, decodeWithRecovery, encodeAccountNames } from '../../lib/protocol/lifecycle.ts'
import { decodeSignResult, encodeSignParameters } from '../../lib/protocol/operations.ts'
import { openStoredReceipt } from '../../lib/protocol/receipt.ts'
import { createTestClient, payload, type Outcome, type Shot } from '../support/core-client.ts'
import { key16, makeWallet } from '../support/core-life.ts'
import { createMortal, type Mortal } from '../support/core-mortal.ts'
import { createWorld, type User, type World } from '../support/core-world.ts'

const runs = process.env['SLOW'] === '1' ? 400 : 12
const DAY = 86_400_000
const PINS = ['111111', '222222', '333333', '444444'] as const

type Kind = 'sign' | 'changePin' | 'recover' | 'renewRecovery' | 'rename' | 'addAccounts' | 'delete' | 'restore' | 'verifyPin' | 'wrongPin'

interface Step {
  readonly kind: Kind
  readonly enclave: 0 | 1
  /** After how many steps outside the enclave dies; null: it lives. */
  readonly dies: number | null
  readonly pin: (typeof PINS)[number]
  /** Another request at the same time through the other enclave. */
  readonly rival: boolean
}

const step = fc.record<Step>({
  kind: fc.constantFrom('sign', 'sign', 'changePin', 'changePin', 'recover', 'recover', 'renewRecovery', 'rename', 'addAccounts', 'delete', 'restore', 'verifyPin', 'wrongPin'),
  enclave: fc.constantFrom(0, 1),
  dies: fc.oneof(fc.constant(null), fc.nat(26)),
  pin: fc.constantFrom(...PINS),
  rival: fc.boolean(),
})

/** What is true of the wallet, as its owner knows it. */
interface Model {
  pin: string
  code: Uint8Array
  label: string
  accounts: number
  deleted: boolean
}

let world: World
beforeAll(async () => {
  world = await createWorld()
})
afterAll(() => world.close())

test('random lives', async () => {
  await fc.assert(fc.asyncProperty(fc.array(step, { minLength: 3, maxLength: 9 }), live), { numRuns: runs, endOnFailure: runs > 100 })
}, 3_600_000)

async function live(steps: readonly Step[]): Promise<void> {
  const subject = `owner-${randomUUID()}`
  let user: User = await world.login(subject)
  const enclaves: [Mortal, Mortal] = [await createMortal(world), await createMortal(world)]
  const at = (index: 0 | 1) => createTestClient(world, enclaves[index].enclave, user)
  const { wallet, recovery, view } = await makeWallet(at(0), { pin: PINS[0] })
  const model: Model = { pin: PINS[0], code: recovery as Uint8Array, label: '', accounts: view.accounts.length, deleted: false }
  const asked = new Set<string>()
  let operations = 1

  /** One request until it is answered: whoever died is replaced, and the same request is made again, as a client would. */
  async function request(shot: Omit<Shot, 'wallet'>, on: 0 | 1, dies: number | null): Promise<Outcome> {
    if (dies !== null) enclaves[on].dieAfter(dies)
    for (let attempt = 0; ; attempt++) {
      const outcome = await Promise.race([at(on).shoot({ wallet, ...shot }), enclaves[on].death])
      if (outcome === 'died') {
        enclaves[on].enclave.halt('died')
        enclaves[on] = await createMortal(world)
        continue
      }
      if (outcome.code === 'clear:stale' && attempt < 10) continue
      if (outcome.code !== 'wallet_locked') return outcome
      // Charges of enclaves that died stay: slower, never for good.
      world.advance(DAY)
      user = await world.login(subject)
      for (const i of [0, 1] as const) if (enclaves[i].enclave.phase !== 'serving') enclaves[i] = await createMortal(world)
    }
  }

  for (const one of steps) {
    const { shot, done, refusal } = plan(one, model, operations)
    const idempotency = key16()
    const rival = one.rival && one.kind !== 'recover' ? request({ op: 'view', parameters: {}, pin: null }, one.enclave === 0 ? 1 : 0, null) : undefined
    const outcome = await request({ ...shot, idempotency }, one.enclave, one.dies)
    const seen = await rival
    if (seen !== undefined) expect(seen.code).toBe('ok')
    expect([one.kind, outcome.code]).toEqual([one.kind, refusal ?? 'ok'])
    if (refusal !== undefined) continue
    operations += 1
    done(outcome)
    if (one.kind === 'sign') asked.add(toHex(decodeSignResult(outcome.result ?? null)?.signatures[0]?.hash as Uint8Array))
  }

  // What the owner must find.
  const found = await request({ op: 'view', parameters: {}, pin: null }, 0, null)
  expect(decodeView(found.result ?? null)).toMatchObject({ label: model.label, goneAtMs: model.deleted ? expect.any(Number) : null })
  expect(decodeView(found.result ?? null)?.accounts).toHaveLength(model.accounts)
  if (model.deleted) expect((await request({ op: 'restore', pin: model.pin }, 1, null)).code).toBe('ok')
  for (const pin of PINS) if (pin !== model.pin) expect((await request({ op: 'verifyPin', pin }, 0, null)).code).toBe('pin_wrong')
  expect((await request({ op: 'verifyPin', pin: model.pin }, 1, null)).code).toBe('ok')
  const recovered = await request({ op: 'recover', pin: '999999', parameters: { code: model.code, removeFactor: false } }, 0, null)
  expect(recovered.code).toBe('ok')
  expect((await request({ op: 'verifyPin', pin: '999999' }, 0, null)).code).toBe('ok')

  // Every receipt is there, and none of a signature that nobody asked for.
  const keys = decodeHistoryKey((await request({ op: 'history', pin: null }, 0, null)).result ?? null)
  if (keys === undefined) throw new Error('no history')
  const stored = world.table.receipts(wallet).slice(0, keys.view.receipts.count - keys.tail.length)
  const opened = await Promise.all(stored.map((sealed, i) => openStoredReceipt(keys.key, wallet, i + 1, sealed)))
  const history = await verifyHistory([...(opened as Uint8Array[]), ...keys.tail], wallet, keys.view.receipts)
  expect(history.filter(({ op }) => op === 'sign').every(({ signatures }) => signatures.every(({ hash }) => asked.has(toHex(hash))))).toBe(true)
  for (const { enclave } of enclaves) enclave.halt('test ends')
}

interface Planned {
  readonly shot: { readonly op: Operation; readonly pin: string; readonly parameters: CborValue }
  /** What the model becomes. */
  readonly done: (outcome: Outcome) => void
  /** The code that is due instead. */
  readonly refusal?: string
}

function plan({ kind, pin }: Step, model: Model, n: number): Planned {
  const shot = (op: Operation, parameters: CborValue = {}, withPin = model.pin) => ({ op, parameters, pin: withPin })
  const unless = (is: boolean, code: string) => (is ? { refusal: code } : {})
  const nothing = (): void => undefined
  const deleted = unless(model.deleted, 'wallet_deleted')
  switch (kind) {
    case 'sign': {
      const tx = { type: 'eip1559', chainId: 1, nonce: n, to: '0x3535353535353535353535353535353535353535', value: 1n, gas: 21_000n, maxFeePerGas: 3n, maxPriorityFeePerGas: 1n } as const
      const data = new Uint8Array(Buffer.from(serializeTransaction(tx).slice(2), 'hex'))
      return { shot: shot('sign', encodeSignParameters({ payloads: [payload({ data })] })), done: nothing, ...deleted }
    }
    case 'changePin':
      return { shot: shot('changePin', { pin: utf8(pin) }), done: () => void (model.pin = pin), ...deleted }
    case 'recover':
      return {
        shot: shot('recover', { code: model.code, removeFactor: false }, pin),
        done(outcome) {
          model.pin = pin
          model.code = codeIn(outcome)
        },
        ...deleted,
      }
    case 'renewRecovery':
      return { shot: shot('renewRecovery'), done: (outcome) => void (model.code = codeIn(outcome)), ...deleted }
    case 'rename':
      return { shot: shot('rename', { label: `name ${n}` }), done: () => void (model.label = `name ${n}`), ...deleted }
    case 'addAccounts':
      return { shot: shot('addAccounts', encodeAccountNames([{ namespace: 'eip155', path: `m/44'/60'/0'/0/${n + 10}` }])), done: () => void (model.accounts += 1), ...deleted }
    case 'delete':
      return { shot: shot('delete'), done: () => void (model.deleted = true), ...deleted }
    case 'restore':
      return { shot: shot('restore'), done: () => void (model.deleted = false), ...unless(!model.deleted, 'wallet_not_deleted') }
    case 'verifyPin':
      return { shot: shot('verifyPin'), done: nothing, ...deleted }
    case 'wrongPin':
      return { shot: shot('verifyPin', {}, '000000'), done: nothing, refusal: model.deleted ? 'wallet_deleted' : 'pin_wrong' }
    default:
      kind satisfies never
      throw new Error('no such step')
  }
}

function codeIn(outcome: Outcome): Uint8Array {
  const code = decodeWithRecovery(outcome.result ?? null)?.recovery
  if (code === undefined || code === null) throw new Error('no code')
  return code
}
