/** scripts/smoke.ts against the whole local cloud, Lambda's own interface included; and that it fails when it should. */
import { spawn } from 'node:child_process'
import { once } from 'node:events'
import { existsSync } from 'node:fs'
import { readFile, writeFile } from 'node:fs/promises'
import { join } from 'node:path'
import type { Measurements } from '../../lib/attestation/policy.ts'
import { startCloud, type Cloud } from '../support/cloud.ts'

jest.setTimeout(120_000)

let cloud: Cloud
let simulatorRoot: string
let lambdaUrl: string

beforeAll(async () => {
  cloud = await startCloud()
  simulatorRoot = join(cloud.stateDir, 'root.der')
  await writeFile(simulatorRoot, cloud.stack.trust.root)
  lambdaUrl = /\[http for lambda\] listening on (http:\/\/127\.0\.0\.1:\d+)/.exec(await readFile(cloud.logFile, 'utf8'))?.[1] as string
})
afterAll(() => cloud.close())

async function smoke(change: Readonly<Record<string, string | undefined>> = {}): Promise<{ code: number | null; output: string }> {
  const options: Record<string, string | undefined> = {
    url: cloud.url, function: 'cloister-dev-health', 'insecure-root': simulatorRoot, measurements: JSON.stringify(cloud.stack.trust.measurements), ...change,
  }
  const args = Object.entries(options).flatMap(([name, value]) => (value === undefined ? [] : [`--${name}`, value]))
  const child = spawn(process.execPath, ['--disable-warning=ExperimentalWarning', 'scripts/smoke.ts', ...args], {
    env: { ...process.env, AWS_REGION: 'us-east-1', AWS_ACCESS_KEY_ID: 'local', AWS_SECRET_ACCESS_KEY: 'local', AWS_ENDPOINT_URL_LAMBDA: lambdaUrl },
  })
  let output = ''
  for (const stream of [child.stdout, child.stderr]) stream.on('data', (chunk: Buffer) => (output += chunk.toString()))
  const [code] = (await once(child, 'close')) as [number | null]
  return { code, output }
}

const failed = ({ output }: { output: string }): string[] => output.split('\n').filter((line) => line.startsWith('FAIL'))
const pinned = (): Measurements => cloud.stack.trust.measurements[0] as Measurements

test('passes', async () => {
  const { code, output } = await smoke()
  expect({ code, failed: failed({ output }) }).toEqual({ code: 0, failed: [] })
  expect(output.trim().split('\n')).toHaveLength(8)
  // The manifest of `npm run measure` is taken as well, from a file.
  const manifest = join(cloud.stateDir, 'measurements.json')
  await writeFile(manifest, JSON.stringify({ version: '0', measurements: cloud.stack.trust.measurements }))
  expect(await smoke({ measurements: manifest })).toMatchObject({ code: 0 })
})

test.each(['pcr0', 'pcr1', 'pcr2', 'pcr16'])('fails when %s is another', async (name) => {
  const found = await smoke({ measurements: JSON.stringify([{ ...pinned(), [name]: 'a'.repeat(96) }]) })
  expect(found.code).toBe(1)
  expect(failed(found)).toEqual([expect.stringContaining('attestation_measurements')])
})

test('fails when the function is not there', async () => {
  const found = await smoke({ function: 'cloister-dev-another' })
  expect(found.code).toBe(1)
  expect(failed(found)).toHaveLength(1)
})

test('takes no other root for AWS\'s', async () => {
  const { code, output } = await smoke({ 'insecure-root': undefined, root: simulatorRoot })
  expect(code).toBe(1)
  expect(output).toContain('attestation_chain')
  expect(output).not.toContain('ok  ')
})

const awsRoot = join(process.cwd(), '..', 'shared', 'vectors', 'aws_nitro_root_g1.pem')
const withAwsRoot = existsSync(awsRoot) ? test : test.skip

withAwsRoot('under AWS\'s root the simulator\'s enclave is none', async () => {
  const found = await smoke({ 'insecure-root': undefined, root: awsRoot })
  expect(found.code).toBe(1)
  expect(failed(found)).toEqual([expect.stringContaining('attestation_chain')])
})

test.each<[string, Record<string, string | undefined>]>([
  ['plain HTTP to another machine', { url: 'http://api.example' }],
  ['no measurements', { measurements: '[]' }],
  ['both roots', { root: 'x' }],
  ['neither', { 'insecure-root': undefined }],
])('refuses to start with %s', async (_name, change) => {
  const { code, output } = await smoke(change)
  expect(code).toBe(1)
  expect(output).not.toMatch(/^(ok|FAIL)/m)
})

test('fails, and says so, when the enclave is gone', async () => {
  await cloud.stack.services.enclaves[0]?.kill('SIGKILL')
  const found = await smoke()
  expect(found.code).toBe(1)
  expect(failed(found).map((line) => line.slice(6, 30))).toEqual(['the health function answ', 'GET /v1/health: an encla', 'GET /v1/enclave: atteste'])
  await cloud.stack.replaceEnclave(0)
  expect(await smoke()).toMatchObject({ code: 0 })
})
