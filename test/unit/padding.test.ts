/** What a length tells of a secret that is sealed: nothing. And what is padded otherwise is refused. */
import fc from 'fast-check'
import { answerBinding, decodeSealedAnswer, encodeAnswer, encodeSealedAnswer, type AnswerOutcome } from '../../lib/protocol/answer.ts'
import { concat, utf8 } from '../../lib/protocol/bytes.ts'
import type { CborValue } from '../../lib/protocol/cbor.ts'
import { generateChannelKey, startRequest, openRequest } from '../../lib/protocol/channel.ts'
import { ERRORS, type ErrorCode } from '../../lib/protocol/errors.ts'
import { FACTOR_OPERATIONS, OPERATIONS, type Operation } from '../../lib/protocol/header.ts'
import { encodeCreateParameters, encodeExportResult, encodeImportParameters, type ImportedSecret } from '../../lib/protocol/lifecycle.ts'
import { LIMITS } from '../../lib/protocol/limits.ts'
import { encodeSignParameters } from '../../lib/protocol/operations.ts'
import { pad, paddedLength, shortOf, unpad } from '../../lib/protocol/padding.ts'
import { decodeSealedBody, encodeBody, encodeSealedBody, type RequestBody } from '../../lib/protocol/request.ts'
import { b, PERMISSIONS, VIEW, WALLET } from '../support/fuzz/protocol.ts'

const numRuns = process.env['SLOW'] === '1' ? 20_000 : 300
const BLOCK = LIMITS.paddingBytes
const PATH = "m/44'/60'/0'/0/0"
const base: RequestBody = {
  op: 'sign', wallet: WALLET, request: b(16), issuedAtMs: 1_790_000_000_000, idempotency: b(16, 2), token: b(32), proof: { x: b(32), y: b(32), random: b(32), signature: b(64) },
  pin: b(4, 0x30), otp: null, parameters: {},
}
const signing = (bytes: number): CborValue => encodeSignParameters({ payloads: [{ chain: 'eip155:1', path: PATH, kind: 'transaction', data: b(bytes), context: null, summary: null }] })
const endingIn = (bytes: Uint8Array, last: number): Uint8Array => bytes.with(bytes.length - 1, last)
const sealedBytes = (changes: Partial<RequestBody>): number => encodeSealedBody({ ...base, ...changes }).length

/** 4 to 64 bytes: digits, or any text. */
const pin = fc.oneof(
  fc.string({ unit: fc.integer({ min: 0, max: 9 }).map(String), minLength: 4, maxLength: 64 }),
  fc.string({ unit: 'grapheme', minLength: 1, maxLength: 64 }),
).map(utf8).filter(({ length }) => length >= LIMITS.minPinBytes && length <= LIMITS.maxPinBytes)
const otp = fc.option(fc.constant(utf8('287082')))
const label = fc.string({ unit: fc.constantFrom('a', 'é', '漢', '🚀'), maxLength: 64 })
const newWallet = fc.record({ label, permissions: fc.constant(PERMISSIONS), recovery: fc.boolean() })
const imported: fc.Arbitrary<ImportedSecret> = fc.oneof(
  fc.record({ kind: fc.constant('mnemonic' as const), mnemonic: fc.integer({ min: 47, max: LIMITS.maxMnemonicBytes }).map((length) => b(length, 97)), passphrase: fc.nat(LIMITS.maxPassphraseBytes).map((length) => b(length, 98)) }),
  fc.record({ kind: fc.constantFrom('secp256k1' as const, 'ed25519' as const), key: fc.constant(b(32)) }),
)
const path = fc.array(fc.integer({ min: 0, max: 2 ** 31 - 1 }), { maxLength: 10 }).map((indices) => ['m', ...indices.map((index) => `${index}'`)].join('/'))

