/** Which enclaves there are, and which of them holds a channel key. */
import { toHex } from '../protocol/bytes.ts'
import { CloisterError } from '../protocol/errors.ts'
import type { EnclavePhase } from '../protocol/operator.ts'
import type { EnclaveClient } from './client.ts'

const MAX_KNOWN = 1000
const BEST_FIRST: readonly EnclavePhase[] = ['serving', 'draining', 'configured', 'self-test', 'boot', 'halted']

export interface EnclaveDirectory {
  /** An enclave for a new channel: each in turn, past those that don't answer. @throws CloisterError `unavailable` */
  offer(nonce: Uint8Array): ReturnType<EnclaveClient['attest']>
  /** The enclave that holds this key. @throws CloisterError `channel_unknown`, `unavailable` when nobody can be asked */
  holder(key: Uint8Array): Promise<EnclaveClient>
  /** Of all enclaves that answer, the phase of the one that is furthest; `undefined` when none does. */
  phase(): Promise<EnclavePhase | undefined>
}

export function createDirectory(enclaves: readonly EnclaveClient[]): EnclaveDirectory {
  const holders = new Map<string, EnclaveClient>()
  let turn = 0

  function remember(key: Uint8Array, enclave: EnclaveClient): void {
    if (holders.size >= MAX_KNOWN) holders.clear()
    holders.set(toHex(key), enclave)
  }

  /** One that drains takes nothing in. Where another serves, the app had better attest that one than wait. */
  function orElsewhere(holder: EnclaveClient): EnclaveClient {
    return {
      ...holder,
      async request(message) {
        const answer = await holder.request(message)
        if (!('code' in answer) || answer.code !== 'unavailable' || enclaves.length === 1 || (await holder.phase()) !== 'draining') return answer
        const others = await Promise.all(enclaves.filter((enclave) => enclave !== holder).map((enclave) => enclave.phase()))
        return others.includes('serving') ? { outcome: 'not_tried', code: 'channel_unknown', retryAfterSec: null } : answer
      },
    }
  }

  return {
    async offer(nonce) {
      turn += 1
      for (let i = 0; i < enclaves.length; i++) {
        const enclave = enclaves[(turn + i) % enclaves.length] as EnclaveClient
        try {
          const offer = await enclave.attest(nonce)
          remember(offer.key, enclave)
          return offer
        } catch {
          // the next one
        }
      }
      throw new CloisterError('unavailable', { retryAfterSec: 2 })
    },
    async holder(key) {
      const known = holders.get(toHex(key))
      if (known !== undefined) return orElsewhere(known)
      // Another instance of this function may have handed the key out: ask who has it.
      const answers = await Promise.allSettled(enclaves.map(async (enclave) => ({ enclave, keys: await enclave.channels() })))
      for (const answer of answers) {
        if (answer.status === 'fulfilled') for (const found of answer.value.keys) remember(found, answer.value.enclave)
      }
      const holder = holders.get(toHex(key))
      if (holder !== undefined) return orElsewhere(holder)
      // One that does not answer may have held it, and may never come back: the app had better take another.
      if (answers.every((answer) => answer.status === 'rejected')) throw new CloisterError('unavailable', { retryAfterSec: 2 })
      throw new CloisterError('channel_unknown')
    },
    async phase() {
      const phases = await Promise.all(enclaves.map((enclave) => enclave.phase()))
      return BEST_FIRST.find((phase) => phases.includes(phase))
    },
  }
}
