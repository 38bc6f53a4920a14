/** Bad input, and what it gets: over HTTP, each with its own code, and none of it spends a guess. */
import { UpdateItemCommand, type AttributeValue } from '@aws-sdk/client-dynamodb'
import { createPublicKey, type JsonWebKey } from 'node:crypto'
import { readFile } from 'node:fs/promises'
import { join } from 'node:path'
import { SignJWT } from 'jose'
import { concatHex, toBytes, toRlp } from 'viem'
import { tokenNonce } from '../../lib/protocol/proof.ts'
import { toBase64url, utf8 } from '../../lib/protocol/bytes.ts'
import type { CborValue } from '../../lib/protocol/cbor.ts'
import type { Operation } from '../../lib/protocol/header.ts'
import { NO_PERMISSIONS } from '../../lib/protocol/operations.ts'
import { encodeSealedBody, type RequestBody } from '../../lib/protocol/request.ts'
import { issuerHash } from '../../lib/tokens/owner.ts'
import { startCloud, type Cloud, type LoggedIn } from '../support/cloud.ts'
import { rawCall, sealedCode, type RawCall } from '../support/raw-client.ts'
import { operatorTable, type OperatorTable } from '../support/operator-table.ts'
import { CHAIN, CREATE, legacyTransfer, PATH, signParameters, transfer } from '../support/transactions.ts'

const PIN = '493817'
/** One for each operation that has parameters, and for those that have none. */
const MALFORMED: readonly (readonly [Operation, CborValue])[] = [
  ['discover', { accounts: [] }], ['addAccounts', { accounts: [{ namespace: 'eip155', path: 'x' }] }], ['rename', { label: 'a'.repeat(65) }], ['delete', { now: true }], ['restore', []],
  ['changePin', { pin: '271828' }], ['verifyPin', { pin: '1' }], ['recover', { code: new Uint8Array(15), removeFactor: false }], ['renewRecovery', { code: null }],
  ['export', { what: 'privateKey', path: null }], ['cancelExport', { what: 'backup' }], ['history', { from: 1 }], ['enrolFactor', { operations: [] }], ['confirmFactor', { code: '123456' }], ['removeFactor', []],
]
let cloud: Cloud
let alice: LoggedIn
let wallet: string
let table: OperatorTable

beforeAll(async () => {
  cloud = await startCloud()
  alice = await cloud.logIn('alice')
  wallet = crypto.randomUUID()
  table = operatorTable(cloud.stack)
  const created = await rawCall(cloud, alice, { op: 'create', wallet, pin: PIN, parameters: CREATE })
  expect(created.http.status).toBe(201)
}, 60_000)
afterAll(() => cloud?.close())

const owner = (): string => `user#demo#${issuerHash(cloud.stack.issuerUrl)}#alice`
const record = (): Promise<Record<string, AttributeValue>> => table.get(owner(), wallet)
const sign = (more: Partial<RawCall> = {}): Promise<Awaited<ReturnType<typeof rawCall>>> =>
  rawCall(cloud, alice, { op: 'sign', wallet, pin: PIN, parameters: signParameters(transfer()), ...more })

async function spendsNothing<T>(act: () => Promise<T>): Promise<T> {
  const before = await record()
  const result = await act()
  expect(await record()).toEqual(before)
  return result
}

