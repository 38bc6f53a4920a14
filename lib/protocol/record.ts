/** A wallet's record as DynamoDB stores it and the relay hands it to the enclave. Nothing in it is believed unopened. */
import type { CborValue } from './cbor.ts'
import { array, attempt, bytes, integer, Malformed, object, text } from './fields.ts'
import { WALLET_ID } from './header.ts'

export const RECORD_FORMAT = 1

export interface WalletRecord {
  /** {@link RECORD_FORMAT}. */
  readonly format: number
  /** Partition key: `user#<tenant>#<issuer hash>#<sub>`. */
  readonly owner: string
  readonly wallet: string
  /** +1 at each rewrap; every write is conditional on it. */
  readonly version: number
  /** KMS ciphertext of this version's data key. */
  readonly dataKey: Uint8Array
  readonly state: Uint8Array
  readonly seed: Uint8Array
  /** Guesses charged and not yet released. */
  readonly spent: number
  /** Milliseconds since the epoch; 0 when not locked. */
  readonly lockedUntilMs: number
  /** When the guesses of the rolling total were charged, milliseconds since the epoch, ascending. */
  readonly wrongMs: readonly number[]
  readonly createdAtMs: number
  /** Seconds since the epoch at which the table forgets the item (DynamoDB's time to live); 0 for never. What counts is in `state`. */
  readonly expiresAtSec: number
}

/** Sort key of a stored receipt: in the order of their sequence numbers. */
export function receiptItem(wallet: string, sequence: number): string {
  return `receipt#${wallet}#${String(sequence).padStart(12, '0')}`
}

const MAX = Number.MAX_SAFE_INTEGER

export function encodeRecord(record: WalletRecord): CborValue {
  return { ...record, wrongMs: [...record.wrongMs] }
}

/** Shape and bounds only. */
export function decodeRecord(value: unknown): WalletRecord | undefined {
  return attempt(() => {
    const fields = object(value, [
      'format', 'owner', 'wallet', 'version', 'dataKey', 'state', 'seed', 'spent', 'lockedUntilMs', 'wrongMs', 'createdAtMs', 'expiresAtSec',
    ])
    return {
      format: integer(fields['format'], RECORD_FORMAT, RECORD_FORMAT),
      owner: text(fields['owner'], /^user#[\x20-\x7e]{1,600}$/),
      wallet: text(fields['wallet'], WALLET_ID),
      version: integer(fields['version'], 1, MAX),
      dataKey: bytes(fields['dataKey'], 1, 6144),
      state: bytes(fields['state'], 28, 128 * 1024),
      seed: bytes(fields['seed'], 28, 4096),
      spent: integer(fields['spent'], 0, MAX),
      lockedUntilMs: integer(fields['lockedUntilMs'], 0, MAX),
      wrongMs: ascending(array(fields['wrongMs'], 10_000, (item) => integer(item, 0, MAX))),
      createdAtMs: integer(fields['createdAtMs'], 0, MAX),
      expiresAtSec: integer(fields['expiresAtSec'], 0, MAX),
    }
  })
}

/** A set has one order, and nothing twice. */
function ascending(values: readonly number[]): readonly number[] {
  if (values.some((value, i) => i > 0 && value <= (values[i - 1] as number))) throw new Malformed()
  return values
}
