/** Documents that are genuine, and don't say what a channel needs: each refused with its code. */
import { acceptChannel } from '../../client/trust.ts'
import { measurementsOf } from '../../lib/attestation/policy.ts'
import { verifyAttestation } from '../../lib/attestation/verify.ts'
import { channelKeyId, generateChannelKey, serializeChannelKey } from '../../lib/protocol/channel.ts'
import { encodeChannelBinding } from '../../lib/protocol/service.ts'
import { createWorld, type World } from '../support/core-world.ts'

const HOUR_MS = 3_600_000
const nonce = crypto.getRandomValues(new Uint8Array(32))

let world: World
let publicKey: Uint8Array
let good: { publicKey: Uint8Array | null; userData: Uint8Array | null; nonce: Uint8Array | null }
beforeAll(async () => {
  world = await createWorld()
  publicKey = await serializeChannelKey((await generateChannelKey()).publicKey)
  good = { publicKey, userData: encodeChannelBinding({ key: await channelKeyId(publicKey), notAfterMs: world.nowMs() + HOUR_MS }), nonce }
})
afterAll(() => world.close())

async function accept(inputs: Partial<typeof good>, trust: { clockToleranceMs?: number } = { clockToleranceMs: 1e13 }) {
  const device = world.device()
  await device.lockPcrs(17) // a document shows those that are locked
  const document = await device.attest({ ...good, ...inputs })
  const genuine = await verifyAttestation(document, { rootDer: world.rootDer, atMs: world.nowMs() })
  return acceptChannel(document, nonce, { root: world.rootDer, measurements: [measurementsOf(genuine)], ...trust })
}

test('accepts a channel that is bound, and tells the time by it', async () => {
  const channel = await accept({})
  expect(channel.key).toEqual(await channelKeyId(publicKey))
  expect(channel.notAfterMs).toBe(world.nowMs() + HOUR_MS)
  expect(channel.nowMs()).toBeGreaterThanOrEqual(world.nowMs())
})

test.each<[string, () => Promise<Partial<typeof good>>, string]>([
  ['another key’s id', async () => ({ userData: encodeChannelBinding({ key: new Uint8Array(16), notAfterMs: world.nowMs() + HOUR_MS }) }), 'attestation_binding'],
  ['another key than the one whose id is bound', async () => ({ publicKey: await serializeChannelKey((await generateChannelKey()).publicKey) }), 'attestation_binding'],
  ['no key', async () => ({ publicKey: null }), 'attestation_binding'],
  ['half a key', async () => ({ publicKey: publicKey.slice(0, 16) }), 'attestation_binding'],
  ['no binding', async () => ({ userData: null }), 'attestation_binding'],
  ['a binding that can’t be read', async () => ({ userData: Uint8Array.of(0xa0) }), 'attestation_binding'],
  ['a channel that has run out', async () => ({ userData: encodeChannelBinding({ key: await channelKeyId(publicKey), notAfterMs: world.nowMs() }) }), 'attestation_stale'],
  ['another nonce', async () => ({ nonce: new Uint8Array(32) }), 'attestation_nonce'],
  ['no nonce', async () => ({ nonce: null }), 'attestation_nonce'],
])('refuses %s', async (_what, inputs, code) => {
  await expect(accept(await inputs())).rejects.toMatchObject({ code })
})

test('refuses a document of another time than this device’s, give or take what is tolerated', async () => {
  world.advance(400 * 24 * HOUR_MS)
  await expect(accept({}, {})).rejects.toMatchObject({ code: 'attestation_stale' })
})
