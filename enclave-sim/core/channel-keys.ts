/** The enclave's HPKE key pairs: made in memory, new every hour, the last one opens for ten minutes more. Never stored. */
import { equal } from '../../lib/protocol/bytes.ts'
import { channelKeyId, generateChannelKey, serializeChannelKey, type ChannelKeyPair } from '../../lib/protocol/channel.ts'
import { LIMITS } from '../../lib/protocol/limits.ts'
import { encodeChannelBinding } from '../../lib/protocol/service.ts'
import type { AttestedClock } from './clock.ts'
import type { NsmPort } from './ports.ts'

interface ChannelKey {
  readonly pair: ChannelKeyPair
  readonly publicKey: Uint8Array
  readonly id: Uint8Array
  readonly madeAtMs: number
  /** Offered until then. */
  readonly renewAtMs: number
  /** Opens until then. */
  readonly notAfterMs: number
}

export interface ChannelKeys {
  /** An attestation document that offers the current key, bound to an app's nonce. */
  offer(nonce: Uint8Array): Promise<{ document: Uint8Array; key: Uint8Array }>
  /** The pair by its id; `undefined` when this enclave never had it, or no longer. */
  find(id: Uint8Array): ChannelKeyPair | undefined
  /** Ids of the keys that still open. */
  ids(): readonly Uint8Array[]
  /** What an operator may know of those: ids, and milliseconds since they were made and until they open nothing more. The first is the one on offer. */
  ages(): readonly { readonly id: Uint8Array; readonly ageMs: number; readonly opensForMs: number }[]
  /** A new key. Earlier ones open for their grace from now on; with `now` they open nothing more. */
  rotate(now?: boolean): Promise<void>
  /** Lets go of keys that open nothing any more, the last one too: `offer` makes another. */
  prune(): void
}

export async function createChannelKeys(nsm: NsmPort, clock: AttestedClock): Promise<ChannelKeys> {
  let keys: readonly ChannelKey[] = [await newKey(clock.nowMs())]
  let rotation: Promise<void> | undefined

  const live = (): readonly ChannelKey[] => keys.filter((key) => key.notAfterMs > clock.nowMs())

  async function rotateOnce(): Promise<void> {
    const key = await newKey(clock.nowMs())
    const graceEndsMs = clock.nowMs() + LIMITS.channelKeyGraceMs
    const earlier = live().map((one) => ({ ...one, notAfterMs: Math.min(one.notAfterMs, graceEndsMs) }))
    keys = [key, ...earlier].slice(0, 4)
  }

  const rotate = (): Promise<void> => (rotation ??= rotateOnce().finally(() => (rotation = undefined)))

  return {
    async offer(nonce) {
      if ((keys[0]?.renewAtMs ?? 0) <= clock.nowMs()) await rotate()
      const current = keys[0] as ChannelKey
      const userData = encodeChannelBinding({ key: current.id, notAfterMs: current.notAfterMs })
      return { document: await nsm.attest({ publicKey: current.publicKey, userData, nonce }), key: current.id }
    },
    find: (id) => live().find((key) => equal(key.id, id))?.pair,
    ids: () => live().map((key) => key.id),
    ages() {
      const nowMs = clock.nowMs()
      return live().map(({ id, madeAtMs, notAfterMs }) => ({ id, ageMs: nowMs - madeAtMs, opensForMs: notAfterMs - nowMs }))
    },
    async rotate(now = false) {
      await rotate()
      if (now) keys = keys.slice(0, 1)
    },
    prune() {
      keys = live()
    },
  }
}

async function newKey(nowMs: number): Promise<ChannelKey> {
  const pair = await generateChannelKey()
  const publicKey = await serializeChannelKey(pair.publicKey)
  const id = await channelKeyId(publicKey)
  const renewAtMs = nowMs + LIMITS.channelKeyLifeMs
  return { pair, publicKey, id, madeAtMs: nowMs, renewAtMs, notAfterMs: renewAtMs + LIMITS.channelKeyGraceMs }
}

