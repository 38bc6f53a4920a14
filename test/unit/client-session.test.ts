/** The SDK's manners: what it seals and to whom, what it repeats, how it asks for a PIN, how it gives up. */
import { memoryKeyStore } from '../../client/key-store.ts'
import type { PinRequest } from '../../client/pin.ts'
import { ethereum } from '../../client/ethereum.ts'
import { CloisterError } from '../../client/connect.ts'
import { connect as connectWithAll } from '../../client/index.ts'
import { fromBase64url, toBase64url, utf8 } from '../../lib/protocol/bytes.ts'
import { createWorld } from '../support/core-world.ts'
import { createSdkWorld, problem, type Fault, type SdkWorld } from '../support/sdk-world.ts'

const PIN = '493817'
const TO = '0x3535353535353535353535353535353535353535' as const
const TRANSACTION = { chainId: 1, nonce: 7, to: TO, value: 10n ** 18n, gas: 21_000n, maxFeePerGas: 30_000_000_000n, maxPriorityFeePerGas: 1_000_000_000n } as const

let sdk: SdkWorld
beforeAll(async () => {
  sdk = await createSdkWorld({ chains: [ethereum] })
}, 60_000)
beforeEach(() => {
  sdk.fault = undefined
  sdk.sent.length = 0
})
afterAll(() => sdk.close())

const posts = (): string[] => sdk.sent.filter(({ method }) => method === 'POST').map(({ path }) => path)
const attestations = (): number => sdk.sent.filter(({ path }) => path === '/v1/enclave').length
const newWallet = async (options: Parameters<SdkWorld['connect']>[0] = {}) => {
  const cloister = await sdk.connect(options)
  return { cloister, wallet: await cloister.wallets.create({ pin: PIN, recovery: false, words: 12 }) }
}

describe('the snippet of the README', () => {
  test('signs, with the chain loaded when it is first used', async () => {
    const cloister = await connectWithAll(sdk.options)
    const wallet = await cloister.wallets.create({ pin: PIN })
    const account = wallet.account('ethereum')
    expect(account.address).toMatch(/^0x[0-9a-fA-F]{40}$/)
    const signed = await account.signTransaction(TRANSACTION, { pin: PIN })
    expect(signed.rawTransaction).toMatch(/^0x02/)
    expect(signed).toMatchObject({ guessesLeft: 5, address: account.address })
    expect((await wallet.account({ namespace: 'eip155', path: account.path }).signTransaction(TRANSACTION, { pin: PIN })).rawTransaction).toBe(signed.rawTransaction)
    const history = await cloister.history(wallet)
    expect(history.length).toBeGreaterThanOrEqual(3)
  })

  test('a chain that connect was not given is unknown, an account that the wallet lacks as well', async () => {
    const { wallet } = await newWallet({ chains: [] })
    expect(() => wallet.account('ethereum')).toThrow(expect.objectContaining({ code: 'chain_unknown' }))
    expect(() => wallet.account(ethereum, { path: "m/44'/60'/9'/0/0" })).toThrow(expect.objectContaining({ code: 'account_unknown' }))
    expect(wallet.account({ namespace: 'eip155' })).toMatchObject({ namespace: 'eip155' })
    expect((await wallet.account(ethereum).signTransaction(TRANSACTION, { pin: PIN })).hash).toHaveLength(32)
  })
})

describe('the client key', () => {
  test('is not extractable, and the same after a reload that has its store; another without', async () => {
    const keyStore = memoryKeyStore()
    await sdk.connect({ keyStore })
    const cloister = await sdk.connect({ keyStore })
    const [before, after] = sdk.logins.slice(-2)
    expect(after).toEqual(before)
    const key = await keyStore.load('https://api.test')
    expect(key?.privateKey.extractable).toBe(false)
    await cloister.logOut()
    expect(await keyStore.load('https://api.test')).toBeUndefined()
    await sdk.connect({ keyStore })
    expect(sdk.logins.at(-1)).not.toEqual(before)
  })

  test('two tabs that start together end with one', async () => {
    const keyStore = memoryKeyStore()
    await Promise.all([sdk.connect({ keyStore }), sdk.connect({ keyStore })])
    const [one, other] = sdk.logins.slice(-2)
    expect(one).toEqual(other)
  })
})

