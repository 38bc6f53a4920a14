import { receiptItem, type WalletRecord } from '../../lib/protocol/record.ts'
import type { TablePort, WriteResult } from '../core/ports.ts'
import { AwsError, toBase64, type AwsJson } from './aws-json.ts'

/** DynamoDB's values, as many kinds as a wallet record has. Numbers go as text. */
type AttributeValue = { readonly S: string } | { readonly N: string } | { readonly B: string } | { readonly NS: readonly string[] }

const bytes = (value: Uint8Array): AttributeValue => ({ B: toBase64(value) })
const number = (value: number): AttributeValue => ({ N: String(value) })
const numbers = (values: readonly number[]): AttributeValue => ({ NS: values.map(String) })
const keyOf = (at: { readonly owner: string; readonly wallet: string }): Record<string, AttributeValue> => ({
  owner: { S: at.owner },
  item: { S: `wallet#${at.wallet}` },
})

/**
 * The wallet table, written and never read. Each write is one conditional statement:
 *
 * ```
 *   record v, spent s ──charge──▶ v, s+1, lock, wrong ∪ {t} ──commit──▶ v+1, s+1−(s+1), no lock, wrong ∖ {t}
 *                                          └──────release──▶ v, s, lock as before, wrong ∖ {t}
 * ```
 *
 * `t` names the charge: commit and release both ask that it is still there, so that each happens once at most, in whatever order
 * lost answers make them arrive. Nothing is retried for the same reason: `aws` must try once.
 *
 * @param tableArn full ARN: credentials come from the host, and a bare name would lead to the host's own table
 */
export function createTable(aws: AwsJson, tableArn: string): TablePort {
  async function conditional(operation: 'PutItem' | 'UpdateItem', statement: object): Promise<WriteResult> {
    try {
      await aws(operation, { TableName: tableArn, ...statement })
      return 'written'
    } catch (error) {
      if (error instanceof AwsError && error.code === 'ConditionalCheckFailedException') return 'conflict'
      throw error
    }
  }

  const update = (Key: Record<string, AttributeValue>, expression: string, condition: string, values: Record<string, AttributeValue>) =>
    conditional('UpdateItem', {
      Key,
      UpdateExpression: expression,
      ConditionExpression: condition,
      ExpressionAttributeNames: namesIn(expression, condition),
      ExpressionAttributeValues: values,
    })

  return {
    create: (record) =>
      conditional('PutItem', {
        Item: toItem(record),
        ConditionExpression: 'attribute_not_exists(#item)',
        ExpressionAttributeNames: { '#item': 'item' },
      }),

    confirm: (seen) =>
      update(keyOf(seen), 'SET #version = :version', asSeen(seen).condition, asSeen(seen).values),

    charge(seen, charge) {
      const { condition, values } = asSeen(seen)
      return update(keyOf(seen), 'SET #spent = :spent, #lockedUntil = :lock ADD #wrong :at', condition, {
        ...values,
        ':spent': number(charge.spent),
        ':lock': number(charge.lockedUntilMs),
        ':at': numbers([charge.atMs]),
      })
    },

    async release(charge) {
      const values = { ':one': number(1), ':entry': number(charge.atMs), ':at': numbers([charge.atMs]), ':version': number(charge.version) }
      const condition = '#version = :version AND contains(#wrong, :entry)'
      if (charge.lockedUntilMs !== charge.previousLockedUntilMs) {
        // Our own lock goes with our charge; a lock that a later charge set stays.
        const withLock = { ...values, ':lock': number(charge.lockedUntilMs), ':before': number(charge.previousLockedUntilMs) }
        const expression = 'SET #spent = #spent - :one, #lockedUntil = :before DELETE #wrong :at'
        const result = await update(keyOf(charge), expression, `${condition} AND #lockedUntil = :lock`, withLock)
        if (result === 'written') return result
      }
      const result = await update(keyOf(charge), 'SET #spent = #spent - :one DELETE #wrong :at', condition, values)
      if (result === 'written') return result
      // Another enclave's success came between, and took off what it saw spent. What is left of this charge is its entry in the
      // rolling total, which would count against the owner for 30 days.
      await update(keyOf(charge), 'DELETE #wrong :at', 'contains(#wrong, :entry)', { ':entry': values[':entry'], ':at': values[':at'] })
      return result
    },

    commit: (next, charge, expiredMs) =>
      update(
        keyOf(next),
        `SET #format = :format, #version = :next, #dataKey = :dataKey, #state = :state, #seed = :seed, #spent = #spent - :paid, #lockedUntil = :unlocked${next.expiresAtSec === 0 ? ' REMOVE #expiresAtSec' : ', #expiresAtSec = :expires'} DELETE #wrong :gone`,
        '#version = :version AND contains(#wrong, :entry) AND #spent >= :paid',
        {
          ':format': number(next.format),
          ':next': number(next.version),
          ':version': number(charge.version),
          ':dataKey': bytes(next.dataKey),
          ':state': bytes(next.state),
          ':seed': bytes(next.seed),
          ':paid': number(charge.spent),
          ':unlocked': number(0),
          ':entry': number(charge.atMs),
          ':gone': numbers([charge.atMs, ...expiredMs]),
          ...(next.expiresAtSec === 0 ? {} : { ':expires': number(next.expiresAtSec) }),
        },
      ),

    async putReceipt({ owner, wallet, sequence, sealed }) {
      const Item = { owner: { S: owner }, item: { S: receiptItem(wallet, sequence) }, receipt: bytes(sealed) }
      await aws('PutItem', { TableName: tableArn, Item })
    },
  }
}

/** That the record in the table is exactly the one seen: what `charge` and `confirm` ask before anything else. */
function asSeen(seen: WalletRecord): { condition: string; values: Record<string, AttributeValue> } {
  const noneWrong = seen.wrongMs.length === 0
  return {
    condition: `#version = :version AND #spent = :seenSpent AND #lockedUntil = :seenLock AND ${noneWrong ? 'attribute_not_exists(#wrong)' : '#wrong = :seenWrong'}`,
    values: {
      ':version': number(seen.version),
      ':seenSpent': number(seen.spent),
      ':seenLock': number(seen.lockedUntilMs),
      ...(noneWrong ? {} : { ':seenWrong': numbers(seen.wrongMs) }),
    },
  }
}

/** Attribute names always go by placeholders: some of ours are reserved words. */
function namesIn(...expressions: readonly string[]): Record<string, string> {
  const found = expressions.join(' ').match(/#[a-zA-Z]+/g) ?? []
  return Object.fromEntries(found.map((name) => [name, name.slice(1)]))
}

function toItem(record: WalletRecord): Record<string, AttributeValue> {
  return {
    ...keyOf(record),
    format: number(record.format),
    version: number(record.version),
    dataKey: bytes(record.dataKey),
    state: bytes(record.state),
    seed: bytes(record.seed),
    spent: number(record.spent),
    lockedUntil: number(record.lockedUntilMs),
    createdAt: number(record.createdAtMs),
  }
}
