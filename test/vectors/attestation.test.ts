/** Real documents (collected from public repositories, 2021 to 2025) and broken ones, from the vectors folder beside the repository. */
import { existsSync, readdirSync, readFileSync } from 'node:fs'
import { join } from 'node:path'
import { decodeUnverifiedAttestation } from '../../lib/attestation/document.ts'
import { acceptAttestation } from '../../lib/attestation/policy.ts'
import { assertAwsRoot } from '../../lib/attestation/root.ts'
import { verifyAttestation, type VerifiedAttestation } from '../../lib/attestation/verify.ts'
import { toHex } from '../../lib/protocol/bytes.ts'
import { CloisterError } from '../../lib/protocol/errors.ts'
import { mutants } from '../support/attestation-mutants.ts'
import { makeKeys, makePki } from '../support/attestation-pki.ts'

const folder = join(__dirname, '../../../shared/vectors')
const present = existsSync(join(folder, 'attestation'))
if (!present) process.stdout.write('vectors are not here: attestation tests on real documents are skipped\n')

const load = (name: string): Uint8Array => new Uint8Array(readFileSync(join(folder, name)))
const names = (of: string): string[] =>
  present ? readdirSync(join(folder, of)).filter((name) => name.endsWith('.cbor')).map((name) => name.slice(0, -5)) : []

interface Expected {
  readonly timestamp_ms: number
  readonly module_id: string
  readonly debug_mode_pcr0_2_zero: boolean
  readonly pcrs: Readonly<Record<string, string>>
}

const real = (name: string): { bytes: Uint8Array; expected: Expected; rootDer: Uint8Array } => ({
  bytes: load(`attestation/${name}.cbor`),
  expected: JSON.parse(readFileSync(join(folder, `attestation/${name}.json`), 'utf8')) as Expected,
  rootDer: load('aws_nitro_root_g1.der'),
})

/** The time in a document that may not even be one: most of the broken ones were valid once, and then only one thing is wrong with them. */
const claimedTimeMs = (bytes: Uint8Array): number => {
  try {
    return decodeUnverifiedAttestation(bytes).document.timestampMs
  } catch {
    return Date.UTC(2021, 2, 24, 16, 10, 42)
  }
}

const accepts = (attestation: VerifiedAttestation): void =>
  acceptAttestation(attestation, { measurements: [], nonce: null, nowMs: null, maxAgeMs: 0, maxSkewMs: 0 })

const suite = present ? describe : describe.skip

suite('real documents', () => {
  const all = names('attestation')
  test('there are some', () => expect(all.length).toBeGreaterThan(10))

  test('the root is the one we pin', async () => {
    const rootDer = load('aws_nitro_root_g1.der')
    await expect(assertAwsRoot(rootDer)).resolves.toBeUndefined()
    rootDer[100] = (rootDer[100] as number) ^ 1
    await expect(assertAwsRoot(rootDer)).rejects.toMatchObject({ code: 'attestation_chain' })
  })

  test.each(all)('%s verifies at its own time', async (name) => {
    const { bytes, expected, rootDer } = real(name)
    const attestation = await verifyAttestation(bytes, { rootDer, atMs: expected.timestamp_ms })
    expect(attestation).toMatchObject({ moduleId: expected.module_id, timestampMs: expected.timestamp_ms })
    expect(Object.fromEntries([...attestation.pcrs].map(([index, pcr]) => [String(index), toHex(pcr)]))).toEqual(expected.pcrs)
    const code = expected.debug_mode_pcr0_2_zero ? 'attestation_debug' : 'attestation_measurements'
    expect(() => accepts(attestation)).toThrow(expect.objectContaining({ code }) as Error)
  })

  test.each(all)('%s is refused three hours and a minute later, and a day before', async (name) => {
    const { bytes, expected, rootDer } = real(name)
    for (const atMs of [expected.timestamp_ms + 3 * 3_600_000 + 60_000, expected.timestamp_ms - 86_400_000]) {
      await expect(verifyAttestation(bytes, { rootDer, atMs })).rejects.toMatchObject({ code: 'attestation_chain' })
    }
  })

  test.each(all)('%s is refused under another root', async (name) => {
    const { bytes, expected } = real(name)
    const { rootDer } = await makePki(await makeKeys())
    await expect(verifyAttestation(bytes, { rootDer, atMs: expected.timestamp_ms })).rejects.toMatchObject({ code: 'attestation_chain' })
  })
})

suite('broken documents', () => {
  test.each(names('attestation-invalid'))('%s is refused', async (name) => {
    const bytes = load(`attestation-invalid/${name}.cbor`)
    const options = { rootDer: load('aws_nitro_root_g1.der'), atMs: claimedTimeMs(bytes) }
    await expect(verifyAttestation(bytes, options)).rejects.toBeInstanceOf(CloisterError)
  })

  test.each([
    ['derived-signature-bitflip', 'attestation_signature'],
    ['derived-pcr0-zeroed', 'attestation_signature'],
    ['derived-tagged-18', 'attestation_malformed'],
    ['derived-trailing-byte', 'attestation_malformed'],
    ['derived-alg-es256', 'attestation_malformed'],
    ['marlinprotocol-oyster-monorepo-custom_pcr16_bin', 'attestation_chain'],
  ])('%s: %s', async (name, code) => {
    const bytes = load(`attestation-invalid/${name}.cbor`)
    const options = { rootDer: load('aws_nitro_root_g1.der'), atMs: claimedTimeMs(bytes) }
    await expect(verifyAttestation(bytes, options)).rejects.toMatchObject({ code })
  })

  test('no small change to a real document gets through', async () => {
    const { bytes, expected, rootDer } = real(names('attestation').at(-1) as string)
    const wrong: string[] = []
    for (const mutant of mutants(bytes, process.env.SLOW ? 1 : 37)) {
      const error: unknown = await verifyAttestation(mutant.bytes, { rootDer, atMs: expected.timestamp_ms }).then(() => undefined, (reason: unknown) => reason)
      if (!(error instanceof CloisterError) || !/^attestation_(malformed|chain|signature)$/.test(error.code)) wrong.push(mutant.name)
    }
    expect(wrong).toEqual([])
  }, 600_000)
})
