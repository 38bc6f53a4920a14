/**
 * Path validation (x509-limbo) by lib/attestation/chain.ts. Its cases are for web servers, on P-256; ours is the Nitro
 * PKI, on P-384: so the certificates are re-keyed first (x509-rekey.ts). Then a case that must fail must be refused
 * along every path that leads from its leaf to a root. One that may succeed passes when it is accepted; the profile is
 * stricter than the RFC, so a refusal is none of its faults. What the profile doesn't look at at all (host names,
 * revocation, …) is skipped.
 */
import { verifyChain } from '../../lib/attestation/chain.ts'
import { DerError } from '../../lib/attestation/der.ts'
import { CloisterError } from '../../lib/protocol/errors.ts'
import { equal } from '../../lib/protocol/bytes.ts'
import { list, text, UnknownShape, type Json } from './fields.ts'
import { checkEach, eachFile, type RunFolder } from './folder.ts'
import { must, refusalOf, skip } from './report.ts'
import { rekey, type Rekeyed } from './x509-rekey.ts'

const MAX_PATHS = 64
const MAX_STEPS = 1000
const PEM = /^-----BEGIN CERTIFICATE-----([A-Za-z0-9+/=\s]+)-----END CERTIFICATE-----\s*$/
/** Where a case names no time: its certificates last for centuries. */
const ANY_TIME_MS = Date.UTC(2025, 0, 1)

const OUT_OF_PROFILE: readonly (readonly [(vector: Json, id: string) => boolean, string])[] = [
  [(vector) => Array.isArray(vector['crls']) && vector['crls'].length > 0, 'revocation is not looked at, as AWS says'],
  [(vector) => typeof vector['max_chain_depth'] === 'number', 'nobody can set a depth'],
  [(_, id) => /::(san|cn)::|::no-san$/.test(id), 'no host names in this PKI'],
  [(_, id) => id.includes('::eku::'), 'extended key usage is not looked at'],
  [(_, id) => /noncritical|::pc::|aia/.test(id), 'an extension that is not critical is ignored, whatever it says'],
  [(_, id) => /::(aki|ski)::/.test(id), 'key identifiers are not looked at'],
]

export const runX509: RunFolder = (folder, report) => eachFile(folder, report, (file) => checkEach(report, file, check))

async function check(vector: Json): Promise<void> {
  const id = text(vector, 'id')
  const mayPass = text(vector, 'expected_result') !== 'FAILURE'
  for (const [applies, reason] of OUT_OF_PROFILE) if (applies(vector, id)) skip(reason)
  const roots = pemList(vector['trusted_certs'])
  const given = [...roots, ...pemList(vector['untrusted_intermediates']), pem(vector['peer_certificate'])]
  let all: readonly Rekeyed[]
  try {
    all = rekey(given)
  } catch (error) {
    if (!(error instanceof DerError)) throw new UnknownShape('a certificate that is not one')
    return mayPass ? skip('a certificate that is too large, or not DER') : undefined // refused by our own reader
  }
  // A key of another kind is either the fault that the case is about, or makes it one for another PKI.
  const foreign = all.some((one) => !one.replaced)
  if (foreign && !/forbidden|explicit-curve/.test(id)) skip('keys that are not on a curve of NIST: another PKI')
  const [between, leaf] = [all.slice(roots.length, -1), all.at(-1) as Rekeyed]
  const accepted = await isAccepted(all.slice(0, roots.length), between, leaf, timeOf(vector))
  if (mayPass && !accepted) skip('the profile is stricter than what the case allows')
  must(accepted === mayPass, 'accepted')
}

async function isAccepted(roots: readonly Rekeyed[], between: readonly Rekeyed[], leaf: Rekeyed, atMs: number): Promise<boolean> {
  const paths = pathsTo(roots, between, leaf)
  // None by name: then it must be refused in whatever order it came.
  for (const path of paths.length > 0 ? paths : roots.map((root) => [root, ...between, leaf])) {
    const [root, ...rest] = path.map((one) => one.der)
    const last = rest.pop()
    if (root === undefined || last === undefined) throw new UnknownShape('no chain')
    const refusal = await refusalOf(() => verifyChain({ rootDer: root, intermediatesDer: rest, leafDer: last, atMs }))
    if (refusal === undefined) return true
    must(refusal instanceof CloisterError, 'refused by accident')
  }
  return false
}

/**
 * Ways from a root down to the leaf, by names; not all of them, for some cases are built to have more than anybody
 * could walk.
 */
function pathsTo(roots: readonly Rekeyed[], between: readonly Rekeyed[], leaf: Rekeyed): readonly (readonly Rekeyed[])[] {
  const found: (readonly Rekeyed[])[] = []
  const open: (readonly Rekeyed[])[] = [[leaf]]
  for (let steps = 0; steps < MAX_STEPS && found.length < MAX_PATHS; steps++) {
    const path = open.shift()
    const last = path?.[0]
    if (path === undefined || last === undefined) break
    const issued = (one: Rekeyed): boolean => equal(one.subject, last.issuer) && !path.includes(one)
    found.push(...roots.filter(issued).map((root) => [root, ...path]))
    open.push(...between.filter(issued).map((one) => [one, ...path]))
  }
  return found
}

function timeOf(vector: Json): number {
  const time = vector['validation_time']
  const timeMs = typeof time === 'string' ? Date.parse(time) : ANY_TIME_MS
  if (!Number.isFinite(timeMs)) throw new UnknownShape('validation_time')
  return timeMs
}

function pemList(value: unknown): readonly Uint8Array[] {
  return list(value, 'certificates').map(pem)
}

function pem(value: unknown): Uint8Array {
  const body = typeof value === 'string' ? PEM.exec(value)?.[1] : undefined
  if (body === undefined) throw new UnknownShape('not a certificate in PEM')
  return new Uint8Array(Buffer.from(body, 'base64'))
}
