/** Whoever runs another image: by one byte, or altogether. */
import { appendFile, cp, readFile } from 'node:fs/promises'
import { join } from 'node:path'
import { launchEnclave } from '../../local/enclave.ts'
import { endOf } from './codes.ts'
import { hostRole } from './host-role.ts'
import { takePosition } from './position.ts'
import { askForDataKey, standIn, type Thief } from './thief.ts'
import { appFor, measured, trustIn, type World } from './world.ts'

export async function changedImage(world: World, thief: Thief): Promise<void> {
  const { stack, victim, dir } = world
  for (const file of ['enclave.mjs', 'argon2.node']) {
    const image = join(dir, `changed-${file}`)
    await cp(world.image, image, { recursive: true })
    await appendFile(join(image, file), '\n')
    const enclave = await world.launch(image, stack.configuration)
    const position = takePosition(stack, enclave.serviceUrl)
    const app = (trust: typeof stack.trust): Promise<string> =>
      endOf(appFor(world, position, trust).then((cloister) => cloister.wallets.create({ pin: victim.pin })))
    await world.tried('changed image', `offer its channel, with one byte more in ${file}`, {
      stopped: await app(stack.trust), expected: 'attestation_measurements', denial: true,
    })
    await world.tried('changed image', `ask KMS for a key, with one byte more in ${file}`, {
      stopped: `${await app(trustIn(world, measured(enclave, stack.configuration)))}, ${await world.kmsSaid()}`,
      expected: 'unavailable, KMS: GenerateDataKey AccessDenied', denial: true,
    })
    await enclave.close()
  }

  const { end, loot } = await standIn(world, thief, stack.trust, victim.pin)
  await world.tried('changed image', 'offer a channel key of one’s own', { loot, stopped: end, expected: 'attestation_measurements', denial: true })
  const asked = await askForDataKey(thief, hostRole(world).kms, stack.keyArn, await victim.record())
  await world.tried('changed image', 'ask KMS for a data key, PCR16 extended with the right configuration', {
    loot: [asked.dataKey], stopped: asked.end, expected: 'AccessDeniedException',
  })

  // The right image, under a hypervisor of one's own.
  const other = await launchEnclave({ root: world.root, image: world.image, pkiDir: join(dir, 'other-hypervisor') })
  await other.configure(stack.configuration)
  const position = takePosition(stack, other.serviceUrl)
  const root = new Uint8Array(await readFile(join(dir, 'other-hypervisor', 'root', 'certificate.der')))
  const from = (trust: typeof stack.trust): Promise<string> => endOf(appFor(world, position, trust))
  await world.tried('changed image', 'vouch for it with another root', {
    stopped: `${await from(stack.trust)}; with that root pinned ${await from({ ...stack.trust, root })}`,
    expected: 'attestation_chain; with that root pinned ok',
  })
  await other.close()
}
