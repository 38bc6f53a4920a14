/** Opens a data key as nobody can on AWS: with the KMS key's own material. */
import { openBlob, readUnverifiedHeader } from '../../local/kms/ciphertext.ts'
import type { WalletRecord } from '../../lib/protocol/record.ts'
import type { Stack } from '../../local/stack.ts'

export async function openCiphertext(stack: Stack, record: WalletRecord): Promise<Uint8Array> {
  const { owner, wallet, dataKey: blob } = record
  const version = readUnverifiedHeader(blob)?.version ?? -1
  const material = stack.services.kms.keys.find(stack.keyArn)?.materials[version]
  const opened = material === undefined ? undefined : openBlob(blob, material, { purpose: 'cloister/v1 wallet', owner, wallet })
  if (opened === undefined) throw new Error('the data key does not open')
  return opened
}
