/**
 * Bitcoin: mainnet, testnet4, signet and regtest.
 *
 * `transaction`: a PSBT, version 0 or 2, whose inputs of the account are P2PKH, P2SH-P2WPKH, P2WPKH or P2TR by key path; `context` is `null`.
 * `message`: BIP-322, or `signmessage` for P2PKH. `hash`: 32 bytes, ECDSA, where the wallet permits. See psbt-plan.ts and messages.ts.
 */
import { CloisterError } from '../../protocol/errors.ts'
import type { Chain } from '../chain.ts'
import { firstKey, keysOf } from './keys.ts'
import { readHash, readMessage } from './messages.ts'
import { MAINNET, networkOf, TESTNET4 } from './networks.ts'
import { accountPath, parsePath, VARIANTS } from './paths.ts'
import { readTransaction } from './psbt-plan.ts'
import { addressOf, scriptOf } from './scripts.ts'
import { NAMESPACE } from './wallet.ts'

export const bitcoin: Chain = {
  namespace: NAMESPACE,
  curve: 'secp256k1',
  path: (index, variant) => accountPath(index, variant ?? null),
  variants: VARIANTS,
  derivesBelow: (path) => parsePath(path)?.isKey === false,
  // `m` is read as the key of a wallet that has one; from a seed, nobody derives an account there.
  accepts: (path) => path !== 'm' && parsePath(path) !== undefined,
  address(account) {
    const keys = keysOf(account)
    const [type] = keys.parsed.scripts
    // All test networks' addresses begin alike but regtest's, which has no accounts of its own.
    return addressOf(scriptOf(type, firstKey(keys).publicKey), keys.parsed.coinType === 1 ? TESTNET4 : MAINNET) as string
  },
  read({ chain, kind, data, context }) {
    const network = networkOf(chain)
    if (kind === 'message') return readMessage(network, data, context)
    if (kind === 'hash') return readHash(network, data, context)
    if (kind !== 'transaction') throw new CloisterError('payload_kind_unknown')
    if (context !== null) throw new CloisterError('tx_malformed')
    return readTransaction(network, data)
  },
}
