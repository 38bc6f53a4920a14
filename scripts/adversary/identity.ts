/** The identity provider: it signs what it likes, a token for anybody and any client key among it. And a tenant that asks for no client key, where a token is enough. */
import { createClientKey, loginNonce } from '../../client/client-key.ts'
import { LIMITED, type Attacker } from './attempt.ts'
import { reconfigured, withoutProofs } from './configuration.ts'
import { guessForAMonth, setBack } from './guessing.ts'
import { startRestarts, type Restarts } from './restarts.ts'
import { ask, channelOf, type Login, type Reply } from './sealing.ts'
import { signing } from './token.ts'
import { configurationPcr } from '../../local/enclave.ts'
import type { World } from './world.ts'

/** A login as the victim, bound to a key of the attacker's. */
export async function forgedLogin({ stack, victim, forge }: World): Promise<Login> {
  const clientKey = await createClientKey()
  const nowSec = Math.floor(Date.now() / 1000)
  const token = await forge({ iss: stack.issuerUrl, aud: stack.clientId, sub: victim.name, iat: nowSec, exp: nowSec + 3600, nonce: await loginNonce(clientKey) })
  return { token, clientKey }
}

export async function identityProvider(world: World): Promise<void> {
  const { position, stack, victim } = world
  const who = await forgedLogin(world)
  const channel = await channelOf(position.enclave, stack.trust)
  const blind = await ask(position.enclave, channel, who, await victim.record(), { ...signing(victim.wallet.id, ''), pin: null })
  await world.tried('identity provider', 'sign without a PIN', { stopped: blind.code, expected: 'pin_malformed' })
  const restarts = await startRestarts(world, stack.configuration)
  await month(world, 'identity provider', who, restarts, { busy: false, name: 'guess PINs under a token that it minted' })
  await month(world, 'identity provider', who, restarts, { busy: true, name: 'the same, while the owner signs so often that no lock ever stands' })
  await restarts.close()
}

/** The contrast that a deployment may choose: measured, approved, and every token is then worth guesses. */
export async function withoutClientKeys(world: World): Promise<void> {
  const configuration = reconfigured(world, withoutProofs)
  await world.approve({ configurations: [configurationPcr(configuration)] })
  const restarts = await startRestarts(world, configuration)
  try {
    const who = { token: world.victim.token, clientKey: null }
    await month(world, 'stolen token, proof none', who, restarts, { busy: false, name: 'guess PINs, the owner being away' })
    await month(world, 'relay, proof none', who, restarts, { busy: true, name: 'guess PINs under live tokens, the owner signing in between' })
  } finally {
    await world.approve({})
    await restarts.close()
  }
}

async function month(
  world: World, attacker: Attacker, who: Login, at: Restarts, { busy, name }: { readonly busy: boolean; readonly name: string },
): Promise<void> {
  const { table, victim } = world
  const place = { table, owner: victim.owner, wallet: victim.wallet.id }
  const before = await table.get(place.owner, place.wallet)
  let tries = 0
  const guess = async (): Promise<Reply> => {
    tries += 1
    return ask(at.client, at.channel, who, await victim.record(), signing(victim.wallet.id, `guess ${tries}`))
  }
  // Four wrong ones lock nothing; her success clears them.
  const owner = busy ? async (streak: number) => void (streak % 4 === 0 && (await victim.sign())) : undefined
  const { inADay, in30Days } = await guessForAMonth({ ...place, restart: () => at.restart() }, guess, owner)
  await setBack(place, before)
  await at.restart() // it would go on remembering
  await world.tried(attacker, name, {
    guesses: in30Days, stopped: in30Days <= LIMITED ? 'wallet_locked' : 'nothing', expected: 'wallet_locked', denial: true, note: `${inADay} in 24 hours, ${in30Days} in 30 days`,
  })
}
