/** Everything secret about a wallet, learnt as no single party can: with KMS's own keys, the record, and the PIN. */
import { withPrivateKey, type Curve } from '../../enclave-sim/core/hd.ts'
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

export interface WalletAccount {
  readonly chain: string
  readonly path: string
  /** Where the key that signs is, if it is below the account's path. */
  readonly key?: string
  readonly kind: 'transaction' | 'message'
  readonly curve: Curve
}

/** What stays the wallet's life long: PIN, its hash, entropy, mnemonic, seed, every key on the way to the accounts, and the state's own keys. */
export async function walletSecrets(
  stack: Stack,
  record: WalletRecord,
  pin: string,
  accounts: readonly WalletAccount[],
): Promise<{ readonly secrets: readonly Secret[]; readonly pinHash: Uint8Array; readonly seed: Uint8Array }> {
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
  const { idempotencyKey, receipts } = opened.state
  return {
    pinHash,
    seed,
    secrets: [
      { kind: 'PIN', bytes: Buffer.from(pin), text: true },
      { kind: 'PIN hash', bytes: pinHash },
      { kind: 'entropy', bytes: entropy, scalar: true },
      { kind: 'seed', bytes: seed, scalar: true },
      { kind: 'mnemonic', bytes: mnemonicBytes(entropy), text: 'prose' },
      ...accounts.flatMap((account) => keysOnTheWay(seed, account)),
      { kind: 'idempotency key', bytes: idempotencyKey },
      { kind: 'receipts key', bytes: receipts.privateKey, scalar: true },
      { kind: 'receipts storage key', bytes: receipts.storageKey },
    ],
  }
}

/** Chain codes of an account with keys below it, and below it, are not among them: they follow from the `xpub` that `view` shows. */
function keysOnTheWay(seed: Uint8Array, { curve, path, key = path }: WalletAccount): readonly Secret[] {
  const nodes = key.split('/').map((_, depth, parts) => parts.slice(0, depth + 1).join('/'))
  return nodes.flatMap((at) =>
    withPrivateKey(seed, curve, at, ({ privateKey, chainCode }): Secret[] => [
      { kind: `${at === key ? 'account private key' : 'private key on the way'}, ${curve}`, label: at, bytes: privateKey.slice(), scalar: true },
      ...(key !== path && at.startsWith(path) ? [] : [{ kind: 'chain code', label: at, bytes: chainCode.slice() }]),
    ]),
  )
}
