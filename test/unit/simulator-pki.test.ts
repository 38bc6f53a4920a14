import { X509Certificate } from 'node:crypto'
import { chmodSync, copyFileSync, mkdtempSync, readdirSync, rmSync, statSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { createPki } from '../../enclave-sim/platform/simulator/pki.ts'
import { openSimulatorRoot } from '../../enclave-sim/platform/simulator/root.ts'
import { parseCertificate } from '../../lib/attestation/certificate.ts'
import { equal } from '../../lib/protocol/bytes.ts'

const HOUR_MS = 3_600_000
const nowMs = Date.UTC(2026, 0, 2, 3, 4, 5, 678)
const instanceId = 'i-0123456789abcdef0'
const moduleId = `${instanceId}-enc0123456789abcdef`
const dirs: string[] = []
const newDir = (): string => {
  const dir = mkdtempSync(join(tmpdir(), 'cloister-test-pki-'))
  dirs.push(dir)
  return dir
}
afterAll(() => dirs.forEach((dir) => rmSync(dir, { recursive: true })))

describe('root', () => {
  test('is kept: the second opening finds the first one', () => {
    const dir = join(newDir(), 'made', 'on', 'use')
    const first = openSimulatorRoot(dir, nowMs)
    const second = openSimulatorRoot(dir, nowMs + HOUR_MS)
    expect(second.certificate).toEqual(first.certificate)
    expect(second.privateKey.equals(first.privateKey)).toBe(true)
    expect(readdirSync(dir)).toEqual(['root'])
    expect(readdirSync(join(dir, 'root'))).toEqual(['certificate.der', 'key.pem'])
  })

  test('is for its owner only', () => {
    const dir = newDir()
    openSimulatorRoot(dir, nowMs)
    expect(statSync(join(dir, 'root')).mode & 0o777).toBe(0o700)
    for (const file of ['key.pem', 'certificate.der']) expect(statSync(join(dir, 'root', file)).mode & 0o777).toBe(0o600)
  })

  test('lives for thirty years, and says what it is', () => {
    const root = new X509Certificate(openSimulatorRoot(newDir(), nowMs).certificate)
    expect(root.subject).toBe('C=XX\nO=Cloister Simulator\nOU=Not AWS\nCN=cloister-simulator.nitro-enclaves')
    expect(root.issuer).toBe(root.subject)
    expect((root.validToDate.getTime() - root.validFromDate.getTime()) / HOUR_MS / 24 / 365.25).toBe(30)
    expect(root.verify(root.publicKey)).toBe(true)
  })

  test('rejects a key that belongs to another certificate', () => {
    const [one, other] = [newDir(), newDir()]
    openSimulatorRoot(one, nowMs)
    openSimulatorRoot(other, nowMs)
    chmodSync(join(one, 'root', 'key.pem'), 0o600)
    copyFileSync(join(other, 'root', 'key.pem'), join(one, 'root', 'key.pem'))
    expect(() => openSimulatorRoot(one, nowMs)).toThrow('does not belong')
  })

  test('rejects half a root', () => {
    const dir = newDir()
    openSimulatorRoot(dir, nowMs)
    rmSync(join(dir, 'root', 'key.pem'))
    expect(() => openSimulatorRoot(dir, nowMs)).toThrow('ENOENT')
  })
})

describe('chain', () => {
  const root = openSimulatorRoot(newDir(), nowMs)
  const { certificate, cabundle } = createPki({ root, instanceId, moduleId })(nowMs)
  const chain = [...cabundle, certificate]
  const x509 = chain.map((der) => new X509Certificate(der))
  const parsed = chain.map(parseCertificate)

  test('starts with the root, and each certificate is signed by the one before it', () => {
    expect(equal(cabundle[0] as Uint8Array, root.certificate)).toBe(true)
    expect(chain).toHaveLength(5)
    for (const [index, one] of x509.slice(1).entries()) {
      const issuer = x509[index] as X509Certificate
      expect(one.verify(issuer.publicKey)).toBe(true)
      expect(parsed[index + 1]?.issuer).toEqual(parsed[index]?.subject)
    }
  })

  test('has the lifetimes, path lengths and usages of the real one', () => {
    const hours = parsed.slice(1).map((one) => (one.notAfterMs - one.notBeforeMs) / HOUR_MS)
    expect(hours).toEqual([20 * 24, 6 * 24, 24, 3])
    expect(parsed.map((one) => one.ca && one.pathLength)).toEqual([null, 2, 1, 0, false])
    expect(parsed.map((one) => one.signsCertificates)).toEqual([true, true, true, true, false])
    expect(parsed[4]?.signsData).toBe(true)
  })

  test('has a leaf with exactly a critical basicConstraints and a keyUsage that is not', () => {
    const leaf = Buffer.from(certificate).toString('hex')
    // extensions [3]: {basicConstraints, critical, CA: false}, {keyUsage, digitalSignature and nonRepudiation}
    expect(leaf).toContain('a31d301b300c0603551d130101ff04023000300b0603551d0f0404030206c0')
  })

  test('fits: 1,024 bytes a certificate, serial numbers of 16', () => {
    for (const [index, der] of chain.entries()) {
      expect(der.length).toBeLessThanOrEqual(1024)
      expect(x509[index]?.serialNumber).toMatch(/^[4-7][0-9A-F]{31}$/)
    }
  })

  test('names the instance and the enclave, and nowhere AWS but to deny it', () => {
    expect(x509[3]?.subject).toContain(`CN=${instanceId}.simulated.cloister-simulator.nitro-enclaves`)
    expect(x509[4]?.subject).toContain(`CN=${moduleId}.simulated`)
    for (const { subject } of x509) expect(subject).toContain('OU=Not AWS')
  })
})

describe('renewal', () => {
  const root = openSimulatorRoot(newDir(), nowMs)
  const signerAt = createPki({ root, instanceId, moduleId })

  test('one chain serves until ten minutes before the leaf ends; then a new one is made', () => {
    const first = signerAt(nowMs)
    const endMs = parseCertificate(first.certificate).notAfterMs
    expect(signerAt(endMs - 601_000)).toBe(first)
    const next = signerAt(endMs - 600_000)
    expect(next).not.toBe(first)
    expect(parseCertificate(next.certificate).notAfterMs).toBeGreaterThan(endMs)
    for (const [index, der] of next.cabundle.entries()) expect(equal(der, first.cabundle[index] as Uint8Array)).toBe(index === 0)
  })

  test('a clock set back gets a chain that is valid then', () => {
    signerAt(nowMs)
    const { notBeforeMs } = parseCertificate(signerAt(nowMs - 24 * HOUR_MS).certificate)
    expect(notBeforeMs).toBeLessThanOrEqual(nowMs - 24 * HOUR_MS)
  })
})
