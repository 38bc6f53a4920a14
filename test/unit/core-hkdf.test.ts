import { hkdfSync } from 'node:crypto'
import fc from 'fast-check'
import { hkdf } from '../../enclave-sim/core/sealing.ts'
import { hex, toHex } from '../support/core-vectors.ts'

describe('HKDF-SHA256 without salt', () => {
  test('RFC 5869, test case 3', () => {
    expect(toHex(hkdf(new Uint8Array(22).fill(11), ''))).toBe('8da4e775a563c18f715f802a063c5a31b8a11f5c5ee1879ec3454e5f3c738d2d')
  })

  test('what node:crypto derives, and another key for another label', () => {
    fc.assert(
      fc.property(fc.uint8Array({ minLength: 1, maxLength: 200 }), fc.string(), (input, info) => {
        expect(toHex(hkdf(input, info))).toBe(toHex(new Uint8Array(hkdfSync('sha256', input, new Uint8Array(), Buffer.from(info), 32))))
      }),
      { numRuns: 100 },
    )
    expect(hkdf(hex('00'), 'a')).not.toEqual(hkdf(hex('00'), 'b'))
  })
})
