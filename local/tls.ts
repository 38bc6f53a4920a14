/**
 * The local certificate authority. It signs for `localhost` and 127.0.0.1 alone; its key never leaves the state directory. Who wants to
 * reach a local service names its certificate: nothing trusts it by default.
 */
import './reflect.ts'
import { join } from 'node:path'
import {
  BasicConstraintsExtension, ExtendedKeyUsage, ExtendedKeyUsageExtension, KeyUsageFlags, KeyUsagesExtension, PemConverter,
  SubjectAlternativeNameExtension, SubjectKeyIdentifierExtension, X509Certificate, X509CertificateGenerator,
  AuthorityKeyIdentifierExtension,
} from '@peculiar/x509'
import type { TlsServerOptions } from './serve.ts'
import { readJson, writeJson } from './state.ts'

const algorithm = { name: 'ECDSA', namedCurve: 'P-256', hash: 'SHA-256' }
const dayMs = 24 * 3_600_000
const { subtle } = globalThis.crypto

export interface LocalCa {
  /** The authority's certificate, PEM: what clients trust. */
  readonly caPem: string
  /** Key and certificate of a server on this machine. */
  readonly serverOptions: TlsServerOptions
}

interface Authority {
  readonly key: CryptoKey
  readonly certificate: X509Certificate
}

/**
 * Opens the authority in `dir`, or makes one (P-256, ten years), and issues a server certificate (P-256, 90 days, made anew at each call).
 *
 * @param dir - state directory; holds `ca.json`, mode 0600
 */
export async function createLocalCa({ dir }: { readonly dir: string }): Promise<LocalCa> {
  const file = join(dir, 'ca.json')
  const authority = (await openAuthority(file)) ?? (await makeAuthority(file))
  return { caPem: authority.certificate.toString('pem'), serverOptions: await issueServer(authority) }
}

async function openAuthority(file: string): Promise<Authority | undefined> {
  const saved = (await readJson(file)) as { keyPem?: unknown; certificatePem?: unknown } | undefined
  if (saved === undefined) return undefined
  if (typeof saved.keyPem !== 'string' || typeof saved.certificatePem !== 'string') throw new Error('ca.json is damaged')
  const key = await subtle.importKey('pkcs8', PemConverter.decodeFirst(saved.keyPem), algorithm, false, ['sign'])
  const certificate = new X509Certificate(saved.certificatePem)
  return certificate.notAfter.getTime() - Date.now() > 180 * dayMs ? { key, certificate } : undefined
}

async function makeAuthority(file: string): Promise<Authority> {
  const keys = await subtle.generateKey(algorithm, true, ['sign', 'verify'])
  const certificate = await X509CertificateGenerator.createSelfSigned({
    serialNumber: serialNumber(),
    name: 'CN=Cloister local test authority',
    ...validity(3652),
    keys,
    signingAlgorithm: algorithm,
    extensions: [
      new BasicConstraintsExtension(true, 0, true),
      new KeyUsagesExtension(KeyUsageFlags.keyCertSign | KeyUsageFlags.cRLSign, true),
      await SubjectKeyIdentifierExtension.create(keys.publicKey),
    ],
  })
  const keyPem = PemConverter.encode(await subtle.exportKey('pkcs8', keys.privateKey), 'PRIVATE KEY')
  await writeJson(file, { keyPem, certificatePem: certificate.toString('pem') })
  return { key: keys.privateKey, certificate }
}

async function issueServer(authority: Authority): Promise<TlsServerOptions> {
  const keys = await subtle.generateKey(algorithm, true, ['sign', 'verify'])
  const certificate = await X509CertificateGenerator.create({
    serialNumber: serialNumber(),
    subject: 'CN=localhost',
    issuer: authority.certificate.subjectName,
    ...validity(90),
    publicKey: keys.publicKey,
    signingKey: authority.key,
    signingAlgorithm: algorithm,
    extensions: [
      new BasicConstraintsExtension(false, undefined, true),
      new KeyUsagesExtension(KeyUsageFlags.digitalSignature, true),
      new ExtendedKeyUsageExtension([ExtendedKeyUsage.serverAuth]),
      new SubjectAlternativeNameExtension([{ type: 'dns', value: 'localhost' }, { type: 'ip', value: '127.0.0.1' }]),
      await AuthorityKeyIdentifierExtension.create(authority.certificate),
    ],
  })
  const key = PemConverter.encode(await subtle.exportKey('pkcs8', keys.privateKey), 'PRIVATE KEY')
  return { key, cert: certificate.toString('pem') }
}

function validity(days: number): { notBefore: Date; notAfter: Date } {
  return { notBefore: new Date(Date.now() - dayMs), notAfter: new Date(Date.now() + days * dayMs) }
}

/** 16 random bytes, positive and without a leading zero byte (RFC 5280 §4.1.2.2). */
function serialNumber(): string {
  const bytes = globalThis.crypto.getRandomValues(new Uint8Array(16))
  bytes[0] = ((bytes[0] as number) & 0x7f) | 0x40
  return Buffer.from(bytes).toString('hex')
}
