/**
 * The simulator's root: the one thing of its PKI that is kept. Whoever accepts this certificate accepts every enclave that this
 * machine cares to simulate, so nothing accepts it by default, and its name says what it is.
 */
import { createPrivateKey, createPublicKey, generateKeyPairSync, X509Certificate, type KeyObject } from 'node:crypto'
import { chmodSync, existsSync, mkdirSync, mkdtempSync, readFileSync, renameSync, rmSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { issueCertificate, type DistinguishedName } from './certificate.ts'

export interface SimulatorRoot {
  /** DER: what a verifier pins. */
  readonly certificate: Uint8Array
  readonly publicKey: KeyObject
  readonly privateKey: KeyObject
}

export const ROOT_NAME: DistinguishedName = [['C', 'XX'], ['O', 'Cloister Simulator'], ['OU', 'Not AWS'], ['CN', 'cloister-simulator.nitro-enclaves']]

const LIFETIME_SEC = 30 * 365.25 * 24 * 3600
const CERTIFICATE_FILE = 'certificate.der'
const KEY_FILE = 'key.pem'

/**
 * Opens the root kept in `<dir>/root/` (`certificate.der`, `key.pem`; mode 0600), and makes it on first use. Of several processes that
 * do so at once all end up with the same one. Throws when the files don't belong together.
 */
export function openSimulatorRoot(dir: string, nowMs: number): SimulatorRoot {
  const home = join(dir, 'root')
  if (!existsSync(home)) createRoot(dir, home, nowMs)
  const certificate = new Uint8Array(readFileSync(join(home, CERTIFICATE_FILE)))
  const privateKey = createPrivateKey(readFileSync(join(home, KEY_FILE)))
  const publicKey = createPublicKey(privateKey)
  if (!new X509Certificate(certificate).publicKey.equals(publicKey)) throw new Error('The simulator root key does not belong to its certificate')
  return { certificate, publicKey, privateKey }
}

function createRoot(dir: string, home: string, nowMs: number): void {
  const { publicKey, privateKey } = generateKeyPairSync('ec', { namedCurve: 'P-384' })
  const notBeforeSec = Math.floor(nowMs / 1000)
  const certificate = issueCertificate({
    kind: 'root', subject: ROOT_NAME, publicKey, issuer: { name: ROOT_NAME, publicKey, privateKey }, notBeforeSec, notAfterSec: notBeforeSec + LIFETIME_SEC,
  })
  // Key and certificate appear together, by one rename: it fails when another process was first, and then theirs is the root.
  mkdirSync(dir, { recursive: true, mode: 0o700 })
  const draft = mkdtempSync(join(dir, '.root-'))
  try {
    chmodSync(draft, 0o700)
    writeFileSync(join(draft, KEY_FILE), privateKey.export({ type: 'pkcs8', format: 'pem' }), { mode: 0o600 })
    writeFileSync(join(draft, CERTIFICATE_FILE), certificate, { mode: 0o600 })
    renameSync(draft, home)
  } catch (error) {
    if (!existsSync(home)) throw error
  } finally {
    rmSync(draft, { recursive: true, force: true })
  }
}
