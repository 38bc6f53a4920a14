/**
 * Where EVM wallets keep their accounts. The variants:
 * - `bip44` (and none named): `m/44'/60'/0'/0/i`, as MetaMask, Trezor, Rabby and most others
 * - `ledger-live`: `m/44'/60'/i'/0/0`
 * - `ledger-legacy`: `m/44'/60'/0'/i`, as Ledger's first app and MyEtherWallet
 * - `kaia`: `m/44'/8217'/0'/0/i`, Kaia's own coin type (SLIP-44)
 */
import { CloisterError } from '../../protocol/errors.ts'

const VARIANTS: ReadonlyMap<string, (index: number) => string> = new Map([
  ['bip44', (index) => `m/44'/60'/0'/0/${index}`],
  ['ledger-live', (index) => `m/44'/60'/${index}'/0/0`],
  ['ledger-legacy', (index) => `m/44'/60'/0'/${index}`],
  ['kaia', (index) => `m/44'/8217'/0'/0/${index}`],
])

/** Their names, most common first. */
export const PATH_VARIANTS: readonly string[] = [...VARIANTS.keys()]

/** BIP-32: what is left of 32 bits beside the hardened one. */
const MAX_INDEX = 2 ** 31 - 1

/** @throws CloisterError `account_path_invalid` */
export function accountPath(index: number, variant?: string | null): string {
  const path = VARIANTS.get(variant ?? 'bip44')
  if (path === undefined || !Number.isSafeInteger(index) || index < 0 || index > MAX_INDEX) throw new CloisterError('account_path_invalid')
  return path(index)
}

/** BIP-44's purpose with Ethereum's coin type or Kaia's, and one to four steps below. */
export function acceptsPath(path: string): boolean {
  if (!/^m\/44'\/(60|8217)'(\/(0|[1-9][0-9]{0,9})'?){1,4}$/.test(path)) return false
  return path.split('/').every((step) => step === 'm' || Number.parseInt(step, 10) <= MAX_INDEX)
}
