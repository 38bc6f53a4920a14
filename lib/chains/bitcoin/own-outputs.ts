/** Which outputs come back to the wallet. Only what its own public keys prove counts: the PSBT's word does not. */
import { equal } from '../../protocol/bytes.ts'
import { CloisterError } from '../../protocol/errors.ts'
import type { AccountKeys, OwnKey } from './keys.ts'
import type { OneKeyScripts } from './one-key-scripts.ts'
import { MAX_ORIGINS } from './own-inputs.ts'
import { originsOf, type OutputFields } from './psbt.ts'
import { formOf, scriptOf } from './scripts.ts'
import type { TransactionOutput } from './transaction.ts'

export interface Owner {
  /** Path of the account. */
  readonly account: string
  /** Change of the account that signs; else it is a payment to oneself, which a person should see. */
  readonly isChange: boolean
}

/** Addresses further up than any wallet looks for them: money sent there is money to search for. */
const MAX_INDEX = 1_000_000

/** Outputs that name a key of the wallet: each is derived. */
export const MAX_NAMED_OUTPUTS = 100

/** @throws CloisterError `tx_too_large` when more keys are named than anybody would wait for */
export function checkOrigins(outputs: readonly OutputFields[], wallet: readonly AccountKeys[]): void {
  const isOurs = (path: readonly number[]): boolean => wallet.some((keys) => keys.positionOf(path) !== undefined)
  const named = outputs.flatMap((fields) => originsOf(fields).filter(([, { path }]) => isOurs(path)))
  if (outputs.some((fields) => originsOf(fields).length > MAX_ORIGINS) || named.length > MAX_NAMED_OUTPUTS) throw new CloisterError('tx_too_large')
}

/**
 * The account that an output pays, if it is one of the wallet's. Taproot outputs count with no script tree alone (BIP-86): one with a tree can be
 * spent by others too.
 * @param signing the account that signs
 * @param wallet every account of the wallet on the same kind of network
 * @param oneKeys scripts of these, the signing one first
 */
export function ownerOf(
  { script }: TransactionOutput, fields: OutputFields, signing: AccountKeys, wallet: readonly AccountKeys[], oneKeys: OneKeyScripts,
): Owner | undefined {
  const form = formOf(script)
  if (form === undefined) return undefined
  const oneKey = oneKeys(script)?.account.path
  const origins = originsOf(fields)
  const pays = (key: OwnKey): boolean => equal(scriptOf(form, key.publicKey), script)
  for (const keys of [signing, ...wallet.filter(({ path }) => path !== signing.path)]) {
    const isSigning = keys === signing
    if (keys.path === oneKey) return { account: keys.path, isChange: isSigning }
    if (keys.only !== null || !keys.parsed.scripts.includes(form)) continue
    for (const [, { path }] of origins) {
      const position = keys.positionOf(path)
      if (position === undefined || position.index >= MAX_INDEX || !pays(keys.at(position))) continue
      return { account: keys.path, isChange: isSigning && position.change === 1 }
    }
  }
  return undefined
}
