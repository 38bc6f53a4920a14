/** The AWS Nitro Enclaves root, by its hash. The certificate itself is AWS's to hand out: see docs/deploy.md. */
import { toHex } from '../protocol/bytes.ts'
import { CloisterError } from '../protocol/errors.ts'

/** SHA-256 of root G1 in DER (commercial partitions; valid 2019-10-28 to 2049-10-28), lowercase hex. */
export const AWS_NITRO_ROOT_G1_SHA256 = '641a0321a3e244efe456463195d606317ed7cdcc3c1756e09893f3c68f79bb5b'

/**
 * Refuses any certificate but AWS's root G1. For whoever loads the root from a file or over the network.
 *
 * @param rootDer - the certificate, DER
 * @throws CloisterError `attestation_chain`
 */
export async function assertAwsRoot(rootDer: Uint8Array): Promise<void> {
  const hash = await globalThis.crypto.subtle.digest('SHA-256', new Uint8Array(rootDer))
  if (toHex(new Uint8Array(hash)) !== AWS_NITRO_ROOT_G1_SHA256) throw new CloisterError('attestation_chain')
}
