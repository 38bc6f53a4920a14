/** Where EVM accounts are derived. */
import { ethereum } from '../../lib/chains/ethereum/ethereum.ts'
import { codeOf } from '../support/core-codes.ts'

test.each<[string | null | undefined, string]>([
  [undefined, "m/44'/60'/0'/0/3"],
  [null, "m/44'/60'/0'/0/3"],
  ['bip44', "m/44'/60'/0'/0/3"],
  ['ledger-live', "m/44'/60'/3'/0/0"],
  ['ledger-legacy', "m/44'/60'/0'/3"],
  ['kaia', "m/44'/8217'/0'/0/3"],
])('variant %s', (variant, path) => {
  expect(ethereum.path(3, variant)).toBe(path)
  expect(ethereum.accepts(path)).toBe(true)
})

test('each variant that is named is known, and accepted', () => {
  for (const variant of ethereum.variants) expect(ethereum.accepts(ethereum.path(2 ** 31 - 1, variant))).toBe(true)
})

test('rejects an index that is none, and a variant of another chain', () => {
  for (const index of [-1, 0.5, 2 ** 31, Number.NaN]) expect(codeOf(() => ethereum.path(index))).toBe('account_path_invalid')
  for (const variant of ['', 'bip86', '__proto__', 'constructor']) expect(codeOf(() => ethereum.path(0, variant))).toBe('account_path_invalid')
})

test.each(['m', "m/44'", "m/44'/60'", "m/44'/0'/0'/0/0", "m/49'/60'/0'/0/0", "m/44/60'/0'/0/0", "m/44'/60'/0'/0/0/0/0", "m/44'/60'/00'/0/0", "m/44'/60'/0'/0/2147483648", "m/44'/60'/0'/0/0 ", "44'/60'/0'/0/0"])(
  'rejects %j',
  (path) => {
    expect(ethereum.accepts(path)).toBe(false)
  },
)
