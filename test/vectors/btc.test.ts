/** Bitcoin's vectors, each file through the same checks as `npm run vectors`: none fails, and most are no skips. */
import { readdirSync, readFileSync } from 'node:fs'
import { join } from 'node:path'
import { runBtc } from '../../scripts/vectors/btc.ts'
import { createReport } from '../../scripts/vectors/report.ts'
import { describeVectors } from '../support/core-vectors.ts'

const FOLDER = join(__dirname, '../../../shared/vectors/btc')
/** Of each file: how many checks pass at least. What is skipped is about scripts of several keys, proofs of funds, combining and finalising. */
const AT_LEAST: Readonly<Record<string, number>> = {
  'bip143.json': 4, 'bip322-basic.json': 12, 'bip322-generated.json': 24, 'bip340.json': 19, 'bip341-keypath.json': 7, 'bip341-scriptpubkey.json': 7,
  'core-rpc_psbt.json': 100, 'core-sighash.json': 500,
}

async function run(name: string, alter: (text: string) => string = (text) => text): Promise<{ passed: number; failed: number; lines: readonly string[] }> {
  const lines: string[] = []
  const report = createReport((line) => lines.push(line))
  const bytes = new TextEncoder().encode(alter(readFileSync(join(FOLDER, name), 'utf8')))
  await runBtc({ name: 'btc', files: [`btc/${name}`], read: (path) => (path === `btc/${name}` ? bytes : undefined) }, report)
  return { ...report.counts(), lines: lines.filter((line) => line.startsWith('FAIL')) }
}

describeVectors('btc')('Bitcoin', () => {
  test.each(Object.keys(AT_LEAST))('%s', async (name) => {
    const { passed, failed, lines } = await run(name)
    expect([failed, lines]).toEqual([0, []])
    expect(passed).toBeGreaterThanOrEqual(AT_LEAST[name] as number)
  }, 300_000)

  test('no file is left out', () => {
    expect(readdirSync(FOLDER).filter((name) => name.endsWith('.json')).sort()).toEqual(Object.keys(AT_LEAST).sort())
  })

  test.each<[string, (text: string) => string]>([
    ['bip340.json', (text) => text.replaceAll('"TRUE"', '"FALSE"')],
    ['bip341-scriptpubkey.json', (text) => text.replaceAll('"bip350Address": "bc1p', '"bip350Address": "bc1pp')],
    ['bip341-keypath.json', (text) => text.replaceAll('"amountSats": 4', '"amountSats": 5')],
    ['bip143.json', (text) => text.replaceAll('"10"', '"11"')],
    ['bip322-basic.json', (text) => text.replaceAll('"Hello World"', '"Hello world"')],
  ])('%s, altered, does not pass', async (name, alter) => {
    expect((await run(name, alter)).failed).toBeGreaterThan(0)
  }, 300_000)

  test('what is valid is not invalid', async () => {
    const { failed } = await run('core-rpc_psbt.json', (text) => text.replaceAll('"section": "invalid"', '"section": "valid"'))
    expect(failed).toBe(60)
  }, 300_000)
})
