/** Vectors of what a recovery code is, what it opens, and the second factor's secret, which is derived alike. */
import { codeAt } from '../../enclave-sim/core/factor.ts'
import { makeBackup } from '../../lib/protocol/backup.ts'
import { toHex, utf8 } from '../../lib/protocol/bytes.ts'
import { framed, LABELS } from '../../lib/protocol/labels.ts'
import { formatRecoveryCode } from '../../lib/protocol/recovery-code.ts'
import { plain, write } from './files.ts'
import { fixed, importX25519, withKeyPair } from './fixed.ts'
import { deriveX25519 } from './hpke.ts'
import { accounts, fingerprint, IDEMPOTENCY, idempotencyKey, joined, NOW_MS, otpSecret, recovery, recoveryKey, WALLET } from './wallet.ts'

/** @returns the backup file */
export async function recoveryVectors(): Promise<Uint8Array<ArrayBuffer>> {
  const material = framed(LABELS.recoveryKey, recovery)
  const ephemeral = await importX25519(fixed('backup ephemeral key'))
  const content = { wallet: WALLET, fingerprint, createdAtMs: NOW_MS, accounts: accounts.map(({ namespace, path, address }) => ({ namespace, path, address })) }
  const file = await withKeyPair(ephemeral.pair, () => makeBackup(content, joined, recoveryKey))
  const step = Math.floor(NOW_MS / 30_000)
  await write('recovery', 'Recovery code, its key, a backup file, and a second factor (sections 8 and 13)', [
    {
      id: 'code', idempotencyKey: toHex(idempotencyKey), secret: toHex(joined), idempotency: toHex(IDEMPOTENCY), macInput: toHex(framed(LABELS.recoveryCode, IDEMPOTENCY)), code: toHex(recovery),
      checksumInput: toHex(framed(LABELS.recoveryChecksum, recovery)), text: await formatRecoveryCode(recovery), keyMaterial: toHex(material), privateKey: toHex(deriveX25519(material)), publicKey: toHex(recoveryKey),
    },
    { id: 'backup', code: toHex(recovery), content: plain(content), secret: toHex(joined), info: toHex(utf8(LABELS.backupSeal)), ephemeralPrivateKey: toHex(fixed('backup ephemeral key')), file: new TextDecoder().decode(file) },
    {
      id: 'factor', idempotencyKey: toHex(idempotencyKey), secret: toHex(joined), idempotency: toHex(IDEMPOTENCY), macInput: toHex(framed(LABELS.factor, IDEMPOTENCY)), factorSecret: toHex(otpSecret),
      atMs: NOW_MS, step, otp: new TextDecoder().decode(codeAt(otpSecret, step)),
    },
  ])
  return file
}
