/** Solana: off-chain messages, as @solana/kit writes them, and text as wallets sign it for apps. */
import fc from 'fast-check'
import { getOffchainMessageEncoder } from '@solana/kit'
import { sha256 } from '@noble/hashes/sha2.js'
import { VersionedTransaction } from '@solana/web3.js'
import { visible } from '../../lib/chains/text.ts'
import type { Summary } from '../../lib/chains/chain.ts'
import { concat, utf8 } from '../../lib/protocol/bytes.ts'
import { codeOf } from '../support/core-codes.ts'
import { address, CHAIN, contextOf, keypair, planFor, read, signFor } from '../support/solana.ts'

const [me, you] = [keypair(1), keypair(2)]
const mine = me.publicKey.toBytes()
const [myAddress, yourAddress] = [me.publicKey.toBase58(), you.publicKey.toBase58()]
const domain = address(5)
const numRuns = process.env['SLOW'] === '1' ? 10_000 : 200

const summaryOf = (data: Uint8Array): Summary => planFor(me, data, null, 'message').summary
const refusal = (data: Uint8Array): string => codeOf(() => summaryOf(data))

type Encodable = Parameters<ReturnType<typeof getOffchainMessageEncoder>['encode']>[0]
const encode = (message: object): Uint8Array => Uint8Array.from(getOffchainMessageEncoder().encode(message as Encodable))
const theirs0 = (format: number, text: string, signers: readonly string[] = [myAddress]): Uint8Array =>
  encode({ version: 0, applicationDomain: domain.toBase58(), content: { format, text }, requiredSignatories: signers.map((one) => ({ address: one })) })
const theirs1 = (content: string, signers: readonly string[] = [myAddress]): Uint8Array => encode({ version: 1, content, requiredSignatories: signers.map((one) => ({ address: one })) })

const DOMAIN = concat(Uint8Array.of(0xff), utf8('solana offchain'))
const u16 = (value: number): Uint8Array => Uint8Array.of(value & 255, value >> 8)
/** Version 0 from its parts, right or wrong. */
function build(parts: { version?: number; domain?: Uint8Array; format?: number; signers?: readonly Uint8Array[]; count?: number; length?: number; text?: Uint8Array } = {}): Uint8Array {
  const { version = 0, domain: its = domain.toBytes(), format = 0, signers = [mine], text = utf8('hello') } = parts
  const { count = signers.length, length = text.length } = parts
  return concat(DOMAIN, Uint8Array.of(version), its, Uint8Array.of(format, count), ...signers, u16(length), text)
}
const short = (format: number, text: Uint8Array, length = text.length): Uint8Array => concat(DOMAIN, Uint8Array.of(0, format), u16(length), text)
const version1 = (signers: readonly Uint8Array[], text: Uint8Array, count = signers.length): Uint8Array => concat(DOMAIN, Uint8Array.of(1, count), ...signers, text)

const ascii = fc.string({ unit: 'grapheme-ascii', minLength: 1, maxLength: 300 })
const unicode = fc.string({ unit: 'grapheme', minLength: 1, maxLength: 200 })

