/**
 * Paths of accounts: BIP-44, BIP-49, BIP-84 and BIP-86.
 *
 * Accepted: `m/purpose'/coin'/account'`, which holds a whole account, and `m/purpose'/coin'/account'/change/index`, which is one key of it.
 * Read besides these: `m`, the one key of a wallet that was made from a private key.
 */
import { CloisterError } from '../../protocol/errors.ts'
import type { ScriptType } from './scripts.ts'

export interface ParsedPath {
  /** What outputs to its keys look like; the first is that of its address. */
  readonly scripts: readonly [ScriptType, ...ScriptType[]]
  /** `undefined`: none, so any network's. */
  readonly coinType: 0 | 1 | undefined
  /** Whether it is the path of one key, and not of a whole account. */
  readonly isKey: boolean
  /** Child numbers from the master key, hardened ones with the high bit set (BIP-32). */
  readonly children: readonly number[]
}

export const HARDENED = 0x80000000
const SCRIPTS: Readonly<Record<string, ScriptType>> = { 44: 'p2pkh', 49: 'p2sh-p2wpkh', 84: 'p2wpkh', 86: 'p2tr' }
const ACCOUNT = /^m\/(44|49|84|86)'\/([01])'\/(0|[1-9][0-9]{0,9})'(?:\/([01])\/(0|[1-9][0-9]{0,9}))?$/
/** In the order in which common wallets came to use them, newest first. */
export const VARIANTS = ['bip84', 'bip86', 'bip49', 'bip44', 'bip84-testnet', 'bip86-testnet', 'bip49-testnet', 'bip44-testnet']
const VARIANT = /^bip(44|49|84|86)(-testnet)?$/

/** `undefined` for a path that no Bitcoin account has. */
export function parsePath(path: string): ParsedPath | undefined {
  if (path === 'm') return { scripts: ['p2wpkh', 'p2tr', 'p2sh-p2wpkh', 'p2pkh'], coinType: undefined, isKey: true, children: [] }
  const [, purpose, coin, account, change, index] = ACCOUNT.exec(path) ?? []
  if (purpose === undefined || Number(account) >= HARDENED || Number(index ?? 0) >= HARDENED) return undefined
  return {
    scripts: [SCRIPTS[purpose] as ScriptType],
    coinType: coin === '0' ? 0 : 1,
    isKey: index !== undefined,
    children: [...[purpose, coin, account].map((step) => Number(step) + HARDENED), ...(index === undefined ? [] : [Number(change), Number(index)])],
  }
}

/**
 * Path of the account at an index.
 * @param variant `bip44`, `bip49`, `bip84` (when `null`) or `bip86`; with `-testnet` after it, for every test network
 * @throws CloisterError `account_path_invalid`
 */
export function accountPath(index: number, variant: string | null): string {
  const [, purpose, test] = VARIANT.exec(variant ?? 'bip84') ?? []
  if (purpose === undefined || !Number.isSafeInteger(index) || index < 0 || index >= HARDENED) throw new CloisterError('account_path_invalid')
  return `m/${purpose}'/${test === undefined ? 0 : 1}'/${index}'`
}
