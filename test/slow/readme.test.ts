/** The README's example works when pasted, against a running stack. */
import { execFile } from 'node:child_process'
import { mkdir, mkdtemp, readFile, rm, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { promisify } from 'node:util'
import { recoverTransactionAddress } from 'viem'
import { startLocalApi, type LocalApi } from '../../scripts/local-api.ts'

const ROOT = process.cwd()
let api: LocalApi
let dir: string

beforeAll(async () => {
  dir = await mkdtemp(join(tmpdir(), 'cloister-readme-'))
  const stateDir = join(dir, '.local')
  api = await startLocalApi({ root: ROOT, stateDir, port: 0 })
  const { stack, url } = api
  await writeFile(join(stateDir, 'trust.json'), JSON.stringify({ url, root: stack.rootBase64, measurements: stack.measurements, issuer: stack.issuerUrl, clientId: stack.clientId }))
}, 60_000)
afterAll(async () => {
  await api?.close()
  await rm(dir, { recursive: true, force: true })
})

test('the example signs', async () => {
  const readme = await readFile(join(ROOT, 'README.md'), 'utf8')
  const example = /<!-- example -->\n```ts\n([\s\S]*?)```/.exec(readme)?.[1] ?? ''
  expect(example.trim().split('\n').filter(Boolean).length).toBeLessThanOrEqual(10)
  const file = join(ROOT, '.build', 'readme-example.ts')
  await mkdir(join(ROOT, '.build'), { recursive: true })
  // Pasted "into this folder": from another one the imports need another dot; the state is this test's own.
  await writeFile(file, example.replaceAll("'./", "'../").replace("localApp('alice')", `localApp('alice', ${JSON.stringify(join(dir, '.local'))})`))
  const { stdout } = await promisify(execFile)(process.execPath, [file])
  const [address, signed] = stdout.trim().split(' ')
  expect(await recoverTransactionAddress({ serializedTransaction: signed as `0x02${string}` })).toBe(address)
}, 60_000)
