/** Derivation paths (SLIP-10 on ed25519: every step hardened, 501 by SLIP-44), as wallets number their accounts. */
import { CloisterError } from '../../protocol/errors.ts'

const HARDENED_LIMIT = 2 ** 31

/**
 * `phantom` (the default; Solflare's and Backpack's as well): `m/44'/501'/i'/0'`. `ledger-live` (and `solana-keygen` with a number):
 * `m/44'/501'/i'`. `root` (`solana-keygen` without one, and old versions of Solflare): `m/44'/501'`, which is one account.
 */
const VARIANTS: Readonly<Record<string, (index: number) => string>> = {
  phantom: (index) => `m/44'/501'/${index}'/0'`,
  'ledger-live': (index) => `m/44'/501'/${index}'`,
  root: () => "m/44'/501'",
}

export const SOLANA_VARIANTS: readonly string[] = Object.keys(VARIANTS)

/** @throws CloisterError `account_path_invalid` */
export function solanaPath(index: number, variant: string | null = null): string {
  const name = variant ?? 'phantom'
  const isIndex = Number.isSafeInteger(index) && index >= 0 && index < (name === 'root' ? 1 : HARDENED_LIMIT)
  if (!isIndex || !Object.hasOwn(VARIANTS, name)) throw new CloisterError('account_path_invalid')
  return (VARIANTS[name] as (index: number) => string)(index)
}

/** `m` alone is the key of a wallet that has only one. */
export function acceptsSolanaPath(path: string): boolean {
  if (!/^m(\/44'\/501'(\/(0|[1-9][0-9]{0,9})'){0,3})?$/.test(path)) return false
  return path.split('/').slice(1).every((step) => Number(step.slice(0, -1)) < HARDENED_LIMIT)
}
