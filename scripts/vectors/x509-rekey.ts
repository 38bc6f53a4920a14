/**
 * Brings certificates into the Nitro PKI's algorithms, P-384 and ecdsa-with-SHA384, and leaves the rest of them as it
 * is: each gets a fresh key in place of its own, and the new signature of whoever really signed it. So a chain that was
 * refused for its algorithms is now judged by everything else in it.
 */
import { createPublicKey, generateKeyPairSync, sign, verify, type KeyObject } from 'node:crypto'
import { readBits, readChildren, readDer, readFields, TAG, type DerValue } from '../../lib/attestation/der.ts'
import { equal, fromHex, toHex } from '../../lib/protocol/bytes.ts'
import { writeDer } from './der.ts'

export interface Rekeyed {
  readonly der: Uint8Array
  /** DER. */
  readonly issuer: Uint8Array
  /** DER. */
  readonly subject: Uint8Array
  /** Its key is on P-256 or P-384, and so was replaced; any other is still there. */
  readonly replaced: boolean
}

interface Parts {
  readonly tbs: DerValue
  readonly fields: readonly DerValue[]
  /** Where in `fields` the algorithm is: first comes a version, if there is one. */
  readonly at: number
  readonly algorithm: Uint8Array
  readonly signature: Uint8Array
  readonly key: Uint8Array
}

const ECDSA_WITH_SHA384 = fromHex('300a06082a8648ce3d040303') as Uint8Array
const CURVES = ['301306072a8648ce3d020106082a8648ce3d030107', '301006072a8648ce3d020106052b81040022']
const VERSION = 0xa0

/** @throws DerError where a certificate is not the DER of one */
export function rekey(certificates: readonly Uint8Array[]): readonly Rekeyed[] {
  const all = certificates.map(takeApart)
  const newPair = () => generateKeyPairSync('ec', { namedCurve: 'P-384' })
  const pairs = new Map(all.filter(isOnCurve).map(({ key }) => [toHex(key), newPair()]))
  const stranger = newPair().privateKey
  return all.map((parts): Rekeyed => {
    const signer = all.find((other) => isOnCurve(other) && didSign(other, parts))
    const pair = pairs.get(toHex(parts.key))
    const privateKey = signer === undefined ? stranger : (pairs.get(toHex(signer.key))?.privateKey ?? stranger)
    return { ...issue(parts, pair?.publicKey, privateKey), replaced: pair !== undefined }
  })
}

type Issued = Omit<Rekeyed, 'replaced'>

function issue({ fields, at, algorithm }: Parts, publicKey: KeyObject | undefined, privateKey: KeyObject): Issued {
  const inside = fields.map((field, i): Uint8Array => {
    if (i === at && equal(field.bytes, algorithm)) return ECDSA_WITH_SHA384
    const isKey = i === at + 4 && publicKey !== undefined
    return isKey ? new Uint8Array(publicKey.export({ type: 'spki', format: 'der' })) : field.bytes
  })
  const tbs = writeDer(TAG.sequence, ...inside)
  const signature = sign('sha384', tbs, privateKey)
  const der = writeDer(TAG.sequence, tbs, ECDSA_WITH_SHA384, writeDer(TAG.bitString, Uint8Array.of(0), signature))
  return { der, issuer: (fields[at + 1] as DerValue).bytes, subject: (fields[at + 3] as DerValue).bytes }
}

function takeApart(der: Uint8Array): Parts {
  const [tbs, algorithm, signature] = readFields(readDer(der, TAG.sequence), TAG.sequence, TAG.sequence, TAG.bitString)
  const fields = readChildren(tbs)
  const at = fields[0]?.tag === VERSION ? 2 : 1
  const key = fields[at + 4]
  if (key === undefined) throw new Error('not a certificate')
  return { tbs, fields, at, algorithm: algorithm.bytes, signature: readBits(signature).bytes, key: key.bytes }
}

function isOnCurve({ key }: Parts): boolean {
  const [algorithm] = readChildren(readDer(key, TAG.sequence))
  return algorithm !== undefined && CURVES.includes(toHex(algorithm.bytes))
}

function didSign(signer: Parts, { tbs, signature, fields, at }: Parts): boolean {
  if (!equal((signer.fields[signer.at + 3] as DerValue).bytes, (fields[at + 1] as DerValue).bytes)) return false
  const key = createPublicKey({ key: Buffer.from(signer.key), format: 'der', type: 'spki' })
  return ['sha256', 'sha384', 'sha512'].some((hash) => verify(hash, tbs.bytes, key, signature))
}
