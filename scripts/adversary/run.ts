/** Every attacker, one after the other, against one cloud. */
import { ALLOWED, table, tally, violations, type Run } from './attempt.ts'
import { changedConfiguration } from './configuration.ts'
import { contrasts } from './contrast.ts'
import { database } from './database.ts'
import { hostRoleAttacks } from './host-role.ts'
import { hostWire } from './host-wire.ts'
import { identityProvider, withoutClientKeys } from './identity.ts'
import { changedImage } from './image.ts'
import { network } from './network.ts'
import { keyPolicy } from './policy.ts'
import { relay } from './relay.ts'
import { startThief } from './thief.ts'
import { stolenToken } from './token.ts'
import { makeWorld, type WorldOptions } from './world.ts'

export async function runAdversary(options: WorldOptions): Promise<Run> {
  const world = await makeWorld(options)
  const { print = () => undefined } = options
  try {
    for (const attack of [network, stolenToken, relay, hostRoleAttacks, hostWire]) await attack(world)
    const thief = await startThief(world, world.stack.configuration)
    await changedImage(world, thief)
    for (const attack of [changedConfiguration, identityProvider, withoutClientKeys, database]) await attack(world)
    await keyPolicy(world, thief)
    print('\nThe same with one guard missing: each must win.')
    const won = await contrasts(world, thief)
    for (const { missing, kind, won: amount } of won) print(`${missing} → ${amount[kind]} ${kind}`)
    const harmless = won.filter(({ kind, won: amount }) => amount[kind] === 0).map(({ missing, kind }) => `${missing}: no ${kind} won, so that the attack proves nothing`)
    const wrong = [...violations(world.attempts), ...harmless]
    print(`\nWhat each won at most, ${world.attempts.length} attempts:\n${table(tally(world.attempts))}\n\nWhat the threat model allows:\n${table(ALLOWED)}\n`)
    for (const line of wrong) print(`NOT AS THE THREAT MODEL SAYS: ${line}`)
    return { attempts: world.attempts, contrasts: won, violations: wrong }
  } finally {
    await world.close()
  }
}
