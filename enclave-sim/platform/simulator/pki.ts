/**
 * The simulator's PKI below its root, of the real one's shape: regional (20 days, path length 2), zonal (6 days, 1), instance (24 hours, 0),
 * leaf (3 hours). Made anew for each launch, and again before the leaf expires; never stored.
 */
import { generateKeyPairSync, randomBytes, sign, type KeyObject } from 'node:crypto'
import { issueCertificate, type CertificateOptions, type DistinguishedName } from './certificate.ts'
import type { DocumentSigner } from './document.ts'
import { ROOT_NAME, type SimulatorRoot } from './root.ts'

const HOUR_SEC = 3600
const LIFETIMES_SEC = { regional: 20 * 24 * HOUR_SEC, zonal: 6 * 24 * HOUR_SEC, instance: 24 * HOUR_SEC, leaf: 3 * HOUR_SEC } as const
/** A verifier's clock may be behind ours by this much. */
const BACKDATE_SEC = 60
/** No document is signed with a leaf that has less than this left. */
const RENEW_BEFORE_SEC = 10 * 60

const REGION = 'simulated'

interface Chain {
  readonly signer: DocumentSigner
  readonly notBeforeMs: number
  readonly renewAtMs: number
}

/**
 * Returns a function that gives the signer for a document of the time it is told.
 * @param options.instanceId `i-<17 hex>`, in the instance certificate's name.
 * @param options.moduleId `<instance id>-enc<16 hex>`, in the leaf's name.
 */
export function createPki(options: {
  readonly root: SimulatorRoot
  readonly instanceId: string
  readonly moduleId: string
}): (atMs: number) => DocumentSigner {
  let chain: Chain | undefined
  return (atMs) => {
    if (chain === undefined || atMs >= chain.renewAtMs || atMs < chain.notBeforeMs) chain = createChain(options, atMs)
    return chain.signer
  }
}

function createChain({ root, instanceId, moduleId }: Parameters<typeof createPki>[0], atMs: number): Chain {
  const notBeforeSec = Math.floor(atMs / 1000) - BACKDATE_SEC
  const suffix = `${REGION}.cloister-simulator.nitro-enclaves`
  const base: DistinguishedName = [['C', 'XX'], ['O', 'Cloister Simulator'], ['OU', 'Not AWS']]
  const place: DistinguishedName = [['C', 'XX'], ['ST', 'Simulation'], ['L', 'Laptop'], ['O', 'Cloister Simulator'], ['OU', 'Not AWS']]

  function issue(kind: keyof typeof LIFETIMES_SEC, subject: DistinguishedName, issuer: CertificateOptions['issuer']) {
    const keys: { publicKey: KeyObject; privateKey: KeyObject } = generateKeyPairSync('ec', { namedCurve: 'P-384' })
    const certificate = issueCertificate({
      kind, subject, issuer, publicKey: keys.publicKey, notBeforeSec, notAfterSec: notBeforeSec + LIFETIMES_SEC[kind],
    })
    return { certificate, name: subject, ...keys }
  }

  const regional = issue('regional', [...base, ['CN', `${randomId()}.${suffix}`]], { name: ROOT_NAME, ...root })
  // The real zonal certificate names itself back to front: a verifier that sorts names would not notice the difference.
  const zonal = issue('zonal', [['CN', `${randomId()}.zonal.${suffix}`], ...base.toReversed()], regional)
  const instance = issue('instance', [...place, ['CN', `${instanceId}.${suffix}`]], zonal)
  const leaf = issue('leaf', [...place, ['CN', `${moduleId}.${REGION}`]], instance)

  return {
    signer: {
      certificate: leaf.certificate,
      cabundle: [root.certificate, regional.certificate, zonal.certificate, instance.certificate],
      sign: (bytes) => new Uint8Array(sign('sha384', bytes, { key: leaf.privateKey, dsaEncoding: 'ieee-p1363' })),
    },
    notBeforeMs: notBeforeSec * 1000,
    renewAtMs: (notBeforeSec + LIFETIMES_SEC.leaf - RENEW_BEFORE_SEC) * 1000,
  }
}

const randomId = (): string => randomBytes(8).toString('hex')
