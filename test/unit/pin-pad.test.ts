/** The PIN pad's parts that need no page; the pad itself is tried in a real browser (test/browser). */
import fc from 'fast-check'
import { createDigits } from '../../client/pin-pad/digits.ts'
import { describeGuesses, formatWait } from '../../client/pin-pad/guesses.ts'
import { ORDERED_DIGITS, shuffledDigits } from '../../client/pin-pad/shuffle.ts'

const ascii = (text: string): number[] => [...Buffer.from(text)]

describe('digits', () => {
  test('are handed out once, in ASCII, over a buffer of their own', () => {
    const digits = createDigits(6)
    for (const digit of [4, 9, 0]) expect(digits.add(digit)).toBe(true)
    expect(digits.count).toBe(3)
    const taken = digits.take()
    expect([...taken]).toEqual(ascii('490'))
    expect(taken.buffer.byteLength).toBe(3)
    expect(digits.count).toBe(0)
    expect([...digits.take()]).toEqual([])
  })

  test('past the maximum, and what is no digit, is not taken', () => {
    const digits = createDigits(2)
    for (const wrong of [-1, 10, 1.5, Number.NaN]) expect(digits.add(wrong)).toBe(false)
    digits.add(1)
    digits.add(2)
    expect(digits.add(3)).toBe(false)
    expect([...digits.take()]).toEqual(ascii('12'))
  })

  test('whatever is typed, deleted and wiped: what comes out is what a list would hold', () => {
    fc.assert(fc.property(fc.array(fc.oneof(fc.integer({ min: 0, max: 9 }), fc.constantFrom('back', 'wipe', 'take'))), (actions) => {
      const digits = createDigits(5)
      let model: number[] = []
      for (const action of actions) {
        if (action === 'back') {
          digits.removeLast()
          model.pop()
        } else if (action === 'wipe') {
          digits.wipe()
          model = []
        } else if (action === 'take') {
          expect([...digits.take()]).toEqual(model.map((digit) => 0x30 + digit))
          model = []
        } else {
          digits.add(action)
          if (model.length < 5) model.push(action)
        }
        expect(digits.count).toBe(model.length)
      }
    }))
  })
})

describe('shuffled keys', () => {
  test('are the ten digits, whatever the random source gives', () => {
    fc.assert(fc.property(fc.infiniteStream(fc.integer({ min: 0, max: 255 })), (bytes) => {
      // A constant source would never leave the rejected range; a real one does.
      const random = (): number => bytes.next().value as number
      let rejected = 0
      const bounded = (): number => {
        const byte = random()
        return byte >= 250 && rejected++ > 50 ? 0 : byte
      }
      expect([...shuffledDigits(bounded)].sort((a, b) => a - b)).toEqual([0, 1, 2, 3, 4, 5, 6, 7, 8, 9])
    }))
  })

  test('bytes past the last whole multiple are thrown away: no order comes up more often', () => {
    // 250 to 255 would favour the first six places among ten.
    const asked = [255, 250, 9, 252, 8, 7, 6, 5, 4, 3, 2, 1]
    const order = shuffledDigits(() => asked.shift() ?? 0)
    expect(order).toEqual([0, 1, 2, 3, 4, 5, 6, 7, 8, 9])
  })

  test('the system’s random source is the default', () => {
    const orders = new Set(Array.from({ length: 20 }, () => shuffledDigits().join('')))
    expect(orders.size).toBeGreaterThan(15)
    expect(ORDERED_DIGITS.join('')).toBe('1234567890')
  })
})

describe('guesses', () => {
  const NOW = 1_790_000_000_000

  test.each([
    [null, ''],
    [{ guessesLeft: 5, lockedUntilMs: 0 }, ''],
    [{ guessesLeft: 3, lockedUntilMs: 0 }, '3 tries left before a wait'],
    [{ guessesLeft: 1, lockedUntilMs: 0 }, 'Last try before a longer wait'],
    [{ guessesLeft: 0, lockedUntilMs: NOW - 1 }, 'Last try before a longer wait'],
  ])('%j leaves the pad open and says %j', (guesses, text) => {
    expect(describeGuesses(guesses, NOW)).toEqual({ locked: false, text, spoken: text })
  })

  test('a lock counts down and is spoken of once', () => {
    const at = (ms: number) => describeGuesses({ guessesLeft: 0, lockedUntilMs: NOW + 60_000 }, NOW + ms)
    expect(at(0)).toMatchObject({ locked: true, text: 'Too many wrong PINs. Try again in 1:00' })
    expect(at(59_001).text).toContain('0:01')
    expect(at(1000).spoken).toBe(at(2000).spoken)
    expect(at(60_000).locked).toBe(false)
  })

  test.each([[0, '0:00'], [1, '0:01'], [59_999, '1:00'], [900_000, '15:00'], [86_399_000, '23:59:59'], [-5, '0:00']])('%d ms is %s', (ms, text) => {
    expect(formatWait(ms)).toBe(text)
  })
})