describe('off-chain messages', () => {
  test('version 0 of the three formats, for any signers', () => {
    fc.assert(
      fc.property(fc.constantFrom(0, 1, 2), ascii, unicode, fc.boolean(), (format, plain, any, isPair) => {
        const text = format === 0 ? plain : any
        const signers = isPair ? [yourAddress, myAddress] : [myAddress]
        const data = theirs0(format, text, signers)
        const { chain, kind, actions, fields } = summaryOf(data)
        const formats = ['restricted ASCII', 'UTF-8, limited', 'UTF-8, extended']
        expect({ chain, kind, actions }).toEqual({ chain: CHAIN, kind: 'offchain_message', actions: [] })
        expect(fields).toEqual({ version: '0', applicationDomain: domain.toBase58(), format: formats[format], signers: signers.join(' '), message: visible(text).text })
      }),
      { numRuns },
    )
  })

  test('version 1', () => {
    fc.assert(
      fc.property(unicode, fc.boolean(), (text, isPair) => {
        const { kind, fields } = summaryOf(theirs1(text, isPair ? [yourAddress, myAddress] : [myAddress]))
        expect(kind).toBe('offchain_message')
        expect({ ...fields, signers: (fields['signers'] as string).split(' ').sort() }).toEqual({ version: '1', signers: (isPair ? [yourAddress, myAddress] : [myAddress]).sort(), message: visible(text).text })
      }),
      { numRuns },
    )
  })

  test('the short version 0 of the Solana SDK', () => {
    // Its own test has these bytes for "Test Message".
    const data = Uint8Array.from([255, 115, 111, 108, 97, 110, 97, 32, 111, 102, 102, 99, 104, 97, 105, 110, 0, 0, 12, 0, 84, 101, 115, 116, 32, 77, 101, 115, 115, 97, 103, 101])
    expect(summaryOf(data).fields).toEqual({ version: '0, short', format: 'restricted ASCII', message: 'Test Message' })
    expect(summaryOf(short(1, utf8('Тестовое сообщение'))).fields['message']).toBe('Тестовое сообщение')
  })

  test('what is signed is every byte; the answer is the signature', () => {
    for (const data of [theirs0(0, 'hello'), theirs1('hello'), short(0, utf8('hello')), utf8('hello')]) {
      const plan = planFor(me, data, null, 'message')
      expect(plan.tasks).toEqual([{ path: "m/44'/501'/0'/0'", publicKey: mine, scheme: { kind: 'ed25519', message: data } }])
      const { signed, hash } = signFor(me, data, null, 'message')
      expect(signed).toHaveLength(64)
      expect(hash).toEqual(sha256(data))
      expect(() => plan.assemble([{ compact: signFor(you, utf8('hello'), null, 'message').signed, recovery: null }])).toThrow('not from the account')
    }
  })

  test('the one that everything below is made from is good', () => {
    expect(build()).toEqual(theirs0(0, 'hello'))
    expect(refusal(build())).toBe('ok')
    expect(refusal(version1([mine], utf8('hello')))).toBe('ok')
  })

  const sorted = [mine, you.publicKey.toBytes()].sort(Buffer.compare)
  test.each<[string, Uint8Array]>([
    ['the domain alone', DOMAIN],
    ['another domain', concat(Uint8Array.of(0xff), utf8('solana off-chain'), build().subarray(17))],
    ['version 2', build({ version: 2 })],
    ['version 0: format 3', build({ format: 3 })],
    ['version 0: no signers', build({ signers: [] })],
    ['version 0: more signers than there are', build({ count: 2 })],
    ['version 0: no text', build({ text: new Uint8Array() })],
    ['version 0: a length too large', build({ length: 6 })],
    ['version 0: a length too small', build({ length: 4 })],
    ['version 0: a line break in restricted ASCII', build({ text: utf8('a\nb') })],
    ['version 0: DEL in restricted ASCII', build({ text: utf8('a\x7fb') })],
    ['version 0: UTF-8 in restricted ASCII', build({ text: utf8('für') })],
    ['version 0: half a letter', build({ format: 1, text: Uint8Array.of(0x61, 0xc3) })],
    ['version 0: a surrogate', build({ format: 2, text: Uint8Array.of(0xed, 0xa0, 0x80) })],
    ['version 0: format 0, more than a packet', build({ text: new Uint8Array(1233 - 85).fill(0x61) })],
    ['version 0: format 1, more than a packet', build({ format: 1, text: new Uint8Array(1233 - 85).fill(0x61) })],
    ['short: format 0, more than a packet', short(0, new Uint8Array(1213).fill(0x61))],
    ['short: format 1, more than a packet', short(1, new Uint8Array(1213).fill(0x61))],
    ['short: format 2, more than 64 KiB', short(2, new Uint8Array(65_516).fill(0x61))],
    ['short: no text', short(0, new Uint8Array())],
    ['short: format 3', short(3, utf8('hello'))],
    ['short: a length too large', short(0, utf8('hello'), 6)],
    ['short: a length too small', short(0, utf8('hello'), 4)],
    ['version 1: no signers', version1([], utf8('hello'))],
    ['version 1: more signers than there are', version1([mine], utf8('hello'), 2)],
    ['version 1: signers out of order', version1([...sorted].reverse(), utf8('hello'))],
    ['version 1: a signer twice', version1([mine, mine], utf8('hello'))],
    ['version 1: no text', version1([mine], new Uint8Array())],
    ['version 1: no UTF-8', version1([mine], Uint8Array.of(0xc3))],
  ])('rejects %s', (_what, data) => {
    expect(refusal(data)).toBe('message_malformed')
  })

  test('as long as they may be', () => {
    expect(refusal(build({ text: new Uint8Array(1232 - 85).fill(0x61) }))).toBe('ok')
    expect(refusal(build({ format: 2, text: new Uint8Array(65_535).fill(0x61) }))).toBe('ok')
    expect(refusal(short(0, new Uint8Array(1212).fill(0x61)))).toBe('ok')
    expect(refusal(short(2, new Uint8Array(65_515).fill(0x61)))).toBe('ok')
    expect(refusal(version1(sorted, utf8('hello')))).toBe('ok')
  })

  test('rejects bytes that are two messages at once', () => {
    // Read as the short form: format 2, and a text that begins in the application domain.
    const whole = build({ format: 2, signers: [new Uint8Array(32).fill(0x61)] })
    const twofold = build({ format: 2, signers: [new Uint8Array(32).fill(0x61)], domain: concat(Uint8Array.of(2), u16(whole.length - 20), new Uint8Array(29).fill(0x62)) })
    expect(codeOf(() => read(whole, null, 'message'))).toBe('ok')
    expect(codeOf(() => read(twofold, null, 'message'))).toBe('message_malformed')
  })

  test('rejects one for other signers', () => {
    expect(refusal(theirs0(0, 'hello', [yourAddress]))).toBe('tx_signer_mismatch')
    expect(refusal(theirs1('hello', [yourAddress]))).toBe('tx_signer_mismatch')
  })
})

