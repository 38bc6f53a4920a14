/**
 * COSE_Sign1 (RFC 9052). The project reads it only around attestation documents: untagged, ES384, no unprotected
 * header. So of other people's messages only the ES384 signatures apply, by lib/attestation/es384.ts; and an ES384 one
 * that must be refused, must be.
 */
import { decode } from 'cborg'
import { importP384, verifyEs384 } from '../../lib/attestation/es384.ts'
import { concat } from '../../lib/protocol/bytes.ts'
import { base64urlField, hexField, object, UnknownShape, type Json } from './fields.ts'
import { checkEach, eachFile, type RunFolder } from './folder.ts'
import { must, skip } from './report.ts'

const TAG_18 = 0xd2

export const runCose: RunFolder = (folder, report) => eachFile(folder, report, (file) => checkEach(report, file, check))

async function check(vector: Json): Promise<void> {
  const input = object(vector['input'], 'input')
  if (input['sign0'] === undefined) skip('only COSE_Sign1 is used')
  const signer = object(input['sign0'], 'sign0')
  const algorithm = signer['alg'] ?? (signer['protected'] as Json | undefined)?.['alg']
  if (algorithm !== 'ES384') skip('only ES384 is used')
  if (vector['fail'] === true) skip('what is wrong with it lies outside of the signature')
  const jwk = object(signer['key'], 'key')
  if (jwk['crv'] !== 'P-384') skip('only P-384 is used')
  const key = await importP384(concat(Uint8Array.of(4), base64urlField(jwk, 'x'), base64urlField(jwk, 'y')))
  const toBeSigned = hexField(object(vector['intermediates'], 'intermediates'), 'ToBeSign_hex')
  const signature = signatureOf(hexField(object(vector['output'], 'output'), 'cbor'))
  must(await verifyEs384(key, signature, toBeSigned), 'a valid signature is refused')
  toBeSigned[toBeSigned.length - 1] = (toBeSigned.at(-1) as number) ^ 1
  must(!(await verifyEs384(key, signature, toBeSigned)), 'a signature over other bytes is accepted')
}

function signatureOf(message: Uint8Array): Uint8Array {
  const untagged = message[0] === TAG_18 ? message.subarray(1) : message
  try {
    const parts: unknown = decode(untagged, { useMaps: true })
    const signature: unknown = Array.isArray(parts) && parts.length === 4 ? parts[3] : undefined
    if (signature instanceof Uint8Array) return signature
  } catch {
    // said below
  }
  throw new UnknownShape('not a COSE_Sign1')
}
