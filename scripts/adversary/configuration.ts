/** Whoever runs the right image with another configuration: other proofs, another issuer, another key, another table, another authority. */
import { join } from 'node:path'
import { setTimeout as sleep } from 'node:timers/promises'
import { CreateTableCommand, DescribeTableCommand, PutItemCommand } from '@aws-sdk/client-dynamodb'
import { createClientKey, loginNonce } from '../../client/client-key.ts'
import { createEnclaveClient } from '../../lib/enclave/client.ts'
import { issuerHash } from '../../lib/tokens/owner.ts'
import type { EnclaveCredentials } from '../../local/enclave.ts'
import { parsePolicy } from '../../local/iam/policy.ts'
import { startIssuer } from '../../local/issuer.ts'
import { login } from '../../local/login.ts'
import { createLocalCa } from '../../local/tls.ts'
import { endOf } from './codes.ts'
import { takePosition } from './position.ts'
import { ask, channelOf, isGuess, type Login } from './sealing.ts'
import { signing } from './token.ts'
import { appFor, measured, trustIn, type World } from './world.ts'

type Settings = Record<string, unknown>

/** The deployed configuration with some of it changed. */
export function reconfigured({ stack }: Pick<World, 'stack'>, change: (settings: Settings) => Settings): Uint8Array {
  return new TextEncoder().encode(JSON.stringify(change(JSON.parse(new TextDecoder().decode(stack.configuration)) as Settings)))
}

export const withoutProofs = (settings: Settings): Settings => ({
  ...settings, tenants: (settings['tenants'] as Settings[]).map((tenant) => ({ ...tenant, proofs: ['none'] })),
})

export async function changedConfiguration(world: World): Promise<void> {
  const { stack, victim } = world
  const openKey = await stack.services.kms.keys.create(OPEN_POLICY, 'the attacker’s')
  const stolen: Login = { token: victim.token, clientKey: null }
  const own = await tableOfOnesOwn(world)
  const other = (name: string) => (settings: Settings): Settings => ({ ...settings, tableArn: (settings['tableArn'] as string).replace(/[^/]+$/, name) })
  await attempt(world, 'proofs that are not asked for', withoutProofs, stolen, 'unavailable, KMS: Decrypt AccessDenied')
  await attempt(world, 'the same, and a KMS key of one’s own', (settings) => ({ ...withoutProofs(settings), kmsKeyArn: openKey.arn }), stolen, 'record_invalid, KMS: Decrypt IncorrectKeyException')
  await attempt(world, 'the same, and a table of one’s own', (settings) => other(own.name)(withoutProofs(settings)), stolen, 'unavailable, KMS: Decrypt AccessDenied', own.credentials)
  await anotherIssuer(world)
}

const OPEN_POLICY = JSON.stringify({ Version: '2012-10-17', Statement: [{ Effect: 'Allow', Principal: '*', Action: 'kms:*', Resource: '*' }] })

async function attempt(world: World, name: string, change: (settings: Settings) => Settings, who: Login, expected: string, credentials?: EnclaveCredentials): Promise<void> {
  const { stack, victim } = world
  const configuration = reconfigured(world, change)
  const enclave = await world.launch(world.image, configuration)
  if (credentials !== undefined) await enclave.giveCredentials(credentials)
  const position = takePosition(stack, enclave.serviceUrl)
  const app = endOf(appFor(world, position, stack.trust))
  await world.tried('changed configuration', `${name}: offer its channel`, { stopped: await app, expected: 'attestation_measurements', denial: true })
  const channel = await channelOf(position.enclave, trustIn(world, measured(enclave, configuration)))
  const reply = await ask(position.enclave, channel, who, await victim.record(), signing(victim.wallet.id, victim.pin))
  await world.tried('changed configuration', `${name}: guess a PIN`, {
    guesses: isGuess(reply) ? 1 : 0, stopped: `${reply.code}, ${await world.kmsSaid()}`, expected,
  })
  await enclave.close()
}

