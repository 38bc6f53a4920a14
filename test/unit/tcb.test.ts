import { cpSync, mkdirSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { checkBudget, parseBudget, type Budget } from '../../scripts/tcb/budget.ts'
import { readTrustedBase, shareOf, sum, type Package, type TrustedBase } from '../../scripts/tcb/trusted-base.ts'

const ROOT = process.cwd()
const dirs: string[] = []
const newDir = (): string => {
  const dir = mkdtempSync(join(tmpdir(), 'cloister-test-tcb-'))
  dirs.push(dir)
  return dir
}
afterAll(() => dirs.forEach((dir) => rmSync(dir, { recursive: true })))

const readBudget = (): Budget => parseBudget(readFileSync(join(ROOT, 'docs', 'tcb-budget.json'), 'utf8'))

describe('the enclave', () => {
  let base: TrustedBase
  beforeAll(async () => {
    base = await readTrustedBase({ root: ROOT, entry: 'enclave-sim/main.ts', outDir: newDir() })
  }, 60_000)

  test('keeps to its budget', () => {
    expect(checkBudget(base, readBudget())).toEqual([])
  })

  test.each(['ownLines', 'packageLines', 'bundleBytes'] as const)('%s: refused when it is one more than the budget, and not when it is just that', (name) => {
    const actual = { ownLines: sum(base.rooms).lines, packageLines: sum(base.packages).lines, bundleBytes: base.bundleBytes }[name]
    expect(checkBudget(base, { ...readBudget(), [name]: actual })).toEqual([])
    expect(checkBudget(base, { ...readBudget(), [name]: actual - 1 })).toEqual([`${name}: ${actual}, and the budget is ${actual - 1}`])
  })

  test.each(['direct', 'transitive'] as const)('%s packages: one too many is refused, and so is one that is gone', (list) => {
    const budget = readBudget()
    const [first, ...others] = budget[list]
    expect(checkBudget(base, { ...budget, [list]: others })).toEqual([`${list}: ${first} is in the bundle, and not in the budget`])
    expect(checkBudget(base, { ...budget, [list]: [...budget[list], 'left-pad'] })).toEqual([`${list}: left-pad is in the budget, and not in the bundle`])
  })

  test('counts every byte of the bundle but the glue between files, and nothing of the simulator’s own side', () => {
    const { bytes } = sum([...base.rooms, ...base.packages])
    expect(base.bundleBytes - bytes).toBeGreaterThanOrEqual(0)
    expect(base.bundleBytes - bytes).toBeLessThan(0.05 * base.bundleBytes)
    expect(base.sources.filter(({ path }) => /^(enclave-sim\/platform\/simulator|local|test|scripts|client|functions)\//.test(path))).toEqual([])
    expect(base.beside.map(({ name }) => name)).toEqual(['argon2.node'])
  })

  test('is argued package by package in docs/threat-model.md, with its share of the bundle', () => {
    const page = readFileSync(join(ROOT, 'docs', 'threat-model.md'), 'utf8')
    const argued = [...page.matchAll(/^\| `([^`]+)`(?: (\d+)|, native) \| [^|]+ \| [^|]+ \| [^|]+ \|$/gm)].map(([, name = '', kb]) => [name, kb] as const)
    expect(argued.map(([name]) => name).sort()).toEqual(base.packages.map(({ name }) => name).sort())
    for (const { name, bytes } of base.packages) {
      const kb = argued.find(([one]) => one === name)?.[1]
      if (kb !== undefined) expect(Math.abs(bytes / 1000 - Number(kb))).toBeLessThan(2)
    }
  })

  test('the AWS SDK is not in it, nor anything of it', () => {
    expect(base.packages.map(({ name }) => name).filter((name) => /^@(aws|aws-sdk|aws-crypto|smithy)\//.test(name))).toEqual([])
  })
})

describe('a small project', () => {
  /** `direct` brings `hidden`, and a `shared` of its own beside the project's. */
  function project(main: string): string {
    const root = newDir()
    const files = {
      'package.json': '{"type":"module"}',
      'room/main.ts': main,
      'node_modules/direct/package.json': '{"name":"direct","version":"1.0.0","type":"module","main":"index.js"}',
      'node_modules/direct/index.js': "export { hidden } from 'hidden'\nexport { shared } from 'shared'\n",
      'node_modules/direct/node_modules/shared/package.json': '{"name":"shared","version":"0.9.0","type":"module","main":"index.js"}',
      'node_modules/direct/node_modules/shared/index.js': 'export const shared = globalThis.old\n',
      'node_modules/hidden/package.json': '{"name":"hidden","version":"2.0.0","type":"module","main":"index.js"}',
      'node_modules/hidden/index.js': 'export const hidden = globalThis.hidden\n',
      'node_modules/shared/package.json': '{"name":"shared","version":"1.0.0","type":"module","main":"index.js"}',
      'node_modules/shared/index.js': 'export const shared = globalThis.current\n',
    }
    for (const [path, text] of Object.entries(files)) {
      mkdirSync(join(root, path, '..'), { recursive: true })
      writeFileSync(join(root, path), text)
    }
    cpSync(join(ROOT, 'node_modules', '@node-rs'), join(root, 'node_modules', '@node-rs'), { recursive: true })
    return root
  }
  const read = (main: string): Promise<TrustedBase> => readTrustedBase({ root: project(main), entry: 'room/main.ts', outDir: newDir() })
  const brief = ({ packages }: TrustedBase): string[] => packages.map(({ name, version, direct }) => `${name} ${version} ${direct ? 'direct' : 'transitive'}`).toSorted()
  const budget: Budget = { ownLines: 2, packageLines: 10, bundleBytes: 10_000, direct: [], transitive: [] }

  test('without a package: our own file alone', async () => {
    const base = await read('console.log(1)\n')
    expect(base).toMatchObject({ packages: [], rooms: [{ room: 'room', files: 1, lines: 1 }] })
    expect(checkBudget(base, budget)).toEqual([])
  })

  test('one import more, and every package that it brings is named: one that only passes on, two versions of one', async () => {
    const base = await read("import { hidden, shared } from 'direct'\nconsole.log(hidden, shared)\n")
    expect(brief(base)).toEqual(['direct 1.0.0 direct', 'hidden 2.0.0 transitive', 'shared 0.9.0 transitive'])
    const both = await read("import { hidden, shared } from 'direct'\nimport { shared as ours } from 'shared'\nconsole.log(hidden, shared, ours)\n")
    expect(brief(both)).toEqual(['direct 1.0.0 direct', 'hidden 2.0.0 transitive', 'shared 0.9.0 transitive', 'shared 1.0.0 direct'])
    expect(checkBudget(both, { ...budget, direct: ['direct', 'shared'], transitive: ['hidden'] })).toEqual([
      'ownLines: 3, and the budget is 2',
      'transitive: shared is in the bundle, and not in the budget',
    ])
  })
})

describe('shareOf', () => {
  const one = (name: string, direct: boolean, ...imports: string[]): Package => ({ name, version: '1', direct, imports, files: 1, lines: 1, bytes: 1 })
  const packages = [one('big', true, 'helper', 'common'), one('small', true, 'common'), one('helper', false, 'helper-of-helper'), one('helper-of-helper', false), one('common', false)]

  test('takes what only those bring, not what others need as well', () => {
    expect(shareOf(packages, (name) => name === 'big').map(({ name }) => name)).toEqual(['big', 'helper', 'helper-of-helper'])
    expect(shareOf(packages, () => false)).toEqual([])
  })
})

describe('parseBudget', () => {
  const valid = { ownLines: 1, packageLines: 2, bundleBytes: 3, direct: ['@a/b'], transitive: [] }
  test('reads one', () => expect(parseBudget(JSON.stringify(valid))).toEqual(valid))
  test.each([
    ['a limit that is missing', { ...valid, ownLines: undefined }],
    ['one that is misspelt', { ...valid, ownLine: 1 }],
    ['one that is no number', { ...valid, bundleBytes: '3' }],
    ['one that is none', { ...valid, bundleBytes: null }],
    ['a package without a name', { ...valid, direct: [''] }],
    ['no list', { ...valid, transitive: {} }],
  ])('rejects %s', (_, budget) => {
    expect(() => parseBudget(JSON.stringify(budget))).toThrow('malformed')
  })
})
