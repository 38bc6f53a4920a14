/** What an operator's command line trusts: a root and the measurements of releases, from files. */
import { readFile } from 'node:fs/promises'
import type { Measurements } from '../lib/attestation/policy.ts'
import { assertAwsRoot } from '../lib/attestation/root.ts'

/**
 * A root certificate, DER or PEM. AWS's is known by its hash; another must be asked for by name.
 * @throws Error unless exactly one is given; CloisterError `attestation_chain` when `aws` is another
 */
export async function readRoot({ aws, other }: { readonly aws: string | undefined; readonly other: string | undefined }): Promise<Uint8Array> {
  if ((aws === undefined) === (other === undefined)) throw new Error('exactly one of --root and --insecure-root')
  const bytes = await readFile((aws ?? other) as string)
  const pem = /-----BEGIN CERTIFICATE-----([\s\S]+?)-----END CERTIFICATE-----/.exec(bytes.toString('latin1'))?.[1]
  const der = new Uint8Array(pem === undefined ? bytes : Buffer.from(pem, 'base64'))
  if (aws !== undefined) await assertAwsRoot(der)
  return der
}

/** @param given a list of measurements or the release manifest that has one, as JSON or as the name of its file; none at all would be no check */
export async function readMeasurements(given: string): Promise<readonly Measurements[]> {
  const text = /^\s*[[{]/.test(given) ? given : await readFile(given, 'utf8')
  const parsed = JSON.parse(text) as readonly Measurements[] | { readonly measurements: readonly Measurements[] }
  const list = 'measurements' in parsed ? parsed.measurements : parsed
  if (list.length === 0) throw new Error('--measurements is empty')
  return list
}
