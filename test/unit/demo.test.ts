/** What the wallet page works out by itself: amounts, QR codes, names for authenticator apps, PINs that are too easy. */
import { createHash } from 'node:crypto'
import fc from 'fast-check'
import { formatEther, parseEther, shortEther } from '../../client/demo/amounts.ts'
import { isEasy } from '../../client/demo/easy-pins.ts'
import { formatBits, qrCode } from '../../client/demo/qr/qr.ts'
import { correction, multiply } from '../../client/demo/qr/reed-solomon.ts'
import { base32, otpauthUri } from '../../client/demo/totp.ts'
import { prepareTransfer } from '../../client/demo/transfer.ts'
import { encodeCbor } from '../../lib/protocol/cbor.ts'
import { summaryValue } from '../../lib/chains/chain.ts'
import { chainOf } from '../../lib/chains/registry.ts'
import { NO_PERMISSIONS, type Account } from '../../lib/protocol/operations.ts'
import { decode } from '../support/qr.ts'

const bytes = (text: string): Uint8Array => new Uint8Array(Buffer.from(text))

describe('amounts', () => {
  test.each([['1', 10n ** 18n], ['0.01', 10n ** 16n], [' 0.000000000000000001 ', 1n], ['0', 0n], ['123456789012', 123456789012n * 10n ** 18n]])('%j is %d wei', (text, wei) => {
    expect(parseEther(text)).toBe(wei)
  })

  test.each(['', '.', '1.', '.5', '-1', '+1', '1e3', '1,5', '0x1', '1 2', '1.0000000000000000001', '1234567890123', '١'])('%j is no amount', (text) => {
    expect(parseEther(text)).toBeUndefined()
  })

  test('what is written is read back; the short form never says more than there is', () => {
    fc.assert(fc.property(fc.bigInt({ min: 0n, max: 10n ** 29n }), (wei) => {
      expect(parseEther(formatEther(wei))).toBe(wei)
      const short = parseEther(shortEther(wei)) as bigint
      expect(short <= wei && wei - short < 10n ** 12n).toBe(true)
    }))
  })
})

describe('easy PINs', () => {
  test.each(['0000', '111111', '1234', '456789', '9876', '3210'])('%s is', (pin) => expect(isEasy(bytes(pin))).toBe(true))
  test.each(['493817', '1122', '1357', '1243', '0001'])('%s is not', (pin) => expect(isEasy(bytes(pin))).toBe(false))
})

describe('QR codes', () => {
  test('the format information of level L is the standard’s (ISO/IEC 18004, table C.1)', () => {
    const published = ['111011111000100', '111001011110011', '111110110101010', '111100010011101', '110011000101111', '110001100011000', '110110001000001', '110100101110110']
    expect(published.map((_, mask) => formatBits(mask).toString(2))).toEqual(published)
  })

  test('codewords with their correction are divisible: every syndrome is zero; one changed byte is noticed', () => {
    fc.assert(fc.property(fc.uint8Array({ minLength: 19, maxLength: 108 }), fc.constantFrom(7, 10, 15, 20, 26), (data, degree) => {
      const syndromes = (codewords: readonly number[]): number[] =>
        Array.from({ length: degree }, (_, power) => codewords.reduce((sum, codeword) => multiply(sum, powerOf(power)) ^ codeword, 0))
      const whole = [...data, ...correction(data, degree)]
      expect(syndromes(whole).every((syndrome) => syndrome === 0)).toBe(true)
      expect(syndromes([(whole[0] as number) ^ 1, ...whole.slice(1)]).some((syndrome) => syndrome !== 0)).toBe(true)
    }))
  })

  test('a reader of our own, written from the standard, reads every length back', () => {
    for (let length = 1; length <= 106; length++) {
      const content = Uint8Array.from({ length }, (_, index) => (index * 37 + length) & 255)
      expect(decode(qrCode(content) ?? [])).toEqual(content)
    }
    expect(qrCode(new Uint8Array(107))).toBeUndefined()
  })

  test('the address of a second factor fits', () => {
    expect(qrCode(bytes(otpauthUri(base32(new Uint8Array(20).fill(255)))))).toBeDefined()
  })
})

test.each([['', ''], ['f', 'MY'], ['fo', 'MZXQ'], ['foo', 'MZXW6'], ['foob', 'MZXW6YQ'], ['fooba', 'MZXW6YTB'], ['foobar', 'MZXW6YTBOI']])(
  'base32 of %j is %s (RFC 4648 §10, without padding)', (text, expected) => {
    expect(base32(bytes(text))).toBe(expected)
  })

test('what is shown of a transfer is read from the bytes that are signed, and its hash goes with them', async () => {
  const address = '0xf39Fd6e51aad88F6F4ce6aB8827279cffFb92266'
  const account: Account = { namespace: 'eip155', path: "m/44'/60'/0'/0/0", address, publicKey: new Uint8Array(33).fill(2), chainCode: null }
  const answers: Record<string, unknown> = { eth_getTransactionCount: '0x7', eth_estimateGas: '0x5208', eth_maxPriorityFeePerGas: '0x1', eth_getBlockByNumber: { baseFeePerGas: '0x3b9aca00' } }
  const to = '0x000000000000000000000000000000000000dEaD'
  const request = { account, accounts: [account], permissions: NO_PERMISSIONS, to, amount: 5n }
  const transfer = await prepareTransfer(async (method) => answers[method], request)
  const { summary } = chainOf('eip155').read({ chain: 'eip155:31337', kind: 'transaction', data: transfer.data, context: null }).plan(request)
  expect(transfer.summary).toEqual(summary)
  expect(summary.actions).toEqual([{ action: 'transfer', fields: { from: address, to, amount: '5' } }])
  expect(summary.fields).toMatchObject({ nonce: '7', gasLimit: '21000', maxFeePerGas: '2000000001', maxPriorityFeePerGas: '1' })
  expect(transfer.maximumFee).toBe(21_000n * 2_000_000_001n)
  expect(Buffer.from(transfer.summaryHash)).toEqual(createHash('sha256').update(encodeCbor(summaryValue(summary))).digest())
})

const powerOf = (exponent: number): number => Array.from({ length: exponent }).reduce<number>((power) => multiply(power, 2), 1)
