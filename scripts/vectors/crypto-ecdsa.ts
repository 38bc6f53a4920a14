/**
 * ECDSA verification: ES384 by lib/attestation/es384.ts (DER signatures inside a certificate, by
 * lib/attestation/certificate.ts), ES256 as lib/protocol/proof.ts does it, secp256k1 with low s as
 * enclave-sim/core/keys.ts does it.
 */
import { verify } from '@noble/secp256k1'
import { sha256 } from '@noble/hashes/sha2.js'
import '../../enclave-sim/core/keys.ts' // gives noble its hashes
import { parseCertificate } from '../../lib/attestation/certificate.ts'
import { readDer, readFields, TAG } from '../../lib/attestation/der.ts'
import { importP384, verifyEs384 } from '../../lib/attestation/es384.ts'
import { toHex } from '../../lib/protocol/bytes.ts'
import type { Wycheproof } from './crypto.ts'
import { writeDer } from './der.ts'
import { hexField, object, text, UnknownShape } from './fields.ts'
import type { Folder } from './folder.ts'
import { must, skip } from './report.ts'

const HALF_ORDER = 0x7fffffffffffffffffffffffffffffff5d576e7357a4501ddfe92f46681b20a0n // of secp256k1
const ROOT = 'aws_nitro_root_g1.der'

type Verifier = (point: Uint8Array, signature: Uint8Array, message: Uint8Array, folder: Folder) => boolean | Promise<boolean>

const VERIFIERS: Readonly<Record<string, Verifier>> = {
  'secp384r1 SHA-384 raw': verifyP384,
  'secp384r1 SHA-384 DER': verifyInCertificate,
  'secp256r1 SHA-256 raw': verifyP256,
  'secp256k1 SHA-256 raw': verifySecp256k1,
}

export async function checkEcdsaVerify(vector: Wycheproof): Promise<void> {
  const { group, test, expected } = vector
  const key = object(group['publicKey'], 'publicKey')
  const point = hexField(key, 'uncompressed')
  const signature = hexField(test, 'sig')
  const message = hexField(test, 'msg')
  const isRaw = text(group, 'type') === 'EcdsaP1363Verify'
  const scheme = `${text(key, 'curve')} ${text(group, 'sha')} ${isRaw ? 'raw' : 'DER'}`
  const verifier = Object.hasOwn(VERIFIERS, scheme) ? VERIFIERS[scheme] : undefined
  if (verifier === undefined) return skip(`ECDSA on ${scheme} is not used`)
  const accepted = await verifier(point, signature, message, vector.folder)
  if (expected === 'acceptable') return
  if (verifier === verifySecp256k1 && expected === 'valid' && !accepted && isHigh(signature)) {
    skip('a high s is refused, as EIP-2 wants it')
  }
  must(accepted === (expected === 'valid'), accepted ? 'an invalid signature is accepted' : 'a valid signature is refused')
}

async function verifyP384(point: Uint8Array, signature: Uint8Array, message: Uint8Array): Promise<boolean> {
  return verifyEs384(await importP384(point), signature, message)
}

/**
 * The only DER signatures that the project reads are those of certificates: so this one is put into the root's place
 * for one.
 */
async function verifyInCertificate(...[point, signature, message, folder]: Parameters<Verifier>): Promise<boolean> {
  const rootDer = folder.read(ROOT)
  if (rootDer === undefined) return skip(`${ROOT} is not here, into which a DER signature would be put`)
  const [tbs, algorithm] = readFields(readDer(rootDer, TAG.sequence), TAG.sequence, TAG.sequence, TAG.bitString)
  const bits = writeDer(TAG.bitString, Uint8Array.of(0), signature)
  let read
  try {
    read = parseCertificate(writeDer(TAG.sequence, tbs.bytes, algorithm.bytes, bits)).signature
  } catch {
    return false
  }
  return verifyP384(point, read, message)
}

async function verifyP256(point: Uint8Array, signature: Uint8Array, message: Uint8Array): Promise<boolean> {
  const algorithm = { name: 'ECDSA', namedCurve: 'P-256' }
  const key = await crypto.subtle.importKey('raw', new Uint8Array(point), algorithm, false, ['verify'])
  return crypto.subtle.verify({ name: 'ECDSA', hash: 'SHA-256' }, key, new Uint8Array(signature), new Uint8Array(message))
}

function verifySecp256k1(point: Uint8Array, signature: Uint8Array, message: Uint8Array): boolean {
  try {
    return verify(signature, sha256(message), point, { prehash: false, lowS: true })
  } catch {
    return false
  }
}

function isHigh(signature: Uint8Array): boolean {
  if (signature.length !== 64) throw new UnknownShape('a valid signature that has not 64 bytes')
  return BigInt(`0x${toHex(signature.subarray(32))}`) > HALF_ORDER
}
