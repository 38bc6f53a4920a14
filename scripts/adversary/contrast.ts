/**
 * The same attacks where one guard is missing: each must win. An attacker who wins nothing against an open door would not be worth the asking.
 */
import { join } from 'node:path'
import { DecryptCommand } from '@aws-sdk/client-kms'
import { connect } from '../../client/connect.ts'
import { createEnclaveClient } from '../../lib/enclave/client.ts'
import { loadKeyPolicy } from '../../local/iam/resources.ts'
import { openBlob } from '../../local/kms/ciphertext.ts'
import { endOf } from './codes.ts'
import { NOTHING, type Contrast, type Evidence, type Won } from './attempt.ts'
import { reconfigured, withoutProofs } from './configuration.ts'
import { changedPins, signedIn } from './database.ts'
import { hostRole } from './host-role.ts'
import { fakeKms } from './host-wire.ts'
import { forgedLogin } from './identity.ts'
import { unlock } from './judge.ts'
import { takePosition } from './position.ts'
import { startRestarts } from './restarts.ts'
import { ask, channelOf, isGuess } from './sealing.ts'
import { askForDataKey, standIn, type Thief } from './thief.ts'
import { signing } from './token.ts'
import { measured, trustIn, type World } from './world.ts'

interface Statement { Sid: string; Condition?: Record<string, Record<string, unknown>> }

export async function contrasts(world: World, thief: Thief): Promise<Contrast[]> {
  const done: Contrast[] = []
  const weigh = async (missing: string, kind: keyof Won, evidence: Pick<Evidence, 'loot' | 'signed' | 'guesses'>): Promise<void> => {
    done.push({ missing, kind, won: await world.judge.weigh({ stopped: '', expected: '', ...evidence }) })
  }
  const { stack, victim, position } = world
  await world.judge.learn(await victim.record(), victim.pin)

  const pinned = await standIn(world, thief, trustIn(world, measured(thief.enclave, stack.configuration)), victim.pin)
  await weigh('an app that pins the attacker’s image', 'plaintexts', { loot: pinned.loot })

  try {
    const unconditional = (statement: Statement): Statement | undefined => {
      if (statement.Sid === 'InsideAnEnclaveOrNotAtAll') return undefined
      return statement.Sid === 'ApprovedEnclaves' ? withoutKey(statement, undefined) : statement
    }
    await world.approve(await weakened(world, unconditional))
    await weigh('a key policy without conditions', 'keys', { loot: [await plainDecrypt(world)] })
    await world.approve(await weakened(world, (statement) => withoutKey(statement, 'kms:RecipientAttestation:ImageSha384')))
    await weigh('a key policy without PCR0', 'keys', { loot: [(await askForDataKey(thief, hostRole(world).kms, stack.keyArn, await victim.record())).dataKey] })
    await world.approve(await weakened(world, (statement) => withoutKey(statement, 'kms:RecipientAttestation:PCR16')))
    await weigh('a key policy without PCR16', 'guesses', { guesses: await guessWithoutProof(world) })
  } finally {
    await world.approve({})
  }

  done.push({ missing: 'an enclave that trusts another authority for KMS', kind: 'keys', won: { ...NOTHING, keys: await fakeKmsWins(world) } })

  const channel = await channelOf(position.enclave, stack.trust)
  const known = await ask(position.enclave, channel, await forgedLogin(world), await victim.record(), signing(victim.wallet.id, victim.pin, 4711))
  await weigh('a PIN that the identity provider knows', 'signatures', { signed: signedIn(known) })
  await weigh('an enclave that saw nothing later than the record that was put back', 'signatures', { signed: await revive(world) })
  return done
}

/** What the memory of a running enclave refuses, one that was started since does. */
async function revive(world: World): Promise<Uint8Array[]> {
  const { victim, table } = world
  const { current, earlier, earlierPin } = await changedPins(world)
  const at = await startRestarts(world, world.stack.configuration)
  await table.put(earlier)
  const reply = await ask(at.client, at.channel, await forgedLogin(world), await victim.record(), signing(victim.wallet.id, earlierPin, 4713))
  await at.close()
  await table.put(current)
  return signedIn(reply)
}

