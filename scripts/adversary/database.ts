/** Who may write the table as they please: a restore to an earlier state, records mixed and moved; and the same with a login. */
import type { AttributeValue } from '@aws-sdk/client-dynamodb'
import { LIMITED } from './attempt.ts'
import { forgedLogin } from './identity.ts'
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
    ['restore an earlier state', old, 'ok'],
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
      ...(code === 'ok' ? { note: 'it is taken: who has no login wins nothing by it' } : {}),
    })
  }
  await withLogin(world)
}

const bytesOf = (item: Item): Uint8Array => Buffer.concat(Object.values(item).map((value) => Buffer.from((value.B ?? value.S ?? value.N ?? '') as string)))

/** Restores, or just clears the counters, each time before a lock would stand: what is left to hold them up is the enclave's own speed. */
async function withLogin(world: World): Promise<void> {
  const { position, stack, victim, table } = world
  const who = await forgedLogin(world)
  const channel = await channelOf(position.enclave, stack.trust)
  const backup = await table.get(victim.owner, victim.wallet.id)
  const wanted = LIMITED + 1
  const replies: Reply[] = []
  let perRestore = 0
  const began = performance.now()
  while (replies.length < wanted) {
    const reply = await ask(position.enclave, channel, who, await victim.record(), signing(victim.wallet.id, `guess ${replies.length}`))
    if (isGuess(reply)) replies.push(reply)
    else if (reply.code === 'wallet_locked') {
      perRestore ||= replies.length
      await table.put(backup)
    } else break
  }
  const seconds = (performance.now() - began) / 1000
  await table.put(backup)
  await world.tried('table and login together', 'guess, and put the record back whenever it locks', {
    guesses: replies.length === wanted ? Infinity : replies.length, stopped: replies.length === wanted ? 'nothing' : 'something', expected: 'nothing',
    note: `${perRestore} a restore, ${(replies.length / seconds).toFixed(1)} a second on this machine, one after the other`,
  })
}
