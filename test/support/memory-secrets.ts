/** Everything secret about a wallet, learnt as no single party can: with KMS's own keys, the record, and the PIN. */
import { HDKey } from '@scure/bip32'
import { mnemonicBytes } from '../../enclave-sim/core/mnemonic.ts'
import { seedKey, stateKey } from '../../enclave-sim/core/sealing.ts'
import { openRecord, openSeed, type Vault } from '../../enclave-sim/core/unlock.ts'
import { argon2id } from '../../enclave-sim/platform/argon2.ts'
import type { Stack } from '../../local/stack.ts'
import type { WalletRecord } from '../../lib/protocol/record.ts'
import { splitSecret } from '../../lib/protocol/wallet-secret.ts'
import { openCiphertext } from './kms-operator.ts'
import type { Secret } from './memory-search.ts'

/** What changes with each rewrap, known once the record's data key is. */
export async function versionSecrets(stack: Stack, record: WalletRecord, pinHash: Uint8Array): Promise<readonly Secret[]> {
  const dataKey = await openCiphertext(stack, record)
  const label = `version ${record.version}`
  return [
    { kind: 'data key', label, bytes: dataKey },
    { kind: 'state key', label, bytes: stateKey(dataKey) },
    { kind: 'seed key', label, bytes: seedKey(dataKey, pinHash) },
  ]
}

/** What stays the wallet's life long: PIN, its hash, entropy, mnemonic, seed, and every key on the way to an account. */
export async function walletSecrets(
  stack: Stack,
  record: WalletRecord,
  pin: string,
  path: string,
): Promise<{ readonly secrets: readonly Secret[]; readonly pinHash: Uint8Array }> {
  const dataKey = await openCiphertext(stack, record)
  const unused = (): Promise<never> => Promise.reject(new Error('unused'))
  const vault: Vault = { kmsKeyArn: stack.keyArn, argon2id, dataKeys: { open: async () => dataKey.slice(), generate: unused, random: unused } }
  const opened = await openRecord(vault, record)
  const unlocked = await openSeed(vault, opened, Buffer.from(pin))
  if (unlocked === undefined) throw new Error('the PIN does not open the record')
  const secret = splitSecret(unlocked.secret)
  if (secret?.kind !== 'mnemonic') throw new Error('the wallet has a mnemonic')
  const { entropy, seed } = secret
  const pinHash = unlocked.pinHash.bytes.slice()
  const nodes = path.split('/').map((_, depth, parts) => parts.slice(0, depth + 1).join('/'))
  return {
    pinHash,
    secrets: [
      { kind: 'PIN', bytes: Buffer.from(pin), text: true },
      { kind: 'PIN hash', bytes: pinHash },
      { kind: 'entropy', bytes: entropy, scalar: true },
      { kind: 'seed', bytes: seed, scalar: true },
      { kind: 'mnemonic', bytes: mnemonicBytes(entropy), text: 'prose' },
      ...nodes.flatMap((at): Secret[] => {
        const { privateKey, chainCode } = HDKey.fromMasterSeed(seed).derive(at)
        return [
          { kind: at === path ? 'account private key' : 'private key on the way', label: at, bytes: privateKey as Uint8Array, scalar: true },
          { kind: 'chain code', label: at, bytes: chainCode as Uint8Array },
        ]
      }),
      { kind: 'idempotency key', bytes: opened.state.idempotencyKey },
    ],
  }
}