/** Whatever each operation may say, but for the three that take lists. */
const WITHOUT_LISTS: Readonly<Record<Exclude<Operation, 'sign' | 'discover' | 'addAccounts'>, fc.Arbitrary<CborValue>>> = {
  create: fc.tuple(newWallet, fc.constantFrom(12 as const, 24 as const)).map(([wallet, words]) => encodeCreateParameters({ words, ...wallet })),
  import: fc.tuple(newWallet, imported).map(([wallet, secret]) => encodeImportParameters({ secret, ...wallet })),
  rename: label.map((text) => ({ label: text })),
  changePin: pin.map((to) => ({ pin: to })),
  recover: fc.boolean().map((removeFactor) => ({ code: b(16), removeFactor })),
  export: fc.oneof(path.map((from) => ({ what: 'privateKey', path: from })), fc.constantFrom('mnemonic', 'backup').map((what) => ({ what, path: null }))),
  enrolFactor: fc.subarray([...FACTOR_OPERATIONS], { minLength: 1 }).map((operations) => ({ operations })),
  ...Object.fromEntries((['view', 'history', 'delete', 'restore', 'verifyPin', 'renewRecovery', 'cancelExport', 'confirmFactor', 'removeFactor'] as const).map((op) => [op, fc.constant({})])) as Record<
    'view' | 'history' | 'delete' | 'restore' | 'verifyPin' | 'renewRecovery' | 'cancelExport' | 'confirmFactor' | 'removeFactor', fc.Arbitrary<CborValue>
  >,
}

describe('padding', () => {
  test('is 80 and zeros, to the next multiple, and always some', () => {
    for (const [length, total] of [[0, BLOCK], [1, BLOCK], [BLOCK - 1, BLOCK], [BLOCK, 2 * BLOCK], [2 * BLOCK - 1, 2 * BLOCK], [2 * BLOCK, 3 * BLOCK]] as const) {
      expect(paddedLength(length)).toBe(total)
      const padded = pad(b(length, 7))
      expect([...padded]).toEqual([...b(length, 7), 0x80, ...new Uint8Array(total - length - 1)])
      expect([...(unpad(padded) as Uint8Array)]).toEqual([...b(length, 7)])
    }
  })

  test('takes contents that look like padding', () => {
    for (const content of [[0x80], [0x80, 0], [0, 0], [1, 0x80, 0, 0x80]]) expect([...(unpad(pad(Uint8Array.from(content))) as Uint8Array)]).toEqual(content)
  })

  test('is a view, and leaves nothing of what it was made from', () => {
    const content = b(10)
    const padded = pad(content)
    expect([...content]).toEqual([...new Uint8Array(10)])
    unpad(padded)?.fill(0)
    expect([...padded.subarray(0, 11)]).toEqual([...new Uint8Array(10), 0x80])
  })

  test.each<[string, Uint8Array]>([
    ['nothing', new Uint8Array()], ['zeros', new Uint8Array(BLOCK)], ['no 80', b(BLOCK)], ['a last byte that is not zero', endingIn(pad(b(9)), 1)], ['another first byte', pad(b(9)).with(9, 0x81)],
    ['less', pad(b(9)).subarray(0, -1)], ['more', concat(pad(b(9)), new Uint8Array(1))], ['none', b(9)], ['only the first byte', concat(b(9), Uint8Array.of(0x80))],
  ])('rejects %s', (_name, bytes) => expect(unpad(bytes)).toBeUndefined())

  test('counts what a byte string is short of, as CBOR has it', () => {
    for (const length of [0, 1, 23, 24, 63, 64]) expect(shortOf(b(length), 64)).toBe(encodeBody({ ...base, pin: b(64) }).length - encodeBody({ ...base, pin: b(length) }).length)
    expect(shortOf(null, 64)).toBe(encodeBody({ ...base, pin: b(64) }).length - encodeBody({ ...base, pin: null }).length)
    for (const longer of [65, 300]) expect(shortOf(b(longer), 64)).toBe(0)
    expect(shortOf(b(3), 255) - shortOf(b(4), 255)).toBe(1)
    expect(shortOf(b(0), 256) - shortOf(b(0), 255)).toBe(2)
    expect(shortOf(b(0), 0x1_0000) - shortOf(b(0), 0xffff)).toBe(3)
  })
})

