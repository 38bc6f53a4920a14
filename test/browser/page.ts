/** Runs in the browser: the attestation vectors through lib/attestation, by the same checks as `npm run vectors`, and their twins. */
import { acceptAttestation } from '../../lib/attestation/policy.ts'
import { verifyAttestation } from '../../lib/attestation/verify.ts'
import { fromBase64url } from '../../lib/protocol/bytes.ts'
import { CloisterError, type ErrorCode } from '../../lib/protocol/errors.ts'
import { runAttestation, runInvalidAttestation } from '../../scripts/vectors/attestation.ts'
import { integer } from '../../scripts/vectors/fields.ts'
import { readJsonObject, type Folder } from '../../scripts/vectors/folder.ts'
import { createReport, must, refusalOf, skip } from '../../scripts/vectors/report.ts'
import type { PageResult } from './result.ts'

const ROOT = 'aws_nitro_root_g1.der'
const DAY_MS = 86_400_000
const lines: string[] = []

async function run(): Promise<PageResult> {
  const files = (await (await fetch('/vectors.json')).json()) as Readonly<Record<string, string>>
  const read = (path: string): Uint8Array | undefined => (files[path] === undefined ? undefined : fromBase64url(files[path]))
  const folder = (name: string): Folder => ({ name, files: Object.keys(files).filter((path) => path.startsWith(`${name}/`)), read })
  const report = createReport((line) => void lines.push(line))

  await runAttestation(folder('attestation'), report)
  await runInvalidAttestation(folder('attestation-invalid'), report)

  // The twins: what has just verified does no more with one bit changed, a byte missing, or on another day; nor is it accepted without a pin.
  const rootDer = read(ROOT)
  for (const path of folder('attestation').files.filter((one) => one.endsWith('.cbor'))) {
    await report.check(path, 'twins', async () => {
      const details = readJsonObject(folder('attestation'), path.replace(/\.cbor$/, '.json'))
      const bytes = read(path)
      if (rootDer === undefined || bytes === undefined || details === undefined) skip('no root or no details')
      const atMs = integer(details, 'timestamp_ms')
      const attestation = await verifyAttestation(bytes, { rootDer, atMs })
      const changed = new Uint8Array(bytes)
      changed.set([(bytes.at(-1) as number) ^ 1], bytes.length - 1)
      mustRefuse(await refusalOf(() => verifyAttestation(changed, { rootDer, atMs })), 'attestation_signature')
      mustRefuse(await refusalOf(() => verifyAttestation(bytes.subarray(0, -1), { rootDer, atMs })), 'attestation_malformed')
      mustRefuse(await refusalOf(() => verifyAttestation(bytes, { rootDer, atMs: atMs + DAY_MS })), 'attestation_chain')
      const unpinned = { measurements: [], nonce: null, nowMs: null, maxAgeMs: 0, maxSkewMs: 0 }
      const debug = details['debug_mode_pcr0_2_zero'] === true
      mustRefuse(await refusalOf(() => acceptAttestation(attestation, unpinned)), debug ? 'attestation_debug' : 'attestation_measurements')
    })
  }
  report.flush()
  return { lines, ...report.counts(), userAgent: navigator.userAgent }
}

function mustRefuse(error: unknown, code: ErrorCode): void {
  must(error instanceof CloisterError && error.code === code, `not refused as ${code}`)
}

const result = await run().catch((error: unknown): PageResult => ({ lines: [`FAIL the page: ${String(error)}`], passed: 0, failed: 1, skipped: 0, userAgent: navigator.userAgent }))
await fetch('/result', { method: 'POST', body: JSON.stringify(result) })
