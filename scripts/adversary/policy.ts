/** Who may change the KMS key's policy (and reads the table: whoever administers the account does): admits an image of their own. */
import { privateKeyToAccount } from 'viem/accounts'
import { toHex, utf8 } from '../../lib/protocol/bytes.ts'
import { SHORT_PIN } from './victim.ts'
import { hostRole } from './host-role.ts'
import { unlock } from './judge.ts'
import { askForDataKey, standIn, type Thief } from './thief.ts'
import type { World } from './world.ts'

export async function keyPolicy(world: World, thief: Thief): Promise<void> {
  const { stack, victim, position } = world
  await world.approve({ images: [thief.enclave.image.pcr0] })
  try {
    const strong = await victim.record()
    const weak = await victim.record(victim.weak.id)
    const { kms } = hostRole(world)
    const keys = await Promise.all([strong, weak].map((record) => askForDataKey(thief, kms, stack.keyArn, record)))
    await world.judge.learn(strong, victim.pin)
    await world.judge.learn(weak, SHORT_PIN)
    await world.tried('KMS key policy', 'admit an image of one’s own, and have it open every data key', {
      loot: keys.map(({ dataKey }) => dataKey), stopped: [...new Set(keys.map(({ end }) => end))].join(), expected: 'ok', note: 'of every wallet in the table',
    })

    const guess = `PIN of ${victim.weak.id}: `
    world.judge.plaintext('short PIN', utf8(guess + SHORT_PIN))
    const began = performance.now()
    let tries = 0
    let found: Record<string, Uint8Array> | undefined
    for (; found === undefined && tries < 10_000; tries++) found = await unlock(stack.keyArn, weak, keys[1]?.dataKey as Uint8Array, String(tries).padStart(4, '0'))
    const secondsEach = (performance.now() - began) / 1000 / tries
    const account = privateKeyToAccount(`0x${toHex(found?.['private key'] as Uint8Array)}`)
    const forged = await account.signTransaction({ type: 'eip1559', chainId: 31337, nonce: 666, to: account.address, value: 1n, gas: 21_000n, maxFeePerGas: 1n })
    world.judge.asked(new Uint8Array(), victim.weak.last.accounts[0]?.address as string)
    await world.tried('KMS key policy', 'then try PINs on a computer of one’s own, where nothing counts them', {
      loot: [utf8(guess + String(tries - 1).padStart(4, '0')), ...Object.values(found ?? {})], signed: [new Uint8Array(Buffer.from(forged.slice(2), 'hex'))], guesses: Infinity,
      stopped: found === undefined ? 'not found' : 'found', expected: 'found', note: `${(secondsEach * 1000).toFixed(0)} ms a guess on one core: ${costs(secondsEach)}`,
    })

    const sealed = position.recorded.flatMap(({ request, answer }) => [request.enc, request.ciphertext, answer])
    await world.tried('KMS key policy', 'open what apps sealed before', {
      loot: sealed, stopped: 'sealed', expected: 'sealed', note: 'to channel keys that no policy reaches',
    })
    const { end, loot } = await standIn(world, thief, stack.trust, victim.pin)
    await world.tried('KMS key policy', 'stand before an app that pins', { loot, stopped: end, expected: 'attestation_measurements', denial: true })
  } finally {
    await world.approve({})
  }
}

/** All PINs of so many digits. */
function costs(secondsEach: number): string {
  const all = (digits: number): string => `${digits} digits ${((10 ** digits * secondsEach) / 60).toFixed(0)} minutes`
  return [4, 6, 8].map(all).join(', ')
}
