/** Restoring a wallet from its backup file and recovery code: no server, no network. */
import { entropyToMnemonic } from '@scure/bip39'
import { wordlist } from '@scure/bip39/wordlists/english.js'
import { toHex } from '../../lib/protocol/bytes.ts'
import { openBackup, readBackup } from '../../lib/protocol/backup.ts'
import { parseRecoveryCode } from '../../lib/protocol/recovery-code.ts'
import { splitSecret, type WalletSecret } from '../../lib/protocol/wallet-secret.ts'
import { deriveAddress, deriveKey } from './derive.ts'

interface RestoredAccount {
  readonly namespace: string
  readonly path: string
  readonly address: string
  /** Whether the restored keys lead to the address that the file names. */
  readonly matches: boolean
}

export interface Restored {
  readonly wallet: string
  readonly kind: WalletSecret['kind']
  /** BIP-39, English; `null` for a wallet that is one key. */
  readonly mnemonic: string | null
  readonly passphrase: string | null
  readonly accounts: readonly RestoredAccount[]
  /** Private key of an account, hex. */
  privateKey(namespace: string, path: string): string
}

/** What went wrong, in words for whoever sits at the terminal. */
export class RestoreError extends Error {}

/** One account that this version can't derive must not keep the rest from its owner. */
function addressOrNone(secret: WalletSecret, namespace: string, path: string): string | undefined {
  try {
    return deriveAddress(secret, namespace, path)
  } catch {
    return undefined
  }
}

/**
 * @param file the backup file's bytes
 * @param code the recovery code as it was written down
 * @throws RestoreError
 */
export async function restore(file: Uint8Array, code: string): Promise<Restored> {
  const backup = readBackup(file)
  if (backup === undefined) throw new RestoreError('This is not a Cloister backup file.')
  const parsed = await parseRecoveryCode(code)
  if (parsed === undefined) throw new RestoreError('This recovery code was mistyped: its checksum does not hold.')
  const joined = await openBackup(backup, parsed)
  if (joined === undefined) throw new RestoreError('This recovery code is not the one that the file was made for, or the file was changed.')
  const secret = splitSecret(joined)
  if (secret === undefined) throw new RestoreError('The file opens, but holds no wallet that this version knows.')
  return {
    wallet: backup.wallet,
    kind: secret.kind,
    mnemonic: secret.kind === 'mnemonic' ? entropyToMnemonic(secret.entropy, wordlist) : null,
    passphrase: secret.kind === 'mnemonic' ? new TextDecoder().decode(secret.passphrase) : null,
    accounts: backup.accounts.map(({ namespace, path, address }) => ({ namespace, path, address, matches: addressOrNone(secret, namespace, path) === address })),
    privateKey: (namespace, path) => toHex(deriveKey(secret, namespace, path).privateKey),
  }
}
