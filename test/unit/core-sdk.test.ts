/** The SDK's own session against the enclave: a relay that is a function. */
import { randomBytes, randomUUID } from 'node:crypto'
import { createSession } from '../../client/session.ts'
import { measurementsOf } from '../../lib/attestation/policy.ts'
import { verifyAttestation } from '../../lib/attestation/verify.ts'
import { fromBase64url, toBase64url, utf8 } from '../../lib/protocol/bytes.ts'
import { ERRORS } from '../../lib/protocol/errors.ts'
import { decodeView, decodeWithRecovery } from '../../lib/protocol/lifecycle.ts'
import { decodeSignResult } from '../../lib/protocol/operations.ts'
import { createParameters, PIN, SIGN } from '../support/core-client.ts'
import { createWorld } from '../support/core-world.ts'

test('create, view, sign, wrong PIN, a rotated key: through the SDK', async () => {
  const world = await createWorld()
  const enclave = await world.enclave()
  const { token, clientKey, owner } = await world.login('sdk', { exp: world.nowMs() / 1000 + 86_400 })
  const document = await verifyAttestation((await enclave.offer(randomBytes(32))).document, { rootDer: world.rootDer, atMs: world.nowMs() })
  const paths: string[] = []
  const relay = async (input: string | URL | Request, init?: RequestInit): Promise<Response> => {
    const url = input as URL
    paths.push(url.pathname)
    if (url.pathname === '/v1/enclave') {
      const { document: offered } = await enclave.offer(fromBase64url(url.searchParams.get('nonce') as string) as Uint8Array)
      return Response.json({ attestation: toBase64url(offered) })
    }
    const sent = JSON.parse(init?.body as string) as Record<string, string>
    const bytes = (name: string): Uint8Array => fromBase64url(sent[name] as string) as Uint8Array
    const record = world.table.read(owner, url.pathname.split('/')[3] ?? wallet)
    const message = { token: utf8(token), header: bytes('header'), enc: bytes('enc'), ciphertext: bytes('ciphertext'), record }
    const service = await enclave.handle(message)
    if ('answer' in service) return Response.json({ answer: toBase64url(service.answer) }, { status: service.outcome === 'done' ? 200 : 422 })
    return Response.json({ code: service.code }, { status: ERRORS[service.code].status })
  }
  const wallet = randomUUID()
  const trust = { root: world.rootDer, measurements: [measurementsOf(document)], clockToleranceMs: 1e13 }
  const session = createSession({ api: { url: 'https://api.test', fetch: relay }, trust, token, clientKey })
  const made = await session.call({ op: 'create', wallet, pin: utf8(PIN), parameters: createParameters() })
  const view = decodeView(await session.call({ op: 'view', wallet, pin: null, parameters: {} }))
  expect(decodeWithRecovery(made)).toEqual({ view, recovery: null })
  const call = { op: 'sign', wallet, parameters: SIGN } as const
  const result = decodeSignResult(await session.call({ ...call, pin: utf8(PIN) }))
  expect(result?.signatures).toHaveLength(1)
  expect(result?.signatures[0]?.address).toBe(view?.accounts[0]?.address)
  await expect(session.call({ ...call, pin: utf8('0000') })).rejects.toMatchObject({ code: 'pin_wrong', guesses: { guessesLeft: 4 } })
  // The channel key is rotated away: the SDK attests again, and once.
  world.advance(2 * 3_600_000)
  await enclave.rotateChannelKey()
  expect(paths).toEqual(['/v1/enclave', '/v1/wallets', `/v1/wallets/${wallet}/view`, `/v1/wallets/${wallet}/sign`, `/v1/wallets/${wallet}/sign`])
  const before = paths.length
  expect(decodeSignResult(await session.call({ ...call, pin: utf8(PIN) }))?.signatures).toEqual(result?.signatures)
  expect(paths.slice(before)).toEqual([`/v1/wallets/${wallet}/sign`, '/v1/enclave', `/v1/wallets/${wallet}/sign`])
  world.close()
})
