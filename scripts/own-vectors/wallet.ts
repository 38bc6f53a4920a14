/** The wallet of the vectors: BIP-39's entropy of zeros, so that anybody knows its addresses; everything else about it is fixed. */
import { serializeTransaction, toBytes } from 'viem'
import { factorSecret } from '../../enclave-sim/core/factor.ts'
import { firstAccounts, rootFingerprint } from '../../enclave-sim/core/keys.ts'
import { mnemonicBytes, mnemonicSeed } from '../../enclave-sim/core/mnemonic.ts'
import { recoveryCode } from '../../enclave-sim/core/recovery.ts'
import { NO_PERMISSIONS, type Account } from '../../lib/protocol/operations.ts'
import { recoveryPublicKey } from '../../lib/protocol/recovery-seal.ts'
import { joinSecret } from '../../lib/protocol/wallet-secret.ts'
import { utf8 } from '../../lib/protocol/bytes.ts'
import { count } from './files.ts'
import { fixed } from './fixed.ts'

export const WALLET = '11111111-2222-4333-8444-555555555555'
export const NOW_MS = 1_790_000_000_000
export const PIN = utf8('493817')
export const CHAIN = 'eip155:31337'
export const REQUEST = count(0x00, 16)
export const IDEMPOTENCY = count(0x10, 16)

export const entropy = new Uint8Array(16)
export const sentence = mnemonicBytes(entropy)
export const seed = mnemonicSeed(sentence)
export const secret = { kind: 'mnemonic', entropy, passphrase: new Uint8Array(), seed } as const
export const joined = joinSecret(secret)
export const accounts = firstAccounts(secret)
export const account = accounts[0] as Account
export const fingerprint = rootFingerprint(secret)

export const transaction = toBytes(
  serializeTransaction({
    type: 'eip1559', chainId: 31337, nonce: 0, to: '0x000000000000000000000000000000000000dEaD', value: 250_000_000_000_000_000n, gas: 21_000n,
    maxFeePerGas: 20_000_000_000n, maxPriorityFeePerGas: 1_000_000_000n,
  }),
)

export const idempotencyKey = fixed('idempotency key')
/** What `create` made. */
export const recovery = recoveryCode(idempotencyKey, joined, IDEMPOTENCY)
export const recoveryKey = await recoveryPublicKey(recovery)
/** What an `enrolFactor` with the same idempotency key would make. */
export const otpSecret = factorSecret(idempotencyKey, joined, IDEMPOTENCY)

export const createParameters = { words: 12, label: 'Savings', permissions: { ...NO_PERMISSIONS, exportable: true }, recovery: true } as const
