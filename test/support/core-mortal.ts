/** An enclave that dies at any of its awaits: from the n-th step outside on, nothing is answered any more. */
import { createHash } from 'node:crypto'
import type { Enclave, Platform } from '../../enclave-sim/core/enclave.ts'
import { argon2id } from '../../enclave-sim/platform/argon2.ts'
import type { World } from './core-world.ts'

export interface Mortal {
  readonly enclave: Enclave
  /** It makes so many more steps outside, counting both a call and its answer. */
  dieAfter(steps: number): void
  /** Resolves when it has died. */
  readonly death: Promise<'died'>
}

export async function createMortal(world: World): Promise<Mortal> {
  let left = Number.POSITIVE_INFINITY
  const { promise: death, resolve: die } = Promise.withResolvers<'died'>()
  const never = new Promise<never>(() => undefined)

  async function step(): Promise<void> {
    if (left-- > 0) return
    die('died')
    await never
  }
  /** Dies before the call arrives, or after it was done and before its answer is heard. */
  const mortal = <T extends object>(port: T): T =>
    new Proxy(port, {
      get(target, name) {
        const member: unknown = Reflect.get(target, name)
        if (typeof member !== 'function') return member
        return async (...args: unknown[]) => {
          await step()
          const answer: unknown = await (member as (...args: unknown[]) => unknown).apply(target, args)
          await step()
          return answer
        }
      },
    })

  const platform = world.platform()
  const connected: Platform['connect'] = (configuration, nowMs) => {
    const { kms, table, fetchJwks } = platform.connect(configuration, nowMs)
    return { kms: mortal(kms), table: mortal(table), fetchJwks }
  }
  const enclave = await world.enclave({ connect: connected, argon2id: mortal({ argon2id: cheapArgon2 }).argon2id })
  return { enclave, death, dieAfter: (steps) => void (left = steps) }
}

/** The real one for the self-test's known answer; for everything else, a hash, for its price is of no interest here. */
const cheapArgon2: Platform['argon2id'] = async (password, salt, parameters) =>
  parameters.memoryKiB < 1024 ? argon2id(password, salt, parameters) : new Uint8Array(createHash('sha256').update(salt).update(password).digest())
