/** The parent instance's own credentials, which are the enclave's role: what they do when the host uses them itself. */
import { Agent } from 'node:https'
import { DeleteItemCommand, DynamoDBClient, GetItemCommand, PutItemCommand, QueryCommand, ScanCommand, UpdateItemCommand, type AttributeValue } from '@aws-sdk/client-dynamodb'
import { DecryptCommand, EncryptCommand, GenerateDataKeyCommand, KMSClient, ReEncryptCommand } from '@aws-sdk/client-kms'
import { NodeHttpHandler } from '@smithy/node-http-handler'
import { concat } from '../../lib/protocol/bytes.ts'
import { distinct, endOf } from './codes.ts'
import { ask, channelOf } from './sealing.ts'
import { signing } from './token.ts'
import type { World } from './world.ts'

interface HostRole {
  readonly table: DynamoDBClient
  readonly kms: KMSClient
}

export function hostRole({ stack }: Pick<World, 'stack'>): HostRole {
  const requestHandler = new NodeHttpHandler({ httpsAgent: new Agent({ ca: stack.caPem, keepAlive: true }) })
  const { accessKeyId, secretAccessKey, sessionToken } = stack.enclaveCredentials()
  const shared = { region: 'us-east-1', credentials: { accessKeyId, secretAccessKey, sessionToken }, requestHandler, maxAttempts: 1 }
  return { table: new DynamoDBClient({ ...shared, endpoint: stack.services.dynamodb.url }), kms: new KMSClient({ ...shared, endpoint: stack.services.kms.url }) }
}

export async function hostRoleAttacks(world: World): Promise<void> {
  const { stack, victim } = world
  const role = hostRole(world)
  const TableName = stack.env['CLOISTER_TABLE'] as string
  const Key = { owner: { S: victim.owner }, item: { S: `wallet#${victim.wallet.id}` } }
  const reads = [
    new GetItemCommand({ TableName, Key }), new ScanCommand({ TableName }), new DeleteItemCommand({ TableName, Key }),
    new QueryCommand({ TableName, KeyConditionExpression: '#o = :o', ExpressionAttributeNames: { '#o': 'owner' }, ExpressionAttributeValues: { ':o': Key.owner } }),
    new UpdateItemCommand({ TableName, Key, UpdateExpression: 'SET #n = :n', ExpressionAttributeNames: { '#n': 'note' }, ExpressionAttributeValues: { ':n': { S: '' } }, ReturnValues: 'ALL_OLD' }),
  ]
  const ends = await Promise.all(reads.map((command) => endOf(role.table.send(command as GetItemCommand))))
  await world.tried('host', 'read, query, scan, delete, and write with the old values returned', {
    stopped: distinct(ends), expected: 'AccessDeniedException',
  })

  const { bytes, requests } = await readByConditions(role.table, TableName, Key)
  const { dataKey } = await victim.record()
  await world.tried('host', 'read a record by conditional writes that change nothing', {
    loot: [bytes], stopped: Buffer.compare(bytes, dataKey) === 0 ? 'ciphertext' : 'nothing', expected: 'ciphertext',
    note: `${requests} requests for the ${bytes.length} bytes of a sealed data key: blind writes are not blind, but what they read is sealed`,
  })

  const EncryptionContext = { purpose: 'cloister/v1 wallet', owner: victim.owner, wallet: victim.wallet.id }
  const KeyId = stack.keyArn
  const document = (await world.position.enclave.attest(new Uint8Array(32))).document
  const Recipient = { KeyEncryptionAlgorithm: 'RSAES_OAEP_SHA_256', AttestationDocument: document } as const
  const kmsEnds = await Promise.all([
    endOf(role.kms.send(new DecryptCommand({ KeyId, CiphertextBlob: dataKey, EncryptionContext }))),
    endOf(role.kms.send(new GenerateDataKeyCommand({ KeyId, KeySpec: 'AES_256', EncryptionContext }))),
    endOf(role.kms.send(new EncryptCommand({ KeyId, Plaintext: new Uint8Array(32), EncryptionContext }))),
    endOf(role.kms.send(new ReEncryptCommand({ CiphertextBlob: dataKey, SourceEncryptionContext: EncryptionContext, DestinationKeyId: KeyId }))),
  ])
  await world.tried('host', 'use the KMS key without an attestation', { stopped: distinct(kmsEnds), expected: 'AccessDeniedException' })
  const replayed = await endOf(role.kms.send(new DecryptCommand({ KeyId, CiphertextBlob: dataKey, EncryptionContext, Recipient })))
  await world.tried('host', 'use it with the document that offers a channel key', {
    stopped: replayed, expected: 'ValidationException', note: 'its public key is no RSA key',
  })
  await writes(world, role, TableName)
}