/** Where no counter stands for long: it is the attacker's to write. Its credentials are good for whatever the attacker owns. */
async function tableOfOnesOwn({ stack, victim, table }: World): Promise<{ name: string; credentials: EnclaveCredentials }> {
  const name = 'attackers-table'
  const expiresAtMs = Date.now() + 3_600_000
  const everything = { Version: '2012-10-17', Statement: [{ Effect: 'Allow', Action: '*', Resource: '*' }] }
  const { credentials } = stack.services.identities.issueSession({
    roleArn: 'arn:aws:iam::000000000000:role/attacker', sessionName: 'attacker', policies: [parsePolicy(everything, 'identity')], context: new Map(), expiresAtMs,
  })
  const { Table } = await table.client.send(new DescribeTableCommand({ TableName: table.name }))
  await table.client.send(new CreateTableCommand({ TableName: name, KeySchema: Table?.KeySchema, AttributeDefinitions: Table?.AttributeDefinitions, BillingMode: 'PAY_PER_REQUEST' }))
  const Item = await table.get(victim.owner, victim.wallet.id)
  for (let tries = 0; (await endOf(table.client.send(new PutItemCommand({ TableName: name, Item })))) !== 'ok' && tries < 50; tries++) await sleep(100)
  const { accessKeyId, secretAccessKey, sessionToken = '' } = credentials
  return { name, credentials: { accessKeyId, secretAccessKey, sessionToken, expiresAtMs } }
}

/** An issuer that says of anybody what the attacker likes; and the victim's record under the name that it gives her. */
async function anotherIssuer(world: World): Promise<void> {
  const { stack, dir, victim, table } = world
  const ca = await createLocalCa({ dir: join(dir, 'evil-issuer', 'tls') })
  const redirectUri = 'http://127.0.0.1/callback'
  const issuer = await startIssuer({ dir: join(dir, 'evil-issuer'), port: 0, tls: ca.serverOptions, clients: [{ clientId: stack.clientId, redirectUris: [redirectUri] }] })
  try {
    const configuration = reconfigured(world, (settings) => ({
      ...settings,
      issuers: [{ issuer: issuer.url, jwksUri: `${issuer.url}/jwks` }],
      tenants: (settings['tenants'] as Settings[]).map((tenant) => ({ ...tenant, issuer: issuer.url })),
      certificateAuthorities: `${stack.caPem.trim()}\n${ca.caPem.trim()}\n`,
    }))
    const clientKey = await createClientKey()
    const token = await login({ issuer: issuer.url, clientId: stack.clientId, redirectUri, username: victim.name, nonce: await loginNonce(clientKey), ca: ca.caPem })
    const enclave = await world.launch(world.image, configuration)
    const client = createEnclaveClient(enclave.serviceUrl)
    const channel = await channelOf(client, trustIn(world, measured(enclave, configuration)))
    const owner = `user#demo#${issuerHash(issuer.url)}#${victim.name}`
    const record = await victim.record()
    const intent = signing(victim.wallet.id, victim.pin)
    const asIs = await ask(client, channel, { token, clientKey }, record, intent)
    await world.tried('changed configuration', 'an issuer of one’s own: the victim’s record', {
      guesses: isGuess(asIs) ? 1 : 0, stopped: asIs.code, expected: 'record_invalid',
    })
    await table.put({ ...(await table.get(victim.owner, victim.wallet.id)), owner: { S: owner } })
    const moved = await ask(client, channel, { token, clientKey }, { ...record, owner }, intent)
    await world.tried('changed configuration', 'an issuer of one’s own: the record under its name for her', {
      guesses: isGuess(moved) ? 1 : 0, stopped: `${moved.code}, ${await world.kmsSaid()}`,
      expected: 'unavailable, KMS: Decrypt AccessDenied',
    })
    await enclave.close()
  } finally {
    await issuer.close()
  }
}
