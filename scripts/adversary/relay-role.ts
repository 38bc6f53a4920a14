/** The credentials within the relay's reach: its own role's, and those that a user's token is exchanged for. */
import { Agent } from 'node:https'
import { join } from 'node:path'
import { DeleteItemCommand, DynamoDBClient, GetItemCommand, PutItemCommand, QueryCommand, ScanCommand, UpdateItemCommand } from '@aws-sdk/client-dynamodb'
import { DecryptCommand, GenerateDataKeyCommand, KMSClient } from '@aws-sdk/client-kms'
import { NodeHttpHandler } from '@smithy/node-http-handler'
import { loadMain } from '../../local/iam/resources.ts'
import type { Credentials } from '../../local/iam/identities.ts'
import { distinct, endOf } from './codes.ts'
import type { World } from './world.ts'

export async function relayRoles(world: World): Promise<void> {
  const { stack, root, victim, position } = world
  const { relayRole } = await loadMain(join(root, 'resources'), stack.keyArn)
  const own = stack.services.identities.addStatic({ roleArn: relayRole.arn, sessionName: 'relay', policies: relayRole.policies })
  await world.tried('relay', 'use its own role on the table and the KMS key', {
    stopped: distinct([...(await reads(world, own.credentials, victim.owner)), ...(await writes(world, own.credentials)), ...(await keys(world, own.credentials))]), expected: 'AccessDeniedException',
  })
  const mallory = await world.logIn('mallory')
  const theirs = await position.credentials(mallory.token)
  await world.tried('relay', 'read one user’s records with credentials got for another', {
    stopped: distinct(await reads(world, theirs, victim.owner)), expected: 'AccessDeniedException',
  })
  const hers = await position.credentials(victim.token)
  await world.tried('relay', 'write a record, or use the key, with credentials got for its owner', {
    stopped: distinct([...(await writes(world, hers)), ...(await keys(world, hers))]), expected: 'AccessDeniedException', note: 'the guess counter among what can’t be written',
  })
  const [get, , query] = await reads(world, hers, victim.owner)
  await world.tried('relay', 'read a user’s own records with them', {
    stopped: distinct([get ?? '', query ?? '']), expected: 'ok', note: 'ciphertext: what they are for',
  })
}

function client(world: World, credentials: Credentials): { table: DynamoDBClient; kms: KMSClient } {
  const { stack } = world
  const shared = { region: 'us-east-1', credentials, maxAttempts: 1, requestHandler: new NodeHttpHandler({ httpsAgent: new Agent({ ca: stack.caPem }) }) }
  return { table: new DynamoDBClient({ ...shared, endpoint: stack.services.dynamodb.url }), kms: new KMSClient({ ...shared, endpoint: stack.services.kms.url }) }
}

function reads(world: World, credentials: Credentials, owner: string): Promise<string[]> {
  const { table } = client(world, credentials)
  const TableName = world.table.name
  const Key = { owner: { S: owner }, item: { S: `wallet#${world.victim.wallet.id}` } }
  const query = { KeyConditionExpression: '#o = :o', ExpressionAttributeNames: { '#o': 'owner' }, ExpressionAttributeValues: { ':o': Key.owner } }
  return Promise.all([
    endOf(table.send(new GetItemCommand({ TableName, Key }))), endOf(table.send(new ScanCommand({ TableName }))), endOf(table.send(new QueryCommand({ TableName, ...query }))),
  ])
}

function writes(world: World, credentials: Credentials): Promise<string[]> {
  const { table } = client(world, credentials)
  const { victim } = world
  const TableName = world.table.name
  const Key = { owner: { S: victim.owner }, item: { S: `wallet#${victim.wallet.id}` } }
  const reset = { UpdateExpression: 'SET #s = :zero', ExpressionAttributeNames: { '#s': 'spent' }, ExpressionAttributeValues: { ':zero': { N: '0' } } }
  return Promise.all([
    endOf(table.send(new PutItemCommand({ TableName, Item: Key }))), endOf(table.send(new UpdateItemCommand({ TableName, Key, ...reset }))), endOf(table.send(new DeleteItemCommand({ TableName, Key }))),
  ])
}

async function keys(world: World, credentials: Credentials): Promise<string[]> {
  const { kms } = client(world, credentials)
  const { dataKey, owner, wallet } = await world.victim.record()
  const call = { KeyId: world.stack.keyArn, EncryptionContext: { purpose: 'cloister/v1 wallet', owner, wallet } }
  return Promise.all([endOf(kms.send(new DecryptCommand({ ...call, CiphertextBlob: dataKey }))), endOf(kms.send(new GenerateDataKeyCommand({ ...call, KeySpec: 'AES_256' })))])
}