describe('attestation', () => {
  test.each([
    ['another root', async () => ({ trust: { ...sdk.trust, root: (await createWorld()).rootDer } }), 'attestation_chain'],
    ['other measurements', async () => ({ trust: { ...sdk.trust, measurements: [] } }), 'attestation_measurements'],
  ])('%s: connect refuses, nobody is asked for a PIN, nothing is sealed', async (_what, options, code) => {
    await expect(sdk.connect(await options())).rejects.toMatchObject({ code })
    expect(posts()).toEqual([])
  })

  const forgeDocument = (forge: (document: Uint8Array) => Uint8Array): Fault => async (sent, answer) => {
    if (sent.path !== '/v1/enclave') return answer()
    const { attestation } = (await (await answer()).json()) as { attestation: string }
    return Response.json({ attestation: toBase64url(forge(fromBase64url(attestation) as Uint8Array)) })
  }

  test.each<[string, (document: Uint8Array) => Uint8Array, string]>([
    ['a bit of the signature', (document) => document.map((byte, i) => (i === document.length - 1 ? byte ^ 1 : byte)), 'attestation_signature'],
    ['nothing', () => new Uint8Array(), 'attestation_malformed'],
  ])('a forged document (%s) after a rotation: nothing more is sealed', async (_what, forge, code) => {
    const pin = jest.fn(async () => PIN)
    const { wallet } = await newWallet()
    sdk.world.advance(3_600_000)
    await sdk.enclave.rotateChannelKey(true)
    sdk.sent.length = 0
    sdk.fault = forgeDocument(forge)
    // Sealed to the key that was attested, which the enclave no longer has.
    await expect(wallet.account(ethereum).signTransaction(TRANSACTION, { pin })).rejects.toMatchObject({ code })
    expect([posts().length, pin.mock.calls.length]).toEqual([1, 1])
    // From now on there is no channel, and nobody is asked.
    await expect(wallet.account(ethereum).signTransaction(TRANSACTION, { pin })).rejects.toMatchObject({ code })
    expect([posts().length, pin.mock.calls.length]).toEqual([1, 1])
  })

  test('a channel that has run out is not sealed to', async () => {
    const pin = jest.fn(async () => PIN)
    const { wallet } = await newWallet()
    sdk.advance(20 * 3_600_000)
    sdk.sent.length = 0
    sdk.fault = forgeDocument(() => new Uint8Array())
    await expect(wallet.account(ethereum).signTransaction(TRANSACTION, { pin })).rejects.toMatchObject({ code: 'attestation_malformed' })
    expect([posts().length, pin.mock.calls.length]).toEqual([0, 0])
  })

  test('a replayed document (another nonce) is refused', async () => {
    let first: string | undefined
    sdk.fault = async (sent, answer) => {
      if (sent.path !== '/v1/enclave') return answer()
      first ??= await (await answer()).text()
      return new Response(first)
    }
    await sdk.connect()
    await expect(sdk.connect()).rejects.toMatchObject({ code: 'attestation_nonce' })
  })

  test('a rotated key: attests again, once, with the same PIN', async () => {
    let asked = 0
    const { wallet } = await newWallet({ pin: async () => ((asked += 1), PIN) })
    asked = 0
    sdk.world.advance(2 * 3_600_000)
    await sdk.enclave.rotateChannelKey(true)
    sdk.sent.length = 0
    await wallet.account('ethereum').signTransaction(TRANSACTION)
    expect([posts().length, attestations(), asked]).toEqual([2, 1, 1])
  })
})

describe('retries', () => {
  test('a relay that lies about the channel key gets the PIN once', async () => {
    const { wallet } = await newWallet()
    sdk.sent.length = 0
    sdk.fault = async (sent, answer) => (sent.method === 'POST' ? problem('channel_unknown') : answer())
    await expect(wallet.account('ethereum').signTransaction(TRANSACTION, { pin: PIN })).rejects.toMatchObject({ code: 'channel_unknown' })
    expect(posts()).toHaveLength(1)
  })

  test.each(['unavailable', 'busy', 'rate_limited', 'internal', 'token_expired'] as const)('%s: a request with a PIN is not repeated', async (code) => {
    const { wallet } = await newWallet()
    sdk.sent.length = 0
    const before = sdk.logins.length
    sdk.fault = async (sent, answer) => (sent.method === 'POST' ? problem(code, 7) : answer())
    await expect(wallet.account('ethereum').signTransaction(TRANSACTION, { pin: PIN })).rejects.toMatchObject({ code, retryAfterSec: 7 })
    expect([posts().length, sdk.logins.length]).toEqual([1, before])
  })

  test('a lost answer: not repeated; its caller may, under the same idempotency key, and gets the same', async () => {
    const { wallet } = await newWallet()
    const idempotencyKey = crypto.getRandomValues(new Uint8Array(16))
    sdk.sent.length = 0
    sdk.fault = async (sent, answer) => {
      if (sent.method !== 'POST') return answer()
      await answer()
      throw new TypeError('connection reset')
    }
    const sign = () => wallet.account('ethereum').signTransaction(TRANSACTION, { pin: PIN, idempotencyKey })
    await expect(sign()).rejects.toMatchObject({ code: 'network' })
    expect(posts()).toHaveLength(1)
    sdk.fault = undefined
    const { rawTransaction } = await sign()
    expect((await sign()).rawTransaction).toBe(rawTransaction)
  })

  test('what needs no PIN and changes nothing is asked up to three times', async () => {
    const { wallet } = await newWallet()
    sdk.sent.length = 0
    let failing = 2
    sdk.fault = async (sent, answer) => (sent.path.endsWith('/view') && failing-- > 0 ? problem('busy', 0) : answer())
    expect((await wallet.view()).wallet).toBe(wallet.id)
    expect(posts()).toHaveLength(3)
    sdk.sent.length = 0
    sdk.fault = async (sent, answer) => (sent.path.endsWith('/view') ? problem('busy', 0) : answer())
    await expect(wallet.view()).rejects.toMatchObject({ code: 'busy' })
    expect(posts()).toHaveLength(3)
    sdk.sent.length = 0
    sdk.fault = async () => problem('rate_limited', 60) // too long to keep anybody waiting
    await expect(wallet.view()).rejects.toMatchObject({ code: 'rate_limited', retryAfterSec: 60 })
    expect(sdk.sent).toHaveLength(1)
  })
})

