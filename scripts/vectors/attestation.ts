/**
 * Attestation documents through lib/attestation: real ones verify at their own time, broken ones are refused at every
 * time that suits them.
 */
import { decodeUnverifiedAttestation } from '../../lib/attestation/document.ts'
import { acceptAttestation } from '../../lib/attestation/policy.ts'
import { assertAwsRoot } from '../../lib/attestation/root.ts'
import { verifyAttestation, type VerifiedAttestation } from '../../lib/attestation/verify.ts'
import { toHex } from '../../lib/protocol/bytes.ts'
import { CloisterError } from '../../lib/protocol/errors.ts'
import { isObject, list, UnknownShape, type Json } from './fields.ts'
import { readJson, readJsonObject, type Folder, type RunFolder } from './folder.ts'
import { must, refusalOf, skip, type Report } from './report.ts'

const ROOT = 'aws_nitro_root_g1.der'

/** Every document of `attestation/`, except where its index says that its chain or signature isn't fine. */
export const runAttestation: RunFolder = (folder, report) =>
  eachDocument(folder, report, async (path, bytes, rootDer) => {
    const said = { ...indexOf(folder).get(nameOf(path)), ...detailsOf(folder, path) }
    if (said['chain_ok'] === false || said['sig_ok'] === false) return refuse(folder, path, bytes, rootDer)
    const saidMs = said['timestamp_ms']
    const atMs = typeof saidMs === 'number' ? saidMs : decodeUnverifiedAttestation(bytes).document.timestampMs
    const attestation = await verifyAttestation(bytes, { rootDer, atMs })
    must(matches(attestation, said), 'verified, but says something else')
    if (said['debug_mode_pcr0_2_zero'] === true) must(await isDebug(attestation), 'debug mode is not noticed')
  })

/**
 * Every document of `attestation-invalid/`: what some verifiers take by policy, a CBOR tag in front, is refused as
 * well.
 */
export const runInvalidAttestation: RunFolder = (folder, report) =>
  eachDocument(folder, report, (path, bytes, rootDer) => refuse(folder, path, bytes, rootDer))

async function eachDocument(
  folder: Folder,
  report: Report,
  check: (path: string, bytes: Uint8Array, rootDer: Uint8Array) => Promise<void>,
): Promise<void> {
  const rootDer = folder.read(ROOT)
  for (const path of folder.files) {
    if (path.endsWith('.json')) continue // says what is in the document beside it
    if (!path.endsWith('.cbor')) {
      report.skip(path, 'not a document')
      continue
    }
    await report.check(path, nameOf(path), async () => {
      if (rootDer === undefined) skip(`${ROOT} is not here`)
      await assertAwsRoot(rootDer)
      const bytes = folder.read(path)
      if (bytes === undefined) throw new UnknownShape('no such file')
      await check(path, bytes, rootDer)
    })
  }
}

async function refuse(folder: Folder, path: string, bytes: Uint8Array, rootDer: Uint8Array): Promise<void> {
  const times = timesFor(folder, path, bytes)
  if (times.length === 0) skip('no time is known at which it could be valid')
  for (const atMs of times) {
    let attestation: VerifiedAttestation | undefined
    const refusal = await refusalOf(async () => (attestation = await verifyAttestation(bytes, { rootDer, atMs })))
    // One that verifies may still be invalid for what it says: that it runs in debug mode is all there is.
    must(refusal !== undefined || (attestation !== undefined && (await isDebug(attestation))), 'accepted')
    must(refusal === undefined || refusal instanceof CloisterError, 'refused by accident')
  }
}

/**
 * So that it is refused for what is wrong with it, not for its age: the time it claims, that of the one it was made
 * from, and those of all the real ones.
 */
function timesFor(folder: Folder, path: string, bytes: Uint8Array): readonly number[] {
  const times = new Set<number>()
  const details = detailsOf(folder, path)
  const origin = typeof details['origin'] === 'string' ? /derived here from (\S+)/.exec(details['origin'])?.[1] : undefined
  const base = origin === undefined ? undefined : readJsonObject(folder, `attestation/${origin}.json`)
  for (const time of [details['timestamp_ms'], base?.['timestamp_ms']]) if (typeof time === 'number') times.add(time)
  try {
    times.add(decodeUnverifiedAttestation(bytes).document.timestampMs)
  } catch {
    // not even a document
  }
  for (const { timestamp_iso: time } of indexOf(folder, 'attestation').values()) {
    if (typeof time === 'string') times.add(Date.parse(time))
  }
  return [...times].filter((time) => Number.isFinite(time) && time > 0)
}

async function isDebug(attestation: VerifiedAttestation): Promise<boolean> {
  const policy = { measurements: [], nonce: null, nowMs: null, maxAgeMs: 0, maxSkewMs: 0 }
  const refusal = await refusalOf(() => acceptAttestation(attestation, policy))
  return refusal instanceof CloisterError && refusal.code === 'attestation_debug'
}

function matches(attestation: VerifiedAttestation, said: Json): boolean {
  const hexOf = (bytes: Uint8Array | null): string | null => (bytes === null ? null : toHex(bytes))
  const pcrs = isObject(said['pcrs']) ? said['pcrs'] : {}
  const expected: readonly (readonly [unknown, unknown])[] = [
    [said['module_id'], attestation.moduleId],
    [said['timestamp_ms'], attestation.timestampMs],
    [said['public_key'], hexOf(attestation.publicKey)],
    [said['user_data'], hexOf(attestation.userData)],
    [said['nonce'], hexOf(attestation.nonce)],
    ...Object.entries(pcrs).map(([index, digest]) => [digest, hexOf(attestation.pcrs.get(Number(index)) ?? null)] as const),
  ]
  return expected.every(([is, ours]) => is === undefined || is === ours)
}

function indexOf(folder: Folder, name: string = folder.name): ReadonlyMap<string, Json> {
  const entries = new Map<string, Json>()
  try {
    for (const entry of list(readJson(folder, `${name}/index.json`), 'the index')) {
      if (isObject(entry) && typeof entry['name'] === 'string') entries.set(entry['name'], entry)
    }
  } catch {
    // each document stands for itself
  }
  return entries
}

function detailsOf(folder: Folder, path: string): Json {
  return readJsonObject(folder, path.replace(/\.cbor$/, '.json')) ?? {}
}

function nameOf(path: string): string {
  return path.slice(path.indexOf('/') + 1).replace(/\.cbor$/, '')
}
