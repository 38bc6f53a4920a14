import { createReplayGuard } from '../../enclave-sim/core/replay.ts'
import { LIMITS } from '../../lib/protocol/limits.ts'
import { codeOf } from '../support/core-codes.ts'

const FRESH = LIMITS.requestFreshMs
const id = (n: number): Uint8Array => Uint8Array.from([n >> 8, n & 255])

test('takes each id once, and again when it was given back', () => {
  const guard = createReplayGuard()
  expect(codeOf(() => guard.take(id(1), 0, 0))).toBe('ok')
  expect(codeOf(() => guard.take(id(1), 0, 0))).toBe('request_replayed')
  expect(codeOf(() => guard.take(id(2), 0, 0))).toBe('ok')
  guard.giveBack(id(1))
  expect(codeOf(() => guard.take(id(1), 0, 0))).toBe('ok')
})

test('forgets an id when no request with it can be fresh any more, and not before', () => {
  const guard = createReplayGuard()
  guard.take(id(1), FRESH, 0)
  for (const nowMs of [1, FRESH, 2 * FRESH]) expect(codeOf(() => guard.take(id(1), FRESH, nowMs))).toBe('request_replayed')
  expect(codeOf(() => guard.take(id(1), FRESH, 2 * FRESH + 1))).toBe('request_expired')
  expect(codeOf(() => guard.take(id(1), 4 * FRESH, 4 * FRESH))).toBe('ok')
})

test('is bounded: full it is busy, and forgets nothing that is still fresh', () => {
  const guard = createReplayGuard(3)
  for (let i = 0; i < 3; i++) guard.take(id(i), 0, 0)
  expect(codeOf(() => guard.take(id(3), 0, 0))).toBe('busy')
  expect(codeOf(() => guard.take(id(0), 0, 0))).toBe('request_replayed')
  expect(codeOf(() => guard.take(id(3), 2 * FRESH, FRESH + 2))).toBe('ok')
})