describe('the PIN', () => {
  test('is asked for with what is about to be signed, after attestation, and wiped', async () => {
    const given: Uint8Array[] = []
    const asked: PinRequest[] = []
    const pin = async (request: PinRequest): Promise<Uint8Array> => {
      asked.push(request)
      given.push(utf8(PIN))
      return given.at(-1) as Uint8Array
    }
    const cloister = await sdk.connect({ pin })
    const wallet = await cloister.wallets.create({ label: 'mine', recovery: false })
    await wallet.account('ethereum').signTransaction(TRANSACTION)
    expect(asked.map(({ op, purpose, label }) => [op, purpose, label])).toEqual([['create', 'choose', 'mine'], ['sign', 'authorize', 'mine']])
    expect(asked[1]?.wallet).toBe(wallet.id)
    expect(asked[1]?.summaries).toEqual([await wallet.account('ethereum').summary({ transaction: TRANSACTION })])
    expect(asked[1]?.summaries[0]?.chain).toBe('eip155:1')
    expect(given.every((bytes) => bytes.every((byte) => byte === 0))).toBe(true)
    await wallet.changePin(async () => utf8('271828'), { pin: PIN })
    await wallet.verifyPin({ pin: '271828' })
  })

  test('given as bytes it is left to its owner', async () => {
    const mine = utf8(PIN)
    const { wallet } = await newWallet()
    await wallet.verifyPin({ pin: mine })
    expect(new TextDecoder().decode(mine)).toBe(PIN)
  })

  test('wiped also when the call fails', async () => {
    const { wallet } = await newWallet()
    const bytes = utf8('000000')
    await expect(wallet.verifyPin({ pin: async () => bytes })).rejects.toMatchObject({ code: 'pin_wrong', guesses: { guessesLeft: 4, lockedUntilMs: 0, wrongTotal: 1 } })
    expect(bytes).toEqual(new Uint8Array(6))
  })

  test('declined, or the prompt fails: nothing is sealed', async () => {
    const { wallet } = await newWallet()
    sdk.sent.length = 0
    await expect(wallet.verifyPin({ pin: async () => null })).rejects.toMatchObject({ code: 'declined' })
    await expect(wallet.verifyPin({ pin: async () => Promise.reject(new Error('no screen')) })).rejects.toThrow('no screen')
    await expect(wallet.verifyPin()).rejects.toThrow(TypeError)
    expect(posts()).toEqual([])
  })

  test('locked: until when comes with the error', async () => {
    const { wallet } = await newWallet()
    let last: unknown
    for (let i = 0; i < 6; i++) last = await wallet.verifyPin({ pin: '000000' }).catch((error: unknown) => error)
    expect(last).toBeInstanceOf(CloisterError)
    expect(last).toMatchObject({ code: 'wallet_locked', guesses: { guessesLeft: 0 } })
    expect((last as CloisterError).guesses?.lockedUntilMs).toBeGreaterThan(sdk.world.nowMs())
  })

  test('what would be refused is refused before anybody is asked', async () => {
    const { wallet } = await newWallet()
    const pin = jest.fn(async () => PIN)
    const account = wallet.account('ethereum')
    await expect(account.signTransaction({ chainId: 2, serialized: '0x02c0' }, { pin })).rejects.toMatchObject({ code: expect.stringMatching(/^tx_/) })
    await expect(account.signTransaction({ ...TRANSACTION, gasPrice: 1n }, { pin })).rejects.toMatchObject({ code: 'tx_field_invalid' })
    await expect(account.signTransaction({ ...TRANSACTION, nonce: undefined as unknown as number }, { pin })).rejects.toMatchObject({ code: 'tx_field_invalid' })
    await expect(account.signTransaction({ ...TRANSACTION, to: '0x35' }, { pin })).rejects.toMatchObject({ code: 'tx_field_invalid' })
    expect(pin).not.toHaveBeenCalled()
  })

  test('a summary that is not what the enclave reads: nothing is signed', async () => {
    const { wallet } = await newWallet()
    const account = wallet.account('ethereum')
    const summary = await account.summary({ transaction: { ...TRANSACTION, value: 1n } })
    const { serialize } = await import('../../client/ethereum-fields.ts')
    const request = { chain: 'eip155:1', kind: 'transaction', data: serialize(TRANSACTION) } as const
    await expect(account.sign({ ...request, summary }, { pin: PIN })).rejects.toMatchObject({ code: 'summary_mismatch' })
  })
})

