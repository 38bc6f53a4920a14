/** One byte changed, in the enclave's code or in its configuration: the client seals nothing to it, and KMS gives it nothing. */
import { appendFile, cp, mkdtemp, readFile, rm, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { connect } from '../../client/connect.ts'
import { createClientKey } from '../../client/client-key.ts'
import { createSession } from '../../client/session.ts'
import { configurationPcr, launchEnclave, type LaunchedEnclave } from '../../local/enclave.ts'
import { login } from '../../local/login.ts'
import { createEnclaveClient } from '../../lib/enclave/client.ts'
import { toBase64url, fromBase64url } from '../../lib/protocol/bytes.ts'
import type { Measurements } from '../../lib/attestation/policy.ts'
import { encodeServiceRequest } from '../../lib/protocol/service.ts'
import { startStack, type Stack } from '../../local/stack.ts'

const root = process.cwd()
let stack: Stack
let dir: string
const launched: LaunchedEnclave[] = []

beforeAll(async () => {
  dir = await mkdtemp(join(tmpdir(), 'cloister-test-'))
  stack = await startStack({ root, stateDir: join(dir, 'state'), chain: false })
}, 60_000)
afterAll(async () => {
  await Promise.all(launched.map((enclave) => enclave.close()))
  await stack?.close()
  await rm(dir, { recursive: true, force: true })
})

const loginAs = (nonce: string): Promise<string> =>
  login({ issuer: stack.issuerUrl, clientId: stack.clientId, redirectUri: 'http://127.0.0.1/callback', username: 'alice', nonce, ca: stack.caPem })

/** A relay that does nothing but pass on: what the enclave and KMS refuse, they refuse without its help. */
function bareRelay(enclave: LaunchedEnclave): { fetch: typeof fetch; sealed: () => number } {
  const client = createEnclaveClient(enclave.serviceUrl)
  let sealed = 0
  const json = (status: number, body: unknown): Response => new Response(JSON.stringify(body), { status })
  const relay = async (input: unknown, init?: RequestInit): Promise<Response> => {
    const url = new URL(String(input))
    if (url.pathname === '/v1/enclave') {
      const offer = await client.attest(fromBase64url(url.searchParams.get('nonce') as string) as Uint8Array)
      return json(200, { attestation: toBase64url(offer.document) })
    }
    sealed += 1
    const body = JSON.parse(String(init?.body)) as Record<string, string>
    const bytes = (name: string): Uint8Array => fromBase64url(body[name] as string) as Uint8Array
    const token = new Headers(init?.headers).get('authorization')?.slice('Bearer '.length) as string
    const message = { token: Buffer.from(token), header: bytes('header'), enc: bytes('enc'), ciphertext: bytes('ciphertext'), record: null }
    expect(encodeServiceRequest(message).length).toBeGreaterThan(0)
    const answer = await client.request(message)
    return 'answer' in answer ? json(200, { answer: toBase64url(answer.answer) }) : json(503, { code: answer.code })
  }
  return { fetch: relay, sealed: () => sealed }
}

async function start(image: string, configuration: Uint8Array): Promise<LaunchedEnclave> {
  const enclave = await launchEnclave({ root, image, pkiDir: join(dir, 'state', 'simulator') })
  launched.push(enclave)
  await enclave.configure(configuration)
  await enclave.giveCredentials(stack.enclaveCredentials())
  return enclave
}

async function create(enclave: LaunchedEnclave, measurements: readonly Measurements[]) {
  const relay = bareRelay(enclave)
  const options = { url: 'http://relay.example', trust: { root: stack.trust.root, measurements }, login: ({ nonce }: { nonce: string }) => loginAs(nonce), fetch: relay.fetch }
  const result = await connect(options)
    .then((cloister) => cloister.wallets.create({ pin: '493817' }))
    .then(() => 'created' as const, (error: { code: string }) => error.code)
  return { result, sealed: relay.sealed() }
}

const pinned = (): readonly Measurements[] => stack.trust.measurements
const measured = (enclave: LaunchedEnclave, configuration: Uint8Array): Measurements => ({ ...enclave.image, pcr16: configurationPcr(configuration) })

test('the enclave as it was measured: everybody agrees (the twin of the rest)', async () => {
  const enclave = await start(join(dir, 'state', 'image', 'enclave'), stack.configuration)
  expect(measured(enclave, stack.configuration)).toEqual(pinned()[0])
  expect(await create(enclave, pinned())).toEqual({ result: 'created', sealed: 1 })
})

test.each(['enclave.mjs', 'argon2.node'])('one byte more in %s', async (file) => {
  const image = join(dir, `image-${file}`)
  await cp(join(dir, 'state', 'image', 'enclave'), image, { recursive: true })
  await appendFile(join(image, file), '\n')
  const enclave = await start(image, stack.configuration)
  expect(enclave.image.pcr0).not.toBe(pinned()[0]?.pcr0)
  expect(await create(enclave, pinned())).toEqual({ result: 'attestation_measurements', sealed: 0 })
  // An app that was made to pin it anyway still gets no keys out of KMS.
  const audit = join(dir, 'state', 'kms-audit.jsonl')
  await writeFile(audit, '')
  expect(await create(enclave, [measured(enclave, stack.configuration)])).toEqual({ result: 'unavailable', sealed: 1 })
  expect(await readFile(audit, 'utf8')).toMatch(/"eventName":"GenerateDataKey".*"errorCode":"AccessDenied"|"errorCode":"AccessDenied".*"eventName":"GenerateDataKey"/)
})

test('one byte more in the configuration', async () => {
  const configuration = new Uint8Array([...stack.configuration, 0x0a])
  const enclave = await start(join(dir, 'state', 'image', 'enclave'), configuration)
  expect(await create(enclave, pinned())).toEqual({ result: 'attestation_measurements', sealed: 0 })
  expect(await create(enclave, [measured(enclave, configuration)])).toEqual({ result: 'unavailable', sealed: 1 })
})

test('another root: refused before anything is sealed', async () => {
  const enclave = await start(join(dir, 'state', 'image', 'enclave'), stack.configuration)
  const other = await launchEnclave({ root, image: join(dir, 'state', 'image', 'enclave'), pkiDir: join(dir, 'other-pki') })
  launched.push(other)
  const otherRoot = new Uint8Array(await readFile(join(dir, 'other-pki', 'root', 'certificate.der')))
  const relay = bareRelay(enclave)
  const session = createSession({
    api: { url: 'http://relay.example', fetch: relay.fetch },
    trust: { root: otherRoot, measurements: pinned() },
    token: 'unused',
    clientKey: await createClientKey(),
  })
  await expect(session.attest()).rejects.toMatchObject({ code: 'attestation_chain' })
  expect(relay.sealed()).toBe(0)
})

test('a relay that serves an old document: another nonce, refused', async () => {
  const enclave = await start(join(dir, 'state', 'image', 'enclave'), stack.configuration)
  const document = (await createEnclaveClient(enclave.serviceUrl).attest(new Uint8Array(32))).document
  const replaying = (async () => new Response(JSON.stringify({ attestation: toBase64url(document) }))) as typeof fetch
  const session = createSession({ api: { url: 'http://relay.example', fetch: replaying }, trust: stack.trust, token: 'unused', clientKey: null })
  await expect(session.attest()).rejects.toMatchObject({ code: 'attestation_nonce' })
})

test('what apps pin is what `measure` printed', async () => {
  const { measurements } = JSON.parse(await readFile(join(dir, 'state', 'image', 'measurements.json'), 'utf8')) as { measurements: [Measurements] }
  const { pcr16, ...image } = stack.trust.measurements[0] as Measurements
  expect(image).toEqual(measurements[0])
  expect(pcr16).toBe(configurationPcr(stack.configuration))
})
