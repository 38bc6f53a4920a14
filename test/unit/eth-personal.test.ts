/** personal_sign, Sign-In with Ethereum, bare hashes: digests as others make them, and what a person is told. */
import fc from 'fast-check'
import { hashMessage as ethersHash, verifyMessage } from 'ethers'
import { hashMessage, recoverAddress, toHex } from 'viem'
import { createSiweMessage } from 'viem/siwe'
import { readHash } from '../../lib/chains/ethereum/hash.ts'
import { readPersonalMessage } from '../../lib/chains/ethereum/personal.ts'
import { readSignIn } from '../../lib/chains/ethereum/siwe.ts'
import { visible } from '../../lib/chains/text.ts'
import { LIMITS } from '../../lib/protocol/limits.ts'
import { codeOf, flipped } from '../support/core-codes.ts'
import { ACCOUNT, digestOf, payload, planOf, RUNS, signPlan } from '../support/messages.ts'

const read = (data: Uint8Array | string, chain = 'eip155:1') => readPersonalMessage(payload('message', data, null, chain))
const plan = (data: Uint8Array | string, chain = 'eip155:1') => planOf(read(data, chain), { rawHash: true })

describe('personal_sign', () => {
  test('digests as viem and ethers make them', () => {
    fc.assert(
      fc.property(fc.oneof(fc.uint8Array({ maxLength: 300 }), fc.string({ unit: 'grapheme' }).map((text) => new TextEncoder().encode(text))), (array) => {
        const data = Uint8Array.from(array)
        const digest = toHex(digestOf(plan(data)))
        expect(digest).toBe(hashMessage({ raw: data }))
        expect(digest).toBe(ethersHash(data))
      }),
      { numRuns: RUNS },
    )
  })

  test('65 bytes, v 27 or 28, that recover to the account', async () => {
    const vs = new Set<number>()
    for (let i = 0; i < 8; i++) {
      const { signed, hash } = signPlan(plan(`message ${i}`))
      expect([signed.length, toHex(hash)]).toEqual([65, hashMessage(`message ${i}`)])
      expect(verifyMessage(`message ${i}`, toHex(signed))).toBe(ACCOUNT.address)
      expect(await recoverAddress({ hash: toHex(hash), signature: toHex(signed) })).toBe(ACCOUNT.address)
      vs.add(signed[64] as number)
    }
    expect(vs).toEqual(new Set([27, 28]))
  })

  test('a signature that is another key’s, altered, malleable or missing is not put in', () => {
    const mine = plan('hello')
    const good = { compact: signPlan(mine).signed.slice(0, 64), recovery: ((signPlan(mine).signed[64] as number) - 27) as 0 | 1 }
    expect(mine.assemble([good]).signed).toHaveLength(65)
    expect(() => signPlan(mine, new Uint8Array(32).fill(7))).toThrow('not from the account')
    expect(() => mine.assemble([{ ...good, recovery: good.recovery === 0 ? 1 : 0 }])).toThrow()
    expect(() => mine.assemble([{ ...good, compact: flipped(good.compact, 40) }])).toThrow()
    expect(() => mine.assemble([{ ...good, recovery: null }])).toThrow('not an ECDSA signature')
    expect(() => mine.assemble([])).toThrow('one signature')
    expect(() => mine.assemble([good, good])).toThrow('one signature')
    const order = 0xfffffffffffffffffffffffffffffffebaaedce6af48a03bbfd25e8cd0364141n
    const s = order - BigInt(toHex(good.compact.slice(32)))
    const high = Uint8Array.from([...good.compact.slice(0, 32), ...Buffer.from(s.toString(16).padStart(64, '0'), 'hex')])
    expect(() => mine.assemble([{ compact: high, recovery: good.recovery === 0 ? 1 : 0 }])).toThrow('malleable')
  })

  test.each([
    ['text', 'Hello, wörld! 👋🏽\n\tbye', { bytes: '28', text: 'Hello, wörld! 👋🏽\n\tbye' }, []],
    ['nothing', '', { bytes: '0', text: '' }, []],
    ['bytes that are no text', Uint8Array.of(0xff, 0), { bytes: '2', data: '0xff00' }, []],
    ['32 bytes', new Uint8Array(32).fill(0x80), { bytes: '32', data: `0x${'80'.repeat(32)}` }, ['looks_like_hash']],
    ['text that runs backwards', 'pay \u202e001', { bytes: '10', text: 'pay \\u{202e}001' }, ['hidden_characters']],
    ['a byte order mark', '\ufeffhello', { bytes: '8', text: '\\u{feff}hello' }, ['hidden_characters']],
  ] as const)('%s: what is shown', (_, data, fields, warnings) => {
    expect(plan(data).summary).toEqual({ chain: 'eip155:1', kind: 'personal_sign', actions: [{ action: 'sign_message', fields: {} }], fields, warnings })
  })

  test('32 bytes that are not printable text are signed only where bare hashes are', () => {
    const hashes = [new Uint8Array(32).fill(0x80), 'a'.repeat(31) + '\n', 'é'.repeat(16), 'a'.repeat(29) + '\u200b', '\u0000'.repeat(32), 'a'.repeat(31) + '\u007f']
    for (const data of hashes) {
      expect(codeOf(() => planOf(read(data)))).toBe('payload_not_permitted')
      expect(planOf(read(data), { rawHash: true }).summary.warnings).toContain('looks_like_hash')
    }
    expect(planOf(read(`${'a'.repeat(30)} ~`)).summary.warnings).toEqual(['looks_like_hash'])
    for (const length of [31, 33]) expect(planOf(read(new Uint8Array(length).fill(0x80))).summary.warnings).toEqual([])
  })

  test('refused: too much, a context, a chain that is none', () => {
    expect(codeOf(() => plan(new Uint8Array(LIMITS.maxPayloadBytes)))).toBe('ok')
    expect(codeOf(() => plan(new Uint8Array(LIMITS.maxPayloadBytes + 1)))).toBe('tx_too_large')
    expect(codeOf(() => readPersonalMessage(payload('message', 'hello', {})))).toBe('parameters_malformed')
    expect(codeOf(() => plan('hello', 'eip155:01'))).toBe('chain_unknown')
    expect(codeOf(() => plan('hello', 'bip122:1'))).toBe('chain_unknown')
  })
})

