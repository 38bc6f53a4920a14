/** Which enclaves there are, and which of them holds a channel key. */
import { toHex } from '../protocol/bytes.ts'
import { CloisterError } from '../protocol/errors.ts'
import type { EnclaveClient } from './client.ts'

const MAX_KNOWN = 1000

export interface EnclaveDirectory {
  /** An enclave for a new channel: each in turn, past those that don't answer. @throws CloisterError `unavailable` */
  offer(nonce: Uint8Array): ReturnType<EnclaveClient['attest']>
  /** The enclave that holds this key. @throws CloisterError `channel_unknown`, `unavailable` when nobody can be asked */
  holder(key: Uint8Array): Promise<EnclaveClient>
  isServing(): Promise<boolean>
}

export function createDirectory(enclaves: readonly EnclaveClient[]): EnclaveDirectory {
  const holders = new Map<string, EnclaveClient>()
  let turn = 0

  function remember(key: Uint8Array, enclave: EnclaveClient): void {
    if (holders.size >= MAX_KNOWN) holders.clear()
    holders.set(toHex(key), enclave)
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
      if (known !== undefined) return known
      // Another instance of this function may have handed the key out: ask who has it.
      const answers = await Promise.allSettled(enclaves.map(async (enclave) => ({ enclave, keys: await enclave.channels() })))
      for (const answer of answers) {
        if (answer.status === 'fulfilled') for (const found of answer.value.keys) remember(found, answer.value.enclave)
      }
      const holder = holders.get(toHex(key))
      if (holder !== undefined) return holder
      // One that does not answer may have held it, and may never come back: the app had better take another.
      if (answers.every((answer) => answer.status === 'rejected')) throw new CloisterError('unavailable', { retryAfterSec: 2 })
      throw new CloisterError('channel_unknown')
    },
    isServing: async () => (await Promise.all(enclaves.map((enclave) => enclave.isServing()))).some(Boolean),
  }
}