describe('tokens', () => {
  const nowSec = (): number => Math.floor(Date.now() / 1000)
  const claims = async (): Promise<Record<string, unknown>> => ({
    iss: cloud.stack.issuerUrl,
    aud: cloud.stack.clientId,
    sub: 'alice',
    iat: nowSec(),
    exp: nowSec() + 600,
    nonce: await tokenNonce(alice.clientKey, alice.clientKey.random),
  })
  const list = (token: string): ReturnType<Cloud['call']> => cloud.call('GET', '/v1/wallets', { token })

  test('a forged token with everything right is taken: the twin of all the others', async () => {
    const token = await cloud.forge(await claims())
    expect((await list(token)).status).toBe(200)
    expect((await sign()).http.status).toBe(200)
  })

  test('none', async () => {
    expect(await cloud.call('GET', '/v1/wallets')).toMatchObject({ status: 401, json: { code: 'token_missing' } })
  })

  test.each<[string, (good: Record<string, unknown>) => Record<string, unknown>, string]>([
    ['expired', (good) => ({ ...good, exp: nowSec() - 61 }), 'token_expired'],
    ['not yet valid', (good) => ({ ...good, nbf: nowSec() + 120 }), 'token_not_yet_valid'],
    ['issued in the future', (good) => ({ ...good, iat: nowSec() + 120 }), 'token_not_yet_valid'],
    ['wrong issuer', (good) => ({ ...good, iss: 'https://evil.example' }), 'token_issuer'],
    ['wrong audience', (good) => ({ ...good, aud: 'another-app' }), 'token_audience'],
    ['two audiences', (good) => ({ ...good, aud: [cloud.stack.clientId, 'another-app'] }), 'token_audience'],
    ['no expiry', ({ exp: _, ...good }) => good, 'token_claims'],
    ['no subject', ({ sub: _, ...good }) => good, 'token_claims'],
    ['a subject with a space', (good) => ({ ...good, sub: 'a b' }), 'token_claims'],
  ])('%s', async (_name, change, code) => {
    const answer = await list(await cloud.forge(change(await claims())))
    expect(answer).toMatchObject({ status: 401, json: { code } })
    expect(answer.headers.get('content-type')).toBe('application/problem+json')
    expect(answer.headers.get('www-authenticate')).toMatch(/^Bearer/)
  })

  test('alg none, HS256 with the public key, another key', async () => {
    const [header, payload] = [{ alg: 'none' }, await claims()].map((part) => Buffer.from(JSON.stringify(part)).toString('base64url'))
    expect(await list(`${header}.${payload}.`)).toMatchObject({ status: 401, json: { code: 'token_algorithm' } })
    const saved = JSON.parse(await readFile(join(cloud.stateDir, 'issuer', 'issuer.json'), 'utf8')) as { signing: JsonWebKey[] }
    const pem = createPublicKey({ key: saved.signing[0] as never, format: 'jwk' }).export({ type: 'spki', format: 'pem' })
    const confused = await new SignJWT(await claims()).setProtectedHeader({ alg: 'HS256' }).sign(Buffer.from(pem))
    expect(await list(confused)).toMatchObject({ status: 401, json: { code: 'token_algorithm' } })
    const good = await cloud.forge(await claims())
    const flipped = `${good.slice(0, -8)}${good.at(-8) === 'A' ? 'B' : 'A'}${good.slice(-7)}`
    expect(await list(flipped)).toMatchObject({ status: 401, json: { code: 'token_signature' } })
  })

  test.each(['garbled', 'a.b', 'a.b.c', '....', 'e30.e30.e30', 'e30=.e30.AA'])('garbled: %s', async (token) => {
    expect(await list(token)).toMatchObject({ status: 401, json: { code: expect.stringMatching(/^token_(malformed|issuer)$/) as string } })
  })
})

describe('who asks', () => {
  test('no client key proof, or one by another key, over another body, or of another login', async () => {
    await spendsNothing(async () => {
      expect(sealedCode(await sign({ alter: (body) => ({ ...body, proof: null }) }))).toBe('proof_missing')
      const mallory = await cloud.logIn('alice')
      const stolen = { token: alice.token, clientKey: mallory.clientKey }
      expect(sealedCode(await rawCall(cloud, stolen, { op: 'sign', wallet, pin: PIN, parameters: signParameters(transfer()) }))).toBe('proof_invalid')
      const own = { token: alice.token, clientKey: { ...mallory.clientKey, random: alice.clientKey.random } }
      expect(sealedCode(await rawCall(cloud, own, { op: 'sign', wallet, pin: PIN, parameters: signParameters(transfer()) }))).toBe('proof_invalid')
      expect(sealedCode(await sign({ alter: (body) => ({ ...body, parameters: signParameters(transfer(9)) }) }))).toBe('proof_invalid')
    })
  })

  test('sealed for another token; a header that says another thing than the body', async () => {
    await spendsNothing(async () => {
      expect(sealedCode(await sign({ prepare: (body) => ({ ...body, token: new Uint8Array(32) }) }))).toBe('token_mismatch')
      expect(sealedCode(await sign({ prepare: (body) => ({ ...body, op: 'view' }) }))).toBe('header_mismatch')
      expect(sealedCode(await sign({ prepare: (body) => ({ ...body, wallet: crypto.randomUUID() }) }))).toBe('header_mismatch')
    })
  })

  test('a request that is sent again, or is not fresh', async () => {
    const first = await sign()
    expect(first.http.status).toBe(200)
    await spendsNothing(async () => {
      const replayed = await cloud.call('POST', first.sent.path, { token: alice.token, body: first.sent.body })
      expect(replayed).toMatchObject({ status: 422, json: { code: 'refused' } })
      for (const offMs of [-121_000, 121_000]) {
        expect(sealedCode(await sign({ prepare: (body) => ({ ...body, issuedAtMs: body.issuedAtMs + offMs }) }))).toBe('request_expired')
      }
    })
    expect((await sign({ prepare: (body) => ({ ...body, issuedAtMs: body.issuedAtMs - 100_000 }) })).http.status).toBe(200)
  })

  test("another user's wallet is no different from one that doesn't exist", async () => {
    const mallory = await cloud.logIn('mallory')
    const call = { op: 'sign', pin: PIN, parameters: signParameters(transfer()) } as const
    await spendsNothing(async () => {
      const theirs = await rawCall(cloud, mallory, { ...call, wallet })
      const nobodys = await rawCall(cloud, mallory, { ...call, wallet: crypto.randomUUID() })
      expect(theirs.http).toMatchObject({ status: 404, json: { code: 'wallet_not_found' } })
      expect(theirs.http.json).toEqual(nobodys.http.json)
    })
  })

  test('a channel key that no enclave has', async () => {
    const { encodeHeader } = await import('../../lib/protocol/header.ts')
    const answer = await sign({ header: encodeHeader({ op: 'sign', wallet, key: new Uint8Array(16) }) })
    expect(answer.http).toMatchObject({ status: 409, json: { code: 'channel_unknown' } })
  })
})