test.each([
  '\u0000', '\r', '\u001b', '\u007f', '\u0085', '\u00ad', '\u200b', '\u200f', '\u2028', '\u2029', '\u2066',
  '\u2800', '\u3164', '\u115f', '\u1160', '\ue000', '\ufe00', '\ufe0f', '\u{e0000}', '\u{e0041}', '\u{e007f}', '\u{e0100}', '\u{e01ef}',
])(
  'not seen as it is: %j',
  (char) => expect(visible(`a${char}b`)).toEqual({ text: `a\\u{${(char.codePointAt(0) as number).toString(16)}}b`, isHidden: true }),
)

test.each(['\n', '\t', '\r\n', 'é', '漢', '👍🏿', '❤', '\ud83d\ude00'])('seen as it is: %j', (char) => {
  expect(visible(`a${char}b`)).toEqual({ text: `a${char}b`, isHidden: false })
})

describe('Sign-In with Ethereum', () => {
  const FIELDS = { domain: 'example.com', address: ACCOUNT.address as `0x${string}`, uri: 'https://example.com/login', version: '1', chainId: 1, nonce: 'abcdefgh12' } as const
  const issuedAt = new Date('2026-01-02T03:04:05.678Z')
  const message = createSiweMessage({ ...FIELDS, issuedAt, statement: 'I accept the terms.' })

  test('as viem writes it: every field', () => {
    const full = createSiweMessage({
      ...FIELDS, issuedAt, statement: 'I accept.', scheme: 'https', expirationTime: issuedAt, notBefore: issuedAt, requestId: 'r-1', resources: ['ipfs://a', 'https://b/c'],
    })
    const time = '2026-01-02T03:04:05.678Z'
    expect(plan(full).summary.actions).toEqual([
      {
        action: 'sign_in',
        fields: {
          ...FIELDS, chainId: '1', issuedAt: time, statement: 'I accept.', scheme: 'https', expirationTime: time, notBefore: time, requestId: 'r-1',
          'resources[0]': 'ipfs://a', 'resources[1]': 'https://b/c',
        },
      },
    ])
    expect(plan(full).summary.warnings).toEqual([])
    expect(plan(createSiweMessage({ ...FIELDS, issuedAt })).summary.actions[0]).toMatchObject({ action: 'sign_in', fields: { domain: 'example.com' } })
  })

  test('refused for another chain, and for another account', () => {
    expect(codeOf(() => plan(message))).toBe('ok')
    expect(codeOf(() => plan(message, 'eip155:10'))).toBe('tx_chain_id_mismatch')
    const other = createSiweMessage({ ...FIELDS, issuedAt, address: '0x000000000000000000000000000000000000dEaD' })
    expect(codeOf(() => readPersonalMessage(payload('message', other)))).toBe('ok')
    expect(codeOf(() => plan(other))).toBe('tx_signer_mismatch')
  })

  test.each<[string, (text: string) => string]>([
    ['a line more', (text) => `${text}\n`],
    ['a line before', (text) => `\n${text}`],
    ['another version', (text) => text.replace('Version: 1', 'Version: 2')],
    ['a short nonce', (text) => text.replace('abcdefgh12', 'abc')],
    ['no URI', (text) => text.replace(/URI: .*\n/, '')],
    ['two of them', (text) => text.replace('Version: 1', 'URI: https://b.c\nVersion: 1')],
    ['another order', (text) => text.replace(/(Version: 1)\n(Chain ID: 1)/, '$2\n$1')],
    ['a time that is none', (text) => text.replace('2026-01', '2026-13')],
    ['an address without checksum', (text) => text.replace(ACCOUNT.address, ACCOUNT.address.toLowerCase())],
    ['a domain with a space', (text) => text.replace('example.com wants', 'example.com or not wants')],
    ['a statement that is not ASCII', (text) => text.replace('terms', 'térms')],
    ['other line ends', (text) => text.replaceAll('\n', '\r\n')],
    ['other capitals', (text) => text.replace('Ethereum account', 'ethereum Account')],
    ['no blank after the address', (text) => text.replace('\n\nI accept', '\nI accept')],
    ['resources that are none', (text) => `${text}\nResources:\nhttps://b.c`],
  ])('not quite one is said to be malformed: %s', (_, alter) => {
    expect(readSignIn(message)).toBeDefined()
    const { summary } = plan(alter(message))
    expect([summary.warnings, summary.actions[0]?.action]).toEqual([['siwe_malformed'], 'sign_message'])
  })
})

describe('a bare hash', () => {
  const hash = new Uint8Array(32).fill(9)
  const allowed = { rawHash: true }

  test('is signed where the wallet permits it, and said to be one', async () => {
    const it = planOf(readHash(payload('hash', hash)), allowed)
    const fields = { hash: toHex(hash) }
    expect(it.summary).toEqual({ chain: 'eip155:1', kind: 'hash', actions: [{ action: 'sign_hash', fields }], fields, warnings: ['raw_hash'] })
    const done = signPlan(it)
    expect(await recoverAddress({ hash: toHex(hash), signature: toHex(done.signed) })).toBe(ACCOUNT.address)
    expect(done.hash).toEqual(hash)
  })

  test('is refused where it does not, when it has another length, and with a context', () => {
    expect(codeOf(() => planOf(readHash(payload('hash', hash))))).toBe('payload_not_permitted')
    for (const length of [0, 31, 33]) expect(codeOf(() => readHash(payload('hash', new Uint8Array(length))))).toBe('message_malformed')
    expect(codeOf(() => readHash(payload('hash', hash, {})))).toBe('parameters_malformed')
    expect(codeOf(() => readHash(payload('hash', hash, null, 'eip155:')))).toBe('chain_unknown')
  })
})