describe('a request', () => {
  test('is as long with any PIN, and with a one-time code or without', () => {
    fc.assert(
      fc.property(fc.constantFrom(...OPERATIONS), pin, pin, otp, otp, fc.nat(3 * BLOCK), (op, one, other, code, none, size) => {
        const parameters = signing(size)
        expect(sealedBytes({ op, parameters, pin: one, otp: code })).toBe(sealedBytes({ op, parameters, pin: other, otp: none }))
        expect(sealedBytes({ op, parameters, pin: null })).toBe(sealedBytes({ op, parameters, pin: other }))
      }),
      { numRuns },
    )
  })

  test('so it is at every distance from the edge of a block', () => {
    const empty = encodeBody({ ...base, parameters: signing(BLOCK) }).length - BLOCK
    const lengths = new Set<number>()
    for (let size = BLOCK - empty - 90; size < BLOCK - empty + 10; size++) {
      const each = new Set([4, 5, 23, 24, 63, 64].flatMap((length) => [null, b(6)].map((code) => sealedBytes({ parameters: signing(size), pin: b(length), otp: code }))))
      expect([size, each.size]).toEqual([size, 1])
      for (const length of each) lengths.add(length)
    }
    expect([...lengths]).toEqual([BLOCK, 2 * BLOCK]) // the edge was among them
  })

  test.each(Object.entries(WITHOUT_LISTS))('%s is as long whatever it says: new PINs, words, keys, passphrases, codes, labels', (op, parameters) => {
    fc.assert(fc.property(parameters, pin, otp, (said, one, code) => expect(sealedBytes({ op: op as Operation, parameters: said, pin: one, otp: code })).toBe(BLOCK)), { numRuns: Math.ceil(numRuns / 5) })
  })

  test('import is as long at its very longest', () => {
    const secret = { kind: 'mnemonic', mnemonic: b(LIMITS.maxMnemonicBytes), passphrase: b(LIMITS.maxPassphraseBytes) } as const
    expect(sealedBytes({ op: 'import', pin: b(64), otp: b(6), parameters: encodeImportParameters({ secret, label: '🚀'.repeat(64), permissions: PERMISSIONS, recovery: true }) })).toBe(BLOCK)
  })

  test('reads as what it was, PINs that are malformed too, so that they get their code', () => {
    for (const length of [0, 1, 3, 4, 64, 65, 1024]) {
      for (const size of [0, BLOCK - 500, BLOCK]) expect(decodeSealedBody(encodeSealedBody({ ...base, pin: b(length), parameters: signing(size) }))).toEqual({ ...base, pin: b(length), parameters: signing(size) })
    }
  })

  test('rejects what is padded otherwise', () => {
    const padded = encodeSealedBody(base)
    const content = encodeBody(base)
    expect(decodeSealedBody(padded)).toEqual(base)
    const zeros = (length: number): Uint8Array => new Uint8Array(length)
    const bad: readonly (readonly [string, Uint8Array])[] = [
      ['none', content], ['cut', padded.subarray(0, -1)], ['longer', concat(padded, zeros(1))], ['a block more', concat(padded, zeros(BLOCK))], ['the first byte alone', concat(content, Uint8Array.of(0x80))],
      ['zeros alone', concat(content, zeros(BLOCK - content.length))], ['ones', concat(content, Uint8Array.of(0x80), b(BLOCK - content.length - 1))], ['a last byte', endingIn(padded, 1)],
      ['80 twice', endingIn(padded, 0x80)], ['later', concat(content, Uint8Array.of(0, 0x80), zeros(BLOCK - content.length - 2))], ['to 256', concat(content, Uint8Array.of(0x80), zeros(767 - content.length))],
    ]
    for (const [name, bytes] of bad) expect([name, decodeSealedBody(bytes)]).toEqual([name, undefined])
  })

  test('rejects as many blocks as the PIN that it has would need, where 64 bytes need one more', () => {
    const empty = encodeBody({ ...base, parameters: signing(BLOCK) }).length - BLOCK
    const body = { ...base, parameters: signing(BLOCK - empty - 20) }
    expect(encodeBody(body).length).toBeLessThan(BLOCK)
    expect(encodeSealedBody(body)).toHaveLength(2 * BLOCK)
    expect(decodeSealedBody(encodeSealedBody(body))).toEqual(body)
    expect(decodeSealedBody(pad(encodeBody(body)))).toBeUndefined()
  })

  test('is sealed to a ciphertext of that length, and 16', async () => {
    const pair = await generateChannelKey()
    for (const one of [b(4), b(64)]) {
      const { enc, seal } = await startRequest(pair.publicKey)
      const { ciphertext } = await seal(utf8('header'), encodeSealedBody({ ...base, pin: one }))
      expect(ciphertext).toHaveLength(BLOCK + 16)
      expect(decodeSealedBody((await openRequest(pair, utf8('header'), enc, ciphertext))?.body as Uint8Array)?.pin).toEqual(one)
    }
  })

  test('with the largest transaction it fits an HTTP body', () => {
    const ciphertext = sealedBytes({ parameters: signing(LIMITS.maxTransactionBytes), pin: b(64) }) + 16
    const http = JSON.stringify({ header: 'A'.repeat(342), enc: 'A'.repeat(43), ciphertext: 'A'.repeat(Math.ceil((ciphertext * 4) / 3)) })
    expect(http.length).toBeLessThan(LIMITS.maxBodyBytes)
    // The practical most of docs/protocol.md: a block more is too much.
    const fits = (blocks: number): boolean => Math.ceil(((blocks * BLOCK + 16) * 4) / 3) + http.length - Math.ceil((ciphertext * 4) / 3) <= LIMITS.maxBodyBytes
    expect([95, 96].map(fits)).toEqual([true, false])
  })
})

