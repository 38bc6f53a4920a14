/** A wallet's entropy: KMS's random bytes mixed with the device's own. Neither source alone decides. */
import { concat, wipe } from '../../lib/protocol/bytes.ts'
import { LABELS } from '../../lib/protocol/labels.ts'
import type { DataKeys } from './data-keys.ts'
import type { NsmPort } from './ports.ts'
import { hkdf } from './sealing.ts'

const SOURCE_BYTES = 64

/** @param length bytes; 16 for 12 words, 32 for 24. @throws CloisterError `unavailable` */
export async function walletEntropy(nsm: NsmPort, dataKeys: DataKeys, length: 16 | 32): Promise<Uint8Array> {
  let ours: Uint8Array | undefined
  let theirs: Uint8Array | undefined
  let mixed: Uint8Array | undefined
  let derived: Uint8Array | undefined
  try {
    theirs = await dataKeys.random(SOURCE_BYTES)
    ours = await nsm.random()
    if (ours.length < SOURCE_BYTES) throw new Error('the device gave too few random bytes')
    mixed = concat(theirs, ours.subarray(0, SOURCE_BYTES))
    derived = hkdf(mixed, LABELS.entropy)
    return concat(derived.subarray(0, length))
  } finally {
    wipe(ours, theirs, mixed, derived)
  }
}
