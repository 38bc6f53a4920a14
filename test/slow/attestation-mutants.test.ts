/** Every small change, at every byte offset of one real document and one of the simulator's: none is accepted, none crashes the verifier, none keeps it busy. */
import { existsSync, mkdtempSync, readdirSync, readFileSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { createPki } from '../../enclave-sim/platform/simulator/pki.ts'
import { buildDocument } from '../../enclave-sim/platform/simulator/document.ts'
import { openSimulatorRoot } from '../../enclave-sim/platform/simulator/root.ts'
import { decodeUnverifiedAttestation } from '../../lib/attestation/document.ts'
import { verifyAttestation } from '../../lib/attestation/verify.ts'
import { concat } from '../../lib/protocol/bytes.ts'
import { CloisterError } from '../../lib/protocol/errors.ts'
import { mutants } from '../support/attestation-mutants.ts'

/** Of processor time, not of the clock: what a hostile document may cost at most. */
const MOST_MS = 50
/** Order of P-384's group (SEC 2, 2.5.1). */
const N = 0xffffffffffffffffffffffffffffffffffffffffffffffffc7634d81f4372ddf581a0db248b0a77aecec196accc52973n

interface Subject {
  readonly document: Uint8Array
  readonly rootDer: Uint8Array
  readonly atMs: number
}

const dirs: string[] = []
afterAll(() => dirs.forEach((dir) => rmSync(dir, { recursive: true })))

function simulated(): Subject {
  const dir = mkdtempSync(join(tmpdir(), 'cloister-mutants-'))
  dirs.push(dir)
  const atMs = Date.UTC(2026, 0, 2, 3, 4, 5)
  const root = openSimulatorRoot(dir, atMs - 86_400_000)
  const moduleId = 'i-0123456789abcdef0-enc0123456789abcdef'
  const pcrs = new Map(Array.from({ length: 17 }, (_, index) => [index, new Uint8Array(48).fill(index + 1)] as const))
  const bytes = (length: number): Uint8Array => new Uint8Array(length).fill(0x5a)
  const document = buildDocument(
    { moduleId, timestampMs: atMs, pcrs, publicKey: bytes(32), userData: bytes(60), nonce: bytes(32) },
    createPki({ root, instanceId: 'i-0123456789abcdef0', moduleId })(atMs),
  )
  return { document, rootDer: root.certificate, atMs }
}

const folder = join(process.cwd(), '../shared/vectors')
const realOnes = existsSync(join(folder, 'attestation')) ? readdirSync(join(folder, 'attestation')).filter((name) => name.endsWith('.cbor')) : []
if (realOnes.length === 0) process.stdout.write('vectors are not here: the real document is skipped\n')

function real(): Subject {
  const document = new Uint8Array(readFileSync(join(folder, 'attestation', realOnes.at(-1) as string)))
  return { document, rootDer: new Uint8Array(readFileSync(join(folder, 'aws_nitro_root_g1.der'))), atMs: decodeUnverifiedAttestation(document).document.timestampMs }
}

const verify = ({ document, rootDer, atMs }: Subject) => verifyAttestation(document, { rootDer, atMs })

/** How it ended, and the processor time that it took. */
async function judge(subject: Subject): Promise<{ end: string; ms: number }> {
  const before = process.cpuUsage()
  const end = await verify(subject).then(
    () => 'accepted',
    (error: unknown) => (error instanceof CloisterError && /^attestation_(malformed|chain|signature)$/.test(error.code) ? 'refused' : `crashed: ${String(error)}`),
  )
  const { user, system } = process.cpuUsage(before)
  return { end, ms: (user + system) / 1000 }
}

describe.each<[string, () => Subject, boolean]>([['of the simulator', simulated, true], ['of AWS', real, realOnes.length > 0]])('a document %s', (_name, make, there) => {
  const check = there ? test : test.skip

  check('is refused with any small change, within its time', async () => {
    const subject = make()
    await expect(verify(subject)).resolves.toMatchObject({ verified: true })
    const wrong: string[] = []
    let tried = 0
    for (const mutant of mutants(subject.document, 1)) {
      tried += 1
      const changed = { ...subject, document: mutant.bytes }
      const { end, ms } = await judge(changed)
      if (end !== 'refused') wrong.push(`${mutant.name}: ${end}`)
      // A garbage collection or a compilation may fall into one run; not into all of five.
      let least = ms
      for (let again = 0; least > MOST_MS && again < 5; again++) least = Math.min(least, (await judge(changed)).ms)
      if (least > MOST_MS) wrong.push(`${mutant.name}: ${least} ms`)
    }
    expect(wrong).toEqual([])
    expect(tried).toBeGreaterThan(3 * subject.document.length)
  }, 3_600_000)

  check('is accepted with the other signature that ECDSA has for it, so that its hash is no replay key', async () => {
    const { document, ...rest } = make()
    const s = BigInt(`0x${Buffer.from(document.subarray(-48)).toString('hex')}`)
    const other = new Uint8Array(Buffer.from((N - s).toString(16).padStart(96, '0'), 'hex'))
    await expect(verify({ ...rest, document: concat(document.subarray(0, -48), other) })).resolves.toMatchObject({ verified: true })
    const third = new Uint8Array(Buffer.from(((N - s + 1n) % N).toString(16).padStart(96, '0'), 'hex'))
    await expect(verify({ ...rest, document: concat(document.subarray(0, -48), third) })).rejects.toMatchObject({ code: 'attestation_signature' })
  })
})
