/**
 * Address lookup tables, as the app says that they are: the enclave can't see the chain. Which accounts a message names is the signer's word
 * for an index, so a lie here changes what a person reads, never what is signed.
 */
import { base58 } from '@scure/base'
import type { CborValue } from '../../protocol/cbor.ts'
import { CloisterError } from '../../protocol/errors.ts'
import { array, attempt, bytes, Malformed, object } from '../../protocol/fields.ts'
import type { AccountMeta } from './transaction.ts'

/** A table holds no more addresses than an index can name. */
const MAX_ADDRESSES = 256
const MAX_TABLES = 64

export interface Lookup {
  /** The table's address. */
  readonly table: string
  readonly writable: readonly number[]
  readonly readonly: readonly number[]
}

/**
 * The accounts looked up, in the order in which instructions count them on: the writable ones of every table, then the others.
 * @throws CloisterError `parameters_malformed` (also for a table that nothing refers to), `tx_lookup_table_missing`, `tx_malformed`
 */
export function resolveLookups(lookups: readonly Lookup[], context: CborValue): readonly AccountMeta[] {
  const tables = readTables(context)
  for (const key of tables.keys()) if (!lookups.some(({ table }) => table === key)) throw new CloisterError('parameters_malformed')
  const resolve = (isWritable: boolean): readonly AccountMeta[] =>
    lookups.flatMap((lookup) => {
      const addresses = tables.get(lookup.table)
      if (addresses === undefined) throw new CloisterError('tx_lookup_table_missing')
      return (isWritable ? lookup.writable : lookup.readonly).map((index) => {
        const address = addresses[index]
        if (address === undefined) throw new CloisterError('tx_malformed')
        return { address, isSigner: false, isWritable, isClaimed: true }
      })
    })
  return [...resolve(true), ...resolve(false)]
}

function readTables(context: CborValue): ReadonlyMap<string, readonly string[]> {
  if (context === null) return new Map()
  const tables = attempt(() => {
    const entries = array(object(context, ['tables'])['tables'], MAX_TABLES, (item) => {
      const { key, addresses } = object(item, ['key', 'addresses'])
      return [address(key), array(addresses, MAX_ADDRESSES, address)] as const
    })
    const map = new Map(entries)
    if (map.size < entries.length) throw new Malformed()
    return map
  })
  if (tables === undefined) throw new CloisterError('parameters_malformed')
  return tables
}

const address = (value: unknown): string => base58.encode(bytes(value, 32))