describe('bodies', () => {
  const post = (body: string, path = `/v1/wallets/${wallet}/sign`): ReturnType<Cloud['call']> => cloud.call('POST', path, { token: alice.token, body })

  test.each([
    ['no JSON', 'hello'],
    ['no object', '[]'],
    ['null', 'null'],
    ['missing field', '{"header":"AA","enc":"AA"}'],
    ['unknown field', '{"header":"AA","enc":"AA","ciphertext":"AA","more":1}'],
    ['not text', '{"header":1,"enc":2,"ciphertext":3}'],
    ['empty', ''],
  ])('malformed: %s', async (_name, body) => {
    expect(await post(body)).toMatchObject({ status: 400, json: { code: 'request_malformed' } })
  })

  test.each(['AA==', 'AB', '+/', 'A'])('base64 that is not canonical base64url: %s', async (text) => {
    const good = (await sign()).sent
    const body = JSON.parse(good.body) as Record<string, string>
    expect(await post(JSON.stringify({ ...body, enc: text }))).toMatchObject({ status: 400, json: { code: 'request_malformed' } })
    expect(await post(JSON.stringify({ ...body, header: text }))).toMatchObject({ status: 400, json: { code: 'request_malformed' } })
  })

  test('trailing bytes in the header, a header for another wallet or operation', async () => {
    const body = JSON.parse((await sign()).sent.body) as Record<string, string>
    const header = Buffer.from(body['header'] as string, 'base64url')
    expect(await post(JSON.stringify({ ...body, header: toBase64url(Buffer.concat([header, Buffer.alloc(1)])) }))).toMatchObject({ status: 400 })
    expect(await post(JSON.stringify(body), `/v1/wallets/${crypto.randomUUID()}/sign`)).toMatchObject({ status: 400 })
    expect(await post(JSON.stringify(body), `/v1/wallets/${wallet}/view`)).toMatchObject({ status: 400 })
  })

  test('sealed bytes that are no body: garbage, trailing bytes, unknown fields', async () => {
    await spendsNothing(async () => {
      for (const plaintext of [new Uint8Array(), new Uint8Array([0xff]), new Uint8Array(200)]) {
        expect((await sign({ plaintext })).http).toMatchObject({ status: 400, json: { code: 'request_malformed' } })
      }
      let good: Uint8Array | undefined
      const kept = { pin: '12', alter: (body: RequestBody) => ((good = encodeSealedBody(body)), body) }
      expect(sealedCode(await sign(kept))).toBe('pin_malformed')
      const sealed = good as unknown as Uint8Array
      const content = sealed.subarray(0, sealed.lastIndexOf(0x80))
      const bad = [
        new Uint8Array([...sealed, 0]), sealed.subarray(0, -1), content, new Uint8Array([...content, 0x80]), new Uint8Array([...sealed, ...new Uint8Array(2048)]), sealed.with(sealed.length - 1, 1), sealed.with(content.length + 9, 0x80),
        new Uint8Array([...content, ...new Uint8Array(sealed.length - content.length)]), new Uint8Array([...content, 0, 0x80, ...new Uint8Array(sealed.length - content.length - 2)]),
      ]
      for (const plaintext of bad) expect((await sign({ plaintext })).http).toMatchObject({ status: 400, json: { code: 'request_malformed' } })
    })
  })

  test('an altered ciphertext does not open', async () => {
    const body = JSON.parse((await sign({ pin: '12' })).sent.body) as Record<string, string>
    const ciphertext = Buffer.from(body['ciphertext'] as string, 'base64url')
    ciphertext[5] = (ciphertext[5] as number) ^ 1
    expect(await post(JSON.stringify({ ...body, ciphertext: toBase64url(ciphertext) }))).toMatchObject({ status: 400 })
  })

  test('a body over 256 KB', async () => {
    expect(await post(JSON.stringify({ header: 'A'.repeat(263_000) }))).toMatchObject({ status: 413, json: { code: 'body_too_large' } })
    expect(await post(JSON.stringify({ header: 'A'.repeat(200_000) }))).toMatchObject({ status: 400 })
  })

  test('parameters: PIN lengths, unknown words, chains and accounts', async () => {
    await spendsNothing(async () => {
      for (const pin of ['', '123', 'x'.repeat(65), null]) expect(sealedCode(await sign({ pin }))).toBe('pin_malformed')
      expect(sealedCode(await sign({ parameters: {} }))).toBe('parameters_malformed')
      expect(sealedCode(await sign({ parameters: { ...signParameters(transfer()), more: 1 } }))).toBe('parameters_malformed')
      expect(sealedCode(await sign({ parameters: signParameters(transfer(), 'cosmos:hub') }))).toBe('chain_unknown')
      expect(sealedCode(await sign({ parameters: { payloads: [] } }))).toBe('parameters_malformed')
      // The formats before payloads, and one that is good beside one that is not: all or none.
      expect(sealedCode(await sign({ parameters: { chain: CHAIN, path: PATH, transaction: transfer() } }))).toBe('parameters_malformed')
      const payloads = [...signParameters(transfer()).payloads, ...signParameters(transfer(), 'eip155:1').payloads]
      expect(sealedCode(await sign({ parameters: { payloads } }))).toBe('tx_chain_id_mismatch')
      for (const otp of [utf8('12345'), utf8('1234567')]) expect((await sign({ prepare: (body) => ({ ...body, otp }) })).http).toMatchObject({ status: 400, json: { code: 'request_malformed' } })
    })
    await spendsNothing(async () => {
      for (const [op, parameters] of MALFORMED) expect([op, sealedCode(await rawCall(cloud, alice, { op, wallet, pin: PIN, parameters }))]).toEqual([op, 'parameters_malformed'])
      const operate = (op: Operation, parameters: CborValue, pin: string | null = PIN) => rawCall(cloud, alice, { op, wallet, pin, parameters }).then(sealedCode)
      expect(await operate('view', {}, PIN)).toBe('parameters_malformed')
      expect(await operate('history', {}, PIN)).toBe('parameters_malformed')
      expect(await operate('changePin', { pin: utf8('123') })).toBe('new_pin_malformed')
      expect(await operate('recover', { code: new Uint8Array(16), removeFactor: false }, '123')).toBe('new_pin_malformed')
      expect(await operate('rename', { label: 'x' }, '123')).toBe('pin_malformed')
      const one = { namespace: 'eip155', path: "m/44'/60'/0'/0/1" }
      expect(await operate('addAccounts', { accounts: [one, one] })).toBe('account_exists')
    })
    const imports = async (secret: CborValue): Promise<string | undefined> =>
      sealedCode(await rawCall(cloud, alice, { op: 'import', wallet: crypto.randomUUID(), pin: PIN, parameters: { secret, label: '', permissions: { ...NO_PERMISSIONS }, recovery: false } }))
    expect(await imports({ kind: 'mnemonic', mnemonic: utf8('abandon abandon'), passphrase: new Uint8Array() })).toBe('mnemonic_invalid')
    expect(await imports({ kind: 'secp256k1', key: new Uint8Array(32) })).toBe('private_key_invalid')
    expect(await imports({ kind: 'ed25519', key: new Uint8Array(31) })).toBe('private_key_invalid')
    expect(await imports({ kind: 'xprv', key: new Uint8Array(32) })).toBe('parameters_malformed')
    expect(sealedCode(await rawCall(cloud, alice, { op: 'create', wallet: crypto.randomUUID(), pin: PIN, parameters: { ...(CREATE as object), words: 15 } }))).toBe('parameters_malformed')
    // This one is charged first, for accounts are inside the sealed state; and given back.
    expect(sealedCode(await sign({ parameters: signParameters(transfer(), CHAIN, "m/44'/60'/0'/0/7") }))).toBe('account_unknown')
    expect((await record())['spent']).toEqual({ N: '0' })
  })

  test('wallet ids that can not be, nonces that can not be, routes that are not', async () => {
    expect(await post('{}', '/v1/wallets/not-a-uuid/sign')).toMatchObject({ status: 404, json: { code: 'wallet_not_found' } })
    for (const nonce of ['', '?nonce=', '?nonce=AAAA', `?nonce=${'A'.repeat(100)}`, '?nonce=%2B%2F']) {
      expect(await cloud.call('GET', `/v1/enclave${nonce}`)).toMatchObject({ status: 400, json: { code: 'request_malformed' } })
    }
    expect((await cloud.call('GET', '/v1/nothing')).status).toBe(404)
    for (const path of ['/v1/wallets/import/sign', `/v1/wallets/${wallet}/burn`, `/v1/wallets/${wallet}/addAccounts`]) expect((await post('{}', path)).status).toBe(404)
    // A route is an operation: one can't be posted to another's.
    const there = `/v1/wallets/${wallet}/rename`
    expect(await rawCall(cloud, alice, { op: 'sign', wallet, pin: PIN, parameters: signParameters(transfer()), path: there })).toMatchObject({ http: { status: 400 } })
  })

  test('receipts: whose they are, and from where', async () => {
    const { token } = alice
    const receipts = (query = '', id = wallet, who = token): ReturnType<Cloud['call']> => cloud.call('GET', `/v1/wallets/${id}/receipts${query}`, { token: who })
    const all = (await receipts()).json['receipts'] as { sequence: number; sealed: string }[]
    expect(all.length).toBeGreaterThan(0)
    expect(all.map(({ sequence }) => sequence)).toEqual(all.map((_one, i) => i + 1))
    expect((await receipts('?after=1')).json['receipts']).toEqual(all.slice(1))
    expect((await receipts('?after=99999999999')).json['receipts']).toEqual([])
    for (const query of ['?after=-1', '?after=x', '?after=01', '?after=1.5', '?after=', '?after=100000000000', '?after=999999999999']) expect(await receipts(query)).toMatchObject({ status: 400, json: { code: 'request_malformed' } })
    expect(await receipts('', 'not-a-uuid')).toMatchObject({ status: 404, json: { code: 'wallet_not_found' } })
    expect(await cloud.call('GET', `/v1/wallets/${wallet}/receipts`)).toMatchObject({ status: 401, json: { code: 'token_missing' } })
    const eve = await cloud.logIn('eve')
    expect((await receipts('', wallet, eve.token)).json['receipts']).toEqual([])
  })
})

