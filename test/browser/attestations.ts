/** Attestation documents that a page must not believe, made of the cloud's own true one: its simulator's root is at hand, so most are well signed. */
import { join } from 'node:path'
import type { Page } from 'playwright-core'
import { buildDocument, type DocumentContent } from '../../enclave-sim/platform/simulator/document.ts'
import { createPki } from '../../enclave-sim/platform/simulator/pki.ts'
import { openSimulatorRoot } from '../../enclave-sim/platform/simulator/root.ts'
import { decodeUnverifiedAttestation } from '../../lib/attestation/document.ts'
import type { ErrorCode } from '../../lib/protocol/errors.ts'
import type { Cloud } from '../support/cloud.ts'

interface Lie {
  readonly name: string
  readonly code: ErrorCode
  /** What the page must say. */
  readonly says: RegExp
  make(cloud: Cloud, nonce: Uint8Array): Promise<Uint8Array>
}

export const LIES: readonly Lie[] = [
  {
    name: 'forged: one bit of the signature is another',
    code: 'attestation_signature',
    says: /forged/,
    async make(cloud, nonce) {
      const document = await attestation(cloud, nonce)
      document[document.length - 1] = (document.at(-1) as number) ^ 1
      return document
    },
  },
  {
    name: 'forged: signed under a root that somebody else made',
    code: 'attestation_chain',
    says: /root that this app trusts/,
    make: (cloud, nonce) => resigned(cloud, nonce, {}, join(cloud.stateDir, 'another-root')),
  },
  { name: 'an earlier one, played again', code: 'attestation_nonce', says: /another request/, make: (cloud) => attestation(cloud, new Uint8Array(32)) },
  {
    name: 'fresh and well signed, with another nonce',
    code: 'attestation_nonce',
    says: /another request/,
    make: (cloud, nonce) => resigned(cloud, nonce, { nonce: nonce.map((byte) => byte ^ 1) }),
  },
  {
    name: 'of another image',
    code: 'attestation_measurements',
    says: /other software/,
    make: (cloud, nonce) => resigned(cloud, nonce, (content) => ({ pcrs: new Map(content.pcrs).set(0, new Uint8Array(48).fill(7)) })),
  },
  {
    name: 'of another configuration',
    code: 'attestation_measurements',
    says: /other software/,
    make: (cloud, nonce) => resigned(cloud, nonce, (content) => ({ pcrs: new Map(content.pcrs).set(16, new Uint8Array(48).fill(7)) })),
  },
  {
    name: 'of an enclave in debug mode',
    code: 'attestation_debug',
    says: /debug mode/,
    make: (cloud, nonce) => resigned(cloud, nonce, (content) => ({ pcrs: new Map(content.pcrs).set(0, new Uint8Array(48)) })),
  },
  {
    name: 'with a channel key of the relay’s own',
    code: 'attestation_binding',
    says: /vouch for the key/,
    make: (cloud, nonce) => resigned(cloud, nonce, { publicKey: new Uint8Array(32).fill(9) }),
  },
]

/** Puts a lie in the place of each attestation that the page asks for. */
export async function lyingRelay(page: Page, cloud: Cloud, lie: Lie): Promise<void> {
  await page.route(`${cloud.url}/v1/enclave?*`, async (route) => {
    const nonce = new Uint8Array(Buffer.from(new URL(route.request().url()).searchParams.get('nonce') ?? '', 'base64url'))
    const document = Buffer.from(await lie.make(cloud, nonce)).toString('base64url')
    const headers = { 'access-control-allow-origin': new URL(page.url()).origin }
    await route.fulfill({ status: 200, contentType: 'application/json', headers, body: JSON.stringify({ attestation: document }) })
  })
}

async function attestation(cloud: Cloud, nonce: Uint8Array): Promise<Uint8Array> {
  const { json } = await cloud.call('GET', `/v1/enclave?nonce=${Buffer.from(nonce).toString('base64url')}`)
  return new Uint8Array(Buffer.from(json['attestation'] as string, 'base64url'))
}

type Changes = Partial<DocumentContent> | ((content: DocumentContent) => Partial<DocumentContent>)

/** What the hypervisor would have written and signed, had it seen something else. */
async function resigned(cloud: Cloud, nonce: Uint8Array, changes: Changes, pkiDir = join(cloud.stateDir, 'simulator')): Promise<Uint8Array> {
  const content: DocumentContent = decodeUnverifiedAttestation(await attestation(cloud, nonce)).document
  const root = openSimulatorRoot(pkiDir, content.timestampMs)
  const signerAt = createPki({ root, instanceId: content.moduleId.split('-enc')[0] as string, moduleId: content.moduleId })
  const { moduleId, timestampMs, pcrs, publicKey, userData } = content
  const plain = { moduleId, timestampMs, pcrs, publicKey, userData, nonce }
  return buildDocument({ ...plain, ...(typeof changes === 'function' ? changes(plain) : changes) }, signerAt(timestampMs))
}
