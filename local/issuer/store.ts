/** What the issuer remembers of logins under way, in memory: a restart ends them. Its keys are in ./keys.ts. */
import type { Adapter } from 'oidc-provider'

interface Entry {
  readonly payload: Record<string, unknown>
  readonly expiresAtMs: number
}

/** Makes the adapter factory that oidc-provider wants; all models of one issuer share the store. */
export function createStore(nowMs: () => number): (model: string) => Adapter {
  const entries = new Map<string, Entry>()
  const live = (key: string): Record<string, unknown> | undefined => {
    const entry = entries.get(key)
    if (entry === undefined || entry.expiresAtMs > nowMs()) return entry?.payload
    entries.delete(key)
    return undefined
  }
  const findBy = (model: string, property: string, value: string): Record<string, unknown> | undefined => {
    const found = [...entries].find(([key, { payload }]) => key.startsWith(`${model}:`) && payload[property] === value)
    return found && live(found[0])
  }
  const sweep = (): void => {
    for (const [key, { expiresAtMs }] of entries) if (expiresAtMs <= nowMs()) entries.delete(key)
  }
  return (model) => ({
    upsert: async (id, payload, expiresInSec) => {
      if (entries.size > 1000) sweep()
      entries.set(`${model}:${id}`, { payload, expiresAtMs: expiresInSec === undefined ? Infinity : nowMs() + expiresInSec * 1000 })
    },
    find: async (id) => live(`${model}:${id}`),
    findByUid: async (uid) => findBy(model, 'uid', uid),
    findByUserCode: async (userCode) => findBy(model, 'userCode', userCode),
    consume: async (id) => {
      const payload = live(`${model}:${id}`)
      if (payload !== undefined) payload['consumed'] = Math.floor(nowMs() / 1000)
    },
    destroy: async (id) => void entries.delete(`${model}:${id}`),
    revokeByGrantId: async (grantId) => {
      for (const [key, { payload }] of entries) if (payload['grantId'] === grantId) entries.delete(key)
    },
  })
}
