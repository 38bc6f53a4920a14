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
  rotate(): Promise<void>
  /** Lets go of keys that open nothing any more. */
  prune(): void
}

export async function createChannelKeys(nsm: NsmPort, clock: AttestedClock): Promise<ChannelKeys> {
  let keys: readonly ChannelKey[] = [await newKey(clock.nowMs())]
  let rotation: Promise<void> | undefined

  const live = (): readonly ChannelKey[] => keys.filter((key) => key.notAfterMs > clock.nowMs())

  async function rotateOnce(): Promise<void> {
    const key = await newKey(clock.nowMs())
    keys = [key, ...live()].slice(0, 4)
  }

  const rotate = (): Promise<void> => (rotation ??= rotateOnce().finally(() => (rotation = undefined)))

  return {
    async offer(nonce) {
      if ((keys[0] as ChannelKey).renewAtMs <= clock.nowMs()) await rotate()
      const current = keys[0] as ChannelKey
      const userData = encodeChannelBinding({ key: current.id, notAfterMs: current.notAfterMs })
      return { document: await nsm.attest({ publicKey: current.publicKey, userData, nonce }), key: current.id }
    },
    find: (id) => live().find((key) => equal(key.id, id))?.pair,
    ids: () => live().map((key) => key.id),
    rotate,
    prune() {
      // The newest stays, expired or not: `offer` renews it.
      keys = [keys[0] as ChannelKey, ...live().filter((key) => key !== keys[0])]
    },
  }
}

async function newKey(nowMs: number): Promise<ChannelKey> {
  const pair = await generateChannelKey()
  const publicKey = await serializeChannelKey(pair.publicKey)
  const id = await channelKeyId(publicKey)
  const renewAtMs = nowMs + LIMITS.channelKeyLifeMs
  return { pair, publicKey, id, renewAtMs, notAfterMs: renewAtMs + LIMITS.channelKeyGraceMs }
}