describe('transactions', () => {
  const signs = async (transaction: Uint8Array, chain = CHAIN): Promise<string | undefined> => sealedCode(await sign({ parameters: signParameters(transaction, chain, PATH) }))

  test('what can not be read is refused, sealed, and costs nothing', async () => {
    const legacy = ['0x', '0x04a817c800', '0x5208', '0x000000000000000000000000000000000000dead', '0x01', '0x'] as const
    await spendsNothing(async () => {
      expect(await signs(toBytes(toRlp([...legacy])))).toBe('tx_chain_id_missing')
      expect(await signs(transfer(0, { chainId: 1 }))).toBe('tx_chain_id_mismatch')
      expect(await signs(transfer(), 'eip155:1')).toBe('tx_chain_id_mismatch')
      expect(await signs(transfer(0, { type: 'eip2930', gasPrice: 1n, maxFeePerGas: undefined, chainId: 1 }))).toBe('tx_chain_id_mismatch')
      for (const type of [1, 2, 3, 4]) expect(await signs(new Uint8Array([type, 0xc0]))).toBe('tx_malformed')
      for (const type of [0, 5, 0x7f]) expect(await signs(new Uint8Array([type, 0xc0]))).toBe('tx_type_unknown')
      expect(await signs(new Uint8Array([...transfer(), 0]))).toBe('tx_trailing_bytes')
      expect(await signs(new Uint8Array([...legacyTransfer(), 0]))).toBe('tx_trailing_bytes')
      expect(await signs(toBytes(toRlp([...legacy.slice(0, 4), '0x0001', '0x', '0x7a69', '0x', '0x'])))).toBe('tx_not_canonical')
      expect(await signs(toBytes(concatHex(['0x02', '0xf800'])))).toBe('tx_not_canonical')
      expect(await signs(new Uint8Array())).toBe('tx_malformed')
      expect(await signs(new Uint8Array(130 * 1024))).toBe('tx_too_large')
      expect(await signs(toBytes(toRlp([...legacy, '0x0f4f5', `0x${'11'.repeat(32)}`, `0x${'11'.repeat(32)}`])))).toBe('tx_already_signed')
      expect(await signs(toBytes(toRlp([...legacy, '0xf4f5', `0x${'11'.repeat(32)}`, `0x${'11'.repeat(32)}`])))).toBe('tx_already_signed')
    })
    expect(await signs(transfer())).toBeUndefined()
    expect(await signs(legacyTransfer())).toBeUndefined()
  })
})

