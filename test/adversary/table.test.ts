/** The attacker table, measured: every attacker as a program, against one cloud. `npm run adversary` prints what is checked here. */
import { execFile } from 'node:child_process'
import { mkdtemp, readFile, rm } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { promisify } from 'node:util'
import { ATTACKERS, ALLOWED, cells, decodeRun, NOTHING, tally, violations, type Attacker, type Attempt, type Run } from '../../scripts/adversary/attempt.ts'

let run: Run
let dir: string

beforeAll(async () => {
  dir = await mkdtemp(join(tmpdir(), 'cloister-adversary-'))
  const out = join(dir, 'run.json')
  // Its exit code says whether there were violations: so does the file, and more of it.
  await promisify(execFile)(process.execPath, [join('scripts', 'adversary.ts'), '--out', out]).catch(() => undefined)
  run = decodeRun(await readFile(out, 'utf8'))
}, 1_800_000)
afterAll(() => rm(dir, { recursive: true, force: true }))

const of = (attacker: Attacker): Attempt[] => run.attempts.filter((attempt) => attempt.attacker === attacker)
const attempt = (attacker: Attacker, name: RegExp): Attempt => {
  const found = of(attacker).find((one) => name.test(one.attempt))
  if (found === undefined) throw new Error(`nobody tried ${name.source}`)
  return found
}

test('nobody won more than the threat model allows, and each was stopped by what should stop them', () => {
  expect(run.violations).toEqual([])
})

test('everybody tried', () => {
  expect(Object.fromEntries(ATTACKERS.map((attacker) => [attacker, of(attacker).length > 0]))).toEqual(Object.fromEntries(ATTACKERS.map((attacker) => [attacker, true])))
  expect(run.attempts.length).toBeGreaterThanOrEqual(90)
  for (const attacker of ['relay', 'host'] as const) expect(of(attacker).length).toBeGreaterThanOrEqual(20)
})

test('those who may win nothing won nothing; the others did win', () => {
  const won = tally(run.attempts)
  for (const attacker of ATTACKERS) {
    if (ALLOWED[attacker] === NOTHING) expect([attacker, won[attacker]]).toEqual([attacker, NOTHING])
    else expect([attacker, (won[attacker]?.guesses ?? 0) > 0]).toEqual([attacker, true])
  }
  expect(won['KMS key policy']).toMatchObject({ keys: expect.any(Number) as number, plaintexts: 1, signatures: 1 })
})

test('guesses within the limit: ten in a day and 39 in a month; with an owner who keeps succeeding, thirty and then one a day', () => {
  for (const attacker of ['identity provider', 'stolen token, proof none'] as const) {
    expect(attempt(attacker, /^guess PINs/)).toMatchObject({ won: { guesses: 39 }, note: '10 in 24 hours, 39 in 30 days' })
  }
  // The owner's own typing error is one of the thirty.
  for (const name of [attempt('identity provider', /^the same/), attempt('relay, proof none', /^guess PINs/)]) {
    expect(name).toMatchObject({ won: { guesses: 58 }, note: '29 in 24 hours, 58 in 30 days' })
  }
})

test('counters set back: five guesses on each enclave while it runs, and five a restart for who can start it anew', () => {
  expect(attempt('table and login together', /^guess/)).toMatchObject({ won: { guesses: 10 }, note: expect.stringMatching(/^5 on each of 2 enclaves/) as string })
  expect(attempt('host and login together', /./).note).toMatch(/^5 a restart/)
})

test('an earlier record put back: refused, and nothing signed with the PIN that it had', () => {
  expect(attempt('table and login together', /^put a record back/)).toMatchObject({ stopped: 'record_invalid', won: NOTHING })
  expect(attempt('database', /^restore/)).toMatchObject({ stopped: 'record_invalid', won: NOTHING })
})

test.each([
  'an app that pins the attacker’s image', 'a key policy without conditions', 'a key policy without PCR0', 'a key policy without PCR16',
  'an enclave that trusts another authority for KMS', 'a PIN that the identity provider knows',
  'an enclave that saw nothing later than the record that was put back',
])('with one guard missing it wins: %s', (missing) => {
  const contrast = run.contrasts.find((one) => one.missing === missing)
  expect(contrast?.won[contrast.kind]).toBeGreaterThan(0)
})

describe('a run is refused', () => {
  const fine: Attempt = { attacker: 'relay', attempt: 'x', stopped: 'stale', expected: 'stale', won: NOTHING }
  test.each<[string, Attempt]>([
    ['a key', { ...fine, won: { ...NOTHING, keys: 1 } }],
    ['a plaintext', { ...fine, won: { ...NOTHING, plaintexts: 1 } }],
    ['a signature', { ...fine, won: { ...NOTHING, signatures: 1 } }],
    ['a guess', { ...fine, won: { ...NOTHING, guesses: 1 } }],
    ['another end', { ...fine, stopped: 'unavailable' }],
    ['a guess past the limit', { ...fine, attacker: 'identity provider', won: { ...NOTHING, guesses: 61 } }],
  ])('for %s', (_name, bad) => {
    expect(violations([fine])).toEqual([])
    expect(violations([fine, bad])).toHaveLength(1)
  })
})

test('docs/threat-model.md says the same', async () => {
  const text = await readFile(join(process.cwd(), 'docs', 'threat-model.md'), 'utf8')
  const rows = /<!-- measured -->\n([\s\S]*?)\n\n/.exec(text)?.[1]?.split('\n').slice(2) ?? []
  const stated = Object.fromEntries(rows.map((row) => row.split('|').map((cell) => cell.trim())).map(([, attacker = '', ...rest]) => [attacker, rest.slice(0, 4)]))
  expect(stated).toEqual(Object.fromEntries(ATTACKERS.map((attacker) => [attacker, cells(attacker)])))
})
