/** .github/workflows: pinned, with the least permissions, without stored keys, and with nothing that a shell would take for its own. */
import { spawnSync } from 'node:child_process'
import { readdirSync, readFileSync } from 'node:fs'
import { readFile } from 'node:fs/promises'
import { join } from 'node:path'
import { CORE_SCHEMA, load } from 'js-yaml'
import { stateDir } from '../support/local.ts'

interface Step {
  readonly name?: string
  readonly uses?: string
  readonly run?: string
  readonly with?: Readonly<Record<string, unknown>>
}

interface Job {
  readonly uses?: string
  readonly permissions?: Readonly<Record<string, string>>
  readonly environment?: string
  readonly needs?: string
  readonly env?: Readonly<Record<string, string>>
  readonly steps?: readonly Step[]
}

interface Workflow {
  readonly on: Readonly<Record<string, unknown>>
  readonly permissions: Readonly<Record<string, string>>
  readonly jobs: Readonly<Record<string, Job>>
}

const FOLDER = join('.github', 'workflows')
const FILES = readdirSync(FOLDER)
const textOf = (file: string): string => readFileSync(join(FOLDER, file), 'utf8')
const workflow = (file: string): Workflow => load(textOf(file), { schema: CORE_SCHEMA }) as Workflow
const stepsOf = (file: string): readonly Step[] => Object.values(workflow(file).jobs).flatMap(({ steps = [] }) => steps)

/** Commits of releases, looked up in the actions' repositories. */
const PINNED: Readonly<Record<string, string>> = {
  'actions/checkout@3d3c42e5aac5ba805825da76410c181273ba90b1': 'v7.0.1',
  'actions/setup-node@820762786026740c76f36085b0efc47a31fe5020': 'v7.0.0',
  'aws-actions/configure-aws-credentials@e6de054238d6b7531b4efff3b6587d9aade6a06c': 'v6.2.3',
}

test('there are two', () => expect(FILES.sort()).toEqual(['deploy.yml', 'test.yml']))

describe.each(FILES)('%s', (file) => {
  test('names each action by a commit that was looked up, and says which release it is', () => {
    const used = stepsOf(file).flatMap(({ uses }) => uses ?? [])
    expect(used.length).toBeGreaterThan(0)
    for (const action of used) {
      expect(Object.keys(PINNED)).toContain(action)
      expect(textOf(file)).toContain(`${action} # ${PINNED[action]}\n`)
    }
    for (const { uses } of Object.values(workflow(file).jobs)) if (uses !== undefined) expect(uses).toMatch(/^\.\//)
  })

  test('has no permissions but to read, and one job may ask for a token of GitHub\'s', () => {
    expect(workflow(file).permissions).toEqual({ contents: 'read' })
    const more = Object.entries(workflow(file).jobs).filter(([, { permissions }]) => permissions !== undefined)
    expect(more.map(([name, { permissions }]) => [name, permissions])).toEqual(file === 'deploy.yml' ? [['deploy', { contents: 'read', 'id-token': 'write' }]] : [])
  })

  test('uses no secrets and stores no credentials', () => {
    expect(textOf(file)).not.toMatch(/\$\{\{[^}]*secrets|access-key|AKIA/i)
    for (const { uses, with: options } of stepsOf(file)) if (uses?.startsWith('actions/checkout@') === true) expect(options).toEqual({ 'persist-credentials': false })
  })

  test('puts no expression into a shell', () => {
    for (const { run = '' } of stepsOf(file)) {
      expect(run).not.toContain('${{')
      expect(spawnSync('bash', ['-n'], { input: run, encoding: 'utf8' })).toMatchObject({ status: 0, stderr: '' })
    }
  })

  test('does not run for others\' code with our rights', () => {
    expect(Object.keys(workflow(file).on)).not.toContain('pull_request_target')
    expect(Object.keys(workflow(file).on)).not.toContain('workflow_run')
  })
})

describe('deploy.yml', () => {
  const job = workflow('deploy.yml').jobs['deploy'] as Job
  const run = (name: string): string => ((job.steps ?? []).find((step) => step.name === name) as Step).run as string

  test('is started by hand, after the tests, in an environment; credentials come after npm ci', () => {
    expect(Object.keys(workflow('deploy.yml').on)).toEqual(['workflow_dispatch'])
    expect(job).toMatchObject({ needs: 'test', environment: '${{ inputs.stage }}' })
    const steps = (job.steps ?? []).map(({ uses, run: command }) => uses ?? command ?? '')
    const at = (start: string): number => steps.findIndex((step) => step.startsWith(start))
    expect([at('npm ci'), at('aws-actions/'), at('npx serverless deploy')].every((index, i, all) => index > (all[i - 1] ?? -1))).toBe(true)
  })

  test('sets what serverless.yml reads, and nothing that it does not', () => {
    const read = [...readFileSync('serverless.yml', 'utf8').matchAll(/\$\{env:(CLOISTER_\w+)/g)].map((match) => match[1])
    const set = [...Object.keys(job.env ?? {}).filter((name) => name.startsWith('CLOISTER_')), 'CLOISTER_APPROVED_IMAGES', 'CLOISTER_APPROVED_CONFIGURATIONS']
    expect(set.sort()).toEqual([...new Set(read as string[])].sort())
  })

  async function derive(measurements: string): Promise<{ status: number | null; env: string }> {
    const file = join(await stateDir(), 'env')
    const env = { PATH: process.env['PATH'] ?? '', MEASUREMENTS: measurements, GITHUB_ENV: file }
    // As GitHub's runner calls it.
    const { status } = spawnSync('bash', ['-eo', 'pipefail', '-c', run('The key\'s policy names what apps pin')], { env })
    return { status, env: await readFile(file, 'utf8').catch(() => '') }
  }
  const hasJq = spawnSync('jq', ['--version']).status === 0
  const withJq = hasJq ? test : test.skip

  withJq('the key\'s policy gets what apps pin: nothing in the first phase, each once in the second, and no guesses', async () => {
    expect(await derive('')).toEqual({ status: 0, env: 'CLOISTER_APPROVED_IMAGES=\nCLOISTER_APPROVED_CONFIGURATIONS=\n' })
    const sets = [{ pcr0: 'aa', pcr16: 'cc' }, { pcr0: 'bb', pcr16: 'cc' }]
    expect(await derive(JSON.stringify(sets))).toEqual({ status: 0, env: 'CLOISTER_APPROVED_IMAGES=aa,bb\nCLOISTER_APPROVED_CONFIGURATIONS=cc\n' })
    for (const wrong of ['{not json', '[{"pcr0":"aa"}]', '[{"pcr16":"aa"}]', '[null]']) {
      const { status, env } = await derive(wrong)
      expect([wrong, status === 0, env]).toEqual([wrong, false, ''])
    }
  })
})
