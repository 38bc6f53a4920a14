/** The table as whoever restores a backup has it: everything may be read and written. */
import { Agent } from 'node:https'
import { DynamoDBClient, GetItemCommand, PutItemCommand, ScanCommand, type AttributeValue } from '@aws-sdk/client-dynamodb'
import { NodeHttpHandler } from '@smithy/node-http-handler'
import { parsePolicy } from '../../local/iam/policy.ts'
import type { Stack } from '../../local/stack.ts'

export interface OperatorTable {
  readonly name: string
  readonly client: DynamoDBClient
  get(owner: string, wallet: string): Promise<Record<string, AttributeValue>>
  put(item: Record<string, AttributeValue>): Promise<void>
  scan(): Promise<Record<string, AttributeValue>[]>
}

export function operatorTable(stack: Stack): OperatorTable {
  const everything = { Version: '2012-10-17', Statement: [{ Effect: 'Allow', Action: 'dynamodb:*', Resource: '*' }] }
  const { credentials } = stack.services.identities.addStatic({
    roleArn: 'arn:aws:iam::000000000000:role/operator',
    sessionName: 'test',
    policies: [parsePolicy(everything, 'identity')],
  })
  const client = new DynamoDBClient({
    endpoint: stack.services.dynamodb.url,
    region: 'us-east-1',
    credentials,
    requestHandler: new NodeHttpHandler({ httpsAgent: new Agent({ ca: stack.caPem }) }),
  })
  const name = stack.env['CLOISTER_TABLE'] as string
  return {
    name,
    client,
    async get(owner, wallet) {
      const { Item } = await client.send(new GetItemCommand({ TableName: name, Key: { owner: { S: owner }, item: { S: `wallet#${wallet}` } } }))
      if (Item === undefined) throw new Error('no such record')
      return Item
    },
    async put(item) {
      await client.send(new PutItemCommand({ TableName: name, Item: item }))
    },
    async scan() {
      return (await client.send(new ScanCommand({ TableName: name }))).Items ?? []
    },
  }
}