describe('text', () => {
  test('any text that doesn’t begin with a control character', () => {
    fc.assert(
      fc.property(unicode, (text) => {
        fc.pre(!/^\p{Cc}/u.test(text))
        const { kind, actions, fields } = summaryOf(utf8(text))
        expect({ kind, actions, fields }).toEqual({ kind: 'sign_message', actions: [], fields: { message: visible(text).text } })
      }),
      { numRuns },
    )
  })

  test('keeps its line breaks and its emoji; a byte order mark is text like any other', () => {
    expect(summaryOf(utf8('\ufeffhi')).fields['message']).toBe('\\u{feff}hi')
    expect(summaryOf(utf8('a\r\nb\tc 👩🏽 ❤')).warnings).toEqual([])
    expect(summaryOf(utf8('a\r\nb\tc 👩🏽 ❤')).fields['message']).toBe('a\r\nb\tc 👩🏽 ❤')
  })

  test.each([
    ['\u202eabc', '202e'], ['a\u200bb', '200b'], ['a\0b', '0'], ['a\x1b[2Jb', '1b'], ['\ufeffhi', 'feff'], ['a\u2066b', '2066'], ['👩\u200d🚀', '200d'], ['a\rb', 'd'],
    ['a\u3164', '3164'], ['a\u{e0101}', 'e0101'], ['x\ufe01', 'fe01'], ['a\u2028b', '2028'],
  ])('warns of what hides, and writes it out: %j', (text, code) => {
    const { message } = summaryOf(utf8(text)).fields
    expect(message).toContain(`\\u{${code}}`)
    expect(message).not.toContain(String.fromCodePoint(Number.parseInt(code, 16)))
    expect(summaryOf(theirs0(2, text)).fields['message']).toBe(message)
    expect(summaryOf(theirs1(text)).fields['message']).toBe(message)
    expect(summaryOf(utf8(text)).warnings).toEqual(['hidden_characters'])
    expect(summaryOf(theirs0(1, text)).warnings).toEqual(['hidden_characters'])
  })

  test('rejects nothing at all, bytes that are no text, control characters in front, more than 128 KiB, a context', () => {
    for (const bad of [[], [0x80], [0xc0, 0x80], [0xc3], [0x61, 0xff], [0], [1], [9, 0x61], [10, 0x61], [0x1f], [0x7f, 0x61], [0xc2, 0x80]]) expect([bad, refusal(Uint8Array.from(bad))]).toEqual([bad, 'message_malformed'])
    expect(refusal(new Uint8Array(128 * 1024).fill(0x61))).toBe('ok')
    expect(refusal(new Uint8Array(128 * 1024 + 1).fill(0x61))).toBe('message_malformed')
    expect(codeOf(() => planFor(me, utf8('hi'), { raw: true }, 'message'))).toBe('parameters_malformed')
  })

  test('never is a transaction’s message', () => {
    // By its first byte alone: fewer than 32 signers, or a version that there could be.
    for (let first = 0; first < 256; first++) {
      const isTransaction = first < 0x20 || (first >= 0x80 && first < 0xc2)
      const tails = [utf8('aaaa'), new Uint8Array(0), Uint8Array.of(0x80), Uint8Array.of(0xa0, 0x80), Uint8Array.of(0x90, 0x80, 0x80)]
      const codes = tails.map((tail) => refusal(concat(Uint8Array.of(first), tail)))
      if (isTransaction) expect([first, ...new Set(codes)]).toEqual([first, 'message_malformed'])
    }
  })

  test('rejects the message of any transaction', () => {
    const messages = [1, 2, 9, 10, 13, 31].flatMap((signers) => {
      // Nothing but letters: keys, blockhash and data could be chosen so.
      const keys = Array.from({ length: signers + 1 }, (_, i) => new Uint8Array(32).fill(0x41 + i))
      const body = concat(Uint8Array.of(signers, 0, 0, keys.length), ...keys, new Uint8Array(32).fill(0x61), Uint8Array.of(1, signers, 1, 0, 2, 0x61, 0x62))
      return [body, concat(Uint8Array.of(0x80), body, Uint8Array.of(0))]
    })
    for (const message of messages) {
      const signers = message[0] === 0x80 ? message[1] : message[0]
      expect(VersionedTransaction.deserialize(concat(Uint8Array.of(signers as number), new Uint8Array(64 * (signers as number)), message)).message.header.numRequiredSignatures).toBe(signers)
      expect(refusal(message)).toBe('message_malformed')
    }
  })
})

test('any bytes at all: a code, never anything else', () => {
  const soup = fc.oneof(fc.uint8Array({ maxLength: 120 }), fc.tuple(fc.nat(), fc.nat(255), fc.constantFrom(theirs0(0, 'hello'), theirs1('hello'), short(0, utf8('hello')))).map(([at, to, good]) => good.map((byte, i) => (i === at % good.length ? to : byte))))
  fc.assert(
    fc.property(soup, (bytes) => {
      expect(codeOf(() => read(Uint8Array.from(bytes), null, 'message').plan(contextOf(mine)))).toMatch(/^(message_malformed|tx_signer_mismatch|ok)$/)
    }),
    { numRuns: process.env['SLOW'] === '1' ? 100_000 : 2000 },
  )
})
