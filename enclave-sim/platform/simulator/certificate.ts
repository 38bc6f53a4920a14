/** X.509 v3 certificates (RFC 5280) in the profile of the Nitro PKI: P-384 keys, ecdsa-with-SHA384, version 3. */
import { createHash, randomBytes, sign, type KeyObject } from 'node:crypto'
import { AsnConvert, OctetString } from '@peculiar/asn1-schema'
import {
  AlgorithmIdentifier, AttributeTypeAndValue, AttributeValue, AuthorityKeyIdentifier, BasicConstraints, Certificate, CRLDistributionPoints,
  DistributionPoint, DistributionPointName, Extension, Extensions, GeneralName, id_ce_authorityKeyIdentifier, id_ce_basicConstraints,
  id_ce_cRLDistributionPoints, id_ce_keyUsage, id_ce_subjectKeyIdentifier, KeyIdentifier, KeyUsage, KeyUsageFlags, Name,
  RelativeDistinguishedName, SubjectKeyIdentifier, SubjectPublicKeyInfo, TBSCertificate, Validity, Version,
} from '@peculiar/asn1-x509'

/** A distinguished name: attribute and printable value, outermost first. */
export type DistinguishedName = readonly (readonly [keyof typeof ATTRIBUTES, string])[]

export interface CertificateOptions {
  readonly subject: DistinguishedName
  readonly publicKey: KeyObject
  readonly issuer: { readonly name: DistinguishedName; readonly publicKey: KeyObject; readonly privateKey: KeyObject }
  /** Unix time in whole seconds; both ends belong to the validity. */
  readonly notBeforeSec: number
  readonly notAfterSec: number
  /** Which kind of certificate; each has the extensions that its real counterpart has. */
  readonly kind: 'root' | 'regional' | 'zonal' | 'instance' | 'leaf'
}

const ATTRIBUTES = { C: '2.5.4.6', ST: '2.5.4.8', L: '2.5.4.7', O: '2.5.4.10', OU: '2.5.4.11', CN: '2.5.4.3' } as const
const ECDSA_WITH_SHA384 = '1.2.840.10045.4.3.3'
/** Where no list is: the name can't resolve (RFC 2606 §2). AWS tells no consumer to fetch its own, either. */
const CRL_URL = 'http://crl.invalid/cloister-simulator.crl'

const { digitalSignature, nonRepudiation, keyCertSign, cRLSign } = KeyUsageFlags
const CA_USAGE = digitalSignature | keyCertSign | cRLSign

/** Signs a certificate. Returns its DER. */
export function issueCertificate(options: CertificateOptions): Uint8Array {
  const { issuer } = options
  const algorithm = new AlgorithmIdentifier({ algorithm: ECDSA_WITH_SHA384 })
  const tbsCertificate = new TBSCertificate({
    version: Version.v3,
    serialNumber: serialNumber(),
    signature: algorithm,
    issuer: name(issuer.name),
    validity: new Validity({ notBefore: date(options.notBeforeSec), notAfter: date(options.notAfterSec) }),
    subject: name(options.subject),
    subjectPublicKeyInfo: AsnConvert.parse(spki(options.publicKey), SubjectPublicKeyInfo),
    extensions: new Extensions(extensions(options)),
  })
  const signature = sign('sha384', new Uint8Array(AsnConvert.serialize(tbsCertificate)), issuer.privateKey)
  const certificate = new Certificate({ tbsCertificate, signatureAlgorithm: algorithm, signatureValue: Uint8Array.from(signature).buffer })
  return new Uint8Array(AsnConvert.serialize(certificate))
}

function extensions({ kind, publicKey, issuer }: CertificateOptions): Extension[] {
  const ski = new SubjectKeyIdentifier(keyId(publicKey))
  const aki = new AuthorityKeyIdentifier({ keyIdentifier: new KeyIdentifier(keyId(issuer.publicKey)) })
  const crl = new CRLDistributionPoints([
    new DistributionPoint({ distributionPoint: new DistributionPointName({ fullName: [new GeneralName({ uniformResourceIdentifier: CRL_URL })] }) }),
  ])
  const intermediate = (pathLenConstraint: number): Extension[] => [
    ca({ pathLenConstraint }),
    extension(id_ce_authorityKeyIdentifier, false, aki),
    extension(id_ce_subjectKeyIdentifier, false, ski),
    extension(id_ce_keyUsage, true, new KeyUsage(CA_USAGE)),
    extension(id_ce_cRLDistributionPoints, false, crl),
  ]
  switch (kind) {
    case 'root':
      return [ca({}), extension(id_ce_subjectKeyIdentifier, false, ski), extension(id_ce_keyUsage, true, new KeyUsage(CA_USAGE))]
    case 'regional':
      return intermediate(2)
    case 'zonal':
      return intermediate(1)
    case 'instance':
      return [
        ca({ pathLenConstraint: 0 }),
        extension(id_ce_keyUsage, true, new KeyUsage(keyCertSign)),
        extension(id_ce_subjectKeyIdentifier, false, ski),
        extension(id_ce_authorityKeyIdentifier, false, aki),
      ]
    case 'leaf':
      // No authority key id, and a key usage that isn't critical: so are the real ones, though RFC 5280 asks for more.
      return [
        extension(id_ce_basicConstraints, true, new BasicConstraints({ cA: false })),
        extension(id_ce_keyUsage, false, new KeyUsage(digitalSignature | nonRepudiation)),
      ]
    default:
      return kind satisfies never
  }
}

function ca(pathLength: { readonly pathLenConstraint?: number }): Extension {
  return extension(id_ce_basicConstraints, true, new BasicConstraints({ cA: true, ...pathLength }))
}

function extension(extnID: string, critical: boolean, value: unknown): Extension {
  return new Extension({ extnID, critical, extnValue: new OctetString(AsnConvert.serialize(value)) })
}

function name(attributes: DistinguishedName): Name {
  return new Name(
    attributes.map(([type, printableString]) =>
      new RelativeDistinguishedName([new AttributeTypeAndValue({ type: ATTRIBUTES[type], value: new AttributeValue({ printableString }) })])),
  )
}

const date = (sec: number): Date => new Date(sec * 1000)

/** 16 bytes, positive and in shortest form. */
function serialNumber(): ArrayBuffer {
  const bytes = Uint8Array.from(randomBytes(16))
  bytes[0] = ((bytes[0] as number) & 0x3f) | 0x40
  return bytes.buffer
}

const spki = (key: KeyObject): Uint8Array<ArrayBuffer> => Uint8Array.from(key.export({ type: 'spki', format: 'der' }))

/** RFC 5280 §4.2.1.2, method 1: SHA-1 of the public key's bits; for P-384 the last 97 bytes of the SPKI. */
const keyId = (key: KeyObject): ArrayBuffer => Uint8Array.from(createHash('sha1').update(spki(key).subarray(-97)).digest()).buffer
