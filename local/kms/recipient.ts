/** The `Recipient` parameter: whether the attestation document in it is good, what policies see of it, and whom to seal the answer to. */
import type { KeyObject } from 'node:crypto'
import { toHex } from '../../lib/protocol/bytes.ts'
import { AwsError } from '../awsjson.ts'
import { parseRecipientKey } from './envelope.ts'
import { optionalName, optionalObject, requiredBytes } from './input.ts'
import type { JsonObject } from '../awsjson.ts'

/** The part of a verified attestation document that counts here. */
export interface VerifiedDocument {
  readonly moduleId: string
  readonly timestampMs: number
  readonly pcrs: ReadonlyMap<number, Uint8Array>
  readonly publicKey: Uint8Array | null | undefined
}

/** Verifies a document, or rejects; `verifyAttestation` of lib/attestation fits. */
export type VerifyDocument = (
  document: Uint8Array, options: { readonly rootDer: Uint8Array; readonly atMs: number },
) => Promise<VerifiedDocument>

export interface Attester {
  readonly verify: VerifyDocument
  /** Root certificate of the enclaves that this KMS believes, DER. */
  readonly rootDer: Uint8Array
}

export interface Recipient {
  readonly document: VerifiedDocument
  readonly key: KeyObject
}

/** Unverified on AWS: how old a document may be. Enclaves make one for each call. */
const maxAgeMs = 5 * 60_000

/** Reads and verifies `Recipient`. Resolves to `undefined` when the call has none. */
export async function readRecipient(input: JsonObject, { verify, rootDer }: Attester, nowMs: number): Promise<Recipient | undefined> {
  const given = optionalObject(input, 'Recipient')
  if (given === undefined) return undefined
  const algorithm = optionalName(given, 'Recipient.KeyEncryptionAlgorithm', ['RSAES_OAEP_SHA_256'])
  const bytes = requiredBytes(given, 'Recipient.AttestationDocument', 262_144)
  if (algorithm === undefined) throw invalid('KeyEncryptionAlgorithm')
  const document = await verify(bytes, { rootDer, atMs: nowMs }).catch(() => {
    throw invalid('AttestationDocument')
  })
  const ageMs = nowMs - document.timestampMs
  if (ageMs > maxAgeMs || ageMs < -maxAgeMs) throw invalid('AttestationDocument')
  const key = document.publicKey instanceof Uint8Array ? parseRecipientKey(document.publicKey) : undefined
  if (key === undefined) throw invalid('AttestationDocument')
  return { document, key }
}

/** Context keys of IAM and key policies, in lowercase. PCR0 goes by two names. */
export function attestationContext(recipient: Recipient | undefined): [string, string][] {
  if (recipient === undefined) return []
  const entries = [...recipient.document.pcrs].map(([index, value]): [string, string] => {
    return [`kms:recipientattestation:pcr${index}`, toHex(value)]
  })
  const image = recipient.document.pcrs.get(0)
  return image === undefined ? entries : [...entries, ['kms:recipientattestation:imagesha384', toHex(image)]]
}

/** Unverified on AWS: the code for a document that is malformed, expired or signed by nobody known. */
function invalid(field: string): AwsError {
  return new AwsError('ValidationException', `Recipient: ${field} is not valid`)
}