describe('giving up', () => {
  const never = (): Promise<Response> => new Promise(() => undefined)

  test('a relay that never answers: timeout, also where fetch takes no notice of its signal', async () => {
    const { wallet } = await newWallet()
    sdk.sent.length = 0
    sdk.fault = never
    await expect(wallet.verifyPin({ pin: PIN, timeoutMs: 20 })).rejects.toMatchObject({ code: 'timeout' })
    expect(posts()).toHaveLength(1)
    await expect(sdk.connect({ timeoutMs: 20 })).rejects.toMatchObject({ code: 'timeout' })
  })

  test('an aborted call ends with the reason, while it waits for the relay or for its user', async () => {
    const { wallet } = await newWallet()
    const stop = new Error('closed the dialog')
    const waiting = new AbortController()
    sdk.fault = () => (waiting.abort(stop), never())
    await expect(wallet.verifyPin({ pin: PIN, signal: waiting.signal })).rejects.toBe(stop)
    sdk.fault = undefined
    sdk.sent.length = 0
    const asking = new AbortController()
    const late = utf8(PIN)
    const pin = (): Promise<Uint8Array> => (asking.abort(stop), new Promise((resolve) => setTimeout(resolve, 5, late)))
    await expect(wallet.verifyPin({ pin, signal: asking.signal })).rejects.toBe(stop)
    await new Promise((resolve) => setTimeout(resolve, 20))
    expect(late).toEqual(new Uint8Array(6)) // typed too late, and wiped all the same
    await expect(wallet.view({ signal: AbortSignal.abort(stop) })).rejects.toBe(stop)
    expect(posts()).toEqual([])
  })

  test('the signal is handed to fetch', async () => {
    const { wallet } = await newWallet()
    const controller = new AbortController()
    let seen: AbortSignal | undefined
    sdk.fault = async (_sent, _answer, signal) => ((seen = signal), controller.abort(), never())
    await expect(wallet.view({ signal: controller.signal })).rejects.toMatchObject({ name: 'AbortError' })
    expect(seen?.aborted).toBe(true)
  })
})

test('a token that has run out by attested time is renewed before anything is sent, with the same nonce', async () => {
  const short = await createSdkWorld({ tokenSec: 600 })
  const cloister = await short.connect()
  const wallet = await cloister.wallets.create({ pin: PIN, recovery: false })
  expect(short.logins).toHaveLength(1)
  short.advance(3_600_000)
  await expect(wallet.verifyPin({ pin: PIN })).resolves.toMatchObject({ wallet: wallet.id })
  expect(short.logins).toHaveLength(2)
  expect(short.logins[1]).toEqual(short.logins[0])
  short.close()
}, 60_000)

describe('a wallet that goes back', () => {
  test('is found out: an earlier record was put back into the table', async () => {
    const { wallet } = await newWallet()
    const { owner } = await sdk.world.login('sdk')
    const old = sdk.world.table.read(owner, wallet.id)
    await wallet.rename('later', { pin: PIN })
    if (old === null) throw new Error('no record')
    sdk.world.table.put(old)
    // The enclave that saw the later one refuses; one that was started since can't know, and then it is the client that does.
    await expect(wallet.view()).rejects.toMatchObject({ code: 'record_invalid' })
    sdk.enclave = await sdk.world.enclave()
    await expect(wallet.view()).rejects.toMatchObject({ code: 'wallet_rolled_back' })
    await expect(wallet.history()).rejects.toMatchObject({ code: 'wallet_rolled_back' })
    // Another operation makes the version the same again, and the history another one.
    await expect(wallet.rename('fork', { pin: PIN })).rejects.toMatchObject({ code: 'wallet_rolled_back' })
  })
})
