/**
 * docs/protocol.md is enough to write a client by: test/python is one, by Debian's python3-cryptography and python3-cbor2. It computes our
 * vectors anew, and creates a wallet and signs through the real API.
 */
import { spawn, spawnSync } from 'node:child_process'
import { once } from 'node:events'
import { join } from 'node:path'
import { createInterface } from 'node:readline'
import { parseTransaction, recoverTransactionAddress, serializeTransaction, toBytes, type TransactionSerializedEIP1559 } from 'viem'
import { login } from '../../local/login.ts'
import { startLocalApi, type LocalApi } from '../../scripts/local-api.ts'
import { makeKey } from '../support/attestation-pki.ts'
import { cleanup, stateDir } from '../support/local.ts'

const ROOT = process.cwd()
const FOLDER = join(ROOT, 'test', 'python')
const PYTHON = '/usr/bin/python3'
const ENV = { PATH: '/usr/bin:/bin', PYTHONDONTWRITEBYTECODE: '1' }
const hasPython = spawnSync(PYTHON, ['-c', 'import cryptography, cbor2'], { env: ENV }).status === 0
if (!hasPython) console.log('skipped: python-client.test.ts wants python3 with cryptography and cbor2 (apt-get install python3-cryptography python3-cbor2)')
const testWithPython = hasPython ? test : test.skip

const unsigned = serializeTransaction({
  type: 'eip1559', chainId: 31337, nonce: 0, to: '0x000000000000000000000000000000000000dEaD', value: 1n, gas: 21_000n,
  maxFeePerGas: 20_000_000_000n, maxPriorityFeePerGas: 1_000_000_000n,
})

let api: LocalApi

beforeAll(async () => {
  if (!hasPython) return
  api = await startLocalApi({ root: ROOT, stateDir: await stateDir(), port: 0 })
  cleanup(() => api.close())
}, 90_000)

/** Runs the Python client, and logs in for it with the nonce that it prints. */
async function runClient(change: Readonly<Record<string, unknown>>): Promise<{ status: number; report: Record<string, unknown> }> {
  const { stack } = api
  const child = spawn(PYTHON, [join(FOLDER, 'client.py')], { env: ENV, stdio: ['pipe', 'pipe', 'inherit'] })
  const exited = once(child, 'exit')
  const say = (line: unknown): void => void child.stdin.write(`${JSON.stringify(line)}\n`)
  say({
    url: api.url, root: stack.rootBase64, measurements: stack.measurements, pin: '493817', chain: 'eip155:31337',
    transaction: Buffer.from(toBytes(unsigned)).toString('hex'), ...change,
  })
  let report: Record<string, unknown> = {}
  for await (const line of createInterface({ input: child.stdout })) {
    report = JSON.parse(line) as Record<string, unknown>
    const { nonce } = report
    if (typeof nonce !== 'string') break
    const username = 'python'
    say({ token: await login({ issuer: stack.issuerUrl, clientId: stack.clientId, redirectUri: 'http://127.0.0.1/callback', username, nonce, ca: stack.caPem }) })
  }
  const [status] = (await exited) as [number]
  return { status, report }
}

testWithPython('computes the test vectors from the document alone', () => {
  const { status, stdout } = spawnSync(PYTHON, [join(FOLDER, 'check_vectors.py'), join(ROOT, 'test', 'vectors', 'own')], { env: ENV, encoding: 'utf8' })
  expect(stdout).toMatch(/^\d+ passed, 0 failed\n$/)
  expect(status).toBe(0)
})

testWithPython('creates a wallet, signs, and reads a refusal', async () => {
  const { status, report } = await runClient({ wrong_pin: '111111' })
  expect(report['error']).toBeUndefined()
  expect(status).toBe(0)
  const serializedTransaction = `0x${report['signed'] as string}` as TransactionSerializedEIP1559
  expect(await recoverTransactionAddress({ serializedTransaction })).toBe(report['address'])
  const { r, s, v, yParity, ...content } = parseTransaction(serializedTransaction)
  expect([r, s, yParity].every((part) => part !== undefined) && v !== undefined).toBe(true)
  expect(serializeTransaction(content)).toBe(unsigned)
  expect(report['wrong_pin']).toEqual({ code: 'pin_wrong', guesses: { left: 4, lockedUntil: 0, wrongTotal: 1 } })
  expect(report['guesses']).toEqual({ left: 4, lockedUntil: 0, wrongTotal: 1 })
  expect(report['version']).toBe(2)
}, 60_000)

testWithPython('refuses an enclave with other measurements than the pinned ones', async () => {
  const pinned = [{ ...api.stack.measurements[0], pcr16: '0'.repeat(96) }]
  expect(await runClient({ measurements: pinned })).toEqual({ status: 1, report: { error: 'attestation_measurements' } })
})

testWithPython('refuses a chain that another root of the same name does not sign', async () => {
  const root = new Uint8Array(Buffer.from(api.stack.rootBase64, 'base64'))
  const { spki } = await makeKey()
  const at = Buffer.from(root).indexOf(Buffer.from(spki.subarray(0, -97)))
  expect(at).toBeGreaterThan(0)
  root.set(spki, at) // its own signature is not looked at
  expect(await runClient({ root: Buffer.from(root).toString('base64') })).toEqual({ status: 1, report: { error: 'attestation_chain' } })
})