/** One attribute, byte by byte: whether it is below a value is what a condition tells. */
async function readByConditions(client: DynamoDBClient, TableName: string, Key: Record<string, AttributeValue>): Promise<{ bytes: Uint8Array; requests: number }> {
  let requests = 0
  const holds = async (condition: string, value: AttributeValue): Promise<boolean> => {
    requests += 1
    const end = await endOf(client.send(new UpdateItemCommand({
      TableName, Key, UpdateExpression: 'SET #v = #v', ConditionExpression: condition,
      ExpressionAttributeNames: { '#v': 'version', '#a': 'dataKey' }, ExpressionAttributeValues: { ':x': value },
    })))
    return end === 'ok'
  }
  let known: Uint8Array = new Uint8Array()
  for (;;) {
    if (known.length > 0 && (await holds('#a = :x', { B: known }))) return { bytes: known, requests }
    let [low, high] = [0, 255]
    while (low < high) {
      const middle = (low + high + 1) >> 1
      if (await holds('#a >= :x', { B: concat(known, Uint8Array.of(middle)) })) low = middle
      else high = middle - 1
    }
    known = concat(known, Uint8Array.of(low))
    if (known.length > 6144) throw new Error('the attribute has no end')
  }
}

/** What it may do, and what comes of it: the owner is kept out, and nobody gets in. */
async function writes(world: World, role: HostRole, TableName: string): Promise<void> {
  const { position, stack, victim, table } = world
  const backup = await table.get(victim.owner, victim.wallet.id)
  const channel = await channelOf(position.enclave, stack.trust)
  const change = async (name: string, edited: Record<string, AttributeValue>, expected: string): Promise<void> => {
    const end = await endOf(role.table.send(new PutItemCommand({ TableName, Item: edited })))
    const code = end === 'ok' ? await victim.sign() : end
    if (code !== 'ok') await table.put(backup)
    await world.tried('host', name, { stopped: code, expected, denial: code !== 'ok' })
  }
  const { dataKey: _d, state: _s, seed: _e, ...rest } = backup
  await change('overwrite a record with rubbish', { ...backup, seed: { B: new Uint8Array(64) } }, 'record_invalid')
  await change('empty a record', rest, 'record_invalid')
  await change('lock a wallet for a thousand years', { ...backup, lockedUntil: { N: String(Date.now() + 31_557_600_000_000) } }, 'ok')
  const mallory = await world.logIn('mallory')
  const stolen = crypto.randomUUID()
  const owner = await position.owner(mallory.token)
  await role.table.send(new PutItemCommand({ TableName, Item: { ...backup, owner: { S: owner }, item: { S: `wallet#${stolen}` } } }))
  const moved = await ask(position.enclave, channel, mallory, await position.record(mallory.token, stolen), signing(stolen, victim.pin))
  await world.tried('host', 'copy a record to another user’s wallet', { stopped: moved.code, expected: 'record_invalid' })

  await role.table.send(new PutItemCommand({ TableName, Item: { ...(await table.get(victim.owner, victim.wallet.id)), spent: { N: '0' }, lockedUntil: { N: '0' } } }))
  const guess = await ask(position.enclave, channel, { token: victim.token, clientKey: null }, await victim.record(), signing(victim.wallet.id, victim.pin))
  await world.tried('host', 'set the guess counter back, then guess under a token that it sees', {
    stopped: guess.code, expected: 'proof_missing', guesses: guess.code === 'ok' || guess.code === 'pin_wrong' ? 1 : 0,
    note: 'the counter is reset: what that is worth with a login, see below',
  })
}
