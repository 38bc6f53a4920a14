/** Which outputs come back to the wallet. Only what its own public keys prove counts: the PSBT's word does not. */
import { equal } from '../../protocol/bytes.ts'
import { CloisterError } from '../../protocol/errors.ts'
import type { AccountKeys, OwnKey } from './keys.ts'
import { MAX_ORIGINS, MAX_OWN_INPUTS } from './own-inputs.ts'
import { originsOf, type OutputFields } from './psbt.ts'
import { scriptOf } from './scripts.ts'
import type { TransactionOutput } from './transaction.ts'

export interface Owner {
  /** Path of the account. */
  readonly account: string
  /** Change of the account that signs; else it is a payment to oneself, which a person should see. */
  readonly isChange: boolean
}

/** Addresses further up than any wallet looks for them: money sent there is money to search for. */
const MAX_INDEX = 1_000_000

/** @throws CloisterError `tx_too_large` when more keys are named than anybody would wait for */
export function checkOrigins(outputs: readonly OutputFields[], wallet: readonly AccountKeys[]): void {
  const isOurs = (path: readonly number[]): boolean => wallet.some((keys) => keys.positionOf(path) !== undefined)
  const named = outputs.flatMap((fields) => originsOf(fields).filter(([, { path }]) => isOurs(path)))
  if (outputs.some((fields) => originsOf(fields).length > MAX_ORIGINS) || named.length > MAX_OWN_INPUTS) throw new CloisterError('tx_too_large')
}

/**
 * The account that an output pays, if it is one of the wallet's. Taproot outputs count with no script tree alone (BIP-86): one with a tree can be
 * spent by others too.
 * @param signing the account that signs
 * @param wallet every account of the wallet on the same kind of network
 */
export function ownerOf(output: TransactionOutput, fields: OutputFields, signing: AccountKeys, wallet: readonly AccountKeys[]): Owner | undefined {
  for (const keys of [signing, ...wallet.filter(({ path }) => path !== signing.path)]) {
    const pays = (key: OwnKey): boolean => keys.parsed.scripts.some((type) => equal(scriptOf(type, key.publicKey), output.script))
    const isSigning = keys === signing
    if (keys.only !== null && pays(keys.only)) return { account: keys.path, isChange: isSigning }
    for (const [, { path }] of originsOf(fields)) {
      const position = keys.positionOf(path)
      if (position === undefined || position.index >= MAX_INDEX || !pays(keys.at(position))) continue
      return { account: keys.path, isChange: isSigning && position.change === 1 }
    }
  }
  return undefined
}