describe('records', () => {
  const put = (changed: Record<string, AttributeValue>): Promise<void> => table.put(changed)

  test.each(['dataKey', 'state', 'seed'])('%s altered in a byte: record_invalid, nothing overwritten, no guess spent', async (name) => {
    const good = await record()
    const bytes = Buffer.from(good[name]?.B as Uint8Array)
    for (const at of [0, Math.floor(bytes.length / 2), bytes.length - 1]) {
      const altered = Buffer.from(bytes)
      altered[at] = (altered[at] as number) ^ 1
      const bad = { ...good, [name]: { B: altered } }
      await put(bad)
      const answer = await sign()
      expect(sealedCode(answer)).toBe('record_invalid')
      const { wrong: _, ...after } = await record()
      const { wrong: __, ...before } = bad
      expect(after).toEqual({ ...before, [name]: { B: new Uint8Array(altered) } })
    }
    await put(good)
    expect((await sign()).http.status).toBe(200)
  })

  test('put back at another version, in another wallet, at another owner', async () => {
    const old = await record()
    expect((await sign()).http.status).toBe(200)
    const fresh = await record()
    await put({ ...old, version: fresh['version'] as AttributeValue })
    expect(sealedCode(await sign())).toBe('record_invalid')
    await put({ ...fresh, version: { N: '1' } })
    expect(sealedCode(await sign())).toBe('record_invalid')

    const elsewhere = crypto.randomUUID()
    await put({ ...fresh, item: { S: `wallet#${elsewhere}` } })
    expect(sealedCode(await rawCall(cloud, alice, { op: 'sign', wallet: elsewhere, pin: PIN, parameters: signParameters(transfer()) }))).toBe('record_invalid')

    const mallory = await cloud.logIn('mallory')
    await put({ ...fresh, owner: { S: owner().replace('#alice', '#mallory') } })
    expect(sealedCode(await rawCall(cloud, mallory, { op: 'sign', wallet, pin: PIN, parameters: signParameters(transfer()) }))).toBe('record_invalid')

    await put(fresh)
    expect((await sign()).http.status).toBe(200)
  })

  test('attributes of another kind, or gone', async () => {
    const good = await record()
    for (const bad of [{ ...good, version: { S: 'x' } }, { ...good, format: { N: '2' } }, (({ seed: _, ...rest }) => rest)(good)] as Record<string, AttributeValue>[]) {
      await put(bad)
      expect((await sign()).http).toMatchObject({ status: 422, json: { code: 'record_invalid' } })
    }
    await put(good)
  })

  test('the operator can write what it likes, and the enclave still tells: the lock too is only as seen', async () => {
    await table.client.send(
      new UpdateItemCommand({
        TableName: table.name,
        Key: { owner: { S: owner() }, item: { S: `wallet#${wallet}` } },
        UpdateExpression: 'SET lockedUntil = :later',
        ExpressionAttributeValues: { ':later': { N: String(Date.now() + 60_000) } },
      }),
    )
    expect(sealedCode(await sign())).toBe('wallet_locked')
  })
})