async function weakened({ root, pins }: World, change: (statement: Statement) => Statement | undefined): Promise<string> {
  const policy = JSON.parse(await loadKeyPolicy(join(root, 'resources'), [pins.pcr0], [pins.pcr16])) as { Statement: Statement[] }
  return JSON.stringify({ ...policy, Statement: policy.Statement.map(change).filter((statement) => statement !== undefined) })
}

/** A statement without one condition key, or without any. */
function withoutKey(statement: Statement, key: string | undefined): Statement {
  const { Condition, ...rest } = statement
  if (key === undefined || Condition === undefined || statement.Sid !== 'ApprovedEnclaves') return key === undefined ? rest : statement
  const kept = Object.entries(Condition).map(([operator, keys]) => [operator, Object.fromEntries(Object.entries(keys).filter(([name]) => name !== key))])
  return { ...rest, Condition: Object.fromEntries(kept) as Record<string, Record<string, unknown>> }
}

async function plainDecrypt(world: World): Promise<Uint8Array> {
  const { dataKey, owner, wallet } = await world.victim.record()
  const command = new DecryptCommand({ KeyId: world.stack.keyArn, CiphertextBlob: dataKey, EncryptionContext: { purpose: 'cloister/v1 wallet', owner, wallet } })
  let plain: Uint8Array = new Uint8Array()
  await endOf(hostRole(world).kms.send(command).then(({ Plaintext }) => (plain = Plaintext ?? plain)))
  return plain
}

async function guessWithoutProof(world: World): Promise<number> {
  const { victim, table } = world
  const backup = await table.get(victim.owner, victim.wallet.id)
  const configuration = reconfigured(world, withoutProofs)
  const enclave = await world.launch(world.image, configuration)
  const client = createEnclaveClient(enclave.serviceUrl)
  const channel = await channelOf(client, trustIn(world, measured(enclave, configuration)))
  const reply = await ask(client, channel, { token: victim.token, clientKey: null }, await victim.record(), signing(victim.wallet.id, 'a guess'))
  await enclave.close()
  await table.put(backup)
  return isGuess(reply) ? 1 : 0
}

/** A KMS of the attacker's, whose certificate the configuration trusts: it chooses the data key of a new wallet, and so opens its record. */
async function fakeKmsWins(world: World): Promise<number> {
  const { stack, victim } = world
  const { kms, caPem } = await fakeKms(world, 'trusted-fake-kms')
  try {
    const configuration = reconfigured(world, (settings) => ({ ...settings, kms: { url: kms.url }, certificateAuthorities: `${stack.caPem.trim()}\n${caPem.trim()}\n` }))
    const enclave = await world.launch(world.image, configuration)
    const keyId = stack.keyArn.split('/')[1] as string
    const policyText = await loadKeyPolicy(join(world.root, 'resources'), [enclave.image.pcr0], [measured(enclave, configuration).pcr16])
    await kms.keys.update(keyId, { policyText })
    const position = takePosition(stack, enclave.serviceUrl)
    let token = ''
    const login = async ({ nonce }: { readonly nonce: string }): Promise<string> => (token = await world.token('alice', nonce))
    const app = await connect({ url: 'http://relay.example', trust: trustIn(world, measured(enclave, configuration)), login, fetch: position.fetch })
    const { id } = await app.wallets.create({ pin: victim.pin })
    const record = await position.record(token, id)
    await enclave.close()
    if (record === null) return 0
    const dataKey = openBlob(record.dataKey, Buffer.alloc(32, 7), { purpose: 'cloister/v1 wallet', owner: record.owner, wallet: id })
    return dataKey !== undefined && (await unlock(stack.keyArn, record, dataKey, victim.pin)) !== undefined ? 1 : 0
  } finally {
    await kms.close()
  }
}
