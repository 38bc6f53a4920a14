/** Who may write the table as they please: a restore to an earlier state, records mixed and moved; and the same with a login. */
import type { AttributeValue } from '@aws-sdk/client-dynamodb'
import { decodeSignResult } from '../../lib/protocol/operations.ts'
import { LIMITED } from './attempt.ts'
import { setBack } from './guessing.ts'
import { forgedLogin } from './identity.ts'
import { startRestarts, type Restarts } from './restarts.ts'
import { ask, channelOf, isGuess, type Reply } from './sealing.ts'
import { signing } from './token.ts'
import type { World } from './world.ts'

type Item = Record<string, AttributeValue>

export async function database(world: World): Promise<void> {
  const { table, victim } = world
  const old = await table.get(victim.owner, victim.wallet.id)
  await victim.sign()
  const now = await table.get(victim.owner, victim.wallet.id)
  const weak = await table.get(victim.owner, victim.weak.id)
  await world.tried('database', 'read the whole table', { loot: (await table.scan()).map(bytesOf), stopped: 'sealed', expected: 'sealed' })
  const ways: readonly (readonly [string, Item, string])[] = [
    ['restore an earlier state', old, 'record_invalid'],
    ['mix: the seed of an earlier version', { ...now, seed: old['seed'] as AttributeValue }, 'record_invalid'],
    ['mix: state and data key of an earlier version', { ...now, state: old['state'] as AttributeValue, dataKey: old['dataKey'] as AttributeValue }, 'record_invalid'],
    ['move: another wallet’s ciphertexts', { ...weak, item: now['item'] as AttributeValue, version: now['version'] as AttributeValue }, 'record_invalid'],
    ['another version number', { ...now, version: { N: '1' } }, 'record_invalid'],
    ['another format', { ...now, format: { N: '2' } }, 'record_invalid'],
    ['guesses spent below zero', { ...now, spent: { N: '-100' } }, 'record_invalid'],
  ]
  for (const [name, item, expected] of ways) {
    await table.put(item)
    const code = await victim.sign()
    if (code !== 'ok') await table.put(now)
    await world.tried('database', name, {
      stopped: code, expected, denial: code !== 'ok',
      ...(item === old ? { note: 'an enclave that was started since takes it; who has no login wins nothing by that' } : {}),
    })
  }
  await withLogin(world)
}

const bytesOf = (item: Item): Uint8Array => Buffer.concat(Object.values(item).map((value) => Buffer.from((value.B ?? value.S ?? value.N ?? '') as string)))

/** Sets counters back before each guess, on two enclaves that go on running; puts a record back that another PIN opens; and starts enclaves anew, as their host can. */
async function withLogin(world: World): Promise<void> {
  const { stack, victim, table } = world
  const place = { table, owner: victim.owner, wallet: victim.wallet.id }
  const who = await forgedLogin(world)
  const guess = async (at: Restarts, number: number): Promise<Reply> => {
    await setBack(place)
    return ask(at.client, at.channel, who, await victim.record(), signing(victim.wallet.id, `guess ${number}`))
  }

  const enclaves = [await startRestarts(world, stack.configuration), await startRestarts(world, stack.configuration)] as const
  const running: Reply[] = []
  for (const at of enclaves) for (let i = 0; i < 10; i++) running.push(await guess(at, i))
  const guesses = running.filter(isGuess).length
  await enclaves[1].close()
  await world.tried('table and login together', 'guess, and set the counters back before each', {
    guesses, stopped: running.at(-1)?.code ?? '', expected: 'wallet_locked', denial: true, note: `${guesses / enclaves.length} on each of ${enclaves.length} enclaves, which then wait as if nothing was set back`,
  })

  const { current, earlier, earlierPin } = await changedPins(world)
  await table.put(earlier)
  const revived = await ask(world.position.enclave, await channelOf(world.position.enclave, stack.trust), who, await victim.record(), signing(victim.wallet.id, earlierPin, 4712))
  await table.put(current)
  await world.tried('table and login together', 'put a record back that an earlier PIN opens, and sign with that PIN', {
    signed: signedIn(revived), guesses: isGuess(revived) ? 1 : 0, stopped: revived.code, expected: 'record_invalid',
  })

  const [at] = enclaves
  const replies: Reply[] = []
  const wanted = LIMITED + 1
  let [restarts, restartMs] = [0, 0]
  const began = performance.now()
  while (replies.length < wanted) {
    const reply = await guess(at, replies.length)
    if (isGuess(reply)) replies.push(reply)
    else if (reply.code === 'wallet_locked') {
      const before = performance.now()
      await at.restart()
      restartMs += performance.now() - before
      restarts += 1
    } else break
  }
  const seconds = (performance.now() - began) / 1000
  await at.close()
  await setBack(place)
  await world.tried('host and login together', 'the same, and start the enclave anew whenever it locks', {
    guesses: replies.length === wanted ? Infinity : replies.length, stopped: replies.length === wanted ? 'nothing' : 'something', expected: 'nothing',
    note: `${Math.floor(replies.length / Math.max(1, restarts))} a restart of ${(restartMs / Math.max(1, restarts) / 1000).toFixed(1)} s, ${(replies.length / seconds).toFixed(1)} a second on this machine`,
  })
}

/** The victim changes her PIN and changes it back: the record as it is now, and one that the PIN in between opens. */
export async function changedPins({ victim, table }: World): Promise<{ current: Item; earlier: Item; earlierPin: string }> {
  const { wallet, pin, owner } = victim
  const earlierPin = '1999 0101'
  await wallet.changePin(earlierPin, { pin })
  const earlier = await table.get(owner, wallet.id)
  await wallet.changePin(pin, { pin: earlierPin })
  return { current: await table.get(owner, wallet.id), earlier, earlierPin }
}

export function signedIn({ outcome }: Reply): Uint8Array[] {
  return outcome?.ok === true ? (decodeSignResult(outcome.result)?.signatures ?? []).map((one) => one.signed) : []
}
