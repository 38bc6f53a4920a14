/** Who stole a live token, and nothing else; and what it is worth where a tenant takes requests without a client key. */
import { createParameters } from '../../test/support/core-client.ts'
import { createClientKey } from '../../client/client-key.ts'
import { utf8 } from '../../lib/protocol/bytes.ts'
import { signParameters, transfer } from '../../test/support/transactions.ts'
import { distinct } from './codes.ts'
import { ask, channelOf, isGuess, type Intent, type Login, type Reply } from './sealing.ts'
import type { World } from './world.ts'

export async function stolenToken(world: World): Promise<void> {
  const { position, stack, victim } = world
  const { token } = victim
  const wallets = await position.wallets(token)
  await world.tried('stolen token', 'list wallets', {
    loot: [utf8(JSON.stringify(wallets))], stopped: 'ok', expected: 'ok', note: `${wallets.length} ids`,
  })

  const channel = await channelOf(position.enclave, stack.trust)
  const own = await createClientKey()
  const attempts: readonly (readonly [string, Login, string])[] = [
    ['guess a PIN without a client key', { token, clientKey: null }, 'proof_missing'],
    ['guess a PIN with a client key of one’s own', { token, clientKey: own }, 'proof_invalid'],
  ]
  for (const [name, who, expected] of attempts) {
    const replies: Reply[] = []
    const before = await victim.record()
    for (const pin of [victim.pin, '000000', '493817']) {
      replies.push(await ask(position.enclave, channel, who, await victim.record(), signing(victim.wallet.id, pin)))
    }
    const after = await victim.record()
    await world.tried('stolen token', name, {
      guesses: replies.filter(isGuess).length, stopped: distinct(replies.map(({ code }) => code)), expected,
      denial: after.spent > before.spent || after.lockedUntilMs > before.lockedUntilMs, note: 'the right PIN among them; no lock, no counter moved',
    })
  }
  const view = await ask(position.enclave, channel, { token, clientKey: null }, await victim.record(), { op: 'view', wallet: victim.wallet.id, pin: null, parameters: {} })
  await world.tried('stolen token', 'see addresses', { stopped: view.code, expected: 'proof_missing' })
  const made = await ask(position.enclave, channel, { token, clientKey: null }, null, { op: 'create', wallet: crypto.randomUUID(), pin: '000000', parameters: createParameters() })
  await world.tried('stolen token', 'make a wallet in the owner’s name', { stopped: made.code, expected: 'proof_missing' })
}

export function signing(wallet: string, pin: string, nonce = 77): Intent {
  return { op: 'sign', wallet, pin, parameters: signParameters(transfer(nonce)) }
}
