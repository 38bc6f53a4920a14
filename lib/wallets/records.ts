/** Reading wallet records, with credentials that the user's own token was exchanged for. */
import {
  DynamoDBClient,
  GetItemCommand,
  QueryCommand,
  type AttributeValue,
  type DynamoDBClientConfig,
  type QueryCommandOutput,
} from '@aws-sdk/client-dynamodb'
import { CloisterError } from '../protocol/errors.ts'
import { decodeRecord, receiptItem, type WalletRecord } from '../protocol/record.ts'
import type { ReadCredentials } from '../tokens/exchange.ts'

/** What the table shows in the clear of a wallet: not believed, good enough to find it. */
export interface WalletListing {
  readonly id: string
  readonly createdAtMs: number
  /** When the table will have deleted it, seconds since the epoch; 0: never. */
  readonly expiresAtSec: number
}

export interface WalletRecords {
  /** A strongly consistent read. @throws CloisterError `record_invalid`, `unavailable` */
  get(credentials: ReadCredentials, owner: string, wallet: string): Promise<WalletRecord | null>
  list(credentials: ReadCredentials, owner: string): Promise<readonly WalletListing[]>
  /** Stored receipts with sequence numbers after `after`, in their order, a page at a time. They are sealed: nothing of them is read here. */
  receipts(credentials: ReadCredentials, owner: string, wallet: string, after: number): Promise<readonly StoredReceipt[]>
}

export interface StoredReceipt {
  readonly sequence: number
  readonly sealed: Uint8Array
}

const ITEM_PREFIX = 'wallet#'
const MAX_PAGES = 10
const RECEIPTS_A_PAGE = 100

export function createWalletRecords(options: { table: string; client: DynamoDBClientConfig; timeoutMs: number }): WalletRecords {
  const deadline = (): { abortSignal: AbortSignal } => ({ abortSignal: AbortSignal.timeout(options.timeoutMs) })
  const clientFor = (credentials: ReadCredentials): DynamoDBClient => new DynamoDBClient({ ...options.client, credentials })

  return {
    async get(credentials, owner, wallet) {
      const command = new GetItemCommand({
        TableName: options.table,
        Key: { owner: { S: owner }, item: { S: `${ITEM_PREFIX}${wallet}` } },
        ConsistentRead: true,
      })
      const { Item } = await clientFor(credentials).send(command, deadline()).catch(unavailable)
      return Item === undefined ? null : toRecord(Item)
    },
    async list(credentials, owner) {
      const client = clientFor(credentials)
      const found: WalletListing[] = []
      let ExclusiveStartKey: Record<string, AttributeValue> | undefined
      for (let page = 0; page < MAX_PAGES; page++) {
        const command = new QueryCommand({
          TableName: options.table,
          KeyConditionExpression: '#owner = :owner AND begins_with(#item, :prefix)',
          ProjectionExpression: '#item, #createdAt, #expiresAtSec',
          ExpressionAttributeNames: { '#owner': 'owner', '#item': 'item', '#createdAt': 'createdAt', '#expiresAtSec': 'expiresAtSec' },
          ExpressionAttributeValues: { ':owner': { S: owner }, ':prefix': { S: ITEM_PREFIX } },
          ConsistentRead: true,
          ExclusiveStartKey,
        })
        const answer: QueryCommandOutput = await client.send(command, deadline()).catch(unavailable)
        for (const item of answer.Items ?? []) {
          found.push({
            id: item['item']?.S?.slice(ITEM_PREFIX.length) ?? '',
            createdAtMs: Number(item['createdAt']?.N ?? 0),
            expiresAtSec: Number(item['expiresAtSec']?.N ?? 0),
          })
        }
        ExclusiveStartKey = answer.LastEvaluatedKey
        if (ExclusiveStartKey === undefined) break
      }
      return found
    },
    async receipts(credentials, owner, wallet, after) {
      const command = new QueryCommand({
        TableName: options.table,
        KeyConditionExpression: '#owner = :owner AND #item BETWEEN :from AND :to',
        ProjectionExpression: '#item, #receipt',
        ExpressionAttributeNames: { '#owner': 'owner', '#item': 'item', '#receipt': 'receipt' },
        ExpressionAttributeValues: {
          ':owner': { S: owner },
          ':from': { S: receiptItem(wallet, after + 1) },
          ':to': { S: receiptItem(wallet, 10 ** 12 - 1) },
        },
        ConsistentRead: true,
        Limit: RECEIPTS_A_PAGE,
      })
      const answer: QueryCommandOutput = await clientFor(credentials).send(command, deadline()).catch(unavailable)
      return (answer.Items ?? []).map((item) => ({
        sequence: Number(item['item']?.S?.split('#')[2]),
        sealed: item['receipt']?.B ?? new Uint8Array(),
      }))
    },
  }
}

function unavailable(): never {
  throw new CloisterError('unavailable', { retryAfterSec: 2 })
}

function toRecord(item: Readonly<Record<string, AttributeValue>>): WalletRecord {
  const number = (name: string): number => Number(item[name]?.N ?? Number.NaN)
  const record = decodeRecord({
    format: number('format'),
    owner: item['owner']?.S,
    wallet: item['item']?.S?.slice(ITEM_PREFIX.length),
    version: number('version'),
    dataKey: item['dataKey']?.B,
    state: item['state']?.B,
    seed: item['seed']?.B,
    spent: number('spent'),
    lockedUntilMs: number('lockedUntil'),
    wrongMs: (item['wrong']?.NS ?? []).map(Number).sort((a, b) => a - b),
    createdAtMs: number('createdAt'),
    expiresAtSec: Number(item['expiresAtSec']?.N ?? 0),
  })
  if (record === undefined) throw new CloisterError('record_invalid')
  return record
}
