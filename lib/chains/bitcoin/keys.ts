/** The public keys of an account: one, or everything below its extended public key (BIP-32). */
import { HDKey } from '@scure/bip32'
import { CloisterError } from '../../protocol/errors.ts'
import type { Account } from '../../protocol/operations.ts'
import { parsePath, type ParsedPath } from './paths.ts'

export interface OwnKey {
  /** Absolute. */
  readonly path: string
  /** Compressed, 33 bytes. */
  readonly publicKey: Uint8Array
}

/** Where a key stands in its account: 0 receives, 1 takes change. */
export interface Position {
  readonly change: number
  readonly index: number
}

export interface AccountKeys {
  readonly path: string
  readonly parsed: ParsedPath
  /** The key of a one-key account; `null` where there are many. */
  readonly only: OwnKey | null
  /** The key at a position of a whole account, derived once. */
  at(position: Position): OwnKey
  /** Where child numbers from the master key lead, if that is a receiving or change key of this account. */
  positionOf(children: readonly number[]): Position | undefined
}

/** @throws CloisterError `account_path_invalid` for a path of another chain, or a whole account without its chain code */
export function keysOf({ path, publicKey, chainCode }: Pick<Account, 'path' | 'publicKey' | 'chainCode'>): AccountKeys {
  const parsed = parsePath(path)
  if (parsed === undefined || publicKey.length !== 33 || (!parsed.isKey && chainCode === null)) throw new CloisterError('account_path_invalid')
  const branches = new Map<number, HDKey>()
  const known = new Map<string, OwnKey>()

  const at = ({ change, index }: Position): OwnKey => {
    if (chainCode === null) throw new CloisterError('account_path_invalid')
    const name = `${path}/${change}/${index}`
    const before = known.get(name)
    if (before !== undefined) return before
    const branch = branches.get(change) ?? new HDKey({ publicKey, chainCode }).deriveChild(change)
    branches.set(change, branch)
    const key = { path: name, publicKey: branch.deriveChild(index).publicKey as Uint8Array }
    known.set(name, key)
    return key
  }

  return {
    path,
    parsed,
    only: parsed.isKey ? { path, publicKey } : null,
    at,
    positionOf(children) {
      const [change, index] = children.slice(3)
      if (parsed.isKey || children.length !== 5 || change === undefined || index === undefined || change > 1 || index >= 0x80000000) return undefined
      return parsed.children.every((child, i) => children[i] === child) ? { change, index } : undefined
    },
  }
}

/** The key that stands for the account: its only one, or the first receiving one. */
export function firstKey(keys: AccountKeys): OwnKey {
  return keys.only ?? keys.at({ change: 0, index: 0 })
}