describe('an answer', () => {
  const sealed = (outcome: AnswerOutcome, op: Operation = 'sign'): Uint8Array => encodeSealedAnswer(op, b(16), outcome)
  const refusal = (code: ErrorCode, guesses = true): AnswerOutcome => ({ ok: false, code, guesses: guesses ? { guessesLeft: 4, lockedUntilMs: 1_790_000_000_000, wrongTotal: 100_000 } : null })

  test('that refuses is as long whatever the reason', () => {
    const lengths = (Object.keys(ERRORS) as ErrorCode[]).flatMap((code) => [true, false].map((guesses) => sealed(refusal(code, guesses)).length))
    expect(new Set(lengths)).toEqual(new Set([BLOCK]))
  })

  test('with an exported mnemonic is as long with any words and passphrase, beside any view', () => {
    const view = (accounts: number) => ({ ...VIEW, accounts: Array.from({ length: accounts }, () => VIEW.accounts[0] as (typeof VIEW.accounts)[0]) })
    const exported = (accounts: number, mnemonic: number, passphrase: number): number =>
      sealed({ ok: true, result: encodeExportResult({ kind: 'mnemonic', mnemonic: b(mnemonic), passphrase: b(passphrase), view: view(accounts) }) }, 'export').length
    const seen = new Set<number>()
    for (let accounts = 0; accounts < 60; accounts++) {
      const each = new Set([[47, 0], [100, 0], [LIMITS.maxMnemonicBytes, 0], [47, LIMITS.maxPassphraseBytes], [LIMITS.maxMnemonicBytes, LIMITS.maxPassphraseBytes]].map(([words, passphrase]) => exported(accounts, words as number, passphrase as number)))
      expect([accounts, each.size]).toEqual([accounts, 1])
      for (const length of each) seen.add(length)
    }
    expect(seen.size).toBeGreaterThan(2)
  })

  test('reads as what it was; padded otherwise, it is none', () => {
    const outcome = refusal('pin_wrong')
    const padded = sealed(outcome)
    const content = encodeAnswer('sign', b(16), outcome)
    expect(decodeSealedAnswer(padded)).toEqual({ op: 'sign', request: b(16), outcome })
    for (const bytes of [content, padded.subarray(0, -1), concat(padded, new Uint8Array(1)), endingIn(padded, 1), endingIn(padded, 0x80), padded.with(content.length, 0), concat(content, new Uint8Array(BLOCK - content.length))]) {
      expect(decodeSealedAnswer(bytes)).toBeUndefined()
    }
    // How much padding, the enclave says.
    expect(decodeSealedAnswer(concat(padded, new Uint8Array(BLOCK)))).toBeDefined()
  })

  test('is bound to bytes that are not padded', () => expect(answerBinding('sign', b(16))).toHaveLength(37))
})
